//! One end of a connection, as its packets show it.

use super::breach::{Found, Rule};
use super::incoming::Incoming;
use super::inner::Inner;
use super::marks::Marks;
use super::outgoing::Outgoing;
use super::seen::Seen;
use super::steps::Steps;
use super::way::Way;
use super::{Endpoints, Snapshot};
use sockeye_tcp::EcnMode;
use sockeye_wire::Instant;

/// What is known of an end: what it sent, what reached it, what it says of itself.
#[derive(Debug)]
pub(super) struct End {
    pub(super) endpoints: Endpoints,
    pub(super) out: Outgoing,
    pub(super) incoming: Incoming,
    inner: Inner,
    marks: Marks,
    way: Way,
    steps: Steps,
}

impl End {
    pub(super) fn new(endpoints: Endpoints) -> Self {
        Self {
            endpoints,
            out: Outgoing::default(),
            incoming: Incoming::default(),
            inner: Inner::default(),
            marks: Marks::default(),
            way: Way::default(),
            steps: Steps::default(),
        }
    }

    pub(super) fn on_sent(&mut self, seen: &Seen, found: &mut Found) {
        self.way.on_sent(seen);
        self.steps.on_sent(seen, self.out.is_new(seen));
        if seen.flags.rst() {
            return;
        }
        // Once both have offered it, windows are scaled, but for those of SYNs (RFC 7323 §2.2).
        let own_shift = self.out.window_scale.zip(self.incoming.window_scale);
        let own_shift = own_shift.map_or(0, |(own, _)| own);
        found.demand(seen.is_signed || !self.way.is_signed, Rule::Signature, String::new);
        let is_fresh = !seen.payload.is_empty() && !seen.flags.syn() && self.out.is_new(seen);
        let mode = self.inner.ecn().filter(|_| !self.incoming.is_finished());
        self.marks.on_sent(seen, mode, is_fresh, found);
        self.out.on_sent(seen, self.inner.una(&self.out), found);
        self.incoming.on_sent(seen, own_shift, found);
        let negotiated = self.out.timestamps && self.incoming.timestamps;
        if !seen.flags.syn() {
            found.demand(seen.timestamps.is_some() == negotiated, Rule::Timestamps, || {
                format!("{:?} where they are {}", seen.timestamps, negotiated)
            });
        }
    }

    /// Whether a segment that arrives elsewhere is what this end sent, as far as that can be told from a signature. Call it for each.
    pub(super) fn has_sent(&mut self, seen: &Seen) -> bool {
        self.way.on_arrival(seen);
        self.way.has_brought(seen)
    }

    pub(super) fn on_arrival(&mut self, seen: &Seen) {
        self.steps.on_arrival(seen, self.inner.expected());
        if seen.flags.rst() {
            return;
        }
        let taken = self.incoming.on_arrival(seen, self.out.has_sent(seen));
        self.marks.on_arrival(seen, taken.data);
        let peer_shift = self.out.window_scale.and(self.incoming.window_scale).unwrap_or(0);
        self.out.on_arrival(seen, peer_shift, taken.ack);
    }

    /// How many marks its peer must know of by now: all, if everything has arrived as it was sent, nothing is under way, and nothing
    /// is still to be acknowledged.
    pub(super) fn known_marks(&self, peer: &Self) -> Option<u32> {
        let is_quiet = self.way.is_faithful() && peer.way.is_faithful();
        self.marks.known().filter(|_| is_quiet)
    }

    /// `peers_marks`: what arrived at the peer, if that must be known here.
    pub(super) fn on_snapshot(
        &mut self,
        (now, snapshot): (Instant, &Snapshot),
        peers_marks: Option<u32>,
        found: &mut Found,
    ) {
        let info = &snapshot.info;
        if let Some(last) = self.inner.last().filter(|_| info.ecn != EcnMode::Off) {
            self.marks.on_snapshot(&last, info, found);
        }
        if let Some(marks) = peers_marks
            && info.ecn == EcnMode::Accurate
            && info.snd_una == info.snd_nxt
        {
            found.demand(info.ecn_marks.0 == marks, Rule::Echoes, || {
                format!("{} marks told of, {marks} made", info.ecn_marks.0)
            });
        }
        self.steps.is_synchronized = info.state.is_synchronized();
        self.inner.check((now, snapshot), &mut self.out, &self.incoming, found);
    }

    pub(super) fn finish_step(&mut self, now: Instant, found: &mut Found) {
        // What it said last may be long ago: TIME-WAIT is a record of its own.
        let is_open = self.steps.is_synchronized && self.inner.is_open();
        self.steps.finish(now, is_open, found);
    }
}
