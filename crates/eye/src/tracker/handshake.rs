//! The three-way handshake: who sent which numbers, and were they right (RFC 9293 §3.5).

use crate::observation::Marks;
use sockeye_wire::{Instant, SeqNumber};
use std::time::Duration;

/// One of the three packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Number of the packet seen first.
    pub(crate) packet: u64,
    pub(crate) seq: SeqNumber,
    pub(crate) ack: Option<SeqNumber>,
    pub(crate) retransmissions: u32,
    pub(crate) time: Instant,
}

impl Step {
    pub(crate) const fn new(
        packet: u64,
        seq: SeqNumber,
        ack: Option<SeqNumber>,
        time: Instant,
    ) -> Self {
        Self { packet, seq, ack, retransmissions: 0, time }
    }
}

/// What was seen of the opening.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    pub(crate) syn: Option<Step>,
    pub(crate) syn_ack: Option<Step>,
    pub(crate) ack: Option<Step>,
    /// Octets that the SYN carried (RFC 7413).
    pub(crate) syn_payload: u32,
    /// Both ends sent a SYN without ACK (RFC 9293 §3.5, figure 7).
    pub(crate) simultaneous: bool,
    pub(crate) checks: Checks,
}

/// Whether the numbers were right; `None` is not known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checks {
    /// The SYN+ACK acknowledges the client's sequence number + 1.
    pub(crate) syn_ack_acks_syn: Option<bool>,
    /// The client's answer has its ACK flag set.
    pub(crate) ack_flag_set: Option<bool>,
    /// It acknowledges the server's sequence number + 1.
    pub(crate) ack_acks_syn_ack: Option<bool>,
    /// Its sequence number follows the SYN's.
    pub(crate) seq_follows: Option<bool>,
}

impl Checks {
    pub(crate) fn any_wrong(self) -> bool {
        [self.syn_ack_acks_syn, self.ack_flag_set, self.ack_acks_syn_ack, self.seq_follows]
            .contains(&Some(false))
    }
}

impl Handshake {
    /// The client's SYN.
    pub(crate) fn on_syn(&mut self, step: Step, payload_len: u32) -> Marks {
        match &mut self.syn {
            Some(syn) => {
                syn.retransmissions += 1;
                Marks::SYN_AGAIN
            }
            None => {
                self.syn = Some(step);
                self.syn_payload = payload_len;
                Marks::NONE
            }
        }
    }

    /// The server's SYN+ACK. A right one takes the place of a wrong one.
    pub(crate) fn on_syn_ack(&mut self, step: Step) -> Marks {
        let right = self.syn.map(|syn| {
            let acked = step.ack.map(|ack| syn.seq.distance_to(ack));
            // Data in the SYN may be acknowledged with it, or not (RFC 7413 §4.2.2).
            acked.is_some_and(|acked| acked >= 1 && acked.unsigned_abs() <= 1 + self.syn_payload)
        });
        match &mut self.syn_ack {
            Some(before)
                if before.seq == step.seq && self.checks.syn_ack_acks_syn != Some(false) =>
            {
                before.retransmissions += 1;
                return Marks::SYN_AGAIN;
            }
            Some(_) if right == Some(false) => {}
            _ => {
                self.syn_ack = Some(step);
                self.checks.syn_ack_acks_syn = right;
            }
        }
        match right {
            Some(true) => Marks::ACKS_SYN,
            Some(false) => Marks::WRONG_NUMBER,
            None => Marks::NONE,
        }
    }

    /// The client's first segment after the SYN+ACK, other than a RST; `server_sent` is how much of the server's sequence
    /// space was seen.
    pub(crate) fn on_answer(&mut self, step: Step, server_sent: u32) -> Marks {
        let Some(syn_ack) = self.syn_ack else {
            return Marks::NONE;
        };
        self.checks.ack_flag_set = Some(step.ack.is_some());
        self.checks.ack_acks_syn_ack = step.ack.map(|ack| {
            let acked = syn_ack.seq.distance_to(ack);
            acked >= 1 && acked.unsigned_abs() <= server_sent.max(1)
        });
        self.checks.seq_follows = self.syn.and_then(|syn| {
            let ahead = syn.seq.distance_to(step.seq);
            match u32::try_from(ahead) {
                Ok(ahead) if ahead >= 1 && ahead <= 1 + self.syn_payload => Some(true),
                // Segments before it may have been lost before they were seen.
                Ok(ahead) if (1..1 << 30).contains(&ahead) => None,
                _ => Some(false),
            }
        });
        self.ack = Some(step);
        let checks = self.checks;
        match [checks.ack_flag_set, checks.ack_acks_syn_ack, checks.seq_follows] {
            found if found.contains(&Some(false)) => Marks::WRONG_NUMBER,
            [Some(true), Some(true), Some(true)] => Marks::ACKS_SYN_ACK,
            _ => Marks::NONE,
        }
    }

    /// SYN to SYN+ACK, from the capture point; unknown where a SYN was sent more than once (Karn).
    pub(crate) fn rtt_to_server(&self) -> Option<Duration> {
        let (syn, syn_ack) = (self.syn?, self.syn_ack?);
        (syn.retransmissions == 0 && !self.simultaneous).then(|| syn_ack.time.since(syn.time))
    }

    /// SYN+ACK to ACK, from the capture point; unknown where the SYN+ACK was sent more than once.
    pub(crate) fn rtt_to_client(&self) -> Option<Duration> {
        let (syn_ack, ack) = (self.syn_ack?, self.ack?);
        (syn_ack.retransmissions == 0 && !self.simultaneous).then(|| ack.time.since(syn_ack.time))
    }

    /// The round trip between the ends: SYN to ACK.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        Some(self.rtt_to_server()? + self.rtt_to_client()?)
    }
}
