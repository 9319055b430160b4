//! A received IP header.

use super::extension::walk_extensions;
use super::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES};
use crate::{Checksum, Ecn};
use core::net::IpAddr;
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};
use thiserror::Error;

/// Why bytes are no IP packet that can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum IpError {
    /// The version field says neither 4 nor 6.
    #[error("IP version {0} is neither 4 nor 6")]
    Version(u8),
    /// Fewer octets than a header or the length field needs.
    #[error("IP packet cut short: {have} of {need} bytes")]
    Truncated {
        /// Octets present.
        have: usize,
        /// Octets needed.
        need: usize,
    },
    /// The length fields contradict each other.
    #[error("IP header lengths contradict each other")]
    BadLength,
    /// The IPv4 header's checksum is wrong.
    #[error("wrong IPv4 header checksum")]
    Checksum,
    /// An IPv6 extension header that forbids to use the packet.
    #[error("IPv6 extension header {kind} is misplaced, repeated too often or not understood")]
    BadExtension {
        /// The header's protocol number.
        kind: u8,
    },
}

/// The place of a piece in a datagram that was cut up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// Common to all pieces.
    pub id: u32,
    /// Octets before this piece.
    pub offset: usize,
    /// Pieces follow.
    pub more: bool,
}

/// What a receiver needs of an IP header; a copy, so that the packet may move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IpView {
    /// Who sent the packet.
    pub source: IpAddr,
    /// Where it goes.
    pub destination: IpAddr,
    /// What it carries, extension headers walked over.
    pub protocol: u8,
    /// Octets before the transport header, or before the piece if this is a fragment.
    pub header_len: usize,
    /// Octets of the packet; what a link holds beyond is padding.
    pub total_len: usize,
    /// Differentiated services code point.
    pub dscp: u8,
    /// Congestion bits.
    pub ecn: Ecn,
    /// TTL or hop limit as it arrived.
    pub hop_limit: u8,
    /// Set if this is a piece of a datagram.
    pub fragment: Option<Fragment>,
    /// A source route is not yet at its end, or was recorded (RFC 9293 §3.9.2.1).
    pub source_routed: bool,
}

impl IpView {
    /// Reads the header in front of a packet of which `available` octets were received (those after `front` may lie
    /// elsewhere). The IPv4 header's checksum is verified; its options are skipped (RFC 9293 MUST-50).
    ///
    /// # Errors
    /// [`IpError`], each variant as it says.
    #[inline]
    pub fn parse(front: &[u8], available: usize) -> Result<Self, IpError> {
        match front.first().map(|first| first >> 4) {
            Some(4) => parse_v4(front, available),
            Some(6) => parse_v6(front, available),
            Some(version) => Err(IpError::Version(version)),
            None => Err(IpError::Truncated { have: 0, need: IPV4_HEADER_BYTES }),
        }
    }

    /// Octets after the headers.
    #[inline]
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        self.total_len - self.header_len
    }

    /// The start of a sum over transport header and data.
    #[inline]
    #[must_use]
    pub fn pseudo_header(&self) -> Checksum {
        let len = self.payload_len() as u32;
        Checksum::pseudo_header(self.source, self.destination, self.protocol, len)
    }
}

#[inline]
fn parse_v4(front: &[u8], available: usize) -> Result<IpView, IpError> {
    let header = Ipv4HeaderSlice::from_slice(front).map_err(|_| IpError::Truncated {
        have: front.len(),
        need: IPV4_HEADER_BYTES.max(usize::from(front[0] & 0xf) * 4),
    })?;
    if !Checksum::new().with(header.slice()).is_valid() {
        return Err(IpError::Checksum);
    }
    let header_len = header.slice().len();
    let total_len = usize::from(header.total_len());
    if total_len < header_len {
        return Err(IpError::BadLength);
    }
    if total_len > available {
        return Err(IpError::Truncated { have: available, need: total_len });
    }
    let fragment = header.is_fragmenting_payload().then(|| Fragment {
        id: u32::from(header.identification()),
        offset: usize::from(header.fragments_offset().value()) * 8,
        more: header.more_fragments(),
    });
    Ok(IpView {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol: header.protocol().0,
        header_len,
        total_len,
        dscp: header.dcp().value(),
        ecn: Ecn::from_bits(header.ecn().value()),
        hop_limit: header.ttl(),
        fragment,
        source_routed: has_source_route(header.options()),
    })
}

/// Loose (131) and strict (137) source routes of RFC 791 §3.1.
fn has_source_route(mut options: &[u8]) -> bool {
    while let Some((&kind, rest)) = options.split_first() {
        match kind {
            0 => return false,
            1 => options = rest,
            131 | 137 => return true,
            _ => {
                let len = rest.first().map_or(0, |len| usize::from(*len));
                if len < 2 || len > options.len() {
                    return false;
                }
                options = &options[len..];
            }
        }
    }
    false
}

#[inline]
fn parse_v6(front: &[u8], available: usize) -> Result<IpView, IpError> {
    let header = Ipv6HeaderSlice::from_slice(front)
        .map_err(|_| IpError::Truncated { have: front.len(), need: IPV6_HEADER_BYTES })?;
    let total_len = IPV6_HEADER_BYTES + usize::from(header.payload_length());
    if total_len > available {
        return Err(IpError::Truncated { have: available, need: total_len });
    }
    let end = total_len.min(front.len());
    let extensions = walk_extensions(header.next_header().0, &front[IPV6_HEADER_BYTES..end])?;
    Ok(IpView {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol: extensions.protocol,
        header_len: IPV6_HEADER_BYTES + extensions.len,
        total_len,
        dscp: header.dscp().value(),
        ecn: Ecn::from_bits(header.ecn().value()),
        hop_limit: header.hop_limit(),
        fragment: extensions.fragment,
        source_routed: extensions.source_routed,
    })
}
