//! What the eye saw in one packet: a line of a ladder.

use crate::tracker::Side;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};
use std::ops::{BitOr, BitOrAssign};

/// One packet of a connection, and where it left both ends.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// The connection's `id`.
    pub connection: u64,
    /// The packet's number.
    pub packet: u64,
    /// When it was seen.
    pub time: Instant,
    /// When the connection's first packet was seen.
    pub first: Instant,
    /// Who sent it.
    pub from: Side,
    /// Control bits.
    pub flags: Flags,
    /// Sequence number as it stands.
    pub seq: SeqNumber,
    /// Acknowledgement number as it stands, if ACK is set.
    pub ack: Option<SeqNumber>,
    /// Sequence number counted from the SYN.
    pub relative_seq: Option<i64>,
    /// Acknowledgement number counted from the peer's SYN.
    pub relative_ack: Option<i64>,
    /// Octets of payload.
    pub payload_len: u32,
    /// Window in octets if the scale is known, as it stands otherwise.
    pub window: u32,
    /// State of the client after it; `None` if it cannot be told.
    pub client: Option<StateName>,
    /// State of the server after it; `None` if it cannot be told.
    pub server: Option<StateName>,
    /// What was special about it.
    pub marks: Marks,
}

/// What was special about a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks(u16);

impl Marks {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Sent again.
    pub const RETRANSMISSION: Self = Self(1);
    /// Came late, for the first time.
    pub const OUT_OF_ORDER: Self = Self(1 << 1);
    /// A copy made by the network.
    pub const DUPLICATE: Self = Self(1 << 2);
    /// Keep-alive or window probe with an octet already acknowledged.
    pub const KEEP_ALIVE: Self = Self(1 << 3);
    /// Dropped by its receiver for its checksum.
    pub const BAD_CHECKSUM: Self = Self(1 << 4);
    /// Breaks a rule.
    pub const VIOLATION: Self = Self(1 << 5);
    /// Data before it have not been seen.
    pub const AFTER_HOLE: Self = Self(1 << 6);
    /// Its sender closes.
    pub const FIRST_FIN: Self = Self(1 << 7);
    /// Acknowledges the peer's FIN.
    pub const ACKS_FIN: Self = Self(1 << 8);
    /// A RST that its receiver must believe.
    pub const RESETS: Self = Self(1 << 9);
    /// A SYN or SYN+ACK sent again.
    pub const SYN_AGAIN: Self = Self(1 << 10);
    /// A SYN+ACK whose acknowledgement is the SYN's number + 1.
    pub const ACKS_SYN: Self = Self(1 << 11);
    /// The handshake's third packet, its numbers right.
    pub const ACKS_SYN_ACK: Self = Self(1 << 12);
    /// A number of the handshake is wrong.
    pub const WRONG_NUMBER: Self = Self(1 << 13);

    /// A SYN that is not of this connection, nor begins another.
    pub const STRAY: Self = Self(1 << 14);

    /// Whether all of `other` hold.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Marks {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
