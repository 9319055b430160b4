//! What a connection says of itself.

use super::Snapshot;
use super::breach::{Found, Rule};
use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::seen::place;
use sockeye_tcp::congestion::Algorithm;
use sockeye_tcp::{EcnMode, Info, TimerKind};
use sockeye_wire::{Instant, SeqNumber, StateName};

/// Segments that may be in flight beyond the congestion window: a tail loss probe (RFC 8985 §7.3), and two by limited transmit
/// (RFC 3042).
const ALLOWANCE_SEGMENTS: u32 = 3;

/// The connection after the last step.
#[derive(Debug, Default)]
pub(super) struct Inner {
    last: Option<Info>,
    round: Round,
    /// The smallest SMSS so far: a threshold set then stays when the path turns out to be wider.
    least_mss: Option<u16>,
    /// SND.UNA when something was sent beyond the window.
    probed_at: Option<SeqNumber>,
}

/// Round trips over which the use of the window is looked at: what stands in for it, lags behind.
const ROUNDS: usize = 8;

/// The most that was in flight in this round trip and in those before.
#[derive(Debug, Default)]
struct Round {
    peaks: [u32; ROUNDS],
    /// SND.NXT when it began: it ends when that is acknowledged.
    end: Option<SeqNumber>,
}

impl Round {
    fn note(&mut self, info: &Info) {
        if self.end.is_none_or(|end| info.snd_una.at_or_after(end)) {
            self.peaks.rotate_right(1);
            self.peaks[0] = 0;
            self.end = Some(info.snd_nxt);
        }
        // What recovery restores had been earned before.
        let used = if info.recovering { u32::MAX } else { info.in_flight };
        self.peaks[0] = self.peaks[0].max(used);
    }

    fn peak(&self) -> u32 {
        self.peaks.into_iter().max().unwrap_or(0)
    }
}

impl Inner {
    /// What was known to be acknowledged after the last step, as a place.
    pub(super) fn una(&self, out: &Outgoing) -> i64 {
        match (self.last, out.first) {
            (Some(info), Some(first)) if info.state.is_synchronized() => {
                place(first, out.high, info.snd_una)
            }
            _ => 0,
        }
    }

    /// What the connection said of itself after the last step.
    pub(super) const fn last(&self) -> Option<Info> {
        self.last
    }

    /// Whether it has a sender and a receiver.
    pub(super) fn is_open(&self) -> bool {
        self.last.as_ref().is_some_and(is_open)
    }

    /// RCV.NXT of an open connection.
    pub(super) fn expected(&self) -> Option<SeqNumber> {
        self.last.filter(is_open).map(|info| info.rcv_nxt)
    }

    /// The congestion notification that was agreed on, while the connection is open.
    pub(super) fn ecn(&self) -> Option<EcnMode> {
        self.last.filter(is_open).map(|info| info.ecn)
    }

    pub(super) fn check(
        &mut self,
        (now, snapshot): (Instant, &Snapshot),
        out: &mut Outgoing,
        incoming: &Incoming,
        found: &mut Found,
    ) {
        let info = &snapshot.info;
        check_timer(now, snapshot, found);
        if is_open(info) {
            check_sequence(info, out, incoming, found);
            let least_mss = self.least_mss.unwrap_or(u16::MAX).min(info.send_mss);
            self.least_mss = Some(least_mss);
            check_windows(info, least_mss.into(), found);
            if info.timeouts > 0 {
                out.forget_sacked();
            }
            if let Some(last) = self.last.filter(is_open) {
                check_progress(&last, info, found);
                self.check_in_flight(&last, info, found);
                check_growth(&last, info, self.round.peak(), found);
            }
            self.round.note(info);
        }
        self.last = Some(*info);
    }
}

impl Inner {
    /// Without SACK nobody knows what has left the network. Where a window has shrunk below what is in flight, one segment may still leave
    /// between two acknowledgements: the tail loss probe (RFC 8985 §7.3).
    fn check_in_flight(&mut self, last: &Info, info: &Info, found: &mut Found) {
        let outstanding = |info: &Info| info.in_flight.saturating_sub(info.sacked + info.lost);
        let (before, now) = (outstanding(last), outstanding(info));
        // What was believed lost and was not is in flight again without being sent.
        let has_sent = info.snd_nxt != last.snd_nxt || info.retransmissions != last.retransmissions;
        let mss = u32::from(info.send_mss);
        let window = info.congestion_window.max(last.congestion_window);
        if !info.sack || !has_sent || now <= before || now <= window + ALLOWANCE_SEGMENTS * mss {
            return;
        }
        let is_probe = now - before <= mss && self.probed_at != Some(info.snd_una);
        self.probed_at = Some(info.snd_una);
        let is_undo = info.lost < last.lost && now - before <= last.lost - info.lost + mss;
        found.demand(is_probe || is_undo, Rule::InFlight, || {
            format!("{now} outstanding, after {before}, cwnd {window}")
        });
    }
}

/// The states in which there is a sender and a receiver.
fn is_open(info: &Info) -> bool {
    !matches!(
        info.state,
        StateName::Closed
            | StateName::Listen
            | StateName::SynSent
            | StateName::SynReceived
            | StateName::TimeWait
    )
}

fn check_sequence(info: &Info, out: &Outgoing, incoming: &Incoming, found: &mut Found) {
    if let Some(first) = out.first {
        let una = place(first, out.high, info.snd_una);
        let nxt = place(first, out.high, info.snd_nxt);
        found.demand(una <= nxt && nxt == out.high, Rule::SendSequence, || {
            format!("SND.UNA {una}, SND.NXT {nxt}, sent {}", out.high)
        });
    }
    if let Some(first) = incoming.first {
        let there = incoming.contiguous();
        let nxt = place(first, there, info.rcv_nxt);
        found.demand(nxt <= there, Rule::AckBeyondData, || format!("RCV.NXT {nxt} of {there}"));
    }
}

fn check_windows(info: &Info, mss: u32, found: &mut Found) {
    let window = info.congestion_window;
    let threshold = info.slow_start_threshold;
    // During recovery the window is what proportional rate reduction makes of each acknowledgement (RFC 9937 §6).
    let window = if info.recovering { window.max(mss) } else { window };
    found.demand(window >= mss && threshold >= 2 * mss, Rule::LeastWindow, || {
        format!("cwnd {window}, ssthresh {threshold}, SMSS {mss}")
    });
}

/// Of the four things that a sender's timer can wait for it waits for one, and for none without need: an acknowledgement (RFC 6298
/// §5.1), a tail loss probe's moment, a late segment (RFC 8985 §6.3, §7.2), or a window (RFC 9293 §3.8.6.1).
fn check_timer(now: Instant, snapshot: &Snapshot, found: &mut Found) {
    let info = &snapshot.info;
    let in_flight = is_open(info) && info.snd_una != info.snd_nxt;
    let is_right = match info.timer {
        TimerKind::Idle => !in_flight,
        TimerKind::Retransmit | TimerKind::Probe | TimerKind::Reorder => in_flight,
        TimerKind::Persist => !in_flight && snapshot.unacknowledged > 0,
    };
    // Until its handshake is complete, a Fast Open's data waits for the SYN-ACK's timer (RFC 7413 §4.2.2).
    let is_ours = is_open(info);
    found.demand(is_right || !is_ours, Rule::Timer, || {
        format!("{:?} with {} bytes in flight: {:?}", info.state, info.in_flight, info.timer)
    });
    found.demand(
        !is_ours || info.timer == TimerKind::Idle || info.retransmit_at.is_some_and(|at| at >= now),
        Rule::Timer,
        || format!("{:?} was due at {:?}", info.timer, info.retransmit_at),
    );
    let waits = in_flight
        || snapshot.unacknowledged > 0 && info.state != StateName::Closed
        || matches!(
            info.state,
            StateName::SynSent | StateName::SynReceived | StateName::LastAck | StateName::TimeWait
        );
    found.demand(!waits || snapshot.has_deadline, Rule::Timer, || {
        format!("{:?} with {} bytes to send", info.state, snapshot.unacknowledged)
    });
}

fn check_progress(last: &Info, info: &Info, found: &mut Found) {
    let forward = last.snd_una.at_or_before(info.snd_una)
        && last.snd_nxt.at_or_before(info.snd_nxt)
        && last.rcv_nxt.at_or_before(info.rcv_nxt);
    found.demand(forward, Rule::SendSequence, || {
        format!(
            "SND.UNA {} to {}, SND.NXT {} to {}, RCV.NXT {} to {}",
            last.snd_una, info.snd_una, last.snd_nxt, info.snd_nxt, last.rcv_nxt, info.rcv_nxt
        )
    });
}

/// A window half used lately may grow, because in slow start it is to be outgrown, as on Linux; RFC 7661 §4.3 is stricter. BBR's
/// window follows its model of the path, not its use.
fn check_growth(last: &Info, info: &Info, peak: u32, found: &mut Found) {
    let grew = info.congestion_window > last.congestion_window;
    if !grew || info.recovering || info.congestion == Some(Algorithm::Bbr) {
        return;
    }
    let used = peak.max(info.in_flight);
    let slack = u32::from(info.send_mss);
    found.demand(
        used.saturating_add(slack) >= last.congestion_window / 2,
        Rule::UnusedGrowth,
        || {
            format!(
                "cwnd {} to {} with {} bytes in flight",
                last.congestion_window, info.congestion_window, used
            )
        },
    );
}
