//! Header prediction (Van Jacobson): what SEGMENT ARRIVES comes to for a segment that continues the last one.

use crate::options::Timestamps;
use crate::state::State;
use crate::{Connection, Events};
use sockeye_wire::{Instant, Payload, SeqNumber};

/// A segment whose header differs from that of the last one accepted in its sequence number, the end of the former, and perhaps in PSH.
#[derive(Clone, Copy, Debug)]
pub struct Continuation {
    /// Sequence number.
    pub seq: SeqNumber,
    /// Octets of data, at least one.
    pub len: u32,
    /// When it reached the link.
    pub arrival: Instant,
    /// Those of both segments.
    pub timestamps: Option<Timestamps>,
}

impl Connection {
    /// RCV.NXT, while there is one.
    #[inline]
    #[must_use]
    pub fn expected(&self) -> Option<SeqNumber> {
        self.state.open().map(|open| open.receive.nxt)
    }

    /// Takes the text of a segment of which all else was said by the one before it; false, and nothing is done, if it needs all steps of
    /// [`on_segment`](Self::on_segment).
    #[inline]
    pub fn take_next(
        &mut self,
        now: Instant,
        next: &Continuation,
        payload: impl FnOnce() -> Payload,
    ) -> bool {
        let config = self.config();
        let (delay, tuning) = (config.delayed_ack, config.receive_tuning());
        if self.is_orphaned() || self.is_shut() {
            return false;
        }
        let State::Established(open) = self.state_mut() else { return false };
        if open.ecn.is_some() || !open.receive.is_next(next.seq, next.len) {
            return false;
        }
        open.heard = now;
        open.send.note_newest(next.seq);
        let echo = open.echoed_at(next.arrival, next.timestamps);
        open.receive.measure(next.arrival, echo, open.negotiated.own_mss, tuning);
        open.receive.take_next(now, payload(), delay);
        self.tally_next();
        self.notify(Events::READABLE);
        true
    }
}
