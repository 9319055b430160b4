//! Packet by packet, what each end did and the state it entered.

mod recorder;
#[cfg(test)]
mod tests;

pub(crate) use recorder::{Recorder, header_of};

use crate::network::NodeId;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};
use std::fmt;

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// From the SYN until both ends are ESTABLISHED.
    Handshake,
    /// Data flows.
    Transfer,
    /// From the first FIN until both ends are CLOSED.
    Close,
}

impl fmt::Display for Phase {
    /// When it is, as in "lost the connection during the handshake".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "during the handshake",
            Self::Transfer => "during the transfer",
            Self::Close => "while closing",
        })
    }
}

/// Something that an end did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// When, on the network's clock.
    pub time: Instant,
    /// Which end.
    pub node: NodeId,
    /// What.
    pub kind: StepKind,
    /// Its state before.
    pub before: StateName,
    /// Its state afterwards.
    pub after: StateName,
}

/// What an end did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepKind {
    /// It sent a segment.
    Sent {
        /// The segment.
        header: Header,
        /// It has sent these sequence numbers before.
        again: bool,
        /// How often it arrives: 0 if the network loses it, 2 if it duplicates it.
        copies: usize,
    },
    /// It received a segment.
    Received {
        /// The segment.
        header: Header,
    },
    /// A timer ran out: TIME-WAIT is over.
    TimedOut,
}

/// What a story needs of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Control bits.
    pub flags: Flags,
    /// Sequence number.
    pub seq: SeqNumber,
    /// Acknowledgement number; meaningful with ACK only.
    pub ack: SeqNumber,
    /// Octets of data.
    pub payload_len: usize,
}

impl Header {
    /// The sequence number after the segment's last.
    #[must_use]
    pub fn end(&self) -> SeqNumber {
        self.seq + self.flags.sequence_len() + self.payload_len as u32
    }
}

impl Step {
    /// The segment, if there is one.
    #[must_use]
    pub const fn header(&self) -> Option<&Header> {
        match &self.kind {
            StepKind::Sent { header, .. } | StepKind::Received { header } => Some(header),
            StepKind::TimedOut => None,
        }
    }

    /// Whether the end is in another state than before.
    #[must_use]
    pub fn changes_state(&self) -> bool {
        self.before != self.after
    }

    /// Whether it sends sequence numbers again.
    #[must_use]
    pub const fn is_retransmission(&self) -> bool {
        matches!(self.kind, StepKind::Sent { again: true, .. })
    }
}

/// The steps that tell a story once: every packet sent, with the sender's state; and of those received, the ones that change
/// the receiver's state without its saying so in a packet of its own at the same moment.
pub fn told_once(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().enumerate().filter_map(|(at, step)| {
        let told = match step.kind {
            StepKind::Sent { .. } | StepKind::TimedOut => true,
            StepKind::Received { .. } => step.changes_state() && !says_so(step, &steps[at + 1..]),
        };
        told.then_some(step)
    })
}

fn says_so(step: &Step, later: &[Step]) -> bool {
    later.iter().take_while(|next| next.time == step.time).any(|next| {
        let sent = matches!(next.kind, StepKind::Sent { .. });
        sent && next.node == step.node && next.after == step.after
    })
}
