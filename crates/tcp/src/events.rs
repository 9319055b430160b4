//! What changed since the host last asked.

use core::ops::{BitOr, BitOrAssign};

/// A set of things that somebody may be waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Events(u8);

impl Events {
    /// Nothing happened.
    pub const NONE: Self = Self(0);
    /// The handshake is complete.
    pub const CONNECTED: Self = Self(1);
    /// Data, or the end of it, can be read.
    pub const READABLE: Self = Self(1 << 1);
    /// There is room in the send buffer again.
    pub const WRITABLE: Self = Self(1 << 2);
    /// The connection is over; [`error`](crate::Connection::error) says why if it was not closed in order.
    pub const CLOSED: Self = Self(1 << 3);
    /// Urgent data became pending or its pointer advanced (RFC 9293 MUST-32).
    pub const URGENT: Self = Self(1 << 4);
    /// Retransmissions reached R1: the IP layer should look for another path (RFC 9293 MUST-20).
    pub const PATH_SUSPECT: Self = Self(1 << 5);
    /// The peer acknowledged new data: the neighbour is reachable (RFC 4861 §7.3.1).
    pub const FORWARD_PROGRESS: Self = Self(1 << 6);
    /// An error that does not end the connection; [`soft_error`](crate::Connection::soft_error) tells which (RFC 9293 SHLD-25).
    pub const SOFT_ERROR: Self = Self(1 << 7);

    /// Whether nothing happened.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether any event of `other` is in the set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Events {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Events {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
