//! Segments from strangers: a SYN and nothing more, or less.

use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::packet::append;
use sockeye_wire::tcp::options::TcpOption;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, OptionBytes, TcpHeader};
use sockeye_wire::{Checksum, Flags, HeaderBytes, Instant, Meta, Packet, Payload, SeqNumber};
use std::net::Ipv4Addr;

/// A segment from the `number`th stranger, each at another address and port, to [`Sockeye`](crate::pair::Sockeye)'s server, with the
/// options of a SYN or, if it is none, with timestamps alone.
///
/// # Panics
/// Never: the options fit.
#[must_use]
pub fn stranger(now: Instant, number: u32, flags: Flags) -> Packet {
    let source = Ipv4Addr::from_bits(Ipv4Addr::new(10, 2, 0, 0).to_bits() + number / 50_000);
    let destination = Ipv4Addr::new(10, 1, 0, 1);
    let mut options = OptionBytes::new();
    let all = [
        TcpOption::MaximumSegmentSize(1_460),
        TcpOption::SackPermitted,
        TcpOption::Timestamps { value: number, echo: 0 },
        TcpOption::NoOperation,
        TcpOption::WindowScale(7),
    ];
    let timestamps = [TcpOption::NoOperation, TcpOption::NoOperation, all[2]];
    for option in if flags.syn() { &all[..] } else { &timestamps } {
        let pushed = options.push(option);
        debug_assert!(pushed.is_ok());
    }
    let header = TcpHeader {
        source_port: 10_000 + (number % 50_000) as u16,
        destination_port: 80,
        seq: SeqNumber(number.wrapping_mul(2_654_435_761)),
        flags,
        window: 64_240,
        options,
        ..TcpHeader::default()
    };
    let mut tcp = [0; MAX_HEADER_BYTES];
    let len = header.emit(&mut tcp);
    let (from, to) = (source.into(), destination.into());
    let sum = Checksum::pseudo_header(from, to, protocol::TCP, len as u32).with(&tcp[..len]);
    tcp[16..18].copy_from_slice(&sum.finish().to_be_bytes());
    let mut headers = HeaderBytes::new();
    IpHeader::new(from, to, protocol::TCP, len).emit(&mut headers);
    append(&mut headers, &tcp[..len]);
    Packet::new(Meta::at(now), headers, Payload::empty())
}
