//! SYN-RECEIVED: a small record for a SYN that was answered (RFC 9293 §3.10.7.2, §3.10.7.4).

use crate::challenge::ChallengeThrottle;
use crate::ecn::{self, EcnMode};
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
    opening: Opening,
    negotiated: Negotiated,
    /// IRS.
    irs: SeqNumber,
    /// The peer's window as its SYN told it, never scaled.
    peer_window: u16,
    ts_recent: u32,
    ts_recent_at: Instant,
    challenge: ChallengeThrottle,
    /// When the SYN-ACK was first sent.
    sent_at: Instant,
    deadline: Instant,
    retransmissions: u8,
    /// What ECN was agreed to, and the codepoint that the SYN arrived with.
    ecn: EcnMode,
    syn_codepoint: Codepoint,
    due: Due,
    /// Opened by a crossing SYN of ours, not by a listener (RFC 9293 MUST-11).
    active: bool,
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
    /// The acknowledgement number is ISS + 1 and ACK is set: the article's last check.
    Establish,
}

impl HalfOpen {
    /// A listener received `syn`.
    #[must_use]
    pub fn on_syn(config: &Config, opening: Opening, syn: &Segment, now: Instant) -> Self {
        Self::new(config, opening, syn, now, false)
    }

    pub(crate) fn new(
        config: &Config,
        opening: Opening,
        syn: &Segment,
        now: Instant,
        active: bool,
    ) -> Self {
        Self {
            negotiated: Negotiated::new(config, &opening, &syn.options),
            opening,
            irs: syn.seq,
            peer_window: syn.window,
            ts_recent: syn.options.timestamps.map_or(0, |timestamps| timestamps.value),
            ts_recent_at: now,
            challenge: ChallengeThrottle::default(),
            sent_at: now,
            deadline: now + config.initial_rto,
            retransmissions: 0,
            // When SYNs cross each end would have to be both client and server of the negotiation.
            ecn: if active { EcnMode::Off } else { ecn::offered(config.ecn.accept, syn.flags) },
            syn_codepoint: syn.ecn,
            due: Due::SynAck,
            active,
        }
    }

    /// RCV.NXT.
    fn rcv_nxt(&self) -> SeqNumber {
        self.irs + 1
    }

    fn window(config: &Config) -> u32 {
        config.receive_buffer_bytes.min(u32::from(u16::MAX))
    }

    /// The SYN-ACK, or an ACK, if one is due.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, config: &Config) -> Option<Transmit> {
        let timestamps = self.timestamps(now);
        let window = Self::window(config) as u16;
        match core::mem::replace(&mut self.due, Due::Nothing) {
            Due::Nothing => None,
            Due::SynAck => {
                let shift = self.negotiated.scaling.then_some(self.negotiated.receive_shift);
                let mut options =
                    syn_options(self.opening.mss, self.negotiated.sack, timestamps, shift);
                if self.ecn == EcnMode::Accurate && self.retransmissions == 0 && config.ecn.option {
                    // The option tells the client that it gets through; where it does not, the second try does without
                    // (RFC 9768 §3.2.3.2.2). It rides only where there is room.
                    let _fits = options.push(&ecn::opening_option().as_option());
                }
                let echo = ecn::answer_flags(self.ecn, self.syn_codepoint, self.retransmissions);
                Some(Transmit::bare(
                    self.opening.iss,
                    self.rcv_nxt(),
                    Flags::SYN_ACK | echo,
                    window,
                    options,
                ))
            }
            Due::Ack => {
                let mut options = OptionBytes::new();
                if let Some(Timestamps { value, echo }) = timestamps {
                    let fits = options.push_timestamps(value, echo);
                    debug_assert!(fits.is_ok());
                }
                let window = window >> self.negotiated.receive_shift;
                Some(Transmit::bare(
                    self.opening.iss + 1,
                    self.rcv_nxt(),
                    Flags::ACK,
                    window,
                    options,
                ))
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
        match self.judge(now, config, &segment) {
            Verdict::Wait => HalfOpenEvent::Waiting,
            Verdict::Reset(reset) => HalfOpenEvent::Reset(reset),
            Verdict::Gone => HalfOpenEvent::Gone,
            Verdict::Establish => {
                let open = self.open(now, config, SendBuffer::default());
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

    /// The checks of RFC 9293 §3.10.7.4 for SYN-RECEIVED, up to the ACK field.
    pub(crate) fn judge(&mut self, now: Instant, config: &Config, segment: &Segment) -> Verdict {
        let (seq, nxt) = (segment.seq, self.rcv_nxt());
        let window = Self::window(config);
        if segment.flags.rst() {
            // RFC 5961 §3.2: only the exact number resets; elsewhere in the window it is challenged.
            if seq == nxt {
                return Verdict::Gone;
            }
            if seq.within(nxt, window) && self.challenge.permit(now) {
                self.due = Due::Ack;
            }
            return Verdict::Wait;
        }
        if self.is_old_duplicate(segment) {
            self.due = Due::Ack;
            return Verdict::Wait;
        }
        if segment.flags.syn() && seq == self.irs {
            if segment.flags.ack() && self.active {
                // The crossing SYN-ACK of a simultaneous open carries the acknowledgement that we wait for.
                return self.judge_ack(segment);
            }
            // The peer's SYN again: our SYN-ACK was lost.
            self.syn_codepoint = segment.ecn;
            self.due = Due::SynAck;
            return Verdict::Wait;
        }
        if !acceptable(nxt, window, seq, segment.sequence_len()) {
            if self.challenge.permit(now) {
                self.due = Due::Ack;
            }
            return Verdict::Wait;
        }
        if segment.flags.syn() {
            if self.active {
                self.due = Due::Ack;
                return Verdict::Wait;
            }
            return Verdict::Gone;
        }
        if !segment.flags.ack() {
            return Verdict::Wait;
        }
        self.judge_ack(segment)
    }

    fn judge_ack(&self, segment: &Segment) -> Verdict {
        if segment.ack == self.opening.iss + 1 {
            return Verdict::Establish;
        }
        Reset::for_segment(segment).map_or(Verdict::Wait, Verdict::Reset)
    }

    fn is_old_duplicate(&self, segment: &Segment) -> bool {
        let older = |value: u32| (value.wrapping_sub(self.ts_recent) as i32) < 0;
        self.negotiated.timestamps
            && segment.options.timestamps.is_some_and(|timestamps| older(timestamps.value))
    }

    /// Both directions of the connection that this record becomes.
    pub(crate) fn open(&self, now: Instant, config: &Config, buffer: SendBuffer) -> Open {
        let mut rtt = RttEstimator::new(config);
        if self.retransmissions == 0 {
            rtt.sample(now.since(self.sent_at));
        } else {
            rtt.distrust();
        }
        let timestamps = self.negotiated.timestamps.then_some((self.ts_recent, self.ts_recent_at));
        let peer_window = u32::from(self.peer_window);
        let send = Sender::new(
            config,
            &self.negotiated,
            self.opening.iss,
            peer_window,
            (self.irs, self.opening.iss),
            buffer,
            rtt,
        );
        let receive = Receiver::new(
            config,
            &self.negotiated,
            self.rcv_nxt(),
            Self::window(config),
            timestamps,
        );
        let mut open = Open::new(send, receive, self.negotiated, now);
        open.ecn = ecn::third_flags(self.ecn, self.retransmissions);
        open
    }

    /// When [`on_timer`](Self::on_timer) is to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The SYN-ACK timer may have run out; false when it ran out for the last time and the record is to be dropped.
    #[must_use]
    pub fn on_timer(&mut self, now: Instant, config: &Config) -> bool {
        if self.deadline > now {
            return true;
        }
        if self.retransmissions >= config.syn_ack_retries {
            return false;
        }
        self.retransmissions += 1;
        self.due = Due::SynAck;
        self.deadline =
            now + (config.initial_rto * (1 << self.retransmissions.min(16))).min(config.max_rto);
        true
    }

    /// Our own reset of a connection that was never established (RFC 9293 §3.10.5).
    pub(crate) fn farewell(&self, now: Instant) -> Farewell {
        let timestamps = self.timestamps(now);
        Farewell { seq: self.opening.iss + 1, ack: self.rcv_nxt(), timestamps }
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
        self.opening.iss
    }
}
