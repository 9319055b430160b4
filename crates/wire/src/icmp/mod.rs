//! ICMP for IPv4 (RFC 792) and IPv6 (RFC 4443): echo and errors under one face. Neighbour discovery is in
//! [`ndp`](crate::ndp).

mod build;
mod quoted;
#[cfg(test)]
mod tests;
mod view;

pub use build::IcmpHeader;
pub use quoted::Quoted;
pub use view::{ErrorKind, IcmpView};

/// Octets before the data of every message.
pub const HEADER_BYTES: usize = 8;
