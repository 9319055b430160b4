use super::{complete, cut};
use crate::Medium;
use bytes::Bytes;
use proptest::prelude::*;
use sockeye_wire::ethernet::{EthernetHeader, ether_type};
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::packet::append;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, TcpView};
use sockeye_wire::{
    Checksum, ChecksumState, Ecn, Flags, HeaderBytes, Instant, MacAddr, Meta, Packet, Payload,
    SeqNumber,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The headers of a segment that a test makes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) v6: bool,
    pub(crate) medium: Medium,
    pub(crate) flags: Flags,
    pub(crate) seq: u32,
    pub(crate) option_words: u8,
    pub(crate) identification: u16,
    pub(crate) source_port: u16,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            v6: false,
            medium: Medium::Ip,
            flags: Flags::ACK,
            seq: 1_000,
            option_words: 0,
            identification: 0xfffe,
            source_port: 40_000,
        }
    }
}

/// A TCP packet with headers apart from its payload, its checksum as `meta` says.
pub(crate) fn packet_of(shape: Shape, meta: Meta, data: &[u8]) -> Packet {
    let (source, destination): (IpAddr, IpAddr) = if shape.v6 {
        (Ipv6Addr::LOCALHOST.into(), Ipv6Addr::UNSPECIFIED.into())
    } else {
        (Ipv4Addr::new(10, 0, 0, 1).into(), Ipv4Addr::new(10, 0, 0, 2).into())
    };
    let mut tcp = [0; MAX_HEADER_BYTES];
    let tcp_len = 20 + 4 * usize::from(shape.option_words);
    tcp[0..2].copy_from_slice(&shape.source_port.to_be_bytes());
    tcp[2..4].copy_from_slice(&80_u16.to_be_bytes());
    tcp[4..8].copy_from_slice(&shape.seq.to_be_bytes());
    let offset_and_flags = ((tcp_len / 4) as u16) << 12 | shape.flags.bits();
    tcp[12..14].copy_from_slice(&offset_and_flags.to_be_bytes());
    tcp[14..16].copy_from_slice(&500_u16.to_be_bytes());
    // No-operation options.
    tcp[20..tcp_len].fill(1);
    let len = tcp_len + data.len();
    let pseudo = Checksum::pseudo_header(source, destination, protocol::TCP, len as u32);
    let sum = match meta.checksum {
        ChecksumState::Partial => pseudo.partial(),
        _ => pseudo.with(&tcp[..tcp_len]).with(data).finish(),
    };
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());

    let mut headers = HeaderBytes::new();
    if let Medium::Ethernet(mac) = shape.medium {
        let kind = if shape.v6 { ether_type::IPV6 } else { ether_type::IPV4 };
        EthernetHeader::new(MacAddr([2, 0, 0, 0, 0, 9]), mac, kind).emit(&mut headers);
    }
    IpHeader {
        identification: shape.identification,
        ecn: meta.ecn,
        ..IpHeader::new(source, destination, protocol::TCP, len)
    }
    .emit(&mut headers);
    append(&mut headers, &tcp[..tcp_len]);
    let mut payload = Payload::empty();
    for piece in data.chunks(700) {
        payload.push(Bytes::copy_from_slice(piece));
    }
    Packet::new(meta, headers, payload)
}

/// What a segment's receiver sees: sequence number, flags, identification, payload. Panics if a length or checksum is wrong.
pub(crate) fn read(packet: &Packet, medium: Medium) -> (SeqNumber, Flags, u16, Vec<u8>) {
    let bytes = packet.to_bytes();
    let ip_bytes = &bytes[if medium == Medium::Ip { 0 } else { 14 }..];
    let ip = IpView::parse(ip_bytes, ip_bytes.len()).unwrap();
    assert_eq!(ip.total_len, ip_bytes.len());
    assert_eq!(ip.ecn, packet.meta.ecn);
    let transport = &ip_bytes[ip.header_len..];
    assert!(ip.pseudo_header().with(transport).is_valid());
    let tcp = TcpView::parse(transport).unwrap();
    assert!(tcp.option_bytes().iter().all(|octet| *octet == 1));
    assert_eq!(tcp.window(), 500);
    let identification =
        if ip.source.is_ipv4() { u16::from_be_bytes([ip_bytes[4], ip_bytes[5]]) } else { 0 };
    (tcp.seq(), tcp.flags(), identification, tcp.rest().to_vec())
}

fn all_of(packet: Packet, medium: Medium) -> Vec<Packet> {
    let mut segments = Vec::new();
    cut(packet, medium, |segment| segments.push(segment));
    segments
}

#[test]
fn fin_and_psh_stay_on_the_last_segment_and_an_accurate_counter_on_all() {
    let flags = Flags::ACK | Flags::PSH | Flags::FIN | Flags::CWR | Flags::ECE;
    let meta = Meta {
        checksum: ChecksumState::Partial,
        wire_segments: 3,
        gso_size: 1_000,
        ..Meta::at(Instant::ZERO)
    };
    let segments =
        all_of(packet_of(Shape { flags, ..Shape::default() }, meta, &[1; 2_100]), Medium::Ip);
    let seen: Vec<_> = segments.iter().map(|segment| read(segment, Medium::Ip)).collect();
    let counter = Flags::ACK | Flags::CWR | Flags::ECE;
    assert_eq!(
        seen.iter()
            .map(|(seq, flags, id, data)| (seq.0, *flags, *id, data.len()))
            .collect::<Vec<_>>(),
        [(1_000, counter, 0xfffe, 1_000), (2_000, counter, 0xffff, 1_000), (3_000, flags, 0, 100)]
    );
}

#[test]
fn what_needs_nothing_is_handed_over_as_it_is() {
    let meta = Meta { checksum: ChecksumState::Valid, ..Meta::at(Instant::ZERO) };
    let packet = packet_of(Shape::default(), meta, b"data");
    let expected = packet.to_bytes();
    let [same] = &all_of(packet, Medium::Ip)[..] else { panic!("one packet stays one") };
    assert_eq!(same.to_bytes(), expected);
    // No TCP, and not even IP.
    let partial = Meta { checksum: ChecksumState::Partial, wire_segments: 9, gso_size: 1, ..meta };
    let junk = Packet::from_bytes(partial, Bytes::from_static(b"\x45junk"));
    assert_eq!(all_of(junk, Medium::Ip).len(), 1);
}

#[test]
fn a_capture_shows_super_segments_whole_and_right() {
    for v6 in [false, true] {
        let meta = Meta {
            checksum: ChecksumState::Partial,
            wire_segments: 3,
            gso_size: 1_000,
            ..Meta::at(Instant::ZERO)
        };
        let packet = packet_of(Shape { v6, ..Shape::default() }, meta, &[5; 2_999]);
        let whole = complete(&packet, Medium::Ip);
        assert_eq!(read(&whole, Medium::Ip).3, [5; 2_999]);
        assert_eq!((whole.meta.checksum, whole.meta.wire_segments), (ChecksumState::Valid, 3));
    }
}

proptest! {
    #[test]
    fn segments_put_together_are_what_was_cut(
        v6: bool,
        ethernet: bool,
        seq: u32,
        option_words in 0_u8..=10,
        identification: u16,
        len in 1_usize..20_000,
        gso_size in 1_u16..3_000,
        ecn in 0_u8..4,
    ) {
        let medium = if ethernet { Medium::Ethernet(MacAddr([2, 0, 0, 0, 0, 1])) } else { Medium::Ip };
        let flags = Flags::ACK | Flags::PSH;
        let shape = Shape { v6, medium, flags, seq, option_words, identification, ..Shape::default() };
        let data: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
        let wire_segments = len.div_ceil(usize::from(gso_size)) as u16;
        let meta = Meta {
            checksum: ChecksumState::Partial,
            wire_segments,
            gso_size: if wire_segments > 1 { gso_size } else { 0 },
            ecn: Ecn::from_bits(ecn),
            ..Meta::at(Instant::from_millis(2))
        };
        let segments = all_of(packet_of(shape, meta, &data), medium);
        prop_assert_eq!(segments.len(), usize::from(wire_segments));
        let mut together = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            prop_assert_eq!(segment.meta.checksum, ChecksumState::Valid);
            prop_assert_eq!((segment.meta.wire_segments, segment.meta.gso_size), (1, 0));
            prop_assert_eq!(segment.meta.arrival, meta.arrival);
            let (at, its, id, payload) = read(segment, medium);
            prop_assert_eq!(at, SeqNumber(seq) + together.len() as u32);
            prop_assert_eq!(its.psh(), index + 1 == segments.len());
            if !v6 {
                prop_assert_eq!(id, identification.wrapping_add(index as u16));
            }
            together.extend(payload);
        }
        prop_assert_eq!(together, data);
    }
}
