//! CUBIC (RFC 9438): the window follows a cubic function of the time since the last loss.

use super::hystart::HyStart;
use super::{Acknowledged, CongestionControl, after_idle, after_underuse};
use alloc::boxed::Box;
use sockeye_wire::Instant;

/// C, in segments per second cubed.
const C: f64 = 0.4;
/// β: what is left of the window after a loss, in percent.
const BETA_PERCENT: u64 = 70;
/// The same after a mark: it comes from a shallower queue than a loss (RFC 8511 §3).
const BETA_ECN_PERCENT: u64 = 85;
/// α of the Reno-friendly region: 3·(1 − β)/(1 + β).
const ALPHA: f64 = 9.0 / 17.0;

/// Congestion avoidance has not begun.
const NO_EPOCH: Instant = Instant::FAR_FUTURE;

/// RFC 9438.
#[derive(Clone, Debug)]
pub struct Cubic {
    window: u32,
    slow_start_threshold: u32,
    /// All else; absent on a connection whose window has not moved yet, for most never send much.
    growth: Option<Box<Growth>>,
}

/// How the window grows, in segments and seconds.
#[derive(Clone, Debug)]
struct Growth {
    /// Fractions of a segment that the window has grown by.
    fraction: f32,
    /// W_max.
    w_max: f32,
    /// K.
    k: f32,
    /// W_est.
    w_est: f32,
    /// The window just before the last reduction.
    prior: f32,
    /// Start of the current congestion avoidance stage.
    epoch: Instant,
    /// The last acknowledgement that let the window grow: time in between with nothing to send does not count.
    last_growth: Instant,
    /// Until the first slow start is over.
    hystart: Option<HyStart>,
    /// The next stage has no concave part: it follows a timeout or a slow start that no loss ended (RFC 9438 §4.8, §4.10).
    plain_epoch: bool,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            fraction: 0.0,
            w_max: 0.0,
            k: 0.0,
            w_est: 0.0,
            prior: 0.0,
            epoch: NO_EPOCH,
            last_growth: Instant::ZERO,
            hystart: Some(HyStart::default()),
            plain_epoch: true,
        }
    }
}

impl Cubic {
    /// Starts in slow start with `initial_window` bytes.
    #[must_use]
    pub const fn new(initial_window: u32) -> Self {
        Self { window: initial_window, slow_start_threshold: u32::MAX, growth: None }
    }

    /// With another slow-start threshold than none.
    pub(super) fn with_threshold(mut self, slow_start_threshold: u32) -> Self {
        self.slow_start_threshold = slow_start_threshold;
        self
    }

    /// A congestion event: says what is kept of the window. It counts from the window rather than what is in flight, which §4.6
    /// allows because the window only grows while it is the limit; so does Linux.
    fn reduce(&mut self, percent: u64, mss: u32) -> u32 {
        self.growth.get_or_insert_default().reduce(segments(self.window, mss));
        let kept = (u64::from(self.window) * percent / 100) as u32;
        self.slow_start_threshold = kept.max(2 * mss);
        kept
    }
}

fn segments(window: u32, mss: u32) -> f64 {
    f64::from(window) / f64::from(mss)
}

impl Growth {
    fn begin_epoch(&mut self, now: Instant, window: f64) {
        if self.plain_epoch || f64::from(self.w_max) <= window {
            self.w_max = window as f32;
            self.k = 0.0;
        } else {
            self.k = libm::cbrt((f64::from(self.w_max) - window) / C) as f32;
        }
        self.plain_epoch = false;
        self.w_est = window as f32;
        self.fraction = 0.0;
        self.epoch = now;
    }

    /// W_cubic at `seconds` into the stage.
    fn cubic(&self, seconds: f64) -> f64 {
        let t = seconds - f64::from(self.k);
        C * t * t * t + f64::from(self.w_max)
    }

    /// Congestion avoidance (RFC 9438 §4.2 to §4.5): the new window in bytes.
    fn avoid(&mut self, window_bytes: u32, acknowledged: &Acknowledged) -> u32 {
        let Acknowledged { now, mss, smoothed_rtt, .. } = *acknowledged;
        let window = segments(window_bytes, mss);
        if self.epoch == NO_EPOCH {
            self.begin_epoch(now, window);
        }
        // A pause moves the stage's start, so that it does not count as time to grow in (§4.2).
        let pause = now.since(self.last_growth);
        if self.last_growth > self.epoch && pause > smoothed_rtt * 2 {
            self.epoch += pause - smoothed_rtt;
        }
        let elapsed = now.since(self.epoch).as_secs_f64();
        let acked = f64::from(acknowledged.bytes) / f64::from(mss);

        let alpha = if f64::from(self.w_est) >= f64::from(self.prior) { 1.0 } else { ALPHA };
        self.w_est += (alpha * acked / window) as f32;

        let target = self.cubic(elapsed + smoothed_rtt.as_secs_f64()).clamp(window, 1.5 * window);
        let mut grown = window + f64::from(self.fraction) + (target - window) / window * acked;
        if self.cubic(elapsed) < f64::from(self.w_est) {
            grown = grown.max(f64::from(self.w_est));
        }
        let bytes = grown * f64::from(mss);
        let rounded = (bytes as u32).max(window_bytes);
        self.fraction = ((bytes - f64::from(rounded)) / f64::from(mss)).clamp(0.0, 1.0) as f32;
        rounded
    }

    fn reduce(&mut self, window: f64) {
        let window = window as f32;
        // Fast convergence (§4.7): a flow that could not come back to its last maximum makes room for others.
        self.w_max =
            if window < self.w_max { window * (100 + BETA_PERCENT) as f32 / 200.0 } else { window };
        self.prior = window;
        self.plain_epoch = false;
        self.epoch = NO_EPOCH;
        self.hystart = None;
    }
}

impl CongestionControl for Cubic {
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
        let growth = self.growth.get_or_insert_default();
        if self.window < self.slow_start_threshold {
            let bytes = match &mut growth.hystart {
                Some(hystart) => hystart.growth(acknowledged),
                None => acknowledged.bytes,
            };
            let grown = self.window.saturating_add(bytes);
            self.window = grown.min(self.slow_start_threshold.max(self.window));
            if growth.hystart.as_ref().is_some_and(HyStart::is_over) {
                growth.hystart = None;
                self.slow_start_threshold = self.window;
            }
        } else {
            self.window = growth.avoid(self.window, acknowledged);
        }
        growth.last_growth = acknowledged.now;
    }

    fn on_loss(&mut self, _in_flight: u32, mss: u32) {
        self.reduce(BETA_PERCENT, mss);
        self.window = self.slow_start_threshold;
    }

    fn on_timeout(&mut self, _in_flight: u32, mss: u32, first: bool) {
        if first {
            self.reduce(BETA_PERCENT, mss);
        }
        self.growth.get_or_insert_default().plain_epoch = true;
        self.window = mss;
    }

    fn on_ecn(&mut self, _in_flight: u32, mss: u32) {
        let kept = self.reduce(BETA_ECN_PERCENT, mss);
        self.window = kept.max(mss).min(self.window);
    }

    fn on_underused(&mut self, used: u32) {
        (self.window, self.slow_start_threshold) =
            after_underuse(self.window, self.slow_start_threshold, used);
    }

    fn on_idle(&mut self, restart_window: u32, timeouts: u32) {
        (self.window, self.slow_start_threshold) =
            after_idle(self.window, self.slow_start_threshold, restart_window, timeouts);
        if let Some(growth) = &mut self.growth {
            growth.epoch = NO_EPOCH;
        }
    }
}
