//! Ethernet II frames with VLAN tags (IEEE 802.3, 802.1Q, 802.1ad).

use crate::HeaderBytes;
use crate::packet::append;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use etherparse::Ethernet2HeaderSlice;
use thiserror::Error;

/// Octets of a header without tags.
pub const HEADER_BYTES: usize = 14;
/// VLAN tags looked through before a frame is given up.
const MAX_TAGS: usize = 2;

/// What a frame carries, by EtherType.
pub mod ether_type {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub const ARP: u16 = 0x0806;
    /// An 802.1Q tag.
    pub const VLAN: u16 = 0x8100;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// An 802.1ad service tag.
    pub const SERVICE_VLAN: u16 = 0x88a8;
}

/// A 48-bit hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// Everyone on the link.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Group addresses: multicast and broadcast.
    #[inline]
    #[must_use]
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Whether it can name one station: neither a group nor all zero.
    #[must_use]
    pub fn is_unicast(self) -> bool {
        !self.is_group() && self.0 != [0; 6]
    }

    /// Where packets to an IPv4 group go (RFC 1112 §6.4).
    #[must_use]
    pub const fn for_ipv4_group(group: Ipv4Addr) -> Self {
        let [_, b, c, d] = group.octets();
        Self([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// Where packets to an IPv6 group go (RFC 2464 §7).
    #[must_use]
    pub const fn for_ipv6_group(group: Ipv6Addr) -> Self {
        let [.., a, b, c, d] = group.octets();
        Self([0x33, 0x33, a, b, c, d])
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The frame ends inside its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("Ethernet header cut short: {have} bytes")]
pub struct FrameError {
    /// Octets present.
    pub have: usize,
}

/// A frame's header, tags looked through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EthernetHeader {
    /// Where the frame goes.
    pub destination: MacAddr,
    /// Where it comes from.
    pub source: MacAddr,
    /// What it carries, after all tags; see [`ether_type`].
    pub ether_type: u16,
    /// Identifier of the outermost VLAN tag.
    pub vlan: Option<u16>,
    /// Octets of the header with its tags.
    pub header_len: usize,
}

impl EthernetHeader {
    /// A header to be sent, untagged.
    #[must_use]
    pub const fn new(destination: MacAddr, source: MacAddr, ether_type: u16) -> Self {
        Self { destination, source, ether_type, vlan: None, header_len: HEADER_BYTES }
    }

    /// Reads a header, looking through at most two tags.
    ///
    /// # Errors
    /// [`FrameError`] if the frame ends before its EtherType.
    #[inline]
    pub fn parse(frame: &[u8]) -> Result<Self, FrameError> {
        let cut_short = FrameError { have: frame.len() };
        let header = Ethernet2HeaderSlice::from_slice(frame).map_err(|_| cut_short)?;
        let mut ether_type = header.ether_type().0;
        let mut header_len = HEADER_BYTES;
        let mut vlan = None;
        for _ in 0..MAX_TAGS {
            if !matches!(ether_type, ether_type::VLAN | ether_type::SERVICE_VLAN) {
                break;
            }
            let &[a, b, c, d, ..] = &frame[header_len..] else { return Err(cut_short) };
            vlan = vlan.or(Some(u16::from_be_bytes([a, b]) & 0x0fff));
            ether_type = u16::from_be_bytes([c, d]);
            header_len += 4;
        }
        Ok(Self {
            destination: MacAddr(header.destination()),
            source: MacAddr(header.source()),
            ether_type,
            vlan,
            header_len,
        })
    }

    /// Appends the header, with one 802.1Q tag if `vlan` is set.
    ///
    /// # Panics
    /// If fewer than 18 octets of room are left.
    #[inline]
    pub fn emit(&self, out: &mut HeaderBytes) {
        append(out, &self.destination.0);
        append(out, &self.source.0);
        if let Some(vlan) = self.vlan {
            append(out, &ether_type::VLAN.to_be_bytes());
            append(out, &(vlan & 0x0fff).to_be_bytes());
        }
        append(out, &self.ether_type.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tagged_header_survives() {
        let mut header =
            EthernetHeader::new(MacAddr::BROADCAST, MacAddr([2, 0, 0, 0, 0, 1]), ether_type::IPV6);
        for vlan in [None, Some(7)] {
            header.vlan = vlan;
            header.header_len = if vlan.is_some() { 18 } else { 14 };
            let mut out = HeaderBytes::new();
            header.emit(&mut out);
            assert_eq!(EthernetHeader::parse(&out), Ok(header));
        }
    }

    #[test]
    fn groups_map_to_hardware_addresses() {
        let v4 = MacAddr::for_ipv4_group(Ipv4Addr::new(239, 255, 0, 1));
        assert_eq!(std::format!("{v4}"), "01:00:5e:7f:00:01");
        let v6 = MacAddr::for_ipv6_group("ff02::1:ff00:abcd".parse().unwrap());
        assert_eq!(std::format!("{v6}"), "33:33:ff:00:ab:cd");
        assert!(v4.is_group() && v6.is_group() && !MacAddr([2, 0, 0, 0, 0, 1]).is_group());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(frame: std::vec::Vec<u8>) {
            if let Ok(header) = EthernetHeader::parse(&frame) {
                prop_assert!(header.header_len <= frame.len());
            }
        }
    }
}
