//! The one timer of the sending direction: retransmission, tail loss probe, reordering or persist, never two of them.

use core::time::Duration;
use sockeye_wire::Instant;

/// What the timer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimerKind {
    /// Not armed.
    #[default]
    Idle,
    /// An acknowledgement of something sent (RFC 6298).
    Retransmit,
    /// The same, sooner: the last segment is sent again as a probe (RFC 8985 §7).
    Probe,
    /// A segment that reordering may have delayed (RFC 8985 §6.3).
    Reorder,
    /// A window that lets something be sent (RFC 9293 §3.8.6.1), or Nagle's override (§3.8.6.2.1).
    Persist,
}

#[derive(Clone, Debug, Default)]
pub(super) struct RetransmissionTimer {
    pub(super) kind: TimerKind,
    at: Instant,
    /// The retransmission timeout counts from here, whatever the timer waits for meanwhile.
    pub(super) since: Instant,
    /// Doublings of the timeout since the last sample of the round trip (RFC 6298 §5.7, Karn's algorithm).
    pub(super) backoff: u8,
    /// Timeouts in a row without progress: what R1 and R2 count.
    pub(super) timeouts: u8,
    /// Unanswered window probes.
    pub(super) probes: u8,
}

impl RetransmissionTimer {
    pub(super) fn arm(&mut self, kind: TimerKind, at: Instant) {
        self.kind = kind;
        self.at = at;
    }

    pub(super) fn arm_after(&mut self, kind: TimerKind, now: Instant, after: Duration) {
        self.arm(kind, now + after);
    }

    pub(super) fn stop(&mut self) {
        self.kind = TimerKind::Idle;
    }

    pub(super) fn deadline(&self) -> Instant {
        match self.kind {
            TimerKind::Idle => Instant::FAR_FUTURE,
            _ => self.at,
        }
    }
}
