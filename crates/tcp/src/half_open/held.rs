//! A SYN that is not answered before somebody has decided about it: nothing was sent, so nothing can have been acknowledged.

use super::{HalfOpen, Origin};
use crate::opening::SynReceived;
use crate::state::State;
use crate::{Config, Connection, Error, Reset};
use alloc::sync::Arc;
use sockeye_wire::Instant;

impl HalfOpen {
    /// Waits for a decision until `until`, which becomes the [`deadline`](Self::deadline).
    pub fn hold(&mut self, until: Instant) {
        self.deadline = until;
    }

    /// The decision is yes: a connection in SYN-RECEIVED whose SYN-ACK is to be sent, and is sent again until it is acknowledged.
    ///
    /// The round trip is measured from now on: how long the decision took says nothing about the path.
    #[must_use]
    pub fn admit(mut self, config: Arc<Config>, now: Instant) -> Connection {
        self.sent_at = now;
        self.deadline = now + config.initial_rto;
        let received = SynReceived::of_held(self, now);
        Connection::new(config, State::SynReceived(received), now)
    }

    /// The decision is no: what a closed port answers to the SYN (RFC 9293 §3.10.7.1).
    #[must_use]
    pub fn turn_away(&self) -> Reset {
        let echo = self.negotiated.timestamps.then_some(self.ts_recent);
        Reset { seq: sockeye_wire::SeqNumber(0), ack: Some(self.irs + 1), echo }
    }

    /// What it means to whoever knows of the connection that the peer took its SYN back.
    pub(crate) const fn taken_back(&self) -> Error {
        match self.origin {
            // RFC 9293 §3.10.7.4: it was initiated with an active OPEN.
            Origin::Crossing => Error::Refused,
            _ => Error::Reset,
        }
    }
}
