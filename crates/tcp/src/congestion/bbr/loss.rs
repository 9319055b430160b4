//! What losses and marks say of the path, and taking it back when they were none (draft-ietf-ccwg-bbr §5.5.10, §5.5.11).

use super::model::BETA;
use super::probe_bw::Probed;
use super::{Ack, Bbr, State};
use crate::congestion::LostSegment;
use sockeye_wire::{Instant, SeqNumber};

/// BBR.LossThresh: tolerable loss while probing, in a thousand.
const LOSS_THRESHOLD: u64 = 20;

#[derive(Clone, Debug)]
pub(super) struct Loss {
    /// BBR.is_loss_in_round.
    pub(super) in_round: bool,
    /// Some of it was marks, not loss.
    pub(super) marked: bool,
    /// BBR.loss_round_delivered; `None` before anything was delivered.
    pub(super) round_end: Option<SeqNumber>,
    /// Separate losses in the round, and where the last one ended.
    pub(super) events_in_round: u8,
    last_end: Option<SeqNumber>,
    /// C.delivered as last heard.
    pub(super) delivered: SeqNumber,
}

impl Default for Loss {
    fn default() -> Self {
        Self {
            in_round: false,
            marked: false,
            round_end: None,
            events_in_round: 0,
            last_end: None,
            delivered: SeqNumber(0),
        }
    }
}

/// What was before a recovery.
#[derive(Clone, Debug, Default)]
pub(super) struct Undo {
    /// BBR.undo_state.
    pub(super) state: Option<Probed>,
    bw_short: u64,
    in_flight_short: u32,
    in_flight_long: u32,
}

impl Bbr {
    pub(super) fn is_too_much(&self, lost: u32, in_flight: u32) -> bool {
        let excess = u64::from(lost).saturating_sub(self.ambient_loss(in_flight));
        excess * 1_000 > u64::from(in_flight) * LOSS_THRESHOLD
    }

    /// IsInflightTooHigh, for what an acknowledgement shows.
    pub(super) fn is_sample_too_lossy(&self, ack: &Ack<'_>) -> bool {
        let lost = ack.rate.lost;
        self.is_too_much(lost, ack.rate.in_flight) || (lost > 0 && !ack.sample.selective)
    }

    /// InflightAtLoss: what was in flight when losses passed the threshold, which may have been in the middle of a super-segment.
    fn in_flight_at_loss(&self, segment: &LostSegment) -> u32 {
        let before = u64::from(segment.in_flight.saturating_sub(segment.len));
        let lost = u64::from(segment.lost.saturating_sub(segment.len));
        let lost_before = lost.saturating_sub(self.ambient_loss(segment.in_flight));
        let allowed = (before * LOSS_THRESHOLD).saturating_sub(lost_before * 1_000);
        let prefix = (allowed / (1_000 - LOSS_THRESHOLD)).min(segment.len.into());
        u32::try_from(before + prefix).unwrap_or(u32::MAX)
    }

    /// HandleLostPacket.
    pub(super) fn handle_lost_segment(&mut self, segment: &LostSegment) {
        self.loss.delivered = segment.delivered;
        self.note_loss();
        self.ambient.on_lost(segment.len);
        if self.loss.last_end != Some(segment.start) {
            self.loss.events_in_round = self.loss.events_in_round.saturating_add(1);
        }
        self.loss.last_end = Some(segment.start + segment.len);
        if self.cycle.is_probe_sample && self.is_too_much(segment.lost, segment.in_flight) {
            self.handle_in_flight_too_high(self.in_flight_at_loss(segment), segment.app_limited);
        }
    }

    /// The round trip is over, or what happened in it no longer matters.
    pub(super) fn forget_round(&mut self) {
        (self.loss.in_round, self.loss.marked) = (false, false);
    }

    /// NoteLoss.
    fn note_loss(&mut self) {
        if !self.loss.in_round {
            self.loss.round_end = Some(self.loss.delivered);
            self.save_state_upon_loss();
        }
        self.loss.in_round = true;
    }

    /// HandleInflightTooHigh: once a probe.
    fn handle_in_flight_too_high(&mut self, in_flight: u32, app_limited: bool) {
        self.cycle.too_high = true;
        self.cycle.is_probe_sample = false;
        if !app_limited {
            let least = u64::from(self.target_in_flight()) * BETA / 100;
            self.bounds.in_flight_long = in_flight.max(least as u32);
        }
        if self.state == State::Up {
            self.undo.state = Some(Probed::Up);
            self.start_down(self.now.unwrap_or(Instant::ZERO));
        }
    }

    /// Marks count as loss: the draft has no response of its own, but every one must be congestion (§4.5). Called once a round trip with
    /// marks, `in_flight` then being what caused them.
    pub(super) fn handle_mark(&mut self, in_flight: u32) {
        self.note_loss();
        self.loss.marked = true;
        if self.cycle.is_probe_sample {
            self.handle_in_flight_too_high(in_flight, false);
        }
        if self.state == State::Startup && self.full_pipe.on_mark(self.rounds.count) {
            self.leave_startup_by_congestion();
        }
    }

    /// OnEnterFastRecovery, and the first part of OnEnterRTO.
    pub(super) fn enter_recovery(&mut self) {
        self.save_state_upon_loss();
        self.in_recovery = true;
    }

    fn save_state_upon_loss(&mut self) {
        self.save_window();
        self.undo = Undo {
            state: None,
            bw_short: self.bounds.bw_short,
            in_flight_short: self.bounds.in_flight_short,
            in_flight_long: self.bounds.in_flight_long,
        };
    }

    /// HandleSpuriousLossDetection.
    pub(super) fn handle_spurious_loss(&mut self) {
        self.in_recovery = false;
        self.restore_window();
        self.forget_round();
        self.full_pipe.reset(0);
        self.bounds.bw_short = self.bounds.bw_short.max(self.undo.bw_short);
        self.bounds.in_flight_short = self.bounds.in_flight_short.max(self.undo.in_flight_short);
        self.bounds.in_flight_long = self.bounds.in_flight_long.max(self.undo.in_flight_long);
        match self.undo.state.take() {
            Some(Probed::Startup) if self.state != State::Startup => {
                self.full_pipe.reached = false;
                if self.state != State::ProbeRtt {
                    self.enter_startup();
                }
            }
            Some(Probed::Up) if self.state != State::Up && self.state != State::ProbeRtt => {
                self.start_refill();
            }
            _ => {}
        }
    }

    /// SaveCwnd.
    pub(super) fn save_window(&mut self) {
        let reduced = self.in_recovery || self.state == State::ProbeRtt;
        self.prior_window = if reduced { self.prior_window.max(self.window) } else { self.window };
    }

    /// RestoreCwnd.
    pub(super) fn restore_window(&mut self) {
        self.window = self.window.max(self.prior_window);
    }
}
