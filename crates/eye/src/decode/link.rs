//! Link layers: what comes before the IP header.

use crate::reader::LinkType;

/// What follows the link layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Network {
    /// IPv4 or IPv6; the header's version field says which.
    Ip,
    /// ARP, LLDP and so on.
    Other,
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// IEEE 802.1Q, 802.1ad, and the number that was used for stacked tags before it.
const ETHERTYPE_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// The network packet in a frame; `None` if the link type is unknown or the frame too short.
#[inline]
pub(super) fn strip(link_type: LinkType, frame: &[u8]) -> Option<(&[u8], Network)> {
    match link_type {
        LinkType::ETHERNET => ether_type(frame, 12),
        LinkType::LINUX_SLL => ether_type(frame, 14),
        LinkType::LINUX_SLL2 => {
            let (packet, network) = by_ether_type(u16_at(frame, 0)?, frame.get(20..)?);
            Some((packet, network))
        }
        // 12 and 14 are raw IP in the numbering of some systems' own headers.
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 | LinkType(12 | 14) => {
            Some((frame, Network::Ip))
        }
        LinkType::NULL | LinkType::LOOP => {
            let family = frame.get(..4)?;
            // AF_INET is 2 everywhere; AF_INET6 differs between systems. Either byte order may have been written.
            let family = match *family {
                [0, 0, 0, family] | [family, 0, 0, 0] => family,
                _ => return Some((frame, Network::Other)),
            };
            let network = match family {
                2 | 10 | 24 | 28 | 30 => Network::Ip,
                _ => Network::Other,
            };
            Some((&frame[4..], network))
        }
        _ => None,
    }
}

/// Reads the type at `at`, past any VLAN tags.
#[inline]
fn ether_type(frame: &[u8], mut at: usize) -> Option<(&[u8], Network)> {
    let mut kind = u16_at(frame, at)?;
    while ETHERTYPE_TAGS.contains(&kind) {
        at += 4;
        kind = u16_at(frame, at)?;
    }
    Some(by_ether_type(kind, frame.get(at + 2..)?))
}

#[inline]
fn by_ether_type(kind: u16, rest: &[u8]) -> (&[u8], Network) {
    // The kernel may hand over tagged frames in a cooked header, tag first.
    if ETHERTYPE_TAGS.contains(&kind)
        && let Some(inner) = ether_type(rest, 2)
    {
        return inner;
    }
    let network = match kind {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Network::Ip,
        _ => Network::Other,
    };
    (rest, network)
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
