//! IPv4 and IPv6 down to the transport.

use super::fragments::{FragmentKey, Piece, Reassembler};
use super::segment::{self, IpInfo};
use super::{Decoded, icmp};
use crate::flow::Endpoint;
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};
use sockeye_wire::tcp::PROTOCOL as TCP;
use sockeye_wire::{Checksum, ChecksumState, Instant, Packet};

const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Decodes what begins with an IP header.
///
/// `original` is the length that the packet had before a snap length cut it; `rest` is the packet whose front `bytes`
/// are, if it may have more pieces.
#[inline]
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    original: usize,
    time: Instant,
    checksum: ChecksumState,
    rest: Option<&Packet>,
    reassembler: &'a mut Reassembler,
) -> Decoded<'a> {
    let found = match bytes.first().map(|first| first >> 4) {
        Some(4) => read_v4(bytes, original),
        Some(6) => read_v6(bytes, original),
        _ => return Decoded::Malformed,
    };
    let Some(Network { source, destination, transport_at, len, protocol, fragment, details }) =
        found
    else {
        return Decoded::Malformed;
    };
    if !matches!(protocol, TCP | ICMP | ICMP_V6) {
        return Decoded::Other;
    }
    let captured = bytes.get(transport_at..).unwrap_or_default();
    let captured = &captured[..captured.len().min(len)];
    let mut info = IpInfo {
        source,
        destination,
        len,
        ip_checksum_ok: details.checksum_ok,
        ip_id: details.id,
        checksum,
        pseudo_known: details.pseudo_known,
    };
    let Some(fragment) = fragment else {
        return transport(protocol, info, captured, rest);
    };
    if captured.len() < len {
        // Cut by the snap length, or in pieces, as no sender of whole segments makes them.
        return Decoded::Fragment;
    }
    let key = FragmentKey { source, destination, id: fragment.id, protocol };
    let piece = Piece { at: fragment.at, more: fragment.more, bytes: captured };
    match reassembler.add(key, time, &piece) {
        Some(whole) => {
            info.len = whole.len();
            transport(protocol, info, whole, None)
        }
        None => Decoded::Fragment,
    }
}

fn transport<'a>(
    protocol: u8,
    info: IpInfo,
    bytes: &'a [u8],
    rest: Option<&Packet>,
) -> Decoded<'a> {
    match protocol {
        TCP => segment::read(info, bytes, rest).map_or(Decoded::Malformed, Decoded::Tcp),
        ICMP => icmp::read_v4(info.source, bytes).map_or(Decoded::Other, Decoded::Icmp),
        _ => icmp::read_v6(info.source, bytes).map_or(Decoded::Other, Decoded::Icmp),
    }
}

/// What an IP header says.
pub(super) struct Network {
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    /// Where the transport header begins.
    pub(super) transport_at: usize,
    /// Octets of transport header and payload.
    pub(super) len: usize,
    pub(super) protocol: u8,
    pub(super) fragment: Option<Fragment>,
    pub(super) details: Details,
}

pub(super) struct Fragment {
    pub(super) id: u32,
    /// Place of its first octet in the datagram.
    pub(super) at: usize,
    pub(super) more: bool,
}

pub(super) struct Details {
    pub(super) id: u16,
    pub(super) checksum_ok: bool,
    pub(super) pseudo_known: bool,
}

/// Reads an IPv4 header (RFC 791 §3.1).
pub(super) fn read_v4(bytes: &[u8], original: usize) -> Option<Network> {
    let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
    let header_len = header.slice().len();
    // Segmentation offload leaves the length 0.
    let total = match usize::from(header.total_len()) {
        0 => original,
        total => total,
    };
    let at = usize::from(header.fragments_offset().value()) * 8;
    let more = header.more_fragments();
    Some(Network {
        source: Endpoint::v4(header.source(), 0),
        destination: Endpoint::v4(header.destination(), 0),
        transport_at: header_len,
        len: total.checked_sub(header_len)?,
        protocol: header.protocol().0,
        fragment: (at > 0 || more).then(|| Fragment {
            id: u32::from(header.identification()),
            at,
            more,
        }),
        details: Details {
            id: header.identification(),
            checksum_ok: Checksum::new().with(header.slice()).is_valid(),
            pseudo_known: true,
        },
    })
}

/// Reads an IPv6 header and its extension headers (RFC 8200 §3 and §4).
pub(super) fn read_v6(bytes: &[u8], original: usize) -> Option<Network> {
    let header = Ipv6HeaderSlice::from_slice(bytes).ok()?;
    let header_len = header.slice().len();
    // 0 is a jumbogram (RFC 2675) or segmentation offload.
    let mut len = match usize::from(header.payload_length()) {
        0 => original.checked_sub(header_len)?,
        len => len,
    };
    let mut protocol = header.next_header().0;
    let mut at = header_len;
    let mut fragment = None;
    let mut pseudo_known = true;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let extension_len = match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6 => {
                (usize::from(*rest.get(1)?) + 1) * 8
            }
            AUTHENTICATION => (usize::from(*rest.get(1)?) + 2) * 4,
            FRAGMENT => 8,
            _ => break,
        };
        let extension = rest.get(..extension_len.min(8))?;
        if protocol == ROUTING && extension[3] > 0 {
            pseudo_known = false;
        }
        if protocol == FRAGMENT {
            let field = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
            let id = [extension[4], extension[5], extension[6], extension[7]];
            let (place, more) = (field & !7, field & 1 != 0);
            // An atomic fragment is whole (RFC 6946).
            if place > 0 || more {
                fragment = Some(Fragment { id: u32::from_be_bytes(id), at: place, more });
            }
        }
        protocol = extension[0];
        at += extension_len;
        len = len.checked_sub(extension_len)?;
        // What follows the header of a later fragment is data.
        if fragment.as_ref().is_some_and(|fragment| fragment.at > 0) {
            break;
        }
    }
    Some(Network {
        source: Endpoint::v6(header.source(), 0),
        destination: Endpoint::v6(header.destination(), 0),
        transport_at: at,
        len,
        protocol,
        fragment,
        details: Details { id: 0, checksum_ok: true, pseudo_known },
    })
}
