//! An acknowledgement reaches the sender (RFC 9293 §3.10.7.4, fifth step; RFC 5681).

use super::recovery::{Duplicate, Progress};
use super::{Fin, Sender, TimerKind};
use crate::Segment;
use crate::congestion::CongestionControl;
use sockeye_wire::SeqNumber;

/// What an acceptable acknowledgement did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AckOutcome {
    /// Octets of data newly acknowledged.
    pub(crate) acked: u32,
    /// Our FIN is acknowledged by it.
    pub(crate) fin_acked: bool,
}

impl Sender {
    /// Processes ACK and window of `segment`, whose ACK lies in SND.UNA − MAX.SND.WND ..= SND.NXT.
    #[inline]
    pub(crate) fn on_ack(&mut self, segment: &Segment) -> AckOutcome {
        let old_window = self.window;
        let outcome = if segment.ack.after(self.una) {
            self.on_progress(segment)
        } else {
            AckOutcome::default()
        };
        self.update_window(segment);
        let is_duplicate = segment.ack == self.una
            && outcome == AckOutcome::default()
            && !self.is_all_acked()
            && segment.sequence_len() == 0
            && self.window == old_window;
        if is_duplicate {
            self.on_duplicate();
        }
        // Any acknowledgement answers the probes of a closed window (RFC 9293 MUST-37).
        self.timer.probes = 0;
        if self.timer.kind == TimerKind::Persist && self.window > 0 {
            self.timer.stop();
            self.timer.backoff = 0;
        }
        outcome
    }

    fn on_progress(&mut self, segment: &Segment) -> AckOutcome {
        let sequence_numbers = segment.ack.since(self.una);
        let fin_acked = self.fin == Fin::Sent && segment.ack == self.nxt;
        let acked = sequence_numbers - u32::from(fin_acked);
        let mss = self.mss();
        let was_limited = self.window_limited();

        self.una = segment.ack;
        self.buffer.release(acked as usize);
        self.bytes_acked += u64::from(acked);
        if fin_acked {
            self.fin = Fin::Acked;
        }
        if self.urgent.is_some_and(|urgent| self.una.at_or_after(urgent)) {
            self.urgent = None;
        }
        let covered = self.in_flight.acknowledge(self.una);
        if let Some(sent_at) = covered.sample_from {
            self.rtt.sample(segment.arrival.since(sent_at));
        }
        self.timer.backoff = 0;

        let restart_timer = match self.recovery.on_progress(self.una, acked, mss) {
            Progress::Normal => {
                if was_limited && acked > 0 {
                    self.controller.on_acknowledged(acked, mss);
                }
                true
            }
            Progress::Recovered => true,
            Progress::NextHole { restart_timer } => {
                self.in_flight.mark_first_lost(mss);
                restart_timer
            }
        };
        if self.is_all_acked() {
            self.timer.stop();
        } else if restart_timer {
            self.timer.arm(TimerKind::Retransmit, segment.arrival, self.rtt.timeout(0));
        }
        AckOutcome { acked, fin_acked }
    }

    fn on_duplicate(&mut self) {
        let mss = self.mss();
        if self.recovery.on_duplicate(self.una, self.nxt, mss) == Duplicate::EnterRecovery {
            self.controller.on_loss(self.flight_size(), mss);
            self.in_flight.mark_first_lost(mss);
        }
    }

    /// SND.WND follows the newest segment: wl1/wl2 (RFC 9293 §3.10.7.4).
    #[inline]
    fn update_window(&mut self, segment: &Segment) {
        let newer = self.wl1.before(segment.seq)
            || (self.wl1 == segment.seq && self.wl2.at_or_before(segment.ack));
        if newer && segment.ack.at_or_after(self.una) {
            self.set_window(u32::from(segment.window) << self.shift, segment.seq, segment.ack);
        }
    }

    fn set_window(&mut self, window: u32, wl1: SeqNumber, wl2: SeqNumber) {
        self.window = window;
        self.max_window = self.max_window.max(window);
        self.wl1 = wl1;
        self.wl2 = wl2;
    }

    /// Whether an ACK number is one that the peer can have sent (RFC 5961 §5.2); beyond SND.NXT is the caller's check.
    #[inline]
    pub(crate) fn is_recent_ack(&self, ack: SeqNumber) -> bool {
        ack.at_or_after(self.una.back(self.max_window))
    }
}
