//! The active side of the handshake: SYN-SENT, and SYN-RECEIVED after SYNs crossed (RFC 9293 §3.5, §3.10.7.3).

use crate::half_open::HalfOpen;
use crate::options::{Negotiated, Opening, Timestamps, syn_options};
use crate::receive::Receiver;
use crate::send::{RttEstimator, SendBuffer, Sender};
use crate::state::{Open, timestamp_clock};
use crate::{Config, Error, Reset, Segment, Transmit, ecn};
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
}

/// SYN-RECEIVED after a simultaneous open.
#[derive(Debug)]
pub(crate) struct SynReceived {
    pub(crate) half: HalfOpen,
    pub(crate) buffer: SendBuffer,
    pub(crate) closing: bool,
}

/// What a segment means in SYN-SENT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// Nothing of ours: dropped.
    Drop,
    /// The acknowledgement number is not ISS + 1: refused with a reset, the handshake waits on.
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
        }
    }

    fn window(config: &Config) -> u32 {
        config.receive_buffer_bytes.min(u32::from(u16::MAX))
    }

    /// The SYN, if it is due.
    pub(crate) fn poll_transmit(&mut self, now: Instant, config: &Config) -> Option<Transmit> {
        if !core::mem::take(&mut self.syn_due) {
            return None;
        }
        let timestamps = config.timestamps.then(|| Timestamps {
            value: timestamp_clock(now, self.opening.timestamp_offset),
            echo: 0,
        });
        let shift = config.window_scaling.then(|| config.window_shift());
        let options = syn_options(self.opening.mss, config.sack, timestamps, shift);
        let window = Self::window(config) as u16;
        let flags = Flags::SYN | ecn::offer(config.ecn.request, self.retransmissions);
        Some(Transmit::bare(self.opening.iss, SeqNumber(0), flags, window, options))
    }

    /// The checks of RFC 9293 §3.10.7.3, in its order.
    pub(crate) fn judge(&self, segment: &Segment) -> Answer {
        let acks_syn = segment.flags.ack() && segment.ack == self.opening.iss + 1;
        if segment.flags.ack() && !acks_syn {
            return Reset::for_segment(segment).map_or(Answer::Drop, Answer::Reset);
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

    /// Both directions, from the SYN-ACK that completes the handshake.
    pub(crate) fn open(self, now: Instant, config: &Config, syn_ack: &Segment) -> Open {
        let mut rtt = RttEstimator::new(config);
        if self.retransmissions == 0 {
            rtt.sample(syn_ack.arrival.since(self.sent_at));
        } else {
            rtt.distrust();
        }
        let negotiated = Negotiated::new(config, &self.opening, &syn_ack.options);
        let window = u32::from(syn_ack.window);
        let segment = (syn_ack.seq, syn_ack.ack);
        let mut send =
            Sender::new(config, &negotiated, self.opening.iss, window, segment, self.buffer, rtt);
        if self.closing {
            send.queue_fin();
        }
        let timestamps = syn_ack.options.timestamps.map(|timestamps| (timestamps.value, now));
        let nxt = syn_ack.seq + 1;
        let receive = Receiver::new(config, &negotiated, nxt, Self::window(config), timestamps);
        let mut open = Open::new(send, receive, negotiated, now);
        let requested = ecn::offer(config.ecn.request, self.retransmissions);
        open.ecn = ecn::answered(requested, syn_ack.flags, syn_ack.ecn);
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
}

impl SynReceived {
    /// SYNs crossed: from SYN-SENT, the peer's `syn` in hand.
    pub(crate) fn from_crossing(
        syn_sent: SynSent,
        config: &Config,
        syn: &Segment,
        now: Instant,
    ) -> Self {
        let half = HalfOpen::new(config, syn_sent.opening, syn, now, true);
        Self { half, buffer: syn_sent.buffer, closing: syn_sent.closing }
    }

    /// Both directions, once the acknowledgement of our SYN has come.
    pub(crate) fn open(self, now: Instant, config: &Config) -> Open {
        let mut open = self.half.open(now, config, self.buffer);
        if self.closing {
            open.send.queue_fin();
        }
        open
    }
}
