//! What the model makes of pacing rate and window (draft-ietf-ccwg-bbr §5.6).

use super::{Bbr, State};
use crate::congestion::Sample;
use core::time::Duration;

/// BBR.PacingMarginPercent: a little below the bandwidth, so that queues drain.
const MARGIN_PERCENT: u64 = 1;
/// Taken for the round trip before any was measured.
const NOMINAL_RTT: Duration = Duration::from_millis(1);

/// InitPacingRate.
pub(super) fn initial_pacing_rate(initial_window: u32, rtt: Option<Duration>) -> u64 {
    let rtt = rtt.filter(|rtt| !rtt.is_zero()).unwrap_or(NOMINAL_RTT);
    let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1);
    u64::from(initial_window) * 1_000_000 / micros * State::Startup.pacing_gain() / 100
}

impl Bbr {
    pub(super) fn set_pacing_rate(&mut self) {
        self.set_pacing_rate_with_gain(self.state.pacing_gain());
    }

    /// SetPacingRateWithGain: before the pipe was full once, never down.
    pub(super) fn set_pacing_rate_with_gain(&mut self, gain: u64) {
        let rate = self.bw.saturating_mul(gain * (100 - MARGIN_PERCENT)) / 10_000;
        if self.bw > 0 && (self.full_pipe.reached || rate > self.pacing_rate) {
            self.pacing_rate = rate;
        }
    }

    /// BBR.max_inflight.
    pub(super) fn max_in_flight(&self) -> u32 {
        let bdp = self.bdp(self.bw, self.state.window_gain());
        self.quantized(bdp.saturating_add(self.aggregation.extra_acked()))
    }

    /// SetCwnd.
    pub(super) fn set_window(&mut self, sample: &Sample) {
        let most = self.max_in_flight();
        let grown = self.window.saturating_add(sample.newly_acked);
        if self.full_pipe.reached {
            self.window = grown.min(most);
        } else if self.window < most || self.untried > 0 {
            self.window = grown;
        }
        self.untried = self.untried.saturating_sub(sample.newly_acked);
        self.window = self.window.max(self.min_pipe_window());
        if self.state == State::ProbeRtt {
            self.window = self.window.min(self.probe_rtt_window());
        }
        self.bound_window_for_model();
    }

    /// BoundCwndForModel.
    fn bound_window_for_model(&mut self) {
        let long = match self.state {
            State::Startup | State::Drain => u32::MAX,
            State::Down | State::Refill | State::Up => self.bounds.in_flight_long,
            State::Cruise | State::ProbeRtt => self.in_flight_with_headroom(),
        };
        let cap = long.min(self.bounds.in_flight_short).max(self.min_pipe_window());
        self.window = self.window.min(cap);
    }
}
