//! The few deadlines of a connection, collapsed to one.

use super::Connection;
use crate::send::Expired;
use crate::state::{Open, State};
use crate::tally::Standing;
use crate::{Config, Error, Events};
use sockeye_wire::Instant;

impl Connection {
    /// When [`on_timer`](Self::on_timer) is to be called, if nothing happens before; exact.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let deadline = match &self.state {
            State::Closed(_) => Instant::FAR_FUTURE,
            State::SynSent(syn_sent) => {
                self.opening_deadline(syn_sent.started()).min(syn_sent.deadline())
            }
            State::SynReceived(received) => received.half.deadline(),
            State::FastOpened(opened) => {
                opened.half.deadline().min(self.user_deadline(&opened.open))
            }
            State::TimeWait(time_wait, _) => time_wait.deadline(),
            State::Established(open)
            | State::FinWait1(open)
            | State::FinWait2(open)
            | State::CloseWait(open)
            | State::Closing(open)
            | State::LastAck(open) => open
                .send
                .deadline()
                .min(open.receive.ack.deadline())
                .min(open.keep_alive_deadline(&self.config))
                .min(self.user_deadline(open))
                .min(self.fin_wait_2_deadline()),
        };
        (deadline != Instant::FAR_FUTURE).then_some(deadline)
    }

    fn opening_deadline(&self, started: Instant) -> Instant {
        self.config.user_timeout.map_or(Instant::FAR_FUTURE, |timeout| started + timeout)
    }

    /// FIN-WAIT-2 ends by itself once nobody waits for the peer's data.
    fn fin_wait_2_deadline(&self) -> Instant {
        match self.state {
            State::FinWait2(_) if self.orphaned => self.stalled_since + self.config.fin_wait_2,
            _ => Instant::FAR_FUTURE,
        }
    }

    fn user_deadline(&self, open: &Open) -> Instant {
        match open.user_timeout.in_force(&self.config) {
            Some(timeout) if open.send.is_waiting() => self.stalled_since + timeout,
            _ => Instant::FAR_FUTURE,
        }
    }

    /// Time has passed; call when [`deadline`](Self::deadline) is reached, any time else does no harm.
    pub fn on_timer(&mut self, now: Instant) {
        let before = self.extras.tallies().then(|| Standing::of(self));
        self.run_timers(now);
        if let Some(before) = before {
            let after = Standing::of(self);
            if let Some(tally) = self.extras.tally_mut() {
                tally.on_timer(now, &before, &after);
            }
        }
    }

    fn run_timers(&mut self, now: Instant) {
        let outcome = match &mut self.state {
            State::Closed(_) => Ok(()),
            State::SynSent(_) => self.on_opening_timer(now),
            State::SynReceived(received) => {
                if received.half.on_timer(now, &self.config, 0) {
                    Ok(())
                } else {
                    Err(Error::TimedOut)
                }
            }
            State::FastOpened(_) => self.on_fast_opened_timer(now),
            State::TimeWait(time_wait, _) => {
                if time_wait.deadline() <= now {
                    self.end(None, None);
                }
                Ok(())
            }
            _ => self.on_open_timer(now),
        };
        if let Err(error) = outcome {
            // On R2 the last soft error tells more than the timeout itself (RFC 9293 MUST-47).
            self.fail(self.soft_error.unwrap_or(error));
        }
    }

    fn on_opening_timer(&mut self, now: Instant) -> Result<(), Error> {
        let State::SynSent(syn_sent) = &mut self.state else { return Ok(()) };
        if self.config.user_timeout.is_some_and(|timeout| syn_sent.started() + timeout <= now) {
            return Err(Error::TimedOut);
        }
        if syn_sent.on_timer(now, &self.config)? {
            self.events |= Events::PATH_SUSPECT;
        }
        Ok(())
    }

    /// Until the SYN-ACK is acknowledged only it is sent again, no data (RFC 7413 §4.2.2).
    fn on_fast_opened_timer(&mut self, now: Instant) -> Result<(), Error> {
        let State::FastOpened(opened) = &mut self.state else { return Ok(()) };
        let in_time = opened.half.on_timer(now, &self.config, 0);
        let late = self.state.open().is_some_and(|open| self.user_deadline(open) <= now);
        if in_time && !late { Ok(()) } else { Err(Error::TimedOut) }
    }

    fn on_open_timer(&mut self, now: Instant) -> Result<(), Error> {
        if self.fin_wait_2_deadline() <= now {
            self.end(None, None);
            return Ok(());
        }
        let Some(open) = self.state.open() else { return Ok(()) };
        if self.user_deadline(open) <= now {
            return Err(Error::TimedOut);
        }
        // What both ends agreed on (RFC 5482) is no less a user timeout than the application's own.
        let user_timeout = open.user_timeout.in_force(&self.config).is_some();
        let Some(open) = self.state.open_mut() else { return Ok(()) };
        open.receive.ack.on_timer(now);
        match open.send.on_timer(now, &self.config, user_timeout)? {
            None => {}
            Some(Expired::Retransmit { path_suspect }) => {
                if path_suspect {
                    self.events |= Events::PATH_SUSPECT;
                }
                self.confirm_path_claim();
            }
            Some(Expired::TailProbe) => open.tail_probe_due = true,
            Some(Expired::Probe) => open.probe_due = true,
        }
        let Some(open) = self.state.open_mut() else { return Ok(()) };
        if open.on_keep_alive_timer(now, &self.config).is_ok() {
            return Ok(());
        }
        // As on Linux: a peer that hears, though it was not heard, learns that nobody waits for it.
        let farewell = open.farewell(now);
        self.end(Some(self.soft_error.unwrap_or(Error::TimedOut)), Some(farewell));
        Ok(())
    }
}

impl Open {
    /// Only an idle connection is probed (RFC 9293 MUST-26).
    fn keep_alive_deadline(&self, config: &Config) -> Instant {
        match config.keep_alive {
            Some(keep_alive) if !self.send.is_waiting() => {
                self.heard
                    + keep_alive.idle
                    + keep_alive.interval * u32::from(self.keep_alive_probes)
            }
            _ => Instant::FAR_FUTURE,
        }
    }

    /// One probe without an answer says nothing: it may be lost (RFC 9293 MUST-29).
    fn on_keep_alive_timer(&mut self, now: Instant, config: &Config) -> Result<(), Error> {
        if self.keep_alive_deadline(config) > now {
            return Ok(());
        }
        if config.keep_alive.is_some_and(|keep_alive| self.keep_alive_probes >= keep_alive.probes) {
            return Err(Error::TimedOut);
        }
        self.keep_alive_probes += 1;
        self.probe_due = true;
        Ok(())
    }
}
