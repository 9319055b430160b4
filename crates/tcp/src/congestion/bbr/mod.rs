//! BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path, how fast it delivers and how long it takes at least, decides how fast
//! to send and how much may be in flight. Loss bounds the model instead of halving a window.
//!
//! | module | what it is |
//! |---|---|
//! | `state` | the states of the machine and their gains |
//! | `model` | bandwidth, round trips counted by packets, the short-term bounds, aggregation |
//! | `startup` | Startup and Drain |
//! | `probe_bw` | the cycle that looks for more bandwidth |
//! | `probe_rtt` | the least round trip, and looking for it |
//! | `ambient` | loss that is the path's own |
//! | `loss` | what losses and marks say, and taking it back |
//! | `control` | pacing rate and window |
//! | `filter` | the windowed maximum |

mod ambient;
mod control;
mod filter;
mod loss;
mod model;
mod probe_bw;
mod probe_rtt;
mod startup;
mod state;
#[cfg(test)]
mod tests;

use super::{Acknowledged, CongestionControl, LostSegment, RateSample, Sample};
use ambient::Ambient;
use control::initial_pacing_rate;
use core::time::Duration;
use loss::{Loss, Undo};
use model::{Aggregation, Bounds, Latest, MaxBandwidth, Rounds};
use probe_bw::Cycle;
use probe_rtt::MinRtt;
use sockeye_wire::Instant;
use startup::FullPipe;
use state::State;

/// draft-ietf-ccwg-bbr. Volumes are in octets, rates in octets a second.
#[derive(Clone, Debug)]
pub struct Bbr {
    /// C.cwnd, C.InitialCwnd and C.SMSS.
    window: u32,
    initial_window: u32,
    mss: u32,
    /// C.pacing_rate.
    pacing_rate: u64,
    /// The rate is still a guess, for no round trip has been measured.
    rate_is_guess: bool,
    state: State,
    rounds: Rounds,
    max_bw: MaxBandwidth,
    bounds: Bounds,
    /// BBR.bw.
    bw: u64,
    latest: Latest,
    aggregation: Aggregation,
    full_pipe: FullPipe,
    cycle: Cycle,
    min_rtt: MinRtt,
    loss: Loss,
    ambient: Ambient,
    undo: Undo,
    /// BBR.idle_restart.
    idle_restart: bool,
    /// BBR.prior_cwnd: the last window that neither recovery nor ProbeRTT had reduced.
    prior_window: u32,
    in_recovery: bool,
    /// Of the initial window's octets, those that have not been acknowledged yet: the model is worth little before.
    untried: u32,
    /// The time of the last event, if there was any.
    now: Option<Instant>,
}

/// An acknowledgement that shows a delivery rate.
struct Ack<'a> {
    sample: &'a Sample,
    rate: RateSample,
}

impl Bbr {
    /// Starts with `initial_window` octets, and with `rtt` if the handshake measured it. All chance follows from `seed`.
    #[must_use]
    pub fn new(initial_window: u32, mss: u32, rtt: Option<Duration>, seed: u32) -> Self {
        Self {
            window: initial_window,
            initial_window,
            mss: mss.max(1),
            pacing_rate: initial_pacing_rate(initial_window, rtt),
            rate_is_guess: rtt.is_none(),
            state: State::Startup,
            rounds: Rounds::default(),
            max_bw: MaxBandwidth::default(),
            bounds: Bounds::default(),
            bw: 0,
            latest: Latest::default(),
            aggregation: Aggregation::default(),
            full_pipe: FullPipe::default(),
            cycle: Cycle::new(seed),
            min_rtt: MinRtt::new(rtt),
            loss: Loss::default(),
            ambient: Ambient::default(),
            undo: Undo::default(),
            idle_restart: false,
            prior_window: 0,
            in_recovery: false,
            untried: initial_window,
            now: None,
        }
    }

    /// What is counted from the first event on.
    fn begin(&mut self, now: Instant) {
        if self.now.is_none() {
            self.min_rtt.begin(now);
            self.aggregation.restart(now);
        }
        self.now = Some(now);
    }

    /// UpdateModelAndState.
    fn update_model_and_state(&mut self, ack: &Ack<'_>) {
        self.update_latest_delivery_signals(ack);
        self.update_congestion_signals(ack);
        self.observe_ambient_loss(ack);
        self.update_aggregation(ack);
        self.check_full_bw_reached(ack);
        self.check_startup_done(ack);
        self.check_drain_done(ack);
        self.update_probe_bw_cycle_phase(ack);
        self.update_min_rtt(ack.sample);
        self.check_probe_rtt(ack);
        self.latest.advance(ack);
        self.bound_bw_for_model();
    }
}

impl CongestionControl for Bbr {
    fn window(&self) -> u32 {
        self.window
    }

    /// There is none.
    fn slow_start_threshold(&self) -> u32 {
        u32::MAX
    }

    /// The window follows the model, not what is acknowledged.
    fn on_acknowledged(&mut self, _acknowledged: &Acknowledged) {}

    fn on_loss(&mut self, _in_flight: u32, _mss: u32) {
        self.enter_recovery();
    }

    /// Slow, until acknowledgements show what is left of the path.
    fn on_timeout(&mut self, _in_flight: u32, mss: u32, first: bool) {
        if first {
            self.enter_recovery();
        }
        self.window = mss;
    }

    fn on_ecn(&mut self, in_flight: u32, _mss: u32) {
        self.handle_mark(in_flight);
    }

    fn on_idle(&mut self, _restart_window: u32, _timeouts: u32) {}

    fn on_underused(&mut self, _used: u32) {}

    /// UpdateOnACK.
    fn on_sample(&mut self, sample: &Sample) {
        self.begin(sample.now);
        self.mss = sample.mss.max(1);
        self.loss.delivered = sample.delivered;
        if let Some(rtt) = sample.rtt.filter(|_| self.rate_is_guess) {
            self.pacing_rate = initial_pacing_rate(self.initial_window, Some(rtt));
            self.rate_is_guess = false;
        }
        if let Some(rate) = sample.rate {
            self.update_model_and_state(&Ack { sample, rate });
        }
        self.set_pacing_rate();
        self.set_window(sample);
    }

    fn on_segment_lost(&mut self, lost: &LostSegment) {
        self.handle_lost_segment(lost);
    }

    fn on_recovered(&mut self) {
        if core::mem::take(&mut self.in_recovery) {
            self.restore_window();
        }
    }

    fn on_restart(&mut self, now: Instant) {
        self.handle_restart_from_idle(now);
    }

    fn on_spurious(&mut self) {
        self.handle_spurious_loss();
    }

    /// As on Linux half as much again: what is sent does not slow down during recovery, nor when repairs are lost.
    fn provision(&self) -> u32 {
        let most = self.window.max(self.max_in_flight());
        most.saturating_add(most / 2)
    }

    fn steers_recovery(&self) -> bool {
        true
    }

    fn holds_back(&self) -> bool {
        self.state == State::ProbeRtt
    }

    fn pacing_rate(&self) -> Option<u64> {
        Some(self.pacing_rate)
    }
}
