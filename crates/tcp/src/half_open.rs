//! SYN-RECEIVED: a small record for a SYN that was answered (RFC 9293 §3.10.7.2, §3.10.7.4).

mod held;

use crate::auth::Signature;
use crate::challenge::ChallengeThrottle;
use crate::config::Checks;
use crate::ecn::{self, EcnMode};
use crate::fast_open::FastOpenOption;
use crate::options::{Negotiated, Opening, Timestamps, syn_options};
use crate::receive::{Receiver, acceptable};
use crate::send::{RttEstimator, SendBuffer, Sender};
use crate::state::{Farewell, Open, State, timestamp_clock};
use crate::{Config, Connection, Reset, Segment, Transmit};
use alloc::sync::Arc;
use sockeye_wire::tcp::OptionBytes;
use sockeye_wire::{Ecn as Codepoint, Flags, Instant, SeqNumber};

/// A connection whose SYN was answered and that waits for the third step of the handshake.
#[derive(Debug)]
pub struct HalfOpen {
    /// ISS.
    iss: SeqNumber,
    /// What the path is known to carry, less the fixed headers.
    path_mss: u16,
    negotiated: Negotiated,
    /// IRS.
    irs: SeqNumber,
    /// The peer's window as its SYN told it, never scaled.
    peer_window: u16,
    ts_recent: u32,
    challenge: ChallengeThrottle,
    /// When the SYN arrived and its answer was first sent.
    sent_at: Instant,
    deadline: Instant,
    retransmissions: u8,
    /// What ECN was agreed to, and the codepoint that the SYN arrived with.
    ecn: EcnMode,
    syn_codepoint: Codepoint,
    due: Due,
    origin: Origin,
    /// The peer's acknowledgement came and was left aside until there is data (Linux's TCP_DEFER_ACCEPT).
    acked: bool,
}

/// What opened the connection halfway (RFC 9293 MUST-11).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A listener's SYN-ACK.
    Listener,
    /// A crossing SYN of ours.
    Crossing,
    /// A SYN-ACK of which nothing was remembered, proved by its cookie (RFC 4987 §3.6).
    Cookie,
}

/// The numbers that a segment is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rcv_nxt: SeqNumber,
    /// RCV.WND in octets.
    pub(crate) window: u32,
    /// Everything up to here was sent: the SYN, and data with or after it (RFC 7413).
    pub(crate) snd_nxt: SeqNumber,
    /// What carries no timestamps although they were agreed is dropped.
    pub(crate) checks: Checks,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    Nothing,
    SynAck,
    Ack,
}

/// What a segment did to a half-open connection.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once, into the connection table")]
pub enum HalfOpenEvent {
    /// Still half open; [`HalfOpen::poll_transmit`] may have an answer.
    Waiting,
    /// Still half open; this reset is the answer.
    Reset(Reset),
    /// Back to LISTEN: the record is to be forgotten.
    Gone,
    /// The handshake is complete and the segment fully processed.
    Established(Connection),
}

/// What a segment means before anything is moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Wait,
    Reset(Reset),
    /// The peer reset or restarted.
    Gone,
    /// ACK is set and its number covers our SYN, ISS + 1 or what data added to it: the article's last check.
    Establish,
}

impl HalfOpen {
    /// A listener received `syn`.
    #[must_use]
    pub fn on_syn(config: &Config, opening: Opening, syn: &Segment, now: Instant) -> Self {
        Self::new(config, opening, syn, now, Origin::Listener)
    }

    pub(crate) fn new(
        config: &Config,
        opening: Opening,
        syn: &Segment,
        now: Instant,
        origin: Origin,
    ) -> Self {
        Self {
            negotiated: Negotiated::new(config, &opening, &syn.options),
            iss: opening.iss,
            path_mss: opening.path_mss,
            irs: syn.seq,
            peer_window: syn.window,
            ts_recent: syn.options.timestamps.map_or(0, |timestamps| timestamps.value),
            challenge: ChallengeThrottle::default(),
            sent_at: now,
            deadline: now + config.initial_rto,
            retransmissions: 0,
            // When SYNs cross each end would have to be both client and server of the negotiation.
            ecn: match origin {
                Origin::Crossing => EcnMode::Off,
                _ => ecn::offered(config.ecn.accept, syn.flags),
            },
            syn_codepoint: syn.ecn,
            due: if origin == Origin::Cookie { Due::Nothing } else { Due::SynAck },
            origin,
            acked: false,
        }
    }

    /// RCV.NXT.
    fn rcv_nxt(&self) -> SeqNumber {
        self.irs + 1
    }

    fn window(config: &Config) -> u32 {
        config.initial_receive_buffer().min(u32::from(u16::MAX))
    }

    /// The SYN-ACK, or an ACK, if one is due.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, config: &Config) -> Option<Transmit> {
        self.answer(now, config, self.rcv_nxt(), Self::window(config), None)
    }

    /// [`poll_transmit`](Self::poll_transmit), the SYN-ACK with a Fast Open cookie; only the first one carries it, as on Linux.
    #[must_use]
    pub fn poll_transmit_with_cookie(
        &mut self,
        now: Instant,
        config: &Config,
        offer: &FastOpenOption,
    ) -> Option<Transmit> {
        self.answer(now, config, self.rcv_nxt(), Self::window(config), Some(offer))
    }

    /// What is due, acknowledging up to `rcv_nxt`; `window` in octets.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        config: &Config,
        rcv_nxt: SeqNumber,
        window: u32,
        offer: Option<&FastOpenOption>,
    ) -> Option<Transmit> {
        let timestamps = self.timestamps(now);
        let (iss, shift) = (self.iss, self.negotiated.receive_shift);
        let field = |window: u32| window.min(u32::from(u16::MAX)) as u16;
        match core::mem::replace(&mut self.due, Due::Nothing) {
            Due::Nothing => None,
            Due::SynAck => {
                let mut options = syn_options(
                    self.negotiated.own_mss,
                    self.negotiated.sack,
                    timestamps,
                    self.negotiated.scaling.then_some(shift),
                );
                // A signature takes the room of what a SYN-ACK can do without.
                let spacious = self.negotiated.signature == Signature::None;
                let first = self.retransmissions == 0;
                if self.ecn == EcnMode::Accurate && first && config.ecn.option && spacious {
                    // The option tells the client that it gets through; where it does not, the second try does without
                    // (RFC 9768 §3.2.3.2.2). It rides only where there is room.
                    let _fits = options.push(&ecn::opening_option().as_option());
                }
                if let Some(offer) = offer.filter(|_| spacious) {
                    offer.push(&mut options);
                }
                let echo = ecn::answer_flags(self.ecn, self.syn_codepoint, self.retransmissions);
                let flags = Flags::SYN_ACK | echo;
                Some(Transmit::bare(iss, rcv_nxt, flags, field(window), options))
            }
            Due::Ack => {
                let mut options = OptionBytes::new();
                if let Some(Timestamps { value, echo }) = timestamps {
                    let fits = options.push_timestamps(value, echo);
                    debug_assert!(fits.is_ok());
                }
                // Rounded up, or the right edge would move to the left of what the SYN-ACK offered (RFC 7323 §2.3).
                let window = field(window.div_ceil(1 << shift));
                Some(Transmit::bare(iss + 1, rcv_nxt, Flags::ACK, window, options))
            }
        }
    }

    /// A segment for this 4-tuple arrived; data and FIN on it are processed if it completes the handshake.
    #[must_use]
    pub fn on_segment(
        &mut self,
        now: Instant,
        config: &Arc<Config>,
        segment: Segment,
    ) -> HalfOpenEvent {
        let bounds = self.bounds(config, 0);
        match self.judge(now, &segment, &bounds) {
            Verdict::Wait => HalfOpenEvent::Waiting,
            Verdict::Reset(reset) => HalfOpenEvent::Reset(reset),
            Verdict::Gone => HalfOpenEvent::Gone,
            Verdict::Establish => {
                let mut open = self.open(now, config, SendBuffer::default());
                self.measure(now, &mut open.send);
                let connection = Connection::established(
                    Arc::clone(config),
                    State::Established(open),
                    now,
                    segment,
                );
                HalfOpenEvent::Established(connection)
            }
        }
    }

    /// What holds while nothing but the SYN, with `syn_data` octets on it, was sent and nothing but the peer's SYN received.
    pub(crate) fn bounds(&self, config: &Config, syn_data: u16) -> Bounds {
        Bounds {
            rcv_nxt: self.rcv_nxt(),
            window: Self::window(config),
            snd_nxt: self.iss + 1 + u32::from(syn_data),
            checks: config.checks(),
        }
    }

    /// The checks of RFC 9293 §3.10.7.4 for SYN-RECEIVED, up to the ACK field.
    pub(crate) fn judge(&mut self, now: Instant, segment: &Segment, bounds: &Bounds) -> Verdict {
        let (seq, nxt, window) = (segment.seq, bounds.rcv_nxt, bounds.window);
        if segment.flags.rst() {
            // RFC 5961 §3.2: only the exact number resets; elsewhere in the window it is challenged.
            if seq == nxt {
                return Verdict::Gone;
            }
            if seq.within(nxt, window)
                && self.challenge.permit(now, bounds.checks.challenge_interval)
            {
                self.due = Due::Ack;
            }
            return Verdict::Wait;
        }
        // Once agreed, timestamps are on every segment (RFC 7323 §3.2).
        if bounds.checks.require_timestamps
            && self.negotiated.timestamps
            && segment.options.timestamps.is_none()
        {
            return Verdict::Wait;
        }
        if self.is_old_duplicate(segment) {
            if self.challenge.permit(now, bounds.checks.challenge_interval) {
                self.due = Due::Ack;
            }
            return Verdict::Wait;
        }
        let active = self.origin == Origin::Crossing;
        if segment.flags.syn() && seq == self.irs {
            if segment.flags.ack() && active {
                // The crossing SYN-ACK of a simultaneous open carries the acknowledgement that we wait for.
                return self.judge_ack(segment, bounds);
            }
            // The peer's SYN again: our SYN-ACK was lost.
            self.syn_codepoint = segment.ecn;
            self.due = Due::SynAck;
            return Verdict::Wait;
        }
        if !acceptable(nxt, window, seq, segment.sequence_len()) {
            if self.challenge.permit(now, bounds.checks.challenge_interval) {
                self.due = Due::Ack;
            }
            return Verdict::Wait;
        }
        if segment.flags.syn() {
            if active {
                self.due = Due::Ack;
                return Verdict::Wait;
            }
            return Verdict::Gone;
        }
        if !segment.flags.ack() {
            return Verdict::Wait;
        }
        self.judge_ack(segment, bounds)
    }

    fn judge_ack(&self, segment: &Segment, bounds: &Bounds) -> Verdict {
        if segment.ack.after(self.iss) && segment.ack.at_or_before(bounds.snd_nxt) {
            return Verdict::Establish;
        }
        Reset::for_segment(segment).map_or(Verdict::Wait, Verdict::Reset)
    }

    fn is_old_duplicate(&self, segment: &Segment) -> bool {
        self.negotiated.timestamps
            && segment
                .options
                .timestamps
                .is_some_and(|timestamps| timestamps.is_older_than(self.ts_recent))
    }

    /// Both directions of the connection that this record becomes.
    pub(crate) fn open(&self, now: Instant, config: &Config, buffer: SendBuffer) -> Open {
        let timestamps = self.negotiated.timestamps.then_some((self.ts_recent, self.sent_at));
        let peer_window = u32::from(self.peer_window);
        let send = Sender::new(
            config,
            &self.negotiated.over(self.path_mss),
            self.iss,
            peer_window,
            (self.irs, self.iss),
            buffer,
            RttEstimator::new(config),
        );
        let receive = Receiver::new(
            config,
            &self.negotiated,
            self.rcv_nxt(),
            Self::window(config),
            timestamps,
        );
        let mut open = Open::new(config, send, receive, self.negotiated, now);
        open.ecn = ecn::accepted(config.ecn, self.ecn, self.retransmissions);
        open
    }

    /// The handshake is complete: what its round trip and its losses tell the sender.
    pub(crate) fn measure(&self, now: Instant, send: &mut Sender) {
        match self.origin {
            // When the SYN-ACK was sent is not known.
            Origin::Cookie => {}
            _ => send.on_handshake(now.since(self.sent_at), self.retransmissions),
        }
    }

    /// When [`on_timer`](Self::on_timer) is to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The SYN-ACK timer may have run out; false when it ran out for the last time and the record is to be dropped. Whoever
    /// [defers](Self::defers) waits at least `deferred` times, and asks once more at the end.
    #[must_use]
    pub fn on_timer(&mut self, now: Instant, config: &Config, deferred: u8) -> bool {
        if self.deadline > now {
            return true;
        }
        let deferring = self.acked && self.retransmissions < deferred;
        if self.retransmissions >= config.syn_ack_retries && !deferring {
            return false;
        }
        self.retransmissions += 1;
        if !self.acked || self.retransmissions >= deferred {
            self.due = Due::SynAck;
        }
        self.deadline =
            now + (config.initial_rto * (1 << self.retransmissions.min(16))).min(config.max_rto);
        true
    }

    /// Whether `segment` is the bare acknowledgement that completes the handshake and is left aside, because the listener wants
    /// data first and has not waited `deferred` timeouts for it.
    #[must_use]
    pub fn defers(&mut self, segment: &Segment, deferred: u8) -> bool {
        let bare = segment.flags == Flags::ACK
            && segment.payload.is_empty()
            && segment.seq == self.rcv_nxt()
            && segment.ack == self.iss + 1;
        let defers = bare && self.retransmissions < deferred;
        self.acked |= defers;
        defers
    }

    /// Our own reset of a connection that was never established (RFC 9293 §3.10.5).
    pub(crate) fn farewell(&self, now: Instant) -> Farewell {
        let timestamps = self.timestamps(now);
        Farewell { seq: self.iss + 1, ack: Some(self.rcv_nxt()), timestamps }
    }

    fn timestamps(&self, now: Instant) -> Option<Timestamps> {
        self.negotiated.timestamps.then(|| Timestamps {
            value: timestamp_clock(now, self.negotiated.timestamp_offset),
            echo: self.ts_recent,
        })
    }

    /// The reset to send when the listener goes away, or the application refuses.
    #[must_use]
    pub fn refuse(&self, now: Instant) -> Transmit {
        self.farewell(now).into_transmit()
    }

    /// The peer's initial sequence number.
    #[must_use]
    pub fn irs(&self) -> SeqNumber {
        self.irs
    }

    /// Our initial sequence number.
    #[must_use]
    pub fn iss(&self) -> SeqNumber {
        self.iss
    }
}
