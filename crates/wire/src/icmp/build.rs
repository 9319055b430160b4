//! A message to be sent.

use super::{ErrorKind, HEADER_BYTES};
use crate::ip::protocol;
use crate::packet::append;
use crate::{Checksum, HeaderBytes, Payload};
use core::net::IpAddr;

/// Type, code and the four octets after the checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IcmpHeader {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// What follows the checksum; its meaning depends on the type.
    pub rest: [u8; 4],
}

impl IcmpHeader {
    /// An echo request in the version of `destination`.
    #[must_use]
    pub const fn echo_request(destination: IpAddr, token: [u8; 4]) -> Self {
        Self { kind: if destination.is_ipv4() { 8 } else { 128 }, code: 0, rest: token }
    }

    /// The answer to an echo request, in the version of `destination`.
    #[must_use]
    pub const fn echo_reply(destination: IpAddr, token: [u8; 4]) -> Self {
        Self { kind: if destination.is_ipv4() { 0 } else { 129 }, code: 0, rest: token }
    }

    /// An error message in the version of `destination`. `None` where the version has no such message, and for source
    /// quench, which must not be sent (RFC 6633).
    ///
    /// A parameter problem points at octet 0; a protocol unreachable, which in IPv6 is one, at the next-header field.
    #[must_use]
    pub fn error(destination: IpAddr, kind: ErrorKind) -> Option<Self> {
        let (kind, code, rest) = if destination.is_ipv4() {
            match kind {
                ErrorKind::NetworkUnreachable => (3, 0, 0),
                ErrorKind::HostUnreachable => (3, 1, 0),
                ErrorKind::ProtocolUnreachable => (3, 2, 0),
                ErrorKind::PortUnreachable => (3, 3, 0),
                ErrorKind::PacketTooBig { mtu } => (3, 4, mtu.min(u32::from(u16::MAX))),
                ErrorKind::Prohibited => (3, 13, 0),
                ErrorKind::TimeExceeded => (11, 0, 0),
                ErrorKind::ParameterProblem => (12, 0, 0),
                ErrorKind::SourceQuench => return None,
            }
        } else {
            match kind {
                ErrorKind::NetworkUnreachable => (1, 0, 0),
                ErrorKind::Prohibited => (1, 1, 0),
                ErrorKind::HostUnreachable => (1, 3, 0),
                ErrorKind::PortUnreachable => (1, 4, 0),
                ErrorKind::PacketTooBig { mtu } => (2, 0, mtu),
                ErrorKind::TimeExceeded => (3, 0, 0),
                ErrorKind::ParameterProblem => (4, 0, 0),
                ErrorKind::ProtocolUnreachable => (4, 1, 6),
                ErrorKind::SourceQuench => return None,
            }
        };
        Some(Self { kind, code, rest: rest.to_be_bytes() })
    }

    /// Appends the header of a message with `data` from `source` to `destination`, checksum filled in.
    ///
    /// # Panics
    /// If fewer than 8 octets of room are left.
    pub fn emit(&self, source: IpAddr, destination: IpAddr, data: &Payload, out: &mut HeaderBytes) {
        let mut header = [0; HEADER_BYTES];
        header[0] = self.kind;
        header[1] = self.code;
        header[4..].copy_from_slice(&self.rest);
        // Only ICMPv6 has a pseudo-header (RFC 4443 §2.3).
        let mut sum = if destination.is_ipv6() {
            let len = (HEADER_BYTES + data.len()) as u32;
            Checksum::pseudo_header(source, destination, protocol::ICMPV6, len)
        } else {
            Checksum::new()
        };
        sum = sum.with(&header);
        for piece in data.pieces() {
            sum = sum.with(piece);
        }
        header[2..4].copy_from_slice(&sum.finish().to_be_bytes());
        append(out, &header);
    }
}
