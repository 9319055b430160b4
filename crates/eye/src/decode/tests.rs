//! Packets of every kind of link and network.

use super::{ChecksumFound, Decoded, Reassembler, Segment};
use crate::reader::{LinkType, Record};
use crate::testing::{CLIENT, SERVER, ipv4, segment};
use bytes::Bytes;
use proptest::prelude::*;
use sockeye_wire::packet::HeaderBytes;
use sockeye_wire::tcp::TcpHeader;
use sockeye_wire::{Checksum, ChecksumState, Flags, Instant, Meta, Packet, Payload, SeqNumber};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn header() -> TcpHeader {
    TcpHeader {
        source_port: 1234,
        destination_port: 80,
        seq: SeqNumber(7),
        flags: Flags::PSH | Flags::ACK,
        ..TcpHeader::default()
    }
}

fn tcp(data: &[u8]) -> Vec<u8> {
    let [source, destination] = [CLIENT, SERVER].map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
    segment(source, destination, &header(), data)
}

fn packet(data: &[u8]) -> Vec<u8> {
    ipv4(CLIENT, SERVER, 6, 9, &tcp(data))
}

/// Ports, payload and checksum of a record that must be TCP.
fn read(
    link_type: LinkType,
    bytes: &[u8],
    original_len: usize,
) -> Option<(u16, u32, ChecksumFound)> {
    let record = Record {
        number: 1,
        time: Instant::ZERO,
        link_type,
        bytes,
        original_len: original_len as u32,
    };
    match super::record(&record, &mut Reassembler::new()) {
        Decoded::Tcp(Segment { source, payload_len, checksum, .. }) => {
            Some((source.port, payload_len, checksum))
        }
        _ => None,
    }
}

fn whole(link_type: LinkType, bytes: &[u8]) -> Option<(u16, u32, ChecksumFound)> {
    read(link_type, bytes, bytes.len())
}

const GOOD: Option<(u16, u32, ChecksumFound)> = Some((1234, 5, ChecksumFound::Valid));

fn ethernet(kinds: &[u16], rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for (index, kind) in kinds.iter().enumerate() {
        frame.extend(kind.to_be_bytes());
        if index + 1 < kinds.len() {
            frame.extend([0, 42]);
        }
    }
    frame.extend(rest);
    frame
}

#[test]
fn ethernet_with_and_without_tags() {
    for kinds in [&[0x0800][..], &[0x8100, 0x0800], &[0x88a8, 0x8100, 0x0800], &[0x9100, 0x0800]] {
        assert_eq!(whole(LinkType::ETHERNET, &ethernet(kinds, &packet(b"hello"))), GOOD);
    }
    assert_eq!(whole(LinkType::ETHERNET, &ethernet(&[0x0806], &packet(b"hello"))), None);
    assert_eq!(whole(LinkType::ETHERNET, &[0; 13]), None);
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut frame = ethernet(&[0x0800], &packet(b""));
    frame.resize(60, 0xaa);
    assert_eq!(whole(LinkType::ETHERNET, &frame), Some((1234, 0, ChecksumFound::Valid)));
}

#[test]
fn cooked_raw_and_loopback() {
    let ip = packet(b"hello");
    let cooked = [&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0][..], &ip].concat();
    assert_eq!(whole(LinkType::LINUX_SLL, &cooked), GOOD);
    let mut cooked = vec![0; 20];
    cooked[..2].copy_from_slice(&[8, 0]);
    cooked.extend(&ip);
    assert_eq!(whole(LinkType::LINUX_SLL2, &cooked), GOOD);
    let mut tagged = vec![0; 20];
    tagged[..2].copy_from_slice(&[0x81, 0]);
    tagged.extend([0, 42, 8, 0]);
    tagged.extend(&ip);
    assert_eq!(whole(LinkType::LINUX_SLL2, &tagged), GOOD);
    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        assert_eq!(whole(LinkType::NULL, &[&family, &ip[..]].concat()), GOOD);
        assert_eq!(whole(LinkType::LOOP, &[&family, &ip[..]].concat()), GOOD);
    }
    assert_eq!(whole(LinkType::NULL, &[&[9, 9, 0, 0], &ip[..]].concat()), None);
    for link_type in [LinkType::RAW, LinkType::IPV4, LinkType(12)] {
        assert_eq!(whole(link_type, &ip), GOOD);
    }
    assert_eq!(whole(LinkType(9999), &ip), None);
}

#[test]
fn ipv4_options_are_passed_over() {
    let mut ip = packet(b"hello");
    ip.splice(20..20, [1, 1, 1, 1, 1, 1, 1, 0]);
    ip[0] = 0x47;
    let len = ip.len() as u16;
    ip[2..4].copy_from_slice(&len.to_be_bytes());
    assert_eq!(whole(LinkType::RAW, &ip), GOOD);
}

#[test]
fn a_snap_length_does_not_shorten_the_segment() {
    let ip = packet(&[1; 1000]);
    let cut = &ip[..60];
    assert_eq!(read(LinkType::RAW, cut, ip.len()), Some((1234, 1000, ChecksumFound::Unknown)));
    assert_eq!(read(LinkType::RAW, &ip[..30], ip.len()), None);
}

#[test]
fn segmentation_offload_leaves_the_length_out() {
    let mut ip = packet(&[1; 3000]);
    ip[2..4].fill(0);
    let found = whole(LinkType::RAW, &ip).unwrap();
    assert_eq!((found.0, found.1), (1234, 3000));
}

#[test]
fn a_checksum_left_to_the_device_is_not_bad() {
    let mut ip = packet(b"hello");
    let [source, destination] = [CLIENT, SERVER].map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
    for field in [
        Checksum::pseudo_header(source, destination, 6, 25).partial(),
        Checksum::pseudo_header(source, destination, 6, 0).partial(),
        0,
    ] {
        ip[36..38].copy_from_slice(&field.to_be_bytes());
        assert_eq!(whole(LinkType::RAW, &ip), Some((1234, 5, ChecksumFound::Offloaded)));
    }
    ip[36..38].copy_from_slice(&[0xba, 0xad]);
    assert_eq!(whole(LinkType::RAW, &ip), Some((1234, 5, ChecksumFound::Bad)));
}

fn ipv6(extensions: &[(u8, Vec<u8>)], tcp_len: usize) -> (Vec<u8>, [Ipv6Addr; 2]) {
    let ends = [1, 2].map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last));
    let mut next: Vec<u8> = extensions.iter().map(|(kind, _)| *kind).collect();
    next.push(6);
    let extra: usize = extensions.iter().map(|(_, body)| body.len()).sum();
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((extra + tcp_len) as u16).to_be_bytes());
    packet.extend([next[0], 64]);
    packet.extend(ends[0].octets());
    packet.extend(ends[1].octets());
    for (index, (_, body)) in extensions.iter().enumerate() {
        let at = packet.len();
        packet.extend(body);
        packet[at] = next[index + 1];
    }
    (packet, ends)
}

#[test]
fn ipv6_extension_headers_are_passed_over() {
    let hop = (0, vec![0, 0, 1, 4, 0, 0, 0, 0]);
    let options = (60, vec![0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let routing = (43, vec![0, 0, 4, 0, 0, 0, 0, 0]);
    let authentication =
        (51, vec![0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let atomic = (44, vec![0, 0, 0, 0, 1, 2, 3, 4]);
    for chain in
        [vec![], vec![hop.clone()], vec![hop, options, routing, atomic], vec![authentication]]
    {
        let (mut packet, [source, destination]) = ipv6(&chain, 25);
        packet.extend(segment(source.into(), destination.into(), &header(), b"hello"));
        assert_eq!(whole(LinkType::IPV6, &packet), GOOD);
        assert_eq!(whole(LinkType::ETHERNET, &ethernet(&[0x86dd], &packet)), GOOD);
        packet[40..].fill(0xff);
        let _ = whole(LinkType::IPV6, &packet);
    }
}

fn fragments(len: usize) -> Vec<Vec<u8>> {
    let tcp = tcp(&vec![3; len]);
    tcp.chunks(8)
        .enumerate()
        .map(|(index, chunk)| {
            let mut packet = ipv4(CLIENT, SERVER, 6, 77, chunk);
            let more = if (index + 1) * 8 < tcp.len() { 0x2000 } else { 0 };
            packet[6..8].copy_from_slice(&(more | index as u16).to_be_bytes());
            packet
        })
        .collect()
}

fn feed(reassembler: &mut Reassembler, packets: &[Vec<u8>], second: u64) -> Vec<u32> {
    let mut found = Vec::new();
    for bytes in packets {
        let original_len = bytes.len() as u32;
        let time = Instant::from_millis(second * 1000);
        let record = Record { number: 1, time, link_type: LinkType::RAW, bytes, original_len };
        if let Decoded::Tcp(segment) = super::record(&record, reassembler) {
            assert_eq!(segment.checksum, ChecksumFound::Valid);
            found.push(segment.payload_len);
        }
    }
    found
}

#[test]
fn fragments_in_any_order_more_than_once() {
    let mut reassembler = Reassembler::new();
    let mut packets = fragments(37);
    assert_eq!(feed(&mut reassembler, &packets, 0), [37]);
    packets.reverse();
    assert_eq!(feed(&mut reassembler, &packets, 1), [37]);
    let twice: Vec<_> =
        packets.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
    assert_eq!(feed(&mut reassembler, &twice, 2), [37]);
    assert_eq!(feed(&mut reassembler, &packets[1..], 200), [0; 0]);
    // What is left of a datagram is forgotten after a minute.
    assert_eq!(feed(&mut reassembler, &packets[..1], 300), [0; 0]);
}

#[test]
fn fragments_without_end_are_bounded() {
    let mut reassembler = Reassembler::new();
    for id in 0..20_000u16 {
        let mut packet = ipv4(CLIENT, SERVER, 6, id, &[0; 8]);
        packet[6..8].copy_from_slice(&[0x20, 1]);
        assert_eq!(feed(&mut reassembler, &[packet], 0), [0; 0]);
    }
}

#[test]
fn ipv6_fragments() {
    let ends = ipv6(&[], 0).1;
    let tcp = segment(ends[0].into(), ends[1].into(), &header(), b"hello");
    let mut reassembler = Reassembler::new();
    let mut found = Vec::new();
    for (at, more) in [(16, 0u8), (0, 1)] {
        let chunk = &tcp[at..(at + 16).min(tcp.len())];
        let fragment = (44, vec![0, 0, 0, at as u8 | more, 0, 0, 0, 5]);
        let (mut packet, _) = ipv6(&[fragment], chunk.len());
        packet.extend(chunk);
        found.extend(feed(&mut reassembler, &[packet], 0));
    }
    assert_eq!(found, [5]);
}

#[test]
fn icmp_errors_quote_a_segment() {
    let quoted = packet(b"hello");
    let icmp = [&[3, 13, 0, 0, 0, 0, 0, 0][..], &quoted[..28]].concat();
    let packet = ipv4([9, 9, 9, 9], CLIENT, 1, 0, &icmp);
    let record = Record {
        number: 1,
        time: Instant::ZERO,
        link_type: LinkType::RAW,
        bytes: &packet,
        original_len: 0,
    };
    let mut reassembler = Reassembler::new();
    let Decoded::Icmp(error) = super::record(&record, &mut reassembler) else {
        panic!("no ICMP error");
    };
    assert_eq!((error.source.port, error.destination.port, error.seq.0), (1234, 80, 7));
    assert_eq!(error.kind.to_string(), "administratively prohibited");
    assert!(error.kind.is_unreachable());
    let echo = ipv4(CLIENT, SERVER, 1, 0, &[8, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(whole(LinkType::RAW, &echo), None);
}

#[test]
fn a_packet_in_pieces_is_read_where_it_lies() {
    let ip = packet(&[5; 1000]);
    let frame = ethernet(&[0x0800], &ip);
    for (state, expected) in [
        (ChecksumState::Unverified, ChecksumFound::Valid),
        (ChecksumState::Partial, ChecksumFound::Offloaded),
        (ChecksumState::Valid, ChecksumFound::Valid),
    ] {
        for (bytes, link_type) in [(&ip, LinkType::RAW), (&frame, LinkType::ETHERNET)] {
            let header_len = bytes.len() - 1000;
            let headers = HeaderBytes::try_from(&bytes[..header_len]).unwrap();
            let mut payload = Payload::empty();
            let data = Bytes::copy_from_slice(&bytes[header_len..]);
            for piece in [data.slice(..1), data.slice(1..500), data.slice(500..)] {
                payload.push(piece);
            }
            let meta = Meta { checksum: state, ..Meta::at(Instant::ZERO) };
            let packet = Packet::new(meta, headers, payload);
            let mut reassembler = Reassembler::new();
            let Decoded::Tcp(segment) = super::packet(&packet, link_type, &mut reassembler) else {
                panic!("no TCP");
            };
            assert_eq!((segment.payload_len, segment.checksum), (1000, expected));
        }
    }
}

proptest! {
    #[test]
    fn anything_at_all_does_no_harm(
        mut bytes: Vec<u8>,
        link_type in prop_oneof![Just(0u32), Just(1), Just(101), Just(113), Just(276)],
        version in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
        original_len: u32,
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = version;
        }
        let _ = read(LinkType(link_type), &bytes, original_len as usize);
    }

    #[test]
    fn damaged_packets_do_no_harm(at: usize, value: u8, cut: usize, v6: bool) {
        let mut bytes = if v6 {
            let (mut packet, [source, destination]) = ipv6(&[(60, vec![0; 8])], 25);
            packet.extend(segment(source.into(), destination.into(), &header(), b"hello"));
            packet
        } else {
            packet(b"hello")
        };
        let len = bytes.len();
        bytes[at % len] ^= value;
        bytes.truncate(cut % (len + 1));
        let _ = read(LinkType::RAW, &bytes, len);
    }
}
