//! An IP header to be sent.

use super::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES};
use crate::packet::append;
use crate::{Checksum, Ecn, HeaderBytes};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A header without options or extensions; the addresses say which version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IpHeader {
    /// Own address.
    pub source: IpAddr,
    /// Where the packet goes; of the same family.
    pub destination: IpAddr,
    /// What it carries.
    pub protocol: u8,
    /// Differentiated services code point, 6 bits.
    pub dscp: u8,
    /// Congestion bits.
    pub ecn: Ecn,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// IPv4 only: routers must not cut the packet up but report that it is too large (RFC 1191 §3).
    pub dont_fragment: bool,
    /// IPv4 only. Without the don't-fragment bit it must be unique (RFC 6864 §4.2), with it need not be (§4.1).
    pub identification: u16,
    /// IPv6 only, 20 bits (RFC 6437).
    pub flow_label: u32,
    /// Octets that follow the header; what exceeds the 16-bit length field is cut off.
    pub payload_len: usize,
}

impl IpHeader {
    /// A header with the usual hop limit of 64, not to be fragmented, and nothing special.
    #[must_use]
    pub const fn new(
        source: IpAddr,
        destination: IpAddr,
        protocol: u8,
        payload_len: usize,
    ) -> Self {
        Self {
            source,
            destination,
            protocol,
            dscp: 0,
            ecn: Ecn::NotEct,
            hop_limit: 64,
            dont_fragment: true,
            identification: 0,
            flow_label: 0,
            payload_len,
        }
    }

    /// Octets of a header to `destination`.
    #[inline]
    #[must_use]
    pub const fn len_for(destination: IpAddr) -> usize {
        match destination {
            IpAddr::V4(_) => IPV4_HEADER_BYTES,
            IpAddr::V6(_) => IPV6_HEADER_BYTES,
        }
    }

    /// Appends the header, the IPv4 checksum filled in. Nothing is written if the families of the addresses differ.
    ///
    /// # Panics
    /// If fewer than 20 (IPv4) or 40 (IPv6) octets of room are left.
    #[inline]
    pub fn emit(&self, out: &mut HeaderBytes) {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                append(out, &self.v4(source, destination));
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                append(out, &self.v6(source, destination));
            }
            _ => {}
        }
    }

    fn traffic_class(&self) -> u8 {
        (self.dscp << 2) | self.ecn.bits()
    }

    fn v4(&self, source: Ipv4Addr, destination: Ipv4Addr) -> [u8; IPV4_HEADER_BYTES] {
        const DONT_FRAGMENT: u8 = 0x40;
        let mut header = [0; IPV4_HEADER_BYTES];
        header[0] = 0x45;
        header[1] = self.traffic_class();
        header[2..4]
            .copy_from_slice(&((IPV4_HEADER_BYTES + self.payload_len) as u16).to_be_bytes());
        header[4..6].copy_from_slice(&self.identification.to_be_bytes());
        header[6] = if self.dont_fragment { DONT_FRAGMENT } else { 0 };
        header[8] = self.hop_limit;
        header[9] = self.protocol;
        header[12..16].copy_from_slice(&source.octets());
        header[16..20].copy_from_slice(&destination.octets());
        let checksum = Checksum::new().with(&header).finish();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        header
    }

    fn v6(&self, source: Ipv6Addr, destination: Ipv6Addr) -> [u8; IPV6_HEADER_BYTES] {
        let mut header = [0; IPV6_HEADER_BYTES];
        let first =
            6 << 28 | u32::from(self.traffic_class()) << 20 | (self.flow_label & 0x000f_ffff);
        header[0..4].copy_from_slice(&first.to_be_bytes());
        header[4..6].copy_from_slice(&(self.payload_len as u16).to_be_bytes());
        header[6] = self.protocol;
        header[7] = self.hop_limit;
        header[8..24].copy_from_slice(&source.octets());
        header[24..40].copy_from_slice(&destination.octets());
        header
    }
}
