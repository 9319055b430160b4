//! What an end answers within a step: resets, and challenges (RFC 5961).

use super::breach::{Found, Rule};
use super::seen::Seen;
use sockeye_wire::{Instant, SeqNumber};
use std::time::Duration;

/// Two challenges are at least so far apart: the throttle's half second, less the millisecond in which it counts at both ends.
const THROTTLE: Duration = Duration::from_millis(498);

/// What happened in the current step, and what is remembered of those before.
#[derive(Debug, Default)]
pub(super) struct Steps {
    resets_arrived: u32,
    syns_arrived: u32,
    others_arrived: u32,
    sent_reset: bool,
    /// Before anything else a reset came that had to be believed.
    must_end: bool,
    pub(super) is_synchronized: bool,
    /// Bare acknowledgements that say what the segment before them said.
    repeats: u32,
    /// Acknowledgement and window of the last segment.
    said: Option<(SeqNumber, u16)>,
    challenged_at: Option<Instant>,
}

impl Steps {
    /// `expected`: the next number of an open connection, as it was before this step.
    pub(super) fn on_arrival(&mut self, seen: &Seen, expected: Option<SeqNumber>) {
        if seen.flags.rst() {
            let is_first = self.syns_arrived + self.others_arrived == 0;
            self.must_end |= is_first && expected == Some(seen.seq);
            self.resets_arrived += 1;
        } else if seen.flags.syn() {
            self.syns_arrived += 1;
        } else {
            self.others_arrived += 1;
        }
    }

    /// `is_new`: it begins where nothing was sent before.
    pub(super) fn on_sent(&mut self, seen: &Seen, is_new: bool) {
        if seen.flags.rst() {
            self.sent_reset = true;
            return;
        }
        let says = Some((seen.ack, seen.window));
        let is_repeat = std::mem::replace(&mut self.said, says) == says;
        self.repeats += u32::from(is_repeat && is_new && seen.len() == 0);
    }

    pub(super) fn finish(&mut self, now: Instant, is_open: bool, found: &mut Found) {
        if self.sent_reset {
            let only_resets =
                self.resets_arrived > 0 && self.syns_arrived + self.others_arrived == 0;
            found.demand(!only_resets, Rule::ResetAnswersReset, || {
                format!("{} resets arrived and nothing else", self.resets_arrived)
            });
            found.demand(!self.is_synchronized, Rule::ResetWhileOpen, String::new);
        }
        found.demand(!self.must_end || !self.is_synchronized, Rule::ResetIgnored, String::new);
        self.check_challenges(now, is_open, found);
        *self = Self { said: self.said, challenged_at: self.challenged_at, ..Self::default() };
    }

    /// Where nothing came but what asks for a challenge, a bare acknowledgement without news is one.
    fn check_challenges(&mut self, now: Instant, is_open: bool, found: &mut Found) {
        let is_asked = self.resets_arrived + self.syns_arrived > 0 && self.others_arrived == 0;
        if !is_open || !is_asked || self.repeats == 0 {
            return;
        }
        let last = self.challenged_at.replace(now);
        let since = last.map(|last| now.since(last));
        found.demand(
            self.repeats == 1 && since.is_none_or(|since| since >= THROTTLE),
            Rule::Challenge,
            || format!("{} at once, {since:?} after the last", self.repeats),
        );
    }
}
