//! ProbeBW (draft-ietf-ccwg-bbr §5.3.3): slow down, cruise, refill, and send faster to see whether the path carries more.

use super::{Ack, Bbr, State};
use core::time::Duration;
use sockeye_wire::Instant;

/// BBR.Headroom in percent: left to others when cruising.
const HEADROOM: u64 = 15;
/// Round trips after which bandwidth is probed at the latest, so that Reno and CUBIC have had their time.
const MAX_PROBE_ROUNDS: u32 = 63;
/// Wall clock time after which it is, before chance adds up to one second.
const PROBE_WAIT: Duration = Duration::from_secs(2);
/// Most doublings of the slope at which the long-term bound rises.
const MAX_DOUBLINGS: u32 = 30;

/// What the acknowledgements at hand are answers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AckPhase {
    Init,
    Refilling,
    ProbeStarting,
    ProbeFeedback,
    ProbeStopping,
}

/// Which probing state a loss ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Probed {
    Startup,
    Up,
}

#[derive(Clone, Debug)]
pub(super) struct Cycle {
    phase: AckPhase,
    /// BBR.is_bw_probe_sample: acknowledgements at hand are of what was sent while probing.
    pub(super) is_probe_sample: bool,
    /// BBR.bw_probe_up_acked, BBR.probe_up_acked_per_inc and BBR.bw_probe_up_rounds.
    up_acked: u32,
    acked_per_increase: u32,
    up_rounds: u32,
    /// BBR.rounds_since_probe_up.
    pub(super) rounds: u32,
    /// BBR.bw_probe_wait and BBR.cycle_stamp.
    wait: Duration,
    since: Instant,
    /// BBR.prev_probe_too_high and BBR.prev_probe_precautionary.
    pub(super) too_high: bool,
    precautionary: bool,
    chance: u64,
}

impl Cycle {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            phase: AckPhase::Init,
            is_probe_sample: false,
            up_acked: 0,
            acked_per_increase: u32::MAX,
            up_rounds: 0,
            rounds: 0,
            wait: Duration::ZERO,
            since: Instant::ZERO,
            too_high: false,
            precautionary: false,
            chance: u64::from(seed),
        }
    }

    /// PickProbeWait: flows that share a bottleneck must not probe in step.
    fn pick_wait(&mut self) {
        let bits = self.next_chance();
        self.rounds = (bits & 1) as u32;
        self.wait = PROBE_WAIT + Duration::from_nanos((bits >> 1) % 1_000_000_000);
    }

    #[cfg(test)]
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// SplitMix64.
    fn next_chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.chance;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Acknowledgements of a probe may still come, but it is over.
    pub(super) fn stop_probing(&mut self) {
        self.phase = AckPhase::ProbeStopping;
    }
}

impl Bbr {
    /// StartProbeBW_DOWN.
    pub(super) fn start_down(&mut self, now: Instant) {
        self.reset_congestion_signals();
        self.cycle.acked_per_increase = u32::MAX;
        self.cycle.pick_wait();
        self.cycle.since = now;
        self.cycle.stop_probing();
        self.rounds.begin(self.loss.delivered);
        self.state = State::Down;
    }

    /// StartProbeBW_CRUISE.
    pub(super) fn start_cruise(&mut self) {
        self.state = State::Cruise;
    }

    /// StartProbeBW_REFILL.
    pub(super) fn start_refill(&mut self) {
        self.bounds.reset_short_term();
        self.ambient.advance();
        self.cycle.up_rounds = 0;
        self.cycle.up_acked = 0;
        self.cycle.precautionary = false;
        self.cycle.phase = AckPhase::Refilling;
        self.rounds.begin(self.loss.delivered);
        self.state = State::Refill;
    }

    /// StartProbeBW_UP.
    fn start_up(&mut self, ack: &Ack<'_>) {
        self.cycle.phase = AckPhase::ProbeStarting;
        self.rounds.begin(self.loss.delivered);
        self.full_pipe.reset(ack.rate.bytes_per_second);
        self.state = State::Up;
        self.raise_slope();
    }

    /// UpdateProbeBWCyclePhase.
    pub(super) fn update_probe_bw_cycle_phase(&mut self, ack: &Ack<'_>) {
        if !self.full_pipe.reached || self.adapt_long_term_model(ack) {
            return;
        }
        let now = ack.sample.now;
        match self.state {
            State::Down => {
                if self.is_time_to_probe(now) {
                    self.start_refill();
                } else if self.is_time_to_cruise(ack) {
                    self.start_cruise();
                }
            }
            State::Cruise if self.is_time_to_probe(now) => self.start_refill(),
            State::Refill if self.rounds.start => {
                self.cycle.is_probe_sample = true;
                self.start_up(ack);
            }
            State::Up => self.go_down_if_time(ack),
            _ => {}
        }
    }

    fn go_down_if_time(&mut self, ack: &Ack<'_>) {
        if self.is_time_to_go_down(ack) {
            self.cycle.too_high = false;
            self.start_down(ack.sample.now);
        }
    }

    fn is_time_to_cruise(&self, ack: &Ack<'_>) -> bool {
        let in_flight = ack.sample.in_flight;
        in_flight <= self.in_flight_with_headroom()
            && in_flight <= self.in_flight_at(self.max_bw.get(), 100)
    }

    /// IsTimeToGoDown: the probe is over because it was only to be a short one, or because the path carries no more.
    fn is_time_to_go_down(&mut self, ack: &Ack<'_>) -> bool {
        let bound = self.bounds.in_flight_long;
        if self.cycle.too_high && ack.sample.in_flight >= bound {
            self.cycle.precautionary = true;
            return true;
        }
        if ack.sample.window_limited && self.window >= bound {
            self.full_pipe.reset(ack.rate.bytes_per_second);
            return false;
        }
        self.full_pipe.now
    }

    /// IsTimeToProbeBW: after two to three seconds, or as soon as Reno would have grown by what is in flight.
    fn is_time_to_probe(&self, now: Instant) -> bool {
        let reno_rounds = (self.target_in_flight() / self.mss).min(MAX_PROBE_ROUNDS);
        now > self.cycle.since + self.cycle.wait || self.cycle.rounds >= reno_rounds
    }

    /// InflightWithHeadroom.
    pub(super) fn in_flight_with_headroom(&self) -> u32 {
        let bound = self.bounds.in_flight_long;
        if bound == u32::MAX {
            return bound;
        }
        let headroom = (u64::from(bound) * HEADROOM / 100) as u32;
        let left = bound.saturating_sub(headroom.max(self.mss)).max(self.min_pipe_window());
        if self.ambient.per_mille() == 0 {
            return left;
        }
        // What is left to others is room in a queue, and on a path that loses by itself the bound may lie where there is none.
        left.max(bound.min(self.bdp(self.max_bw.get(), 100)))
    }

    /// RaiseInflightLongtermSlope: the bound rises by 1, 2, 4, … segments a round trip.
    fn raise_slope(&mut self) {
        let growth = 1 << self.cycle.up_rounds;
        self.cycle.up_rounds = (self.cycle.up_rounds + 1).min(MAX_DOUBLINGS);
        self.cycle.acked_per_increase = (self.window / growth).max(self.mss);
    }

    /// ProbeInflightLongtermUpward.
    fn raise_long_term_bound(&mut self, ack: &Ack<'_>) {
        if !ack.sample.window_limited || self.window < self.bounds.in_flight_long {
            return;
        }
        self.cycle.up_acked = self.cycle.up_acked.saturating_add(ack.sample.newly_acked);
        let steps = self.cycle.up_acked / self.cycle.acked_per_increase;
        if steps > 0 {
            self.cycle.up_acked -= steps * self.cycle.acked_per_increase;
            let more = steps.saturating_mul(self.mss);
            self.bounds.in_flight_long = self.bounds.in_flight_long.saturating_add(more);
        }
        if self.rounds.start {
            self.raise_slope();
        }
    }

    /// AdaptLongTermModel; true if it decided on another state.
    fn adapt_long_term_model(&mut self, ack: &Ack<'_>) -> bool {
        let in_probe_bw = self.state.is_probe_bw();
        if self.cycle.phase == AckPhase::ProbeStarting && self.rounds.start {
            self.cycle.phase = AckPhase::ProbeFeedback;
        }
        if self.cycle.phase == AckPhase::ProbeStopping && self.rounds.start {
            self.cycle.is_probe_sample = false;
            self.cycle.phase = AckPhase::Init;
            if in_probe_bw && !ack.rate.app_limited {
                self.max_bw.advance();
            }
            if in_probe_bw && self.cycle.precautionary && !self.cycle.too_high {
                self.start_refill();
                return true;
            }
        }
        if self.is_sample_too_lossy(ack) || self.bounds.in_flight_long == u32::MAX {
            return false;
        }
        self.bounds.in_flight_long = self.bounds.in_flight_long.max(ack.rate.in_flight);
        if self.state == State::Up {
            self.raise_long_term_bound(ack);
        }
        false
    }
}
