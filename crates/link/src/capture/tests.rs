use super::Capture;
use super::pcapng::{Direction, Writer};
use crate::memory::{PairConfig, pair};
use crate::{Link, Medium};
use bytes::Bytes;
use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, PcapBlockOwned, PcapError, PcapNGReader};
use proptest::prelude::*;
use sockeye_wire::{HeaderBytes, Instant, MacAddr, Meta, Packet, Payload};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// A file in memory that can be read while it is written, and that may be full.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>, Option<usize>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.0.lock().unwrap();
        if self.1.is_some_and(|limit| file.len() + bytes.len() > limit) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "disk full"));
        }
        file.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(PartialEq, Debug)]
struct Read {
    interface: u32,
    nanos: u64,
    flags: u32,
    bytes: Vec<u8>,
}

/// Reads a file back with a parser that is not ours: link types and resolutions of the interfaces, and the packets.
fn read(file: &[u8]) -> (Vec<(i32, u64, String)>, Vec<Read>) {
    let (mut interfaces, mut packets) = (Vec::new(), Vec::new());
    let mut reader = PcapNGReader::new(1 << 20, file).unwrap();
    loop {
        let (used, block) = match reader.next() {
            Ok(next) => next,
            Err(PcapError::Eof) => return (interfaces, packets),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().unwrap();
                continue;
            }
            Err(error) => panic!("not a pcapng file: {error}"),
        };
        match block {
            PcapBlockOwned::NG(Block::InterfaceDescription(block)) => {
                let name = block.if_name().unwrap().unwrap().to_owned();
                interfaces.push((block.linktype.0, block.ts_resolution().unwrap(), name));
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                assert_eq!(block.caplen, block.origlen);
                let flags = block.options.iter().find(|option| option.code.0 == 2).unwrap().value();
                packets.push(Read {
                    interface: block.if_id,
                    nanos: u64::from(block.ts_high) << 32 | u64::from(block.ts_low),
                    flags: u32::from_le_bytes(flags[..4].try_into().unwrap()),
                    bytes: block.packet_data().to_vec(),
                });
            }
            _ => {}
        }
        reader.consume(used);
    }
}

fn packet(bytes: &[u8]) -> Packet {
    Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::copy_from_slice(bytes))
}

#[test]
fn a_tap_records_both_ways_and_several_interfaces() {
    let file = Shared::default();
    let epoch = 1_700_000_000_000_000_000;
    let capture = Capture::new(file.clone(), epoch).unwrap();
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    let config = PairConfig { media: [Medium::Ethernet(mac), Medium::Ip], ..PairConfig::default() };
    let (a, b) = pair(config);
    let (mut a, mut b) = (capture.tap(a, "left"), capture.tap(b, "right"));
    assert_eq!((a.medium(), a.mtu()), (Medium::Ethernet(mac), 1_500));

    a.transmit(Instant::from_nanos(5), &mut VecDeque::from([packet(b"one"), packet(b"four")]))
        .unwrap();
    let mut got = Vec::new();
    b.receive(Instant::from_nanos(9), &mut got, 10).unwrap();
    assert_eq!(got.len(), 2);
    capture.flush().unwrap();

    let (interfaces, packets) = read(&file.0.lock().unwrap());
    assert_eq!(
        interfaces,
        [(1, 1_000_000_000, "left".into()), (101, 1_000_000_000, "right".into())]
    );
    let expected = |interface, nanos, flags, bytes: &[u8]| Read {
        interface,
        nanos,
        flags,
        bytes: bytes.into(),
    };
    assert_eq!(
        packets,
        [
            expected(0, epoch + 5, 2, b"one"),
            expected(0, epoch + 5, 2, b"four"),
            expected(1, epoch + 9, 1, b"one"),
            expected(1, epoch + 9, 1, b"four"),
        ]
    );
}

#[test]
fn only_what_the_link_took_is_recorded_and_once() {
    let file = Shared::default();
    let capture = Capture::new(file.clone(), 0).unwrap();
    let (a, mut b) = pair(PairConfig { capacity: 2, ..PairConfig::default() });
    let mut a = capture.tap(a, "a");
    let mut batch: VecDeque<_> = [b"1", b"2", b"3"].map(|bytes| packet(bytes)).into();
    assert_eq!(a.transmit(Instant::ZERO, &mut batch).unwrap(), 2);
    b.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap();
    assert_eq!(a.transmit(Instant::ZERO, &mut batch).unwrap(), 1);
    // Dropping the tap flushes.
    drop(a);
    let (_, packets) = read(&file.0.lock().unwrap());
    let bytes: Vec<_> = packets.iter().map(|packet| &packet.bytes[..]).collect();
    assert_eq!(bytes, [b"1", b"2", b"3"]);
}

#[test]
fn a_write_error_is_kept_and_traffic_goes_on() {
    let capture = Capture::new(Shared(Arc::default(), Some(200_000)), 0).unwrap();
    let (a, mut b) = pair(PairConfig::default());
    let mut a = capture.tap(a, "a");
    let mut passed = 0;
    for _ in 0..300 {
        a.transmit(Instant::ZERO, &mut VecDeque::from([packet(&[0; 1_500])])).unwrap();
        passed += b.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap();
    }
    assert_eq!(passed, 300);
    for _ in 0..2 {
        let error = capture.flush().unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::StorageFull, "disk full")
        );
    }
}

proptest! {
    #[test]
    fn any_packet_reads_back(
        packets in proptest::collection::vec((any::<u64>(), any::<bool>(), "[ -~]{0,40}", any::<Vec<u8>>()), 0..20),
    ) {
        let mut writer = Writer::new(Vec::new(), 0).unwrap();
        let interface = writer.add_interface(Medium::Ip, "").unwrap();
        for (nanos, inbound, headers, payload) in &packets {
            let direction = if *inbound { Direction::Inbound } else { Direction::Outbound };
            let headers = HeaderBytes::try_from(headers.as_bytes()).unwrap();
            let packet = Packet::new(
                Meta::at(Instant::ZERO), headers, Payload::from(Bytes::from(payload.clone())),
            );
            writer.write(Instant::from_nanos(*nanos), interface, direction, &packet).unwrap();
        }
        let (_, got) = read(&writer.into_inner().unwrap());
        prop_assert_eq!(got.len(), packets.len());
        for (got, (nanos, inbound, headers, payload)) in got.iter().zip(&packets) {
            prop_assert_eq!(got.nanos, *nanos);
            prop_assert_eq!(got.flags, if *inbound { 1 } else { 2 });
            prop_assert_eq!(&got.bytes, &[headers.as_bytes(), payload].concat());
        }
    }
}
