//! The active side of the handshake: SYN-SENT, and SYN-RECEIVED after SYNs crossed (RFC 9293 §3.5, §3.10.7.3).

use crate::auth::Signature;
use crate::fast_open::FastOpen;
use crate::half_open::{HalfOpen, Origin};
use crate::options::{Negotiated, Opening, Timestamps, syn_options};
use crate::receive::Receiver;
use crate::send::{RttEstimator, SendBuffer, Sender};
use crate::state::{Open, timestamp_clock};
use crate::{Config, Error, Reset, Segment, Transmit, ecn};
use bytes::BytesMut;
use sockeye_wire::{Flags, Instant, SeqNumber};

/// SYN-SENT.
#[derive(Debug)]
pub(crate) struct SynSent {
    pub(crate) opening: Opening,
    /// Data that the application wrote early.
    pub(crate) buffer: SendBuffer,
    /// The application has closed its direction already; the FIN follows the handshake.
    pub(crate) closing: bool,
    sent_at: Instant,
    deadline: Instant,
    retransmissions: u8,
    syn_due: bool,
    /// The application waits to send more.
    pub(crate) starved: bool,
    /// Octets of the buffer that go, or went, with the first SYN (RFC 7413). A SYN that is sent again has none.
    syn_data: u16,
}

/// SYN-RECEIVED of a connection that its application knows of: after a simultaneous open (RFC 9293 MUST-10), or after a SYN that was
/// held.
#[derive(Debug)]
pub(crate) struct SynReceived {
    pub(crate) half: HalfOpen,
    pub(crate) buffer: SendBuffer,
    pub(crate) closing: bool,
    /// Octets of the buffer that went with the SYN.
    pub(crate) syn_data: u16,
    /// When that was.
    sent_at: Instant,
}

/// What a segment means in SYN-SENT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// Nothing of ours: dropped.
    Drop,
    /// The acknowledgement number is not ISS + 1, nor covers data sent with the SYN: refused with a reset, the handshake waits on.
    Reset(Reset),
    /// The peer refused.
    Refused,
    /// SYN+ACK with ack = ISS + 1: the article's check holds.
    Establish,
    /// SYN without ACK: SYNs crossed.
    Simultaneous,
}

impl SynSent {
    pub(crate) fn new(config: &Config, opening: Opening, now: Instant) -> Self {
        Self {
            opening,
            buffer: SendBuffer::default(),
            closing: false,
            sent_at: now,
            deadline: now + config.initial_rto,
            retransmissions: 0,
            syn_due: true,
            starved: false,
            syn_data: 0,
        }
    }

    /// The first SYN takes `data` with it (RFC 7413).
    pub(crate) fn carry(&mut self, data: &[u8]) {
        self.buffer.append(data, &mut BytesMut::with_capacity);
        self.syn_data = data.len().min(usize::from(u16::MAX)) as u16;
    }

    /// All segments will be signed, and the SYN has no room for a Fast Open cookie then.
    pub(crate) fn sign(&mut self, signature: Signature) {
        self.opening.signature = signature;
        self.syn_data = 0;
    }

    /// The path does not take the SYN with its data: it goes again at once, without (RFC 7413 §4.2.1).
    pub(crate) fn on_path_mss(&mut self, mss: u16) {
        self.opening.path_mss = self.opening.path_mss.min(mss);
        if self.syn_data > 0 && self.retransmissions == 0 && mss < self.opening.mss {
            self.opening.mss = mss;
            self.retransmissions = 1;
            self.syn_due = true;
        }
    }

    fn window(config: &Config) -> u32 {
        config.initial_receive_buffer().min(u32::from(u16::MAX))
    }

    /// The SYN, if it is due. Only the first carries data and a Fast Open option: they may be why it was lost (RFC 7413 §4.2.1).
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        config: &Config,
        fast_open: Option<&FastOpen>,
    ) -> Option<Transmit> {
        if !core::mem::take(&mut self.syn_due) {
            return None;
        }
        let timestamps = self.opening.offers_timestamps(config).then(|| Timestamps {
            value: timestamp_clock(now, self.opening.timestamp_offset),
            echo: 0,
        });
        let shift = config.window_scaling.then(|| config.window_shift());
        let mut options = syn_options(self.opening.mss, config.sack, timestamps, shift);
        let window = Self::window(config) as u16;
        let first = self.retransmissions == 0;
        if let Some(option) = fast_open.and_then(|fast_open| fast_open.option).filter(|_| first) {
            option.push(&mut options);
        }
        let flags = Flags::SYN | ecn::offer(config.ecn.request, self.retransmissions);
        let syn = Transmit::bare(self.opening.iss, SeqNumber(0), flags, window, options);
        let data = if first { usize::from(self.syn_data) } else { 0 };
        Some(Transmit { payload: self.buffer.slice(0, data), ..syn })
    }

    /// The checks of RFC 9293 §3.10.7.3, in its order.
    pub(crate) fn judge(&self, now: Instant, config: &Config, segment: &Segment) -> Answer {
        let acks_syn = segment.flags.ack()
            && segment.ack.after(self.opening.iss)
            && segment.ack.at_or_before(self.opening.iss + 1 + u32::from(self.syn_data));
        if segment.flags.ack() && !(acks_syn && self.is_plausible_echo(now, config, segment)) {
            // Timestamps are not negotiated yet: the reset has none.
            return Reset::for_segment(segment)
                .map_or(Answer::Drop, |reset| Answer::Reset(Reset { echo: None, ..reset }));
        }
        if segment.flags.rst() {
            return if acks_syn { Answer::Refused } else { Answer::Drop };
        }
        match (segment.flags.syn(), acks_syn) {
            (false, _) => Answer::Drop,
            (true, true) => Answer::Establish,
            (true, false) => Answer::Simultaneous,
        }
    }

    /// An echo of a timestamp that no SYN of ours bore answers somebody else's (as Linux checks it).
    fn is_plausible_echo(&self, now: Instant, config: &Config, segment: &Segment) -> bool {
        let Some(Timestamps { echo, .. }) = segment.options.timestamps else { return true };
        let clock = |at| timestamp_clock(at, self.opening.timestamp_offset);
        let age = clock(now).wrapping_sub(echo);
        !config.timestamps || echo == 0 || age <= clock(now).wrapping_sub(clock(self.sent_at))
    }

    /// Both directions, from the SYN-ACK that completes the handshake.
    pub(crate) fn open(self, now: Instant, config: &Config, syn_ack: &Segment) -> Open {
        let negotiated = Negotiated::new(config, &self.opening, &syn_ack.options);
        let window = u32::from(syn_ack.window);
        let segment = (syn_ack.seq, syn_ack.ack);
        let (iss, rtt) = (self.opening.iss, RttEstimator::new(config));
        let limits = negotiated.over(self.opening.path_mss);
        let mut send = Sender::new(config, &limits, iss, window, segment, self.buffer, rtt);
        send.on_handshake(syn_ack.arrival.since(self.sent_at), self.retransmissions);
        send.take_over_syn_data(self.sent_at, self.syn_data, syn_ack.ack);
        if self.closing {
            send.queue_fin();
        }
        let timestamps = syn_ack.options.timestamps.map(|timestamps| (timestamps.value, now));
        let nxt = syn_ack.seq + 1;
        let receive = Receiver::new(config, &negotiated, nxt, Self::window(config), timestamps);
        let mut open = Open::new(config, send, receive, negotiated, now);
        let requested = ecn::offer(config.ecn.request, self.retransmissions);
        open.ecn = ecn::answered(config.ecn, requested, syn_ack.flags, syn_ack.ecn);
        open
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The SYN timer may have run out; true when the path became suspect.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when it ran out for the last time (RFC 9293 MUST-22, MUST-23).
    pub(crate) fn on_timer(&mut self, now: Instant, config: &Config) -> Result<bool, Error> {
        if self.deadline > now {
            return Ok(false);
        }
        if self.retransmissions >= config.syn_retries {
            return Err(Error::TimedOut);
        }
        self.retransmissions += 1;
        self.syn_due = true;
        self.deadline =
            now + (config.initial_rto * (1 << self.retransmissions.min(16))).min(config.max_rto);
        Ok(self.retransmissions == config.retries_suspect)
    }

    pub(crate) fn started(&self) -> Instant {
        self.sent_at
    }

    pub(crate) fn retransmissions(&self) -> u8 {
        self.retransmissions
    }

    /// Octets that went with the first SYN.
    pub(crate) fn syn_data(&self) -> u16 {
        self.syn_data
    }
}

impl SynReceived {
    /// SYNs crossed: from SYN-SENT, the peer's `syn` in hand.
    pub(crate) fn from_crossing(
        syn_sent: SynSent,
        config: &Config,
        syn: &Segment,
        now: Instant,
    ) -> Self {
        let half = HalfOpen::new(config, syn_sent.opening, syn, now, Origin::Crossing);
        Self {
            half,
            buffer: syn_sent.buffer,
            closing: syn_sent.closing,
            syn_data: syn_sent.syn_data,
            sent_at: syn_sent.sent_at,
        }
    }

    /// It was decided at `now` to answer a SYN.
    pub(crate) fn of_held(half: HalfOpen, now: Instant) -> Self {
        Self { half, buffer: SendBuffer::default(), closing: false, syn_data: 0, sent_at: now }
    }

    /// Both directions, once the acknowledgement of our SYN has come.
    pub(crate) fn open(self, now: Instant, config: &Config, ack: SeqNumber) -> Open {
        let mut open = self.half.open(now, config, self.buffer);
        self.half.measure(now, &mut open.send);
        open.send.take_over_syn_data(self.sent_at, self.syn_data, ack);
        if self.closing {
            open.send.queue_fin();
        }
        open
    }
}
