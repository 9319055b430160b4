//! Why the host refused a call.

use core::net::{IpAddr, SocketAddr};
use thiserror::Error;

/// Why a listener, connection, address or route could not be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum HostError {
    /// Someone listens there, has bound it, or the very connection exists.
    #[error("address {0} is in use")]
    AddrInUse(SocketAddr),
    /// The address is on none of the host's interfaces.
    #[error("address {0} is not one of this host's")]
    AddrNotAvailable(IpAddr),
    /// Every ephemeral port is taken towards this peer.
    #[error("no free port left towards {0}")]
    PortsExhausted(SocketAddr),
    /// A broadcast, multicast or unspecified address, or port 0: no peer of a connection (RFC 9293 MUST-46).
    #[error("{0} cannot be the other end of a connection")]
    InvalidRemote(SocketAddr),
    /// Local and remote address are of different families.
    #[error("{local} and {remote} are of different address families")]
    FamilyMismatch {
        /// The local address asked for.
        local: SocketAddr,
        /// The remote address asked for.
        remote: SocketAddr,
    },
    /// No route leads there.
    #[error("no route to {0}")]
    NetworkUnreachable(IpAddr),
    /// The limit on connections is reached.
    #[error("the limit of {0} connections is reached")]
    TooManyConnections(usize),
    /// Data that connections hold takes nearly all the memory that they may have.
    #[error("too little memory is left")]
    OutOfMemory,
    /// Data on the SYN is switched off (RFC 7413).
    #[error("Fast Open is switched off")]
    FastOpenDisabled,
    /// A SYN is not held any more: it was decided about, its client gave up or its time ran out.
    #[error("the client does not wait for this connection any more")]
    NotHeld,
    /// What was to be sent is no whole IP packet.
    #[error("not a whole IP packet")]
    BadPacket,
    /// The packet is larger than the link takes.
    #[error("the link takes packets of at most {0} octets")]
    PacketTooLarge(u16),
    /// No such interface.
    #[error("interface {0} does not exist")]
    NoSuchInterface(u32),
    /// A prefix longer than the address.
    #[error("prefix length {len} is too long for {address}")]
    BadPrefix {
        /// The address.
        address: IpAddr,
        /// The prefix length in bits.
        len: u8,
    },
}
