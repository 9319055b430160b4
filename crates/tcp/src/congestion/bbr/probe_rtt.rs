//! The least round trip (draft-ietf-ccwg-bbr §5.3.4): if none as low was seen for five seconds, little is sent for a moment, so that
//! it shows without a queue. Restarting from idle (§5.4).

use super::{Ack, Bbr, State};
use crate::congestion::Sample;
use core::time::Duration;
use sockeye_wire::Instant;

/// BBR.MinRTTFilterLen.
const FILTER_LENGTH: Duration = Duration::from_secs(10);
/// BBR.ProbeRTTInterval.
const INTERVAL: Duration = Duration::from_secs(5);
/// A round trip that is longer by no more than this part of the least shows that the least is still right: little sent would show
/// nothing new. (The draft asks for one that is not longer at all, which with clocks this fine never comes.)
const NEAR: u32 = 100;
/// BBR.ProbeRTTDuration.
pub(super) const DURATION: Duration = Duration::from_millis(200);

#[derive(Clone, Debug)]
pub(super) struct MinRtt {
    /// BBR.min_rtt and BBR.min_rtt_stamp.
    least: Option<Duration>,
    least_at: Instant,
    /// BBR.probe_rtt_min_delay and BBR.probe_rtt_min_stamp.
    recent: Option<Duration>,
    recent_at: Instant,
    /// BBR.probe_rtt_expired.
    pub(super) expired: bool,
    /// BBR.probe_rtt_done_stamp and BBR.probe_rtt_round_done.
    done_at: Option<Instant>,
    round_done: bool,
}

impl MinRtt {
    pub(super) fn new(rtt: Option<Duration>) -> Self {
        Self {
            least: rtt,
            least_at: Instant::ZERO,
            recent: rtt,
            recent_at: Instant::ZERO,
            expired: false,
            done_at: None,
            round_done: false,
        }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.least_at = now;
        self.recent_at = now;
    }

    /// BBR.min_rtt, if any round trip was measured.
    pub(super) fn get(&self) -> Option<Duration> {
        self.least
    }
}

impl Bbr {
    /// UpdateMinRTT.
    pub(super) fn update_min_rtt(&mut self, sample: &Sample) {
        let (now, filter) = (sample.now, &mut self.min_rtt);
        filter.expired = now > filter.recent_at + INTERVAL;
        if let Some(rtt) = sample.rtt
            && (filter.expired || filter.recent.is_none_or(|recent| rtt <= recent))
        {
            filter.recent = Some(rtt);
            filter.recent_at = now;
        } else if let (Some(rtt), Some(recent)) = (sample.rtt, filter.recent)
            && rtt <= recent + recent / NEAR
        {
            // There is no queue to look behind.
            filter.recent_at = now;
        }
        let expired = now > filter.least_at + FILTER_LENGTH;
        if let Some(recent) = filter.recent
            && (expired || filter.least.is_none_or(|least| recent < least))
        {
            filter.least = Some(recent);
            filter.least_at = filter.recent_at;
        }
    }

    /// CheckProbeRTT.
    pub(super) fn check_probe_rtt(&mut self, ack: &Ack<'_>) {
        if self.state != State::ProbeRtt && self.min_rtt.expired && !self.idle_restart {
            self.save_window();
            self.state = State::ProbeRtt;
            self.min_rtt.done_at = None;
            self.cycle.stop_probing();
            self.rounds.begin(ack.sample.delivered);
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt(ack);
        }
        if ack.rate.delivered > 0 {
            self.idle_restart = false;
        }
    }

    fn handle_probe_rtt(&mut self, ack: &Ack<'_>) {
        if self.min_rtt.done_at.is_some() {
            self.min_rtt.round_done |= self.rounds.start;
            if self.min_rtt.round_done {
                self.check_probe_rtt_done(ack.sample.now);
            }
        } else if ack.sample.in_flight <= self.probe_rtt_window() {
            self.min_rtt.done_at = Some(ack.sample.now + DURATION);
            self.min_rtt.round_done = false;
            self.rounds.begin(ack.sample.delivered);
        }
    }

    fn check_probe_rtt_done(&mut self, now: Instant) {
        if self.min_rtt.done_at.is_some_and(|done_at| now > done_at) {
            self.min_rtt.recent_at = now;
            self.restore_window();
            self.exit_probe_rtt(now);
        }
    }

    /// ExitProbeRTT: the next bandwidth probe is a cycle away, but there is nothing to drain.
    fn exit_probe_rtt(&mut self, now: Instant) {
        self.bounds.reset_short_term();
        if self.full_pipe.reached {
            self.start_down(now);
            self.start_cruise();
        } else {
            self.enter_startup();
        }
    }

    /// ProbeRTTCwnd.
    pub(super) fn probe_rtt_window(&self) -> u32 {
        self.bdp(self.bw, State::ProbeRtt.window_gain()).max(self.min_pipe_window())
    }

    /// HandleRestartFromIdle.
    pub(super) fn handle_restart_from_idle(&mut self, now: Instant) {
        self.begin(now);
        self.idle_restart = true;
        self.aggregation.restart(now);
        if self.state.is_probe_bw() {
            self.set_pacing_rate_with_gain(100);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done(now);
        }
    }
}
