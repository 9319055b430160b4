//! One end of a connection, as its packets show it.

use super::breach::{Found, Rule};
use super::incoming::Incoming;
use super::inner::Inner;
use super::marks::Marks;
use super::outgoing::Outgoing;
use super::seen::Seen;
use super::{Endpoints, Snapshot};
use sockeye_tcp::EcnMode;
use std::collections::{HashSet, VecDeque};

/// What is known of an end: what it sent, what reached it, what it says of itself.
#[derive(Debug)]
pub(super) struct End {
    pub(super) endpoints: Endpoints,
    pub(super) out: Outgoing,
    pub(super) incoming: Incoming,
    inner: Inner,
    marks: Marks,
    way: Way,
    step: Step,
}

/// What becomes of what an end sends.
#[derive(Debug, Default)]
struct Way {
    /// The digests of all of it, if it is signed: nothing else may be taken for it.
    signed: HashSet<u64>,
    is_signed: bool,
    /// Of what is under way, in the order of sending, as long as it arrives like that.
    under_way: VecDeque<u64>,
    is_unfaithful: bool,
}

/// What happened in the current step.
#[derive(Debug, Default)]
struct Step {
    resets_arrived: u32,
    others_arrived: u32,
    sent_reset: bool,
    is_synchronized: bool,
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
            step: Step::default(),
        }
    }

    pub(super) fn on_sent(&mut self, seen: &Seen, found: &mut Found) {
        self.way.on_sent(seen);
        if seen.flags.rst() {
            self.step.sent_reset = true;
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
        !self.way.is_signed || self.way.signed.contains(&seen.digest)
    }

    pub(super) fn on_arrival(&mut self, seen: &Seen) {
        if seen.flags.rst() {
            self.step.resets_arrived += 1;
            return;
        }
        self.step.others_arrived += 1;
        let is_taken = self.incoming.on_arrival(seen, self.out.has_sent(seen));
        self.marks.on_arrival(seen, is_taken);
        let peer_shift = self.out.window_scale.and(self.incoming.window_scale).unwrap_or(0);
        self.out.on_arrival(seen, peer_shift);
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
        snapshot: &Snapshot,
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
        self.step.is_synchronized = snapshot.info.state.is_synchronized();
        self.inner.check(snapshot, &mut self.out, &self.incoming, found);
    }

    pub(super) fn finish_step(&mut self, found: &mut Found) {
        let step = std::mem::take(&mut self.step);
        if step.sent_reset {
            let only_resets = step.resets_arrived > 0 && step.others_arrived == 0;
            found.demand(!only_resets, Rule::ResetAnswersReset, || {
                format!("{} resets arrived and nothing else", step.resets_arrived)
            });
            found.demand(!step.is_synchronized, Rule::ResetWhileOpen, String::new);
        }
    }
}

impl Way {
    fn on_sent(&mut self, seen: &Seen) {
        self.is_signed |= seen.flags.syn() && seen.is_signed;
        if self.is_signed {
            self.signed.insert(seen.digest);
        }
        if !self.is_unfaithful {
            self.under_way.push_back(seen.digest);
        }
    }

    fn on_arrival(&mut self, seen: &Seen) {
        if self.under_way.pop_front() != Some(seen.digest) {
            self.is_unfaithful = true;
            self.under_way.clear();
        }
    }

    /// All that was sent has arrived, in that order, and nothing else.
    fn is_faithful(&self) -> bool {
        !self.is_unfaithful && self.under_way.is_empty()
    }
}
