//! How shards hand each other the packets that arrived on the wrong queue: once per batch, not per packet.

use crate::waiters::Wakes;
use sockeye_host::Misplaced;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Packets that may wait for one shard; what comes beyond is lost, as from any full queue.
const CAPACITY_PACKETS: usize = 4_096;

/// What the shards of a stack have in common.
pub(crate) struct Common {
    inboxes: Box<[Inbox]>,
    /// Shards that still have connections, or a user.
    unfinished: AtomicUsize,
}

impl Common {
    pub(crate) fn new(shards: usize) -> Arc<Self> {
        Arc::new(Self {
            inboxes: (0..shards).map(|_| Inbox::default()).collect(),
            unfinished: AtomicUsize::new(shards),
        })
    }

    pub(crate) fn inboxes(&self) -> &[Inbox] {
        &self.inboxes
    }

    /// One shard has nothing left to do for itself. The last one wakes all others, which stayed to pass packets on.
    pub(crate) fn finish_one(&self, wakes: &mut Wakes) {
        if self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
            for inbox in &self.inboxes {
                wakes.add(&mut inbox.lock().driver);
            }
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.unfinished.load(Ordering::Acquire) == 0
    }
}

/// Where other shards leave packets for one. Its lock is held for as long as it takes to move a batch, and no other lock is taken under
/// it.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    packets: Vec<Misplaced>,
    /// The shard's driver, if it is asleep or about to be.
    driver: Option<Waker>,
}

impl Inbox {
    /// Leaves a batch; its driver is woken if it has not been since it last looked. Says how many packets found no room.
    pub(crate) fn put(&self, batch: &mut Vec<Misplaced>, wakes: &mut Wakes) -> usize {
        let mut waiting = self.lock();
        let room = CAPACITY_PACKETS.saturating_sub(waiting.packets.len());
        let lost = batch.len().saturating_sub(room);
        batch.truncate(room);
        waiting.packets.append(batch);
        wakes.add(&mut waiting.driver);
        lost
    }

    /// Takes what was left, into the empty `batch`. From then on `driver` is woken for more.
    pub(crate) fn take(&self, batch: &mut Vec<Misplaced>, driver: &Waker, wakes: &mut Wakes) {
        let mut waiting = self.lock();
        wakes.replace(&mut waiting.driver, driver);
        std::mem::swap(&mut waiting.packets, batch);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
