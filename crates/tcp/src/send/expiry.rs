//! What the timer waits for, and what happens when it runs out.

use super::recovery::Kind;
use super::{Sender, TimerKind};
use crate::{Config, Error};
use sockeye_wire::Instant;

/// What the timer asks the connection to send or do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expired {
    /// Lost segments were marked; ask for output.
    Retransmit {
        /// The same segment timed out so many times that the path is suspect (R1).
        path_suspect: bool,
    },
    /// Send a tail loss probe.
    TailProbe,
    /// Send a window probe: an old octet's number, no data.
    Probe,
}

impl Sender {
    pub(crate) fn deadline(&self) -> Instant {
        self.timer.deadline().min(self.departure())
    }

    /// Chooses what to wait for: a delayed segment, a tail loss probe, or the retransmission timeout; nothing if all is acknowledged.
    #[inline]
    pub(super) fn rearm(&mut self, now: Instant) {
        if self.is_all_acked() {
            if self.timer.kind != TimerKind::Persist {
                self.timer.stop();
            }
            return;
        }
        let timeout = self.timer.since + self.rtt.timeout(self.timer.backoff);
        let reorder_at = self.in_flight.reorder_at();
        if reorder_at != Instant::FAR_FUTURE {
            self.timer.arm(TimerKind::Reorder, reorder_at.max(now).min(timeout));
        } else if let Some(at) = self.probe_deadline(timeout) {
            self.timer.arm(TimerKind::Probe, at);
        } else if !(self.rto_frozen && self.timer.kind == TimerKind::Retransmit) {
            self.timer.arm(TimerKind::Retransmit, timeout);
        }
    }

    /// The timer may have run out. Where a user timeout is in force, attempts are not counted: it takes R2's place.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when R2 is exhausted (RFC 9293 MUST-20).
    pub(crate) fn on_timer(
        &mut self,
        now: Instant,
        config: &Config,
        user_timeout: bool,
    ) -> Result<Option<Expired>, Error> {
        if self.timer.deadline() > now {
            return Ok(None);
        }
        let attempts = match self.timer.kind {
            TimerKind::Retransmit => Some(self.timer.timeouts),
            TimerKind::Persist => Some(self.timer.probes),
            TimerKind::Idle | TimerKind::Probe | TimerKind::Reorder => None,
        };
        let exhausted = attempts.is_some_and(|attempts| config.is_exhausted(attempts));
        if exhausted && !user_timeout {
            return Err(Error::TimedOut);
        }
        match self.timer.kind {
            TimerKind::Idle => Ok(None),
            TimerKind::Retransmit => Ok(Some(self.on_retransmission_timeout(now, config))),
            TimerKind::Probe => Ok(Some(Expired::TailProbe)),
            TimerKind::Reorder => {
                self.on_reorder_timeout(now);
                Ok(Some(Expired::Retransmit { path_suspect: false }))
            }
            TimerKind::Persist => Ok(Some(self.on_persist_timeout(now))),
        }
    }

    fn on_retransmission_timeout(&mut self, now: Instant, config: &Config) -> Expired {
        let first = self.timer.timeouts == 0;
        self.timer.timeouts = self.timer.timeouts.saturating_add(1);
        self.timer.backoff = self.timer.backoff.saturating_add(1);
        let frto = self.begin_frto();
        // As it was when the timer ran out, before all this counts as recovery.
        let patience = self.reordering_window();
        let before = self.controller.clone();
        let (flight, mss) = (self.flight_to_reduce(), self.mss());
        self.controller.get_mut().on_timeout(flight, mss, first);
        self.recovery.enter(Kind::Timeout(frto), self.una, self.nxt, before, &self.rtt);
        self.tail_probe.reset();
        self.rto_frozen = false;
        self.on_timeout_of_mtu(now, config, self.least_mss);
        self.in_flight.forget_sacked_if_reneged();
        if self.sack {
            self.in_flight.mark_timed_out(now, self.mss(), patience);
        } else {
            self.in_flight.mark_all_lost();
        }
        self.timer.since = now;
        self.timer.arm_after(TimerKind::Retransmit, now, self.rtt.timeout(self.timer.backoff));
        Expired::Retransmit { path_suspect: self.timer.timeouts == config.retries_suspect }
    }

    /// RFC 9293 MUST-36, SHLD-30: a closed window is probed ever more rarely.
    fn on_persist_timeout(&mut self, now: Instant) -> Expired {
        self.timer.probes = self.timer.probes.saturating_add(1);
        self.timer.backoff = self.timer.backoff.saturating_add(1);
        self.timer.arm_after(TimerKind::Persist, now, self.rtt.timeout(self.timer.backoff));
        Expired::Probe
    }
}
