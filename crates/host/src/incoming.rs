//! SYNs that wait for a decision: the records, their queue and their limits.

use crate::ends::Ends;
use crate::ids::HeldId;
use crate::pages::Pages;
use crate::wheel::TimerId;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;
use sockeye_tcp::{Config, HalfOpen};

/// How a host holds the SYNs that no listener is for; see [`Host::set_incoming`](crate::Host::set_incoming).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IncomingConfig {
    /// SYNs held at most. Further ones are dropped, so that their clients try again a second later.
    pub limit: usize,
    /// How long one is held at most. It is then forgotten in silence; if the client still tries, its next SYN is a new one.
    pub patience: Duration,
    /// Settings of the connections that are completed; none: the host's.
    pub tcp: Option<Arc<Config>>,
}

impl Default for IncomingConfig {
    /// 65,536 SYNs, each for half a minute, in which a client that does as RFC 6298 says has sent its SYN five times.
    fn default() -> Self {
        Self { limit: 65_536, patience: Duration::from_secs(30), tcp: None }
    }
}

/// A SYN that has not been answered.
pub(crate) struct HeldRecord {
    /// Its deadline is when the SYN is forgotten.
    pub(crate) half_open: HalfOpen,
    pub(crate) ends: Ends,
    pub(crate) hash: u32,
    pub(crate) timer: TimerId,
}

/// Who asked for SYNs, and which of them were not yet fetched.
pub(crate) struct Incoming {
    pub(crate) config: IncomingConfig,
    pub(crate) queue: VecDeque<HeldId>,
    /// An event about it is on its way.
    pub(crate) announced: bool,
}

impl Incoming {
    pub(crate) const fn new(config: IncomingConfig) -> Self {
        Self { config, queue: VecDeque::new(), announced: false }
    }

    /// Queues a SYN that is in `held`. What is no longer there is cleared away in lots, so that the queue is bounded by the limit and
    /// a place in it costs the same however long it is.
    pub(crate) fn push(&mut self, id: HeldId, held: &Pages<HeldRecord>) {
        if self.queue.len() >= 2 * self.config.limit.max(32) {
            self.queue.retain(|id| held.get(id.0).is_some());
        }
        self.queue.push_back(id);
    }
}
