//! Files built by hand, whole and damaged.

use super::{CaptureReader, Damage, LinkType, ReadError};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use sockeye_wire::Instant;
use std::io::Write;

/// Number, nanoseconds, link type, bytes, original length.
type Packet = (u64, u64, u32, Vec<u8>, u32);

fn read(file: &[u8]) -> (Vec<Packet>, Option<ReadError>) {
    let mut packets = Vec::new();
    let mut capture = match CaptureReader::new("test", file) {
        Ok(capture) => capture,
        Err(error) => return (packets, Some(error)),
    };
    loop {
        match capture.next_record() {
            Ok(Some(record)) => packets.push((
                record.number,
                record.time.as_nanos(),
                record.link_type.0,
                record.bytes.to_vec(),
                record.original_len,
            )),
            Ok(None) => return (packets, None),
            Err(error) => {
                let last = capture.next_record();
                assert!(matches!(last, Ok(None)), "{last:?}");
                return (packets, Some(error));
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    const LITTLE: Self = Self(false);
    const BIG: Self = Self(true);

    fn u16(self, value: u16) -> Vec<u8> {
        if self.0 { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn u32(self, value: u32) -> Vec<u8> {
        if self.0 { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn u64(self, value: u64) -> Vec<u8> {
        if self.0 { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }
}

fn pcap(order: Order, magic: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut file = order.u32(magic);
    file.extend([order.u16(2), order.u16(4)].concat());
    file.extend([order.u32(0), order.u32(0), order.u32(65_535), order.u32(1)].concat());
    for (index, packet) in packets.iter().enumerate() {
        let len = packet.len() as u32;
        file.extend([order.u32(1_700_000_000 + index as u32), order.u32(5)].concat());
        file.extend([order.u32(len), order.u32(len + 7)].concat());
        file.extend(*packet);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let len = order.u32((12 + body.len() + padding) as u32);
    [order.u32(kind), len.clone(), body.to_vec(), vec![0; padding], len].concat()
}

fn section(order: Order) -> Vec<u8> {
    let body = [order.u32(0x1a2b_3c4d), order.u16(1), order.u16(0), order.u64(u64::MAX)].concat();
    block(order, 0x0a0d_0d0a, &body)
}

fn interface(order: Order, link_type: u16, options: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = [order.u16(link_type), order.u16(0), order.u32(0)].concat();
    for (code, value) in options {
        body.extend([order.u16(*code), order.u16(value.len() as u16)].concat());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, ticks: u64, packet: &[u8]) -> Vec<u8> {
    let (high, low) = ((ticks >> 32) as u32, ticks as u32);
    let len = packet.len() as u32;
    let numbers = [interface, high, low, len, len + 3].map(|number| order.u32(number)).concat();
    block(order, 6, &[numbers, packet.to_vec()].concat())
}

fn small_pcapng() -> Vec<u8> {
    let order = Order::LITTLE;
    let mut file = [section(order), interface(order, 1, &[])].concat();
    for index in 0..6 {
        file.extend(enhanced(order, 0, index, &[index as u8; 21]));
    }
    file
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for order in [Order::LITTLE, Order::BIG] {
        for (magic, nanos) in [(0xa1b2_c3d4, 5_000), (0xa1b2_3c4d, 5)] {
            let (packets, error) = read(&pcap(order, magic, &[b"one", b"", b"three"]));
            assert!(error.is_none());
            let second = 1_700_000_000_000_000_000;
            assert_eq!(packets.len(), 3);
            assert_eq!(packets[0], (1, second + nanos, 1, b"one".to_vec(), 10));
            assert_eq!(packets[2], (3, second + 2_000_000_000 + nanos, 1, b"three".to_vec(), 12));
        }
    }
}

#[test]
fn pcapng_interfaces_have_clocks_of_their_own() {
    for order in [Order::LITTLE, Order::BIG] {
        let file = [
            section(order),
            interface(order, 1, &[]),
            interface(order, 101, &[(9, vec![9]), (14, order.u64(100))]),
            interface(order, 113, &[(2, b"eth0".to_vec()), (9, vec![0x80 | 10])]),
            enhanced(order, 0, 2_000_001, b"micro"),
            enhanced(order, 1, 2_000_001, b"nano"),
            enhanced(order, 2, 3 * 1024 + 512, b"binary"),
        ]
        .concat();
        let (packets, error) = read(&file);
        assert!(error.is_none(), "{error:?}");
        let seen: Vec<_> =
            packets.iter().map(|packet| (packet.1, packet.2, packet.3.len())).collect();
        assert_eq!(
            seen,
            [(2_000_001_000, 1, 5), (100_002_000_001, 101, 4), (3_500_000_000, 113, 6)]
        );
        assert_eq!(packets[0].4, 8);
    }
}

#[test]
fn pcapng_sections_blocks_of_other_kinds_and_old_packets() {
    let (little, big) = (Order::LITTLE, Order::BIG);
    let simple = [little.u32(4), b"simp".to_vec()].concat();
    let old =
        [big.u16(0), big.u16(0), big.u32(0), big.u32(7), big.u32(3), big.u32(3), b"old".to_vec()]
            .concat();
    let file = [
        section(little),
        block(little, 0xbad, &[1; 40]),
        interface(little, 1, &[]),
        block(little, 3, &simple),
        section(big),
        interface(big, 228, &[]),
        block(big, 2, &old),
    ]
    .concat();
    let (packets, error) = read(&file);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(packets[0], (1, 0, 1, b"simp".to_vec(), 4));
    assert_eq!(packets[1], (2, 7_000, 228, b"old".to_vec(), 3));
}

#[test]
fn gzip_is_unpacked() {
    let plain = pcap(Order::LITTLE, 0xa1b2_c3d4, &[&[7u8; 1500][..]; 400]);
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&plain).unwrap();
    let packed = packer.finish().unwrap();
    let (packets, error) = read(&packed);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(packets.len(), 400);
    let (packets, error) = read(&packed[..packed.len() / 2]);
    assert!(!packets.is_empty() && packets.len() < 400);
    let text = error.unwrap().to_string();
    assert!(text.contains("(unpacked)"), "{text}");
}

#[test]
fn what_is_no_capture_is_told() {
    let error = |file: &[u8]| read(file).1.unwrap().to_string();
    assert!(error(b"").contains("is empty"));
    assert!(error(b"GIF89a, and so on").contains("47, 49, 46, 38"));
    assert!(error(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0]).contains("zstd -dc"));
    assert!(error(&[0xd4, 0xc3, 0xb2]).contains("no capture"));
    assert!(error(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]).contains("6 of 24 bytes"));
    let missing = CaptureReader::open(std::path::Path::new("/nowhere/at.all")).err().unwrap();
    assert!(missing.to_string().starts_with("/nowhere/at.all: cannot be opened"));
}

#[test]
fn damage_is_located() {
    let file = pcap(Order::LITTLE, 0xa1b2_c3d4, &[b"first", b"second"]);
    let (packets, error) = read(&file[..file.len() - 2]);
    assert_eq!(packets.len(), 1);
    let error = error.unwrap();
    assert_eq!((error.packet, error.offset), (2, 24 + 16 + 5));
    assert!(error.to_string().contains("20 of 22 bytes"), "{error}");
    assert!(error.to_string().ends_with("the packet before it was read"));

    let mut file = pcap(Order::LITTLE, 0xa1b2_c3d4, &[b"first", b"second"]);
    file[24 + 16 + 5 + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let (packets, error) = read(&file);
    assert_eq!(packets.len(), 1);
    assert!(matches!(error.unwrap().damage, Damage::AbsurdLength { len: 0xffff_ffff, .. }));

    let order = Order::LITTLE;
    let file = [section(order), enhanced(order, 3, 0, b"lost")].concat();
    let error = read(&file).1.unwrap();
    assert!(matches!(error.damage, Damage::UnknownInterface { interface: 3, known: 0 }));

    let mut file = small_pcapng();
    let len = file.len();
    file[len - 4] ^= 4;
    let (packets, error) = read(&file);
    assert_eq!(packets.len(), 5);
    assert!(matches!(error.unwrap().damage, Damage::Malformed { .. }));
}

#[test]
fn records_larger_than_a_block_are_read() {
    let large = vec![9; 700_000];
    let order = Order::LITTLE;
    let file = [section(order), interface(order, 1, &[]), enhanced(order, 0, 0, &large)].concat();
    let (packets, error) = read(&file);
    assert!(error.is_none());
    assert_eq!(packets[0].3, large);
}

#[test]
fn times_before_the_epoch_and_absurd_resolutions_do_no_harm() {
    let order = Order::LITTLE;
    for resolution in 0..=255 {
        let file = [
            section(order),
            interface(order, 1, &[(9, vec![resolution]), (14, order.u64(u64::MAX / 2 + 1))]),
            enhanced(order, 0, u64::MAX, b"x"),
        ]
        .concat();
        assert_eq!(read(&file).0.len(), 1);
    }
    assert_eq!(LinkType::RAW.0, 101);
    assert_eq!(Instant::ZERO.as_nanos(), 0);
}

proptest! {
    #[test]
    fn a_cut_costs_only_what_it_cuts(cut: usize, ng: bool) {
        let packets: [&[u8]; 6] = [&[1; 10], &[2; 60], &[], &[4; 33], &[5; 1], &[6; 90]];
        let whole = if ng { small_pcapng() } else { pcap(Order::LITTLE, 0xa1b2_c3d4, &packets) };
        let cut = cut % whole.len();
        let (all, error) = read(&whole);
        prop_assert!(error.is_none() && all.len() == 6);
        let (some, error) = read(&whole[..cut]);
        prop_assert_eq!(&all[..some.len()], &some[..]);
        // At a boundary between records nothing is wrong with the file.
        if error.is_none() {
            prop_assert!(read(&whole[..cut]).0.len() <= 6);
        } else if let Some(error) = error {
            prop_assert_eq!(error.packet, some.len() as u64 + 1);
        }
    }

    #[test]
    fn flipped_bytes_do_no_harm(ng: bool, flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..12)) {
        let packets: [&[u8]; 3] = [&[1; 10], &[2; 60], &[3; 33]];
        let mut file = if ng { small_pcapng() } else { pcap(Order::BIG, 0xa1b2_c3d4, &packets) };
        let len = file.len();
        for (at, value) in flips {
            file[at % len] ^= value;
        }
        let (packets, _) = read(&file);
        prop_assert!(packets.len() <= 64);
    }

    #[test]
    fn anything_at_all_does_no_harm(file: Vec<u8>, magic in 0usize..4) {
        let starts: [&[u8]; 4] = [&[], &[0xd4, 0xc3, 0xb2, 0xa1], &[0x0a, 0x0d, 0x0d, 0x0a], &[0x1f, 0x8b, 8, 0]];
        let _ = read(&[starts[magic], &file].concat());
    }
}
