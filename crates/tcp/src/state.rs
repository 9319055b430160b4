//! The states, each with the data that is valid in it (RFC 9293 §3.3.2).
//!
//! LISTEN has no connection yet: a host's listener makes a [`HalfOpen`](crate::HalfOpen) from each SYN.

use crate::challenge::ChallengeThrottle;
use crate::config::Checks;
use crate::ecn;
use crate::fast_open::FastOpened;
use crate::metrics::PathMetrics;
use crate::opening::{SynReceived, SynSent};
use crate::options::{Negotiated, Timestamps};
use crate::receive::{ReadQueue, Receiver};
use crate::send::Sender;
use crate::time_wait::TimeWait;
use crate::user_timeout::UserTimeout;
use crate::{Config, Error, Segment, Transmit};
use sockeye_wire::tcp::OptionBytes;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};

/// Where a connection stands.
#[derive(Debug)]
pub(crate) enum State {
    /// Over.
    Closed(Closed),
    /// Active open, SYN sent.
    SynSent(SynSent),
    /// Simultaneous open: SYNs crossed. (Passive opens wait as bare half-open records of the host.)
    SynReceived(SynReceived),
    /// Passive open whose SYN brought data (RFC 7413).
    FastOpened(FastOpened),
    Established(Open),
    FinWait1(Open),
    FinWait2(Open),
    CloseWait(Open),
    Closing(Open),
    LastAck(Open),
    /// Both closed; the application may still have data to read.
    TimeWait(TimeWait, Leftover),
}

/// What remains of both directions when they have ended.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    /// Data that had arrived before the end.
    pub(crate) unread: ReadQueue,
    pub(crate) metrics: PathMetrics,
}

/// What remains of a connection that is over.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// Why, if not by an orderly close.
    pub(crate) error: Option<Error>,
    /// Data that had arrived before the end.
    pub(crate) unread: ReadQueue,
    pub(crate) metrics: PathMetrics,
    /// The peer's FIN had arrived too: readers come to the end of the data, whatever happened afterwards.
    pub(crate) finished: bool,
    /// A reset that the peer has yet to be sent.
    pub(crate) farewell: Option<Farewell>,
}

/// Our own reset (RFC 9293 §3.10.5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Farewell {
    pub(crate) seq: SeqNumber,
    pub(crate) ack: Option<SeqNumber>,
    pub(crate) timestamps: Option<Timestamps>,
}

impl Farewell {
    pub(crate) fn into_transmit(self) -> Transmit {
        let mut options = OptionBytes::new();
        if let Some(Timestamps { value, echo }) = self.timestamps {
            let fits = options.push_timestamps(value, echo);
            debug_assert!(fits.is_ok());
        }
        let flags = if self.ack.is_some() { Flags::RST | Flags::ACK } else { Flags::RST };
        Transmit::bare(self.seq, self.ack.unwrap_or_default(), flags, 0, options)
    }
}

/// Both directions of a synchronized connection: moved from state to state, never rebuilt.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) send: Sender,
    pub(crate) receive: Receiver,
    pub(crate) negotiated: Negotiated,
    pub(crate) ecn: ecn::Feedback,
    pub(crate) challenge: ChallengeThrottle,
    /// When the peer was last heard.
    pub(crate) heard: Instant,
    pub(crate) user_timeout: UserTimeout,
    /// Keep-alive probes since then.
    pub(crate) keep_alive_probes: u8,
    /// A segment just left of the window is to be sent, to make the peer answer.
    pub(crate) probe_due: bool,
    /// A tail loss probe is to be sent.
    pub(crate) tail_probe_due: bool,
}

impl Open {
    /// The handshake is complete.
    pub(crate) fn new(
        config: &Config,
        send: Sender,
        mut receive: Receiver,
        negotiated: Negotiated,
        now: Instant,
    ) -> Self {
        let challenge = ChallengeThrottle::default();
        receive.last_received = now;
        Self {
            send,
            receive,
            negotiated,
            ecn: None,
            challenge,
            heard: now,
            user_timeout: UserTimeout::new(config),
            keep_alive_probes: 0,
            probe_due: false,
            tail_probe_due: false,
        }
    }

    /// The timestamps to send now (RFC 7323 §3.2).
    #[inline]
    pub(crate) fn timestamps(&self, now: Instant) -> Option<Timestamps> {
        self.negotiated.timestamps.then(|| Timestamps {
            value: timestamp_clock(now, self.negotiated.timestamp_offset),
            echo: self.receive.ts_recent(),
        })
    }

    /// What a segment's TSecr stands for on our clock.
    #[inline]
    pub(crate) fn echoed(&self, segment: &Segment) -> Option<Instant> {
        self.echoed_at(segment.arrival, segment.options.timestamps)
    }

    /// The same for a segment with these timestamps that arrived then.
    #[inline]
    pub(crate) fn echoed_at(
        &self,
        arrival: Instant,
        timestamps: Option<Timestamps>,
    ) -> Option<Instant> {
        let echo = timestamps.filter(|_| self.negotiated.timestamps)?.echo;
        let now = timestamp_clock(arrival, self.negotiated.timestamp_offset);
        let age = u64::from(now.wrapping_sub(echo));
        arrival.as_millis().checked_sub(age).map(Instant::from_millis)
    }

    /// Both directions have ended.
    pub(crate) fn into_leftover(self) -> Leftover {
        Leftover { metrics: self.send.path_metrics(), unread: self.receive.queue }
    }

    /// The reset that ends this connection from our side, with a sequence number that the peer can accept.
    pub(crate) fn farewell(&self, now: Instant) -> Farewell {
        let edge = self.send.una + self.send.window;
        Farewell {
            seq: self.send.nxt.min(edge),
            ack: Some(self.receive.nxt),
            timestamps: self.timestamps(now),
        }
    }

    /// The reset for data that nobody will read: with the number that its sender is known to expect, as for a segment that belongs
    /// nowhere (RFC 9293 §3.10.7.1).
    pub(crate) fn farewell_to(&self, now: Instant, segment: &Segment) -> Farewell {
        Farewell { seq: segment.ack, ack: None, timestamps: self.timestamps(now) }
    }

    /// RFC 5961: a bad segment is answered with an ACK, throttled unless it carried data.
    pub(crate) fn challenge(&mut self, now: Instant, segment: &Segment, checks: &Checks) {
        if !segment.payload.is_empty() || self.challenge.permit(now, checks.challenge_interval) {
            self.receive.ack.now();
        }
    }
}

/// TSval: milliseconds plus the connection's own offset.
#[inline]
pub(crate) fn timestamp_clock(now: Instant, offset: u32) -> u32 {
    (now.as_millis() as u32).wrapping_add(offset)
}

impl State {
    pub(crate) fn name(&self) -> StateName {
        match self {
            Self::Closed(_) => StateName::Closed,
            Self::SynSent(_) => StateName::SynSent,
            Self::SynReceived(_) | Self::FastOpened(_) => StateName::SynReceived,
            Self::Established(_) => StateName::Established,
            Self::FinWait1(_) => StateName::FinWait1,
            Self::FinWait2(_) => StateName::FinWait2,
            Self::CloseWait(_) => StateName::CloseWait,
            Self::Closing(_) => StateName::Closing,
            Self::LastAck(_) => StateName::LastAck,
            Self::TimeWait(..) => StateName::TimeWait,
        }
    }

    /// Both directions, in the states that have them.
    #[inline]
    pub(crate) fn open(&self) -> Option<&Open> {
        match self {
            Self::Established(open)
            | Self::FinWait1(open)
            | Self::FinWait2(open)
            | Self::CloseWait(open)
            | Self::Closing(open)
            | Self::LastAck(open)
            | Self::FastOpened(FastOpened { open, .. }) => Some(open),
            Self::Closed(_) | Self::SynSent(_) | Self::SynReceived(_) | Self::TimeWait(..) => None,
        }
    }

    /// Both directions, in the states that have them.
    #[inline]
    pub(crate) fn open_mut(&mut self) -> Option<&mut Open> {
        match self {
            Self::Established(open)
            | Self::FinWait1(open)
            | Self::FinWait2(open)
            | Self::CloseWait(open)
            | Self::Closing(open)
            | Self::LastAck(open)
            | Self::FastOpened(FastOpened { open, .. }) => Some(open),
            Self::Closed(_) | Self::SynSent(_) | Self::SynReceived(_) | Self::TimeWait(..) => None,
        }
    }

    /// What the application can read.
    pub(crate) fn unread_mut(&mut self) -> Option<&mut ReadQueue> {
        match self {
            Self::Closed(closed) => Some(&mut closed.unread),
            Self::TimeWait(_, leftover) => Some(&mut leftover.unread),
            Self::SynSent(_) | Self::SynReceived(_) => None,
            _ => self.open_mut().map(|open| &mut open.receive.queue),
        }
    }

    /// Takes the state out, to be replaced.
    pub(crate) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::Closed(Closed::default()))
    }

    /// Moves both directions on to another state; states without them stay.
    pub(crate) fn advance(&mut self, to: impl FnOnce(Open) -> Self) {
        *self = match self.take() {
            Self::Established(open)
            | Self::FinWait1(open)
            | Self::FinWait2(open)
            | Self::CloseWait(open)
            | Self::Closing(open)
            | Self::LastAck(open) => to(open),
            other => other,
        };
    }
}
