//! Whether the congestion window is used: only then does it say anything of the network (RFC 7661 §1, RFC 2861).

#[cfg(test)]
mod tests;

use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// How much of its window a sender uses.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    /// Most that was in flight in the current round.
    most: u32,
    /// SND.NXT when it was: the round ends when this is acknowledged.
    round_end: SeqNumber,
    /// Whether the window was the limit then.
    limited: bool,
    /// Since when the window has not been the limit, and most that was in flight since.
    unlimited_since: Instant,
    used: u32,
}

impl Usage {
    pub(super) fn new(now: Instant, una: SeqNumber) -> Self {
        Self { most: 0, round_end: una, limited: false, unlimited_since: now, used: 0 }
    }

    /// Something was sent, or the window kept it back: `flight` is in flight between `una` and `nxt`.
    #[inline]
    pub(super) fn observe(&mut self, flight: u32, una: SeqNumber, nxt: SeqNumber, limited: bool) {
        let round_over = una.at_or_after(self.round_end);
        if round_over || limited || (!self.limited && flight > self.most) {
            self.limited = limited;
            self.most = flight;
            self.round_end = nxt;
        }
    }

    /// Whether the window may grow. In slow start half of it is enough, for it is to be outgrown.
    #[inline]
    pub(super) fn is_limited(&self, window: u32, threshold: u32) -> bool {
        if window < threshold { u64::from(window) < 2 * u64::from(self.most) } else { self.limited }
    }

    /// Whether the window was the limit at some time in this round trip.
    pub(super) fn was_full(&self) -> bool {
        self.limited
    }

    /// The window was or was not the limit, `is_limited` says, with `flight` in flight. If it has not been for a whole `timeout`: how
    /// much of it was used at most.
    #[inline]
    pub(super) fn underused(
        &mut self,
        now: Instant,
        flight: u32,
        is_limited: bool,
        timeout: impl FnOnce() -> Duration,
    ) -> Option<u32> {
        if is_limited {
            self.restart(now);
            return None;
        }
        self.used = self.used.max(flight);
        if now.since(self.unlimited_since) < timeout() {
            return None;
        }
        let used = self.used;
        self.restart(now);
        Some(used)
    }

    fn restart(&mut self, now: Instant) {
        self.unlimited_since = now;
        self.used = 0;
    }
}
