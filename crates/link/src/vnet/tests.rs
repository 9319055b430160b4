use super::{DATA_VALID, GSO_ECN, GSO_TCPV4, GSO_TCPV6, HEADER_BYTES, NEEDS_CHECKSUM, VnetHeader};
use crate::Medium;
use crate::segmentation::tests::{Shape, packet_of};
use proptest::prelude::*;
use sockeye_wire::{ChecksumState, Flags, Instant, MacAddr, Meta, Packet};

fn super_segment(shape: Shape) -> Packet {
    let meta = Meta {
        checksum: ChecksumState::Partial,
        wire_segments: 3,
        gso_size: 1_000,
        ..Meta::at(Instant::ZERO)
    };
    packet_of(shape, meta, &[7; 2_500])
}

#[test]
fn fields_stand_in_the_machines_order() {
    let header = VnetHeader {
        flags: NEEDS_CHECKSUM,
        gso_type: GSO_TCPV4 | GSO_ECN,
        header_len: 52,
        gso_size: 1_448,
        checksum_start: 20,
        checksum_offset: 16,
    };
    let mut expected = vec![1, 0x81];
    for field in [52_u16, 1_448, 20, 16] {
        expected.extend_from_slice(&field.to_ne_bytes());
    }
    assert_eq!(header.to_bytes()[..], expected);
    assert_eq!(VnetHeader::from_bytes(header.to_bytes()), header);
}

#[test]
fn what_a_super_segment_asks_for_is_what_its_receiver_learns() {
    let mac = Medium::Ethernet(MacAddr([2, 0, 0, 0, 0, 1]));
    for (v6, medium) in [(false, Medium::Ip), (true, Medium::Ip), (false, mac), (true, mac)] {
        let shape = Shape { v6, medium, option_words: 3, ..Shape::default() };
        let packet = super_segment(shape);
        let header = VnetHeader::of_packet(&packet, medium).unwrap();
        let link = if medium == Medium::Ip { 0 } else { 14 };
        let ip = if v6 { 40 } else { 20 };
        assert_eq!(
            header,
            VnetHeader {
                flags: NEEDS_CHECKSUM,
                gso_type: if v6 { GSO_TCPV6 } else { GSO_TCPV4 },
                header_len: link + ip + 32,
                gso_size: 1_000,
                checksum_start: link + ip,
                checksum_offset: 16,
            }
        );
        let meta = header.meta(Instant::from_millis(4), &packet.to_bytes());
        assert_eq!(meta.arrival, Instant::from_millis(4));
        assert_eq!(
            (meta.checksum, meta.wire_segments, meta.gso_size),
            (ChecksumState::Partial, 3, 1_000)
        );
    }
}

#[test]
fn an_ordinary_packet_leaves_nothing_to_do() {
    let meta = Meta { checksum: ChecksumState::Valid, ..Meta::at(Instant::ZERO) };
    let packet = packet_of(Shape::default(), meta, b"data");
    assert_eq!(VnetHeader::of_packet(&packet, Medium::Ip), Some(VnetHeader::default()));
    let partial = Meta { checksum: ChecksumState::Partial, ..meta };
    let header = VnetHeader::of_packet(&packet_of(Shape::default(), partial, b"data"), Medium::Ip);
    assert_eq!(header.map(|header| (header.flags, header.gso_type)), Some((NEEDS_CHECKSUM, 0)));

    let state = |flags| {
        VnetHeader { flags, ..VnetHeader::default() }.meta(Instant::ZERO, &[0x45; 40]).checksum
    };
    assert_eq!(state(0), ChecksumState::Unverified);
    assert_eq!(state(NEEDS_CHECKSUM), ChecksumState::Partial);
    assert_eq!(state(DATA_VALID), ChecksumState::Valid);
}

/// RFC 9768 §3.2.2: CWR is a bit of the counter, and Linux would clear it on all segments but the first.
#[test]
fn a_counter_of_accurate_ecn_is_not_left_to_the_link() {
    let shape = Shape { flags: Flags::ACK | Flags::CWR, ..Shape::default() };
    assert_eq!(VnetHeader::of_packet(&super_segment(shape), Medium::Ip), None);
}

proptest! {
    #[test]
    fn any_header_before_any_packet_is_read(header: [u8; HEADER_BYTES], packet: Vec<u8>) {
        let header = VnetHeader::from_bytes(header);
        let meta = header.meta(Instant::ZERO, &packet);
        prop_assert!(meta.wire_segments >= 1);
        prop_assert!(meta.wire_segments == 1 || meta.gso_size > 0);
        prop_assert!(usize::from(meta.wire_segments) <= packet.len().max(1));
    }

    #[test]
    fn any_packet_is_described_or_left_alone(bytes: Vec<u8>, segments: u16, size: u16) {
        let meta = Meta {
            checksum: ChecksumState::Partial,
            wire_segments: segments,
            gso_size: size,
            ..Meta::at(Instant::ZERO)
        };
        let len = bytes.len();
        let packet = Packet::from_bytes(meta, bytes.into());
        if let Some(header) = VnetHeader::of_packet(&packet, Medium::Ip) {
            prop_assert!(usize::from(header.checksum_start) <= len);
        }
    }
}
