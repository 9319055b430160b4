//! The errors of the protocol as those that the standard library would give.

use sockeye_host::HostError;
use sockeye_tcp::Error;
use std::io::{self, ErrorKind};

/// Why a connection ended, or a call on it failed.
pub(crate) fn of_connection(error: Error) -> io::Error {
    let kind = match error {
        Error::WouldBlock => ErrorKind::WouldBlock,
        Error::Refused => ErrorKind::ConnectionRefused,
        Error::Reset => ErrorKind::ConnectionReset,
        Error::TimedOut => ErrorKind::TimedOut,
        Error::Closing => ErrorKind::BrokenPipe,
        Error::NotConnected => ErrorKind::NotConnected,
        Error::Aborted => ErrorKind::ConnectionAborted,
        Error::HostUnreachable => ErrorKind::HostUnreachable,
        Error::NetworkUnreachable => ErrorKind::NetworkUnreachable,
        Error::ProtocolUnreachable => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Why something could not be set up.
pub(crate) fn of_host(error: HostError) -> io::Error {
    let kind = match error {
        HostError::AddrInUse(_) => ErrorKind::AddrInUse,
        // Linux calls both EADDRNOTAVAIL.
        HostError::AddrNotAvailable(_) | HostError::PortsExhausted(_) => {
            ErrorKind::AddrNotAvailable
        }
        HostError::NetworkUnreachable(_) => ErrorKind::NetworkUnreachable,
        HostError::TooManyConnections(_) => ErrorKind::QuotaExceeded,
        HostError::OutOfMemory => ErrorKind::OutOfMemory,
        HostError::FastOpenDisabled => ErrorKind::Unsupported,
        HostError::NotHeld => ErrorKind::ConnectionAborted,
        HostError::PacketTooLarge(_) => ErrorKind::InvalidInput,
        HostError::BadPacket
        | HostError::InvalidRemote(_)
        | HostError::FamilyMismatch { .. }
        | HostError::NoSuchInterface(_)
        | HostError::BadPrefix { .. } => ErrorKind::InvalidInput,
    };
    io::Error::new(kind, error)
}

/// The stack was shut down, or its runtime has gone.
pub(crate) fn stopped() -> io::Error {
    io::Error::new(ErrorKind::ConnectionAborted, "the stack has been shut down")
}
