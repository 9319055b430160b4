//! The packet that an error message quotes.

use crate::SeqNumber;
use crate::ip::{protocol, walk_extensions};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who sent what: enough to find the connection and to check that it really sent it (RFC 5927 §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quoted {
    /// Sender of the packet that failed.
    pub source: IpAddr,
    /// Where it was to go.
    pub destination: IpAddr,
    /// What it carried.
    pub protocol: u8,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// For TCP: the segment's sequence number.
    pub seq: SeqNumber,
    /// Octets of the packet that failed, as its header said.
    pub total_len: usize,
}

impl Quoted {
    /// Reads as much as an error must quote: the IP header and eight octets. `None` if that is not there, or the quote is
    /// of a later fragment, which has no ports.
    #[must_use]
    pub fn parse(quote: &[u8]) -> Option<Self> {
        // Lengths and header checksum are not checked: a quote is cut short, and routers change the header.
        match quote.first()? >> 4 {
            4 => Self::v4(quote),
            6 => Self::v6(quote),
            _ => None,
        }
    }

    fn v4(quote: &[u8]) -> Option<Self> {
        let header_len = usize::from(quote[0] & 0xf) * 4;
        let header = quote.get(..header_len.max(20))?;
        if u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0 {
            return None;
        }
        let address =
            |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
        let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let transport = quote.get(header_len..)?;
        Self::with_transport(
            address(12).into(),
            address(16).into(),
            header[9],
            transport,
            total_len,
        )
    }

    fn v6(quote: &[u8]) -> Option<Self> {
        let header = quote.get(..40)?;
        let address =
            |at: usize| <[u8; 16]>::try_from(&header[at..at + 16]).ok().map(Ipv6Addr::from);
        let total_len = 40 + usize::from(u16::from_be_bytes([header[4], header[5]]));
        let rest = &quote[40..];
        let at = walk_extensions(header[6], rest).ok()?;
        if at.fragment.is_some_and(|fragment| fragment.offset != 0) {
            return None;
        }
        Self::with_transport(
            address(8)?.into(),
            address(24)?.into(),
            at.protocol,
            &rest[at.len..],
            total_len,
        )
    }

    fn with_transport(
        source: IpAddr,
        destination: IpAddr,
        protocol: u8,
        transport: &[u8],
        total_len: usize,
    ) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h, ..] = transport else { return None };
        Some(Self {
            source,
            destination,
            protocol,
            source_port: u16::from_be_bytes([a, b]),
            destination_port: u16::from_be_bytes([c, d]),
            seq: SeqNumber(u32::from_be_bytes([e, f, g, h])),
            total_len,
        })
    }

    /// Whether the packet was a TCP segment.
    #[must_use]
    pub const fn is_tcp(&self) -> bool {
        self.protocol == protocol::TCP
    }
}
