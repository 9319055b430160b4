//! The model of the path: bandwidth, round trips, what recent losses allow, aggregation (draft-ietf-ccwg-bbr §5.5).

use super::filter::WindowedMax;
use super::{Ack, Bbr, State};
use crate::congestion::send_quantum;
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// BBR.Beta in percent.
pub(super) const BETA: u64 = 70;
/// BBR.MinPipeCwnd in segments: enough for a peer that acknowledges every other one.
const MIN_PIPE_SEGMENTS: u32 = 4;
/// BBR.ExtraAckedFilterLen in round trips.
const EXTRA_ACKED_ROUNDS: u32 = 10;

/// Round trips counted by packets: one ends when something is acknowledged that was sent after the last one's end.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    /// BBR.next_round_delivered; `None` before the first.
    end: Option<SeqNumber>,
    /// BBR.round_start: the acknowledgement at hand begins a round.
    pub(super) start: bool,
    /// BBR.round_count.
    pub(super) count: u32,
    /// The least share of the bandwidth, in percent, that was used by choice when what is acknowledged in this round was sent: this
    /// round's or the last's.
    least_share: u64,
    pub(super) share: u64,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { end: None, start: false, count: 0, least_share: 100, share: 100 }
    }
}

impl Rounds {
    /// StartRound.
    pub(super) fn begin(&mut self, delivered: SeqNumber) {
        self.end = Some(delivered);
    }
}

/// BBR.max_bw_filter over this ProbeBW cycle and the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct MaxBandwidth {
    before: u64,
    current: u64,
}

impl MaxBandwidth {
    /// BBR.max_bw.
    pub(super) fn get(&self) -> u64 {
        self.before.max(self.current)
    }

    fn update(&mut self, rate: u64) {
        self.current = self.current.max(rate);
    }

    /// AdvanceMaxBwFilter: another cycle begins. One without any sample does not make the last forgotten.
    pub(super) fn advance(&mut self) {
        if self.current > 0 {
            self.before = core::mem::take(&mut self.current);
        }
    }
}

/// What congestion allows; the largest number is no bound.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// BBR.bw_shortterm.
    pub(super) bw_short: u64,
    /// BBR.inflight_shortterm.
    pub(super) in_flight_short: u32,
    /// BBR.inflight_longterm.
    pub(super) in_flight_long: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bw_short: u64::MAX, in_flight_short: u32::MAX, in_flight_long: u32::MAX }
    }
}

impl Bounds {
    /// ResetShortTermModel.
    pub(super) fn reset_short_term(&mut self) {
        self.bw_short = u64::MAX;
        self.in_flight_short = u32::MAX;
    }
}

/// What the path delivered in the last round trip.
#[derive(Clone, Debug, Default)]
pub(super) struct Latest {
    /// BBR.bw_latest.
    pub(super) bw: u64,
    /// BBR.inflight_latest.
    pub(super) in_flight: u32,
    /// BBR.loss_round_start.
    pub(super) round_start: bool,
}

impl Latest {
    /// AdvanceLatestDeliverySignals.
    pub(super) fn advance(&mut self, ack: &Ack<'_>) {
        if self.round_start {
            self.bw = ack.rate.bytes_per_second;
            self.in_flight = ack.rate.delivered;
        }
    }
}

/// Acknowledgements come in bursts: how much more than the bandwidth explains (draft-ietf-ccwg-bbr §5.5.9).
#[derive(Clone, Debug, Default)]
pub(super) struct Aggregation {
    /// BBR.extra_acked_interval_start and BBR.extra_acked_delivered.
    since: Instant,
    acked: u64,
    extra: WindowedMax,
}

impl Aggregation {
    pub(super) fn restart(&mut self, now: Instant) {
        self.since = now;
    }

    /// BBR.extra_acked.
    pub(super) fn extra_acked(&self) -> u32 {
        self.extra.get()
    }
}

/// Octets that `rate` carries in `time`.
pub(super) fn carried(rate: u64, time: Duration) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    rate.saturating_mul(micros) / 1_000_000
}

impl Bbr {
    /// UpdateLatestDeliverySignals.
    pub(super) fn update_latest_delivery_signals(&mut self, ack: &Ack<'_>) {
        self.latest.bw = self.latest.bw.max(ack.rate.bytes_per_second);
        self.latest.in_flight = self.latest.in_flight.max(ack.rate.delivered);
        let end = *self.loss.round_end.get_or_insert(ack.rate.prior_delivered);
        self.latest.round_start = ack.rate.prior_delivered.at_or_after(end);
        if self.latest.round_start {
            self.loss.round_end = Some(ack.sample.delivered);
        }
    }

    /// UpdateCongestionSignals.
    pub(super) fn update_congestion_signals(&mut self, ack: &Ack<'_>) {
        self.update_max_bw(ack);
        if self.latest.round_start {
            self.adapt_lower_bounds(ack);
            self.forget_round();
        }
    }

    /// UpdateMaxBw: what the application limits counts only if it shows more than is known.
    fn update_max_bw(&mut self, ack: &Ack<'_>) {
        self.update_round(ack);
        let rate = ack.rate.bytes_per_second;
        if rate > 0 && (rate >= self.max_bw.get() || !ack.rate.app_limited) {
            self.max_bw.update(rate);
        }
    }

    fn update_round(&mut self, ack: &Ack<'_>) {
        let prior = ack.rate.prior_delivered;
        self.rounds.start = self.rounds.end.is_none_or(|end| prior.at_or_after(end));
        if self.rounds.start {
            self.rounds.begin(ack.sample.delivered);
            self.rounds.count = self.rounds.count.wrapping_add(1);
            self.cycle.rounds = self.cycle.rounds.saturating_add(1);
            let share = self.state.sent_share();
            self.rounds.least_share = share.min(self.rounds.share);
            self.rounds.share = share;
        }
    }

    /// AdaptLowerBoundsFromCongestion: once a round trip with loss, towards what was delivered in it.
    fn adapt_lower_bounds(&mut self, ack: &Ack<'_>) {
        if self.state.is_probing() || !self.loss.in_round {
            return;
        }
        // The draft follows any loss down, which on a path that loses one percent by itself costs one percent in each round trip, up to
        // half the rate before the next probe. What probing would bear is borne here as well; marks are not.
        if !self.loss.marked && !self.is_sample_too_lossy(ack) {
            return;
        }
        if self.bounds.bw_short == u64::MAX {
            self.bounds.bw_short = self.max_bw.get();
        }
        if self.bounds.in_flight_short == u32::MAX {
            self.bounds.in_flight_short = self.window;
        }
        // What was sent was below the bandwidth on purpose: without accounting for that, loss would cost the reduction once more.
        let share = self.rounds.least_share;
        let adapt = |bound: u64, latest: u64| {
            let shown = (latest.saturating_mul(100) / share).min(bound);
            shown.max(bound.saturating_mul(BETA) / 100)
        };
        self.bounds.bw_short = adapt(self.bounds.bw_short, self.latest.bw);
        let in_flight = adapt(self.bounds.in_flight_short.into(), self.latest.in_flight.into());
        self.bounds.in_flight_short = in_flight as u32;
    }

    /// ResetCongestionSignals.
    pub(super) fn reset_congestion_signals(&mut self) {
        self.forget_round();
        self.latest.bw = 0;
        self.latest.in_flight = 0;
    }

    /// BoundBWForModel.
    pub(super) fn bound_bw_for_model(&mut self) {
        self.bw = self.max_bw.get().min(self.bounds.bw_short);
    }

    /// UpdateACKAggregation.
    pub(super) fn update_aggregation(&mut self, ack: &Ack<'_>) {
        let now = ack.sample.now;
        let mut expected = carried(self.bw, now.since(self.aggregation.since));
        if self.aggregation.acked <= expected {
            self.aggregation.acked = 0;
            self.aggregation.since = now;
            expected = 0;
        }
        self.aggregation.acked += u64::from(ack.sample.newly_acked);
        let extra = self.aggregation.acked.saturating_sub(expected).min(self.window.into());
        let length = if self.full_pipe.reached { EXTRA_ACKED_ROUNDS } else { 1 };
        self.aggregation.extra.update(self.rounds.count, extra as u32, length);
    }

    /// BDPMultiple, of `bw` and with a gain in percent.
    pub(super) fn bdp(&self, bw: u64, gain: u64) -> u32 {
        let Some(min_rtt) = self.min_rtt.get() else { return self.initial_window };
        let octets = carried(bw, min_rtt).saturating_mul(gain) / 100;
        u32::try_from(octets).unwrap_or(u32::MAX)
    }

    pub(super) fn min_pipe_window(&self) -> u32 {
        MIN_PIPE_SEGMENTS * self.mss
    }

    /// QuantizationBudget.
    pub(super) fn quantized(&self, in_flight: u32) -> u32 {
        let budget = 3 * send_quantum(self.pacing_rate, self.mss);
        let least = in_flight.max(budget).max(self.min_pipe_window());
        let above = if self.state == State::Up { 2 * self.mss } else { 0 };
        least.saturating_add(above)
    }

    /// Inflight: what fills the path at `bw` and a gain in percent.
    pub(super) fn in_flight_at(&self, bw: u64, gain: u64) -> u32 {
        self.quantized(self.bdp(bw, gain))
    }

    /// TargetInflight.
    pub(super) fn target_in_flight(&self) -> u32 {
        self.bdp(self.bw, 100).min(self.window)
    }
}
