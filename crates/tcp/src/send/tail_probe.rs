//! Tail loss probes (RFC 8985 §7): the end of a burst is asked after sooner than the retransmission timeout would.

use super::{RttEstimator, Sender};
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// Added when one segment is in flight, for the peer may delay its acknowledgement.
const MAX_ACK_DELAY: Duration = Duration::from_millis(200);
/// Without any RTT sample.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// Two ticks of a coarse clock, on top of two round trips.
const SLACK: Duration = Duration::from_millis(2);

/// The probe that is under way, and whether another may be sent.
#[derive(Clone, Debug)]
pub(super) struct TailProbe {
    outstanding: Option<Outstanding>,
    /// An RTT sample was taken since the last probe.
    pub(super) sampled: bool,
}

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    /// SND.NXT after it was sent.
    end: SeqNumber,
    /// It carried old data, and so may have repaired a loss that nobody saw.
    resent: bool,
}

/// What an acknowledgement says of a probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Nothing,
    /// The probe repaired a loss, which calls for congestion control (RFC 8985 §7.4).
    Repaired,
}

impl Default for TailProbe {
    /// The handshake was a sample.
    fn default() -> Self {
        Self { outstanding: None, sampled: true }
    }
}

impl TailProbe {
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_none()
    }

    pub(super) fn on_sent(&mut self, end: SeqNumber, resent: bool) {
        self.outstanding = Some(Outstanding { end, resent });
        self.sampled = false;
    }

    pub(super) fn reset(&mut self) {
        self.outstanding = None;
    }

    /// RFC 8985 §7.4.2.
    pub(super) fn on_ack(&mut self, ack: SeqNumber, dsack: bool, is_duplicate: bool) -> Verdict {
        let Some(probe) = self.outstanding.filter(|probe| ack.at_or_after(probe.end)) else {
            return Verdict::Nothing;
        };
        if !probe.resent || dsack {
            self.outstanding = None;
        } else if ack.after(probe.end) {
            self.outstanding = None;
            return Verdict::Repaired;
        } else if is_duplicate {
            self.outstanding = None;
        }
        Verdict::Nothing
    }
}

/// PTO.
fn timeout(rtt: &RttEstimator, single: bool) -> Duration {
    let base = rtt.smoothed().map_or(DEFAULT_TIMEOUT, |smoothed| 2 * smoothed + SLACK);
    if single { base + MAX_ACK_DELAY } else { base }
}

impl Sender {
    /// When a probe is due, if one may be sent at all; never after the retransmission timeout `rto`.
    pub(super) fn probe_deadline(&self, rto: Instant) -> Option<Instant> {
        let allowed = self.sack
            && self.recovery.is_loss_free()
            && self.in_flight.sacked() == 0
            && !self.in_flight.has_lost()
            && self.tail_probe.is_idle()
            && self.tail_probe.sampled;
        let single = self.flight_size() <= self.mss();
        // From the last transmission, or from the last acknowledgement of new data (RFC 8985 §7.2): from that the timeout counts, too.
        let since = self.last_sent.max(self.timer.since);
        allowed.then(|| (since + timeout(&self.rtt, single)).min(rto))
    }
}
