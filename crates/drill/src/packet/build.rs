//! A segment of a script, already in the wire's numbers, to bytes.

use crate::script::{IpInfo, OptionSpec, TcpSpec, TosCheck};
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::tcp::options::kind;
use sockeye_wire::{Checksum, Ecn, HeaderBytes};
use std::net::{IpAddr, SocketAddr};

/// Hop limit of what is sent to the stack, where the script names none.
const DEFAULT_TTL: u8 = 255;

/// RFC 8200 §4.6.
const DESTINATION_OPTIONS: u8 = 60;

/// Source and destination of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Addresses {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

/// The packet, its payload all zeros as packetdrill sends it.
pub(crate) fn tcp_packet(addresses: Addresses, ip: IpInfo, tcp: &TcpSpec) -> Vec<u8> {
    let mut segment = tcp_segment(addresses, tcp, &vec![0; usize::from(tcp.len)]);
    let (source, destination) = (addresses.source.ip(), addresses.destination.ip());
    let len = segment.len() as u32;
    let sum =
        Checksum::pseudo_header(source, destination, protocol::TCP, len).with(&segment).finish();
    let sum = if ip.bad_checksum { sum ^ 1 } else { sum };
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    in_ip(source, destination, ip, protocol::TCP, &segment)
}

/// The segment, its checksum still zero.
pub(super) fn tcp_segment(addresses: Addresses, tcp: &TcpSpec, payload: &[u8]) -> Vec<u8> {
    let options = tcp.options.as_deref().unwrap_or(&[]);
    let header_len = 20 + options.iter().map(OptionSpec::len).sum::<usize>();
    let mut segment = Vec::with_capacity(header_len + payload.len());
    segment.extend(addresses.source.port().to_be_bytes());
    segment.extend(addresses.destination.port().to_be_bytes());
    segment.extend(tcp.seq.to_be_bytes());
    segment.extend(tcp.ack.to_be_bytes());
    segment.extend(((header_len as u16 / 4) << 12 | tcp.flags.bits()).to_be_bytes());
    segment.extend(tcp.window.unwrap_or(0).to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(tcp.urgent.to_be_bytes());
    for option in options {
        emit_option(option, &mut segment);
    }
    segment.extend(payload);
    segment
}

/// Puts an IP header before `payload`, with the options that `ip` has.
pub(super) fn in_ip(
    source: IpAddr,
    destination: IpAddr,
    ip: IpInfo,
    protocol: u8,
    payload: &[u8],
) -> Vec<u8> {
    let tos = match ip.tos {
        TosCheck::None | TosCheck::Ect01 => 0,
        TosCheck::Ecn(tos) | TosCheck::Tos(tos) => tos,
    };
    let option = ip.option_word.map(u32::to_be_bytes);
    let (protocol, payload) = match (option, source) {
        // RFC 8200 §4.6: padded to eight octets by an option of two.
        (Some(option), IpAddr::V6(_)) => {
            let extension = [&[protocol, 0], &option[..], &[1, 0]].concat();
            (DESTINATION_OPTIONS, [&extension, payload].concat())
        }
        (Some(option), IpAddr::V4(_)) => (protocol, [&option[..], payload].concat()),
        (None, _) => (protocol, payload.to_vec()),
    };
    let header = IpHeader {
        dscp: tos >> 2,
        ecn: Ecn::from_bits(tos),
        hop_limit: if ip.ttl == 0 { DEFAULT_TTL } else { ip.ttl },
        flow_label: ip.flow_label,
        ..IpHeader::new(source, destination, protocol, payload.len())
    };
    let mut out = HeaderBytes::new();
    header.emit(&mut out);
    if option.is_some() && source.is_ipv4() {
        // RFC 791 §3.1: the header is one word longer, and its sum covers that too.
        out[0] += 1;
        out[10..12].fill(0);
        let sum = Checksum::new().with(&out).with(&payload[..4]).finish();
        out[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    [&out[..], &payload].concat()
}

fn emit_option(option: &OptionSpec, out: &mut Vec<u8>) {
    match option {
        OptionSpec::Nop => out.push(kind::NO_OPERATION),
        OptionSpec::Eol => out.push(kind::END_OF_LIST),
        OptionSpec::Timestamps { val, ecr } => {
            out.extend([kind::TIMESTAMPS, 10]);
            out.extend(val.to_be_bytes());
            out.extend(ecr.to_be_bytes());
        }
        OptionSpec::Sack(blocks) => {
            out.extend([kind::SACK, option.len() as u8]);
            for (left, right) in blocks {
                out.extend(left.to_be_bytes());
                out.extend(right.to_be_bytes());
            }
        }
        OptionSpec::Raw(octets) => out.extend(octets),
        // Signed by then.
        OptionSpec::Signature { .. } => {}
        OptionSpec::Other { kind, data } => {
            out.extend([*kind, option.len() as u8]);
            out.extend(data);
        }
    }
}
