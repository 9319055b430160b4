//! What an application is told when a call or a connection fails.

use thiserror::Error;

/// Why a call failed or a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum Error {
    /// Nothing to read, or no room to write, right now.
    #[error("operation would block")]
    WouldBlock,
    /// The peer answered our SYN with a reset, or a port was unreachable.
    #[error("connection refused")]
    Refused,
    /// The peer reset the connection.
    #[error("connection reset by peer")]
    Reset,
    /// Retransmissions, keep-alive probes or the user timeout were exhausted (RFC 9293 §3.8.3).
    #[error("connection timed out")]
    TimedOut,
    /// This side has closed its direction; nothing more can be written.
    #[error("broken pipe: the sending direction is closed")]
    Closing,
    /// The connection is not open (yet, or any more).
    #[error("not connected")]
    NotConnected,
    /// The application aborted the connection.
    #[error("connection aborted")]
    Aborted,
    /// ICMP: the host cannot be reached.
    #[error("host unreachable")]
    HostUnreachable,
    /// ICMP: the network cannot be reached.
    #[error("network unreachable")]
    NetworkUnreachable,
    /// ICMP: the peer has no TCP.
    #[error("protocol unreachable")]
    ProtocolUnreachable,
}
