use super::{Merger, SoftwareOffload, complete, cut};
use crate::memory::{PairConfig, pair};
use crate::{Link, Medium, Offload};
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
use std::collections::VecDeque;
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
    /// segmentation offload
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

/// What arrives: segments of a connection that follow one another.
struct Stream {
    shape: Shape,
    meta: Meta,
}

impl Stream {
    fn new(source_port: u16, v6: bool) -> Self {
        Self {
            shape: Shape { source_port, v6, ..Shape::default() },
            meta: Meta::at(Instant::from_millis(1)),
        }
    }

    fn next(&mut self, len: usize, flags: Flags) -> Packet {
        let data: Vec<u8> = (0..len).map(|n| (self.shape.seq as usize + n) as u8).collect();
        let packet = packet_of(Shape { flags, ..self.shape }, self.meta, &data);
        let consumed = len as u32 + u32::from(flags.syn()) + u32::from(flags.fin());
        self.shape.seq = self.shape.seq.wrapping_add(consumed);
        self.shape.identification = self.shape.identification.wrapping_add(1);
        // As a device delivers it.
        Packet::from_bytes(packet.meta, packet.to_bytes())
    }
}

fn merged(packets: Vec<Packet>) -> Vec<Packet> {
    let mut batch = packets;
    Merger::new(Medium::Ip).merge(&mut batch, 0);
    batch
}

fn wire_segments(packets: &[Packet]) -> Vec<u16> {
    packets.iter().map(|packet| packet.meta.wire_segments).collect()
}

/// receive coalescing
#[test]
fn a_burst_becomes_one_super_segment() {
    for v6 in [false, true] {
        let mut stream = Stream::new(1, v6);
        let mut burst: Vec<_> = (0..9).map(|_| stream.next(1_000, Flags::ACK)).collect();
        burst.push(stream.next(10, Flags::ACK | Flags::PSH));
        let [whole] = &merged(burst)[..] else { panic!("one is left") };
        let meta = whole.meta;
        assert_eq!((meta.wire_segments, meta.gso_size), (10, 1_000));
        assert_eq!(
            (meta.checksum, meta.arrival),
            (ChecksumState::Partial, Instant::from_millis(1))
        );
        let (seq, flags, _, data) = read(&complete(whole, Medium::Ip), Medium::Ip);
        assert_eq!((seq.0, flags, data.len()), (1_000, Flags::ACK | Flags::PSH, 9_010));
        assert!(data.iter().enumerate().all(|(n, octet)| *octet == (1_000 + n) as u8));
    }
}

#[test]
fn what_ends_a_super_segment() {
    let stream = || Stream::new(1, false);
    let mut one = stream();
    let ack = Flags::ACK;
    // PSH, a shorter one, and a longer one.
    let burst = vec![one.next(100, ack), one.next(100, ack | Flags::PSH), one.next(100, ack)];
    assert_eq!(wire_segments(&merged(burst)), [2, 1]);
    let burst = vec![one.next(100, ack), one.next(99, ack), one.next(99, ack)];
    assert_eq!(wire_segments(&merged(burst)), [2, 1]);
    let burst = vec![one.next(100, ack), one.next(101, ack), one.next(101, ack)];
    assert_eq!(wire_segments(&merged(burst)), [1, 2]);
    // A gap, a bare ACK, FIN and URG.
    let mut lossy = stream();
    let first = lossy.next(100, ack);
    let _lost = lossy.next(100, ack);
    assert_eq!(wire_segments(&merged(vec![first, lossy.next(100, ack)])), [1, 1]);
    let burst = vec![one.next(100, ack), one.next(0, ack), one.next(100, ack)];
    assert_eq!(wire_segments(&merged(burst)), [1, 1, 1]);
    let burst = vec![one.next(100, ack), one.next(100, ack | Flags::FIN)];
    assert_eq!(wire_segments(&merged(burst)), [1, 1]);
    let burst = vec![one.next(100, ack | Flags::URG), one.next(100, ack | Flags::URG)];
    assert_eq!(wire_segments(&merged(burst)), [1, 1]);
    // Another mark in the IP header.
    let first = one.next(100, ack);
    one.meta.ecn = Ecn::Ce;
    assert_eq!(wire_segments(&merged(vec![first, one.next(100, ack)])), [1, 1]);
}

#[test]
fn a_wrong_checksum_is_left_for_the_host_to_drop() {
    let mut stream = Stream::new(1, false);
    let first = stream.next(100, Flags::ACK);
    let mut octets = stream.next(100, Flags::ACK).to_bytes().to_vec();
    octets[60] ^= 1;
    let damaged = Packet::from_bytes(Meta::at(Instant::ZERO), octets.into());
    let left = merged(vec![first, damaged, stream.next(100, Flags::ACK)]);
    assert_eq!(wire_segments(&left), [1, 1, 1]);
    assert_eq!(left[1].meta.checksum, ChecksumState::Unverified);
}

#[test]
fn connections_may_be_interleaved_and_no_packet_outgrows_ip() {
    let (mut a, mut b) = (Stream::new(1, false), Stream::new(2, true));
    let mut batch = Vec::new();
    for _ in 0..60 {
        batch.push(a.next(1_400, Flags::ACK));
        batch.push(b.next(1_400, Flags::ACK));
    }
    let left = merged(batch);
    assert_eq!(wire_segments(&left), [46, 46, 14, 14]);
    assert!(left.iter().all(|packet| packet.len() <= 65_535));
}

#[test]
fn a_link_without_offload_gets_segments_and_gives_super_segments() {
    let (near, far) = pair(PairConfig { capacity: 4, ..PairConfig::default() });
    let (mut near, mut far) = (SoftwareOffload::new(near), SoftwareOffload::new(far));
    assert_eq!(near.offload(), Offload::FULL);
    let meta = Meta {
        checksum: ChecksumState::Partial,
        wire_segments: 10,
        gso_size: 1_000,
        ..Meta::at(Instant::ZERO)
    };
    let data: Vec<u8> = (0..10_000).map(|n| n as u8).collect();
    let super_segment = packet_of(Shape::default(), meta, &data);
    let mut queue = VecDeque::from([super_segment.clone(), super_segment]);
    let (mut taken, mut batch, mut received) = (0, Vec::new(), 0);
    while taken < 2 {
        taken += near.transmit(Instant::ZERO, &mut queue).unwrap();
        assert_eq!(queue.len(), 2 - taken);
        received += far.receive(Instant::ZERO, &mut batch, 64).unwrap();
    }
    assert_eq!(received, 20);
    assert_eq!(batch.iter().map(|packet| packet.meta.wire_segments).sum::<u16>(), 20);
    assert!(batch.len() <= 8, "{} packets", batch.len());
}

proptest! {
    /// receive coalescing: octet for octet, and in order within each connection.
    #[test]
    fn cutting_undoes_putting_together(
        arrivals in proptest::collection::vec((0_usize..3, 0_usize..4, 0_u8..12), 0..80),
    ) {
        let mut streams = [Stream::new(1, false), Stream::new(2, true), Stream::new(3, false)];
        streams[1].shape.option_words = 3;
        let mut batch = Vec::new();
        for (stream, len, what) in arrivals {
            let flags = match what {
                0 => Flags::ACK | Flags::FIN,
                1 => Flags::ACK | Flags::PSH,
                2 => Flags::ACK | Flags::CWR,
                3 => Flags::RST,
                _ => Flags::ACK,
            };
            let stream = &mut streams[stream];
            if what == 4 {
                stream.shape.seq += 1;
            }
            if what == 5 {
                stream.shape.identification = 7;
            }
            batch.push(stream.next([0, 500, 1_400, 1_400][len], flags));
        }
        let by_connection = |packets: &[Packet]| {
            let mut streams: [Vec<Bytes>; 3] = Default::default();
            for packet in packets {
                let octets = packet.to_bytes();
                let at = if octets[0] >> 4 == 4 { 20 } else { 40 };
                streams[usize::from(octets[at + 1]) - 1].push(octets);
            }
            streams
        };
        let expected = by_connection(&batch);
        let mut again = Vec::new();
        for packet in merged(batch) {
            let (segments, len) = (packet.meta.wire_segments, packet.len());
            prop_assert!(len <= 65_535);
            let before = again.len();
            cut(packet, Medium::Ip, |segment| again.push(segment));
            prop_assert_eq!(again.len() - before, usize::from(segments));
        }
        prop_assert_eq!(by_connection(&again), expected);
    }

    #[test]
    fn any_packets_survive(packets: Vec<Vec<u8>>) {
        let batch = packets.iter().map(|octets| Packet::from_bytes(Meta::at(Instant::ZERO), octets.clone().into()));
        prop_assert_eq!(merged(batch.collect()).len(), packets.len());
    }
}
