//! What the stack sent, verified and taken apart.

use crate::script::{OptionSpec, TcpSpec};
use bytes::Bytes;
use sockeye_wire::ip::{IpView, protocol};
use sockeye_wire::tcp::TcpView;
use sockeye_wire::tcp::options::kind;
use sockeye_wire::{ChecksumState, Instant, Packet};
use std::net::SocketAddr;

/// A segment as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Actual {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    pub(crate) flow_label: u32,
    /// The three bits between data offset and AE.
    pub(crate) reserved: u8,
    /// Fields in the form of a script; numbers are the wire's until they are translated.
    pub(crate) tcp: TcpSpec,
    pub(crate) payload: Bytes,
}

/// A packet that left the stack.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    /// A message where the packet is broken or carries no TCP.
    pub(crate) packet: Result<Actual, String>,
}

/// Reads one packet; checksums that no device completes are verified.
pub(crate) fn read(packet: &Packet) -> Result<Actual, String> {
    let bytes = packet.to_bytes();
    let ip = IpView::parse(&bytes, bytes.len()).map_err(|error| error.to_string())?;
    if ip.total_len != bytes.len() {
        return Err(format!(
            "the IP header says {} bytes, the packet has {}",
            ip.total_len,
            bytes.len()
        ));
    }
    if ip.fragment.is_some() {
        return Err("a fragment".into());
    }
    if ip.protocol != protocol::TCP {
        return Err(format!("a packet of IP protocol {}", ip.protocol));
    }
    let segment = bytes.slice(ip.header_len..);
    if packet.meta.checksum != ChecksumState::Partial
        && !ip.pseudo_header().with(&segment).is_valid()
    {
        return Err("a wrong TCP checksum".into());
    }
    let tcp = TcpView::parse(&segment).map_err(|error| error.to_string())?;
    let payload = segment.slice(tcp.header_len()..);
    let len =
        u16::try_from(payload.len()).map_err(|_| "more than 65,535 bytes of payload".to_owned())?;
    Ok(Actual {
        source: SocketAddr::new(ip.source, tcp.source_port()),
        destination: SocketAddr::new(ip.destination, tcp.destination_port()),
        tos: ip.dscp << 2 | ip.ecn.bits(),
        ttl: ip.hop_limit,
        flow_label: flow_label(&bytes),
        reserved: segment[12] >> 1 & 7,
        tcp: TcpSpec {
            ports: None,
            flags: tcp.flags(),
            seq: tcp.seq().0,
            len,
            ack: tcp.ack().0,
            window: Some(tcp.window()),
            urgent: tcp.urgent_pointer(),
            options: Some(options(tcp.option_bytes())?),
        },
        payload,
    })
}

fn flow_label(bytes: &[u8]) -> u32 {
    match bytes {
        [first, second, third, fourth, ..] if first >> 4 == 6 => {
            u32::from_be_bytes([0, second & 0xf, *third, *fourth])
        }
        _ => 0,
    }
}

/// Every option with its padding, in order.
fn options(mut area: &[u8]) -> Result<Vec<OptionSpec>, String> {
    let mut options = Vec::new();
    while let Some((&kind, rest)) = area.split_first() {
        if kind == kind::END_OF_LIST || kind == kind::NO_OPERATION {
            options.push(if kind == kind::NO_OPERATION {
                OptionSpec::Nop
            } else {
                OptionSpec::Eol
            });
            area = rest;
            continue;
        }
        let len = rest.first().map_or(0, |len| usize::from(*len));
        let Some(data) = area.get(2..len) else {
            return Err(format!("TCP option {kind} with the illegal length {len}"));
        };
        options.push(option(kind, data));
        area = &area[len..];
    }
    Ok(options)
}

fn option(kind: u8, data: &[u8]) -> OptionSpec {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    match (kind, data.len()) {
        (kind::TIMESTAMPS, 8) => {
            OptionSpec::Timestamps { val: number(&data[..4]), ecr: number(&data[4..]) }
        }
        (kind::SACK, 8 | 16 | 24 | 32) => OptionSpec::Sack(
            data.chunks(8).map(|block| (number(&block[..4]), number(&block[4..]))).collect(),
        ),
        _ => OptionSpec::Other { kind, data: data.to_vec() },
    }
}
