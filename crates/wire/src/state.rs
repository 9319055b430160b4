//! The names of the states (RFC 9293 §3.3.2).

use core::fmt;

/// One of the eleven states, by name only.
///
/// What a connection holds in each is the business of the stack; what a reader infers, of the eye. Both use these names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum StateName {
    /// No connection.
    #[default]
    Closed,
    /// Waiting for a SYN from any peer.
    Listen,
    /// SYN sent, waiting for the peer's.
    SynSent,
    /// SYN received and sent, waiting for its acknowledgement.
    SynReceived,
    /// Open: data flows both ways.
    Established,
    /// FIN sent, not acknowledged; the peer has not closed.
    FinWait1,
    /// FIN acknowledged; the peer has not closed.
    FinWait2,
    /// The peer has closed; we have not.
    CloseWait,
    /// Both sent FIN at the same time; ours is not acknowledged.
    Closing,
    /// The peer closed first; our FIN is not acknowledged.
    LastAck,
    /// Both closed, waiting 2·MSL for stray segments.
    TimeWait,
}

impl StateName {
    /// The RFC's spelling, such as `SYN-RECEIVED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        }
    }

    /// Whether both ends' sequence numbers are known and confirmed (ESTABLISHED and later).
    #[must_use]
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, Self::Closed | Self::Listen | Self::SynSent | Self::SynReceived)
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
