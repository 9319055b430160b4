//! Reno: slow start and congestion avoidance (RFC 5681 §3.1) with appropriate byte counting (RFC 3465).

use super::{Acknowledged, CongestionControl, after_idle, after_underuse};

/// RFC 5681.
#[derive(Clone, Debug)]
pub struct Reno {
    window: u32,
    slow_start_threshold: u32,
    /// Bytes acknowledged since the window last grew, in congestion avoidance.
    acked: u32,
}

impl Reno {
    /// Starts in slow start with `initial_window` bytes.
    #[must_use]
    pub const fn new(initial_window: u32) -> Self {
        Self { window: initial_window, slow_start_threshold: u32::MAX, acked: 0 }
    }

    /// With another slow-start threshold than none.
    pub(super) const fn with_threshold(mut self, slow_start_threshold: u32) -> Self {
        self.slow_start_threshold = slow_start_threshold;
        self
    }

    fn halve(in_flight: u32, mss: u32) -> u32 {
        (in_flight / 2).max(2 * mss)
    }

    /// RFC 8511 §3: a mark comes from a shallower queue than a loss, so less need be given up.
    fn reduce_for_mark(in_flight: u32) -> u32 {
        (u64::from(in_flight) * 8 / 10) as u32
    }
}

impl CongestionControl for Reno {
    fn window(&self) -> u32 {
        self.window
    }

    fn slow_start_threshold(&self) -> u32 {
        self.slow_start_threshold
    }

    fn seed_threshold(&mut self, threshold: u32) {
        self.slow_start_threshold = threshold;
    }

    fn on_acknowledged(&mut self, acknowledged: &Acknowledged) {
        let Acknowledged { bytes: acked, mss, .. } = *acknowledged;
        if self.window < self.slow_start_threshold {
            // Aggregates acknowledge many segments at once, each of which counts, as on a Linux sender (RFC 3465 with L = ∞ per
            // aggregate); beyond the threshold growth is linear again.
            let grown = self.window.saturating_add(acked);
            self.window = grown.min(self.slow_start_threshold.max(self.window + mss));
            return;
        }
        self.acked = self.acked.saturating_add(acked);
        if self.acked >= self.window {
            self.acked -= self.window;
            self.window = self.window.saturating_add(mss);
        }
    }

    fn on_loss(&mut self, in_flight: u32, mss: u32) {
        self.slow_start_threshold = Self::halve(in_flight, mss);
        self.window = self.slow_start_threshold;
        self.acked = 0;
    }

    fn on_timeout(&mut self, in_flight: u32, mss: u32, first: bool) {
        if first {
            self.slow_start_threshold = Self::halve(in_flight, mss);
        }
        self.window = mss;
        self.acked = 0;
    }

    fn on_ecn(&mut self, in_flight: u32, mss: u32) {
        let kept = Self::reduce_for_mark(in_flight);
        self.slow_start_threshold = kept.max(2 * mss);
        self.window = kept.max(mss).min(self.window);
        self.acked = 0;
    }

    fn on_underused(&mut self, used: u32) {
        (self.window, self.slow_start_threshold) =
            after_underuse(self.window, self.slow_start_threshold, used);
    }

    fn on_idle(&mut self, restart_window: u32, timeouts: u32) {
        (self.window, self.slow_start_threshold) =
            after_idle(self.window, self.slow_start_threshold, restart_window, timeouts);
    }
}
