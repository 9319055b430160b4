//! Segments from a stranger who knows, or guesses, where a connection stands (RFC 5961).

use super::Forgery;
use sockeye_host::Endpoints;
use sockeye_tcp::Info;
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::tcp::{MAX_HEADER_BYTES, TcpHeader};
use sockeye_wire::{Checksum, Flags, HeaderBytes, Instant, Meta, Packet, Payload};

/// A segment to the end of which `victim` tells, in its peer's name; `chance` says where in the window it lies.
pub(super) fn forge(
    now: Instant,
    forgery: Forgery,
    endpoints: &Endpoints,
    victim: &Info,
    chance: u32,
) -> Packet {
    let inside = victim.rcv_nxt + 1 + chance % victim.receive_window.max(2).saturating_sub(1);
    let outside = victim.rcv_nxt + victim.receive_window + 1 + chance % (1 << 30);
    let (seq, flags, data): (_, _, &'static [u8]) = match forgery {
        Forgery::ExactReset => (victim.rcv_nxt, Flags::RST, b""),
        Forgery::WindowReset => (inside, Flags::RST, b""),
        Forgery::OutsideReset => (outside, Flags::RST, b""),
        Forgery::WindowSyn => (inside, Flags::SYN, b""),
        Forgery::BlindData => (inside, Flags::ACK, b"evil"),
    };
    // Beyond anything that was sent, so that nobody may believe it (RFC 5961 §5).
    let ack = if flags.ack() { victim.snd_nxt + (1 << 20) } else { sockeye_wire::SeqNumber(0) };
    let header = TcpHeader {
        source_port: endpoints.remote.port(),
        destination_port: endpoints.local.port(),
        seq,
        ack,
        flags,
        window: 1_000,
        ..TcpHeader::default()
    };
    packet(now, endpoints, &header, data)
}

fn packet(now: Instant, to: &Endpoints, header: &TcpHeader, data: &'static [u8]) -> Packet {
    let (source, destination) = (to.remote.ip(), to.local.ip());
    let mut tcp = [0; MAX_HEADER_BYTES];
    let header_len = header.emit(&mut tcp);
    let len = header_len + data.len();
    let sum = Checksum::pseudo_header(source, destination, protocol::TCP, len as u32)
        .with(&tcp[..header_len])
        .with(data)
        .finish();
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut headers = HeaderBytes::new();
    IpHeader::new(source, destination, protocol::TCP, len).emit(&mut headers);
    sockeye_wire::packet::append(&mut headers, &tcp[..header_len]);
    let mut payload = Payload::empty();
    payload.push(bytes::Bytes::from_static(data));
    Packet::new(Meta::at(now), headers, payload)
}
