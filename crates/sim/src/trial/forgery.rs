//! Segments from a stranger who knows, or guesses, where a connection stands (RFC 5961).

use super::Forgery;
use super::opening::FIRST_KEY_ID;
use sockeye_host::Endpoints;
use sockeye_tcp::Info;
use sockeye_tcp::auth::Signature;
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::tcp::{MAX_HEADER_BYTES, OptionBytes, TcpHeader, TcpOption};
use sockeye_wire::{Checksum, Flags, HeaderBytes, Instant, Meta, Packet, Payload, SeqNumber};
use std::net::{IpAddr, SocketAddr};

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
        Forgery::ExactData | Forgery::SignedData(_) => (victim.rcv_nxt, Flags::ACK, b"evil"),
        Forgery::ExactFin => (victim.rcv_nxt, Flags::FIN | Flags::ACK, b""),
        Forgery::SignedReset(_) => (victim.rcv_nxt, Flags::RST, b""),
    };
    let ack = match forgery {
        // Beyond anything that was sent, so that nobody may believe it (RFC 5961 §5).
        Forgery::BlindData => victim.snd_nxt + (1 << 20),
        _ if flags.ack() => victim.snd_una,
        _ => SeqNumber(0),
    };
    let signature = match forgery {
        Forgery::SignedData(signature) | Forgery::SignedReset(signature) => signature,
        _ => Signature::None,
    };
    let header = TcpHeader {
        source_port: endpoints.remote.port(),
        destination_port: endpoints.local.port(),
        seq,
        ack,
        flags,
        window: 1_000,
        options: signed(signature),
        ..TcpHeader::default()
    };
    packet(now, (endpoints.remote, endpoints.local), &header, data)
}

/// A SYN to a server, from an address and port that `stranger` tells and nobody has.
pub(super) fn syn(now: Instant, server: SocketAddr, stranger: u32) -> Packet {
    let [high, low, port @ ..] = stranger.to_be_bytes();
    let ip: IpAddr = match server.ip() {
        IpAddr::V4(_) => [10, 200 + (high & 31), low, 77].into(),
        IpAddr::V6(_) => [0xfd00, 0, 0, 0, 0, 77, 0, u16::from_be_bytes([high, low])].into(),
    };
    let mut options = OptionBytes::new();
    // They fit.
    let _fits = options.push(&TcpOption::MaximumSegmentSize(1_400));
    let port = u16::from_be_bytes(port).max(1);
    let header = TcpHeader {
        source_port: port,
        destination_port: server.port(),
        seq: SeqNumber(stranger.wrapping_mul(0x9e37_79b9)),
        flags: Flags::SYN,
        window: 1_000,
        options,
        ..TcpHeader::default()
    };
    packet(now, (SocketAddr::new(ip, port), server), &header, b"")
}

/// A signature as good as any that is made without the key.
fn signed(signature: Signature) -> OptionBytes {
    let mut options = OptionBytes::new();
    let _fits = match signature {
        Signature::None => Ok(()),
        Signature::Md5 => options.push(&TcpOption::Md5(&[7; 16])),
        Signature::Ao => {
            let (key_id, next_key_id) = (FIRST_KEY_ID, FIRST_KEY_ID);
            options.push(&TcpOption::Authentication { key_id, next_key_id, mac: &[7; 12] })
        }
    };
    options
}

fn packet(
    now: Instant,
    (from, to): (SocketAddr, SocketAddr),
    header: &TcpHeader,
    data: &'static [u8],
) -> Packet {
    let (source, destination) = (from.ip(), to.ip());
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
