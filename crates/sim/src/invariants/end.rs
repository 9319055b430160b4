//! One end of a connection, as its packets show it.

use super::breach::{Found, Rule};
use super::incoming::Incoming;
use super::inner::Inner;
use super::outgoing::Outgoing;
use super::seen::Seen;
use super::{Endpoints, Snapshot};

/// What is known of an end: what it sent, what reached it, what it says of itself.
#[derive(Debug)]
pub(super) struct End {
    pub(super) endpoints: Endpoints,
    pub(super) out: Outgoing,
    pub(super) incoming: Incoming,
    inner: Inner,
    step: Step,
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
            step: Step::default(),
        }
    }

    pub(super) fn on_sent(&mut self, seen: &Seen, found: &mut Found) {
        if seen.flags.rst() {
            self.step.sent_reset = true;
            return;
        }
        // Once both have offered it, windows are scaled, but for those of SYNs (RFC 7323 §2.2).
        let own_shift = self.out.window_scale.zip(self.incoming.window_scale);
        let own_shift = own_shift.map_or(0, |(own, _)| own);
        self.out.on_sent(seen, self.inner.una(&self.out), found);
        self.incoming.on_sent(seen, own_shift, found);
        let negotiated = self.out.timestamps && self.incoming.timestamps;
        if !seen.flags.syn() {
            found.demand(seen.timestamps.is_some() == negotiated, Rule::Timestamps, || {
                format!("{:?} where they are {}", seen.timestamps, negotiated)
            });
        }
    }

    pub(super) fn on_arrival(&mut self, seen: &Seen) {
        if seen.flags.rst() {
            self.step.resets_arrived += 1;
            return;
        }
        self.step.others_arrived += 1;
        self.incoming.on_arrival(seen, self.out.has_sent(seen));
        let peer_shift = self.out.window_scale.and(self.incoming.window_scale).unwrap_or(0);
        self.out.on_arrival(seen, peer_shift);
    }

    pub(super) fn on_snapshot(&mut self, snapshot: &Snapshot, found: &mut Found) {
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
