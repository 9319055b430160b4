//! Pacing: segments leave one after the other rather than in bursts, which a queue on the way would have to
//! hold.

#[cfg(test)]
mod tests;

use super::Sender;
use crate::Config;
use crate::congestion::{MAX_QUANTUM, send_quantum};
use core::time::Duration;
use sockeye_wire::Instant;

/// Segments at the start of a connection that leave unpaced: an initial window is small enough.
const UNPACED_SEGMENTS: u8 = 10;
/// When the next segment may leave.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    departure: Instant,
    /// Something waits for that time.
    waiting: bool,
    unpaced_segments: u8,
}

impl Default for Pacer {
    fn default() -> Self {
        Self { departure: Instant::ZERO, waiting: false, unpaced_segments: UNPACED_SEGMENTS }
    }
}

impl Pacer {
    /// Whether something may leave now; if not, [`deadline`](Self::deadline) is when it may.
    #[inline]
    pub(super) fn may_leave(&mut self, now: Instant) -> bool {
        self.waiting = now < self.departure;
        !self.waiting
    }

    /// Whether anything was ever paced.
    pub(super) fn is_used(&self) -> bool {
        self.departure > Instant::ZERO
    }

    /// Nothing leaves before `at`, whatever the rate.
    pub(super) fn hold_until(&mut self, at: Instant) {
        self.departure = self.departure.max(at);
    }

    /// Nothing waits any more.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.waiting = false;
    }

    /// When what waits may leave.
    #[inline]
    pub(super) fn deadline(&self) -> Instant {
        if self.waiting { self.departure } else { Instant::FAR_FUTURE }
    }

    /// `octets` in `segments` leave; `rate` in octets a second.
    pub(super) fn on_sent(&mut self, now: Instant, octets: u32, segments: u16, rate: u64) {
        if self.unpaced_segments > 0 {
            let left = u16::from(self.unpaced_segments).saturating_sub(segments);
            self.unpaced_segments = left as u8;
            self.departure = now;
            return;
        }
        let nanos = u64::from(octets) * 1_000_000_000 / rate.max(1);
        let takes = Duration::from_nanos(nanos);
        // A late timer is made up for, but by no more than half of what leaves, or lateness would become bursts.
        let credit = now.since(self.departure).min(takes / 2);
        self.departure = now + (takes - credit);
    }
}

impl Sender {
    /// Octets that should be handed to the device at once, before others have their turn: what the connection's rate carries in a
    /// millisecond, two segments at least, a super-segment before the rate is known.
    pub(crate) fn small_queue(&self) -> u32 {
        let rate = self.controller.get().pacing_rate().or_else(|| self.window_rate());
        rate.map_or(MAX_QUANTUM, |rate| send_quantum(rate, self.mss()))
    }

    /// Most payload of one item: what a millisecond carries, and more where the path is short; as on Linux.
    pub(super) fn item_bytes(&self, config: &Config) -> u32 {
        let Some(rate) = self.window_rate() else { return MAX_QUANTUM };
        let least = self.rack.min_rtt();
        let least = if least.is_zero() { self.rtt.smoothed().unwrap_or_default() } else { least };
        let halvings = (least.as_micros() >> 9).min(31) as u32;
        let carried = (rate >> 10) + (u64::from(MAX_QUANTUM) >> halvings);
        let mss = self.mss();
        let segments =
            (carried.min(MAX_QUANTUM.into()) as u32 / mss).max(u32::from(config.min_item_segments));
        segments.saturating_mul(mss)
    }

    /// The rate to pace at, in octets a second; `None` to send as the windows allow.
    #[inline]
    pub(crate) fn pacing_rate(&self, config: &Config) -> Option<u64> {
        let own = self.controller.get().pacing_rate();
        if own.is_none() && !config.pacing && config.max_pacing_rate.is_none() {
            return None;
        }
        let rate = match own {
            Some(rate) => rate,
            None => self.window_rate()?,
        };
        Some(config.max_pacing_rate.map_or(rate, |most| rate.min(most)))
    }

    /// Twice the window a round trip in slow start, so that it can double, and a little more than it afterwards, as on Linux.
    fn window_rate(&self) -> Option<u64> {
        let (window, threshold) = self.congestion_window();
        let percent = if window < threshold / 2 { 200 } else { 120 };
        let micros = u64::try_from(self.rtt.smoothed()?.as_micros()).unwrap_or(u64::MAX).max(1);
        let per_round = u64::from(window.max(self.flight_size()));
        Some(per_round * percent * 10_000 / micros)
    }
}
