//! Startup and Drain (draft-ietf-ccwg-bbr §5.3.1, §5.3.2).

use super::probe_bw::Probed;
use super::{Ack, Bbr, State};
use sockeye_wire::Instant;

/// Rounds without much growth after which the pipe is full.
const FULL_ROUNDS: u8 = 3;
/// Growth that is much, in percent.
const GROWTH: u64 = 125;
/// BBRStartupFullLossCnt: separate losses in a round trip that end Startup.
const FULL_LOSSES: u8 = 6;
/// Loss in a round trip, in a thousand, that ends it even if more and more is delivered.
const GROWING_LOSS: u64 = 100;
/// Rounds in a row with marks that do.
const FULL_MARKED_ROUNDS: u8 = 2;
/// Most rounds that Drain lasts.
const DRAIN_ROUNDS: u32 = 3;

/// Whether more bandwidth shows when more is sent.
#[derive(Clone, Debug, Default)]
pub(super) struct FullPipe {
    /// BBR.full_bw_reached: once full, so that the model is worth trusting.
    pub(super) reached: bool,
    /// BBR.full_bw_now, BBR.full_bw and BBR.full_bw_count.
    pub(super) now: bool,
    bw: u64,
    count: u8,
    /// BBR.drain_start_round.
    drain_start: u32,
    /// Rounds in a row with marks, and the last of them.
    marked_rounds: u8,
    marked_in: u32,
}

impl FullPipe {
    /// ResetFullBW, with what is delivered now as the base.
    pub(super) fn reset(&mut self, bw: u64) {
        self.bw = bw;
        self.count = 0;
        self.now = false;
    }

    /// A round with marks; true if there were enough of them in a row.
    pub(super) fn on_mark(&mut self, round: u32) -> bool {
        let follows = round.wrapping_sub(self.marked_in) <= 1;
        self.marked_rounds = if follows { self.marked_rounds.saturating_add(1) } else { 1 };
        self.marked_in = round;
        self.marked_rounds >= FULL_MARKED_ROUNDS
    }
}

impl Bbr {
    pub(super) fn enter_startup(&mut self) {
        self.state = State::Startup;
    }

    /// CheckFullBWReached: three round trips without a quarter more bandwidth.
    pub(super) fn check_full_bw_reached(&mut self, ack: &Ack<'_>) {
        let full = &mut self.full_pipe;
        if full.now || !self.rounds.start || ack.rate.app_limited {
            return;
        }
        let rate = ack.rate.bytes_per_second;
        if rate >= full.bw.saturating_mul(GROWTH) / 100 {
            full.reset(rate);
            return;
        }
        full.count += 1;
        full.now = full.count >= FULL_ROUNDS;
        full.reached |= full.now;
    }

    /// CheckStartupDone.
    pub(super) fn check_startup_done(&mut self, ack: &Ack<'_>) {
        self.check_startup_high_loss(ack);
        if self.state == State::Startup && self.full_pipe.reached {
            self.state = State::Drain;
            self.full_pipe.drain_start = self.rounds.count;
        }
    }

    /// CheckStartupHighLoss: a whole round of recovery with more than the tolerable loss, in several places.
    fn check_startup_high_loss(&mut self, ack: &Ack<'_>) {
        let events = self.loss.events_in_round;
        if self.latest.round_start {
            self.loss.events_in_round = 0;
        }
        if self.state != State::Startup || self.full_pipe.reached || !ack.sample.in_recovery {
            return;
        }
        let too_high = if ack.sample.selective {
            self.latest.round_start
                && events >= FULL_LOSSES
                && self.is_too_much(ack.rate.lost, ack.rate.in_flight)
                && !self.grows_in_spite_of_loss(ack)
        } else {
            ack.sample.newly_lost > 0
        };
        if too_high {
            self.undo.state = Some(Probed::Startup);
            self.leave_startup_by_congestion();
        }
    }

    /// More is delivered with each round trip, and none of it waits anywhere: not the sender is the cause of the loss. The draft leaves
    /// Startup all the same, on a path that loses three percent with a few dozen segments in flight.
    fn grows_in_spite_of_loss(&self, ack: &Ack<'_>) -> bool {
        let bearable =
            u64::from(ack.rate.lost) * 1_000 <= u64::from(ack.rate.in_flight) * GROWING_LOSS;
        self.full_pipe.count == 0 && bearable && !self.is_queued(ack)
    }

    /// Congestion says that the pipe is full: what was delivered in a round trip is safe.
    pub(super) fn leave_startup_by_congestion(&mut self) {
        self.full_pipe.reached = true;
        self.bounds.in_flight_long = self.bdp(self.bw, 100).max(self.latest.in_flight);
    }

    /// CheckDrainDone.
    pub(super) fn check_drain_done(&mut self, ack: &Ack<'_>) {
        let drained = ack.sample.in_flight <= self.in_flight_at(self.bw, 100);
        let rounds = self.rounds.count.wrapping_sub(self.full_pipe.drain_start);
        if self.state == State::Drain && (drained || rounds > DRAIN_ROUNDS) {
            self.enter_probe_bw(ack.sample.now);
        }
    }

    fn enter_probe_bw(&mut self, now: Instant) {
        self.start_down(now);
    }
}
