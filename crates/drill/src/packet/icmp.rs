//! An ICMP message that quotes one of the stack's segments.

use super::build::{Addresses, in_ip};
use crate::script::{IcmpSpec, IpInfo};
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::{Checksum, HeaderBytes};

const UNREACHABLE_V4: [&str; 16] = [
    "net_unreachable",
    "host_unreachable",
    "protocol_unreachable",
    "port_unreachable",
    "frag_needed",
    "source_route_failed",
    "net_unknown",
    "host_unknown",
    "source_host_isolated",
    "net_prohibited",
    "host_prohibited",
    "net_unreachable_for_tos",
    "host_unreachable_for_tos",
    "packet_filtered",
    "precedence_violation",
    "precedence_cutoff",
];
const UNREACHABLE_V6: [&str; 5] =
    ["no_route", "admin_prohibited", "not_neighbour", "address_unreachable", "port_unreachable"];

/// The message, from the remote end; `addresses` are those of an inbound packet, `seq` is the quoted segment's in the
/// wire's numbers.
///
/// # Errors
/// A message, if this version of IP has no such type or code.
pub(crate) fn icmp_packet(
    addresses: Addresses,
    ip: IpInfo,
    icmp: &IcmpSpec,
    seq: u32,
) -> Result<Vec<u8>, String> {
    let (source, destination) = (addresses.source.ip(), addresses.destination.ip());
    let six = source.is_ipv6();
    let kind = kind(&icmp.kind, six).ok_or_else(|| format!("no ICMP type `{}`", icmp.kind))?;
    let code = match &icmp.code {
        None => 0,
        Some(word) => code(word, kind, six).ok_or_else(|| format!("no ICMP code `{word}`"))?,
    };
    let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
    if let Some(mtu) = icmp.mtu {
        let carries_mtu = if six { kind == 2 } else { (kind, code) == (3, 4) };
        if !carries_mtu || (!six && mtu > u32::from(u16::MAX)) {
            return Err("an MTU is for frag_needed (16 bits) and packet_too_big".into());
        }
        message[4..].copy_from_slice(&mtu.to_be_bytes());
    }
    if icmp.echo_id > 0 {
        message[4..6].copy_from_slice(&icmp.echo_id.to_be_bytes());
    }
    let (_, len) = icmp.quoted;
    let mut quoted = HeaderBytes::new();
    IpHeader::new(destination, source, protocol::TCP, 20 + usize::from(len)).emit(&mut quoted);
    message.extend(&quoted[..]);
    message.extend(addresses.destination.port().to_be_bytes());
    message.extend(addresses.source.port().to_be_bytes());
    message.extend(seq.to_be_bytes());
    let protocol = if six { protocol::ICMPV6 } else { protocol::ICMP };
    let sum = if six {
        Checksum::pseudo_header(source, destination, protocol, message.len() as u32)
    } else {
        Checksum::new()
    };
    let sum = sum.with(&message).finish();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    Ok(in_ip(source, destination, ip, protocol, &message))
}

/// RFC 792 and RFC 4443; `type_N` is any.
fn kind(word: &str, six: bool) -> Option<u8> {
    if let Some(number) = word.strip_prefix("type_") {
        return number.parse().ok();
    }
    Some(match (word, six) {
        ("unreachable", false) => 3,
        ("source_quench", false) => 4,
        ("redirect", false) => 5,
        ("time_exceeded", false) => 11,
        ("parameter_problem", false) => 12,
        ("echo_reply", false) => 0,
        ("echo_request", false) => 8,
        ("unreachable", true) => 1,
        ("packet_too_big", true) => 2,
        ("time_exceeded", true) => 3,
        ("parameter_problem", true) => 4,
        ("echo_request", true) => 128,
        ("echo_reply", true) => 129,
        _ => return None,
    })
}

fn code(word: &str, kind: u8, six: bool) -> Option<u8> {
    if let Some(number) = word.strip_prefix("code_") {
        return number.parse().ok();
    }
    let known: &[&str] = match (kind, six) {
        (3, false) => &UNREACHABLE_V4,
        (1, true) if word == "net_unreachable" => return Some(0),
        (1, true) => &UNREACHABLE_V6,
        (3, true) => &["exceeded_hop_limit", "exceeded_frag_time"],
        (4, true) => &["header_field", "unknown_next_header", "unknown_option"],
        _ => &[],
    };
    known.iter().position(|name| *name == word).and_then(|index| u8::try_from(index).ok())
}
