//! What a packet costs the eye: `cargo run --release --example speed`.

use sockeye_eye::{CaptureReader, Config, Eye};
use sockeye_wire::packet::HeaderBytes;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, OptionBytes, TcpHeader, TcpOption};
use sockeye_wire::{ChecksumState, Flags, Instant, Meta, Packet, Payload, SeqNumber};
use std::path::Path;
use std::time::Instant as Clock;

const SEGMENT_BYTES: usize = 1_448;
const PACKETS: u64 = 1_000_000;

fn packet(from_client: bool, flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> Packet {
    let ends = [([10, 0, 0, 1], 40_000), ([10, 0, 0, 2], 80)];
    let [source, destination] = if from_client { ends } else { [ends[1], ends[0]] };
    let mut options = OptionBytes::new();
    if flags.syn() {
        let _ = options.push(&TcpOption::MaximumSegmentSize(1_460));
        let _ = options.push(&TcpOption::WindowScale(14));
    }
    let _ = options.push_timestamps(1, 0);
    let header = TcpHeader {
        source_port: source.1,
        destination_port: destination.1,
        seq: SeqNumber(seq),
        ack: SeqNumber(ack),
        flags,
        window: u16::MAX,
        urgent_pointer: 0,
        options,
    };
    let mut tcp = [0; MAX_HEADER_BYTES];
    let tcp_len = header.emit(&mut tcp);
    let total = (20 + tcp_len + payload.len()) as u16;
    let mut bytes = HeaderBytes::new();
    bytes.extend([0x45, 0]);
    bytes.extend(total.to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    bytes.extend(source.0);
    bytes.extend(destination.0);
    let sum = sockeye_wire::Checksum::new().with(&bytes).finish();
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(tcp[..tcp_len].iter().copied());
    let meta = Meta { checksum: ChecksumState::Valid, ..Meta::at(Instant::ZERO) };
    Packet::new(meta, bytes, Payload::from(bytes::Bytes::copy_from_slice(payload)))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut eye = Eye::new(Config::at_senders());
    eye.packet_ip(1, Instant::ZERO, &packet(true, Flags::SYN, 0, 0, &[]));
    eye.packet_ip(2, Instant::ZERO, &packet(false, Flags::SYN_ACK, 0, 1, &[]));
    eye.packet_ip(3, Instant::ZERO, &packet(true, Flags::ACK, 1, 1, &[]));
    eye.packet_ip(4, Instant::ZERO, &packet(false, Flags::ACK, 1, 1, &[]));
    let data = [0; SEGMENT_BYTES];
    let (mut seq, mut shown, mut spent) = (1u32, 4u64, std::time::Duration::ZERO);
    let mut batch = Vec::new();
    while shown < PACKETS {
        for segment in 0..1_000 {
            batch.push(packet(true, Flags::ACK, seq, 1, &data));
            seq = seq.wrapping_add(SEGMENT_BYTES as u32);
            if segment % 2 == 1 {
                batch.push(packet(false, Flags::ACK, 1, seq, &[]));
            }
        }
        let start = Clock::now();
        for packet in &batch {
            shown += 1;
            eye.packet_ip(shown, Instant::from_micros(shown), packet);
        }
        spent += start.elapsed();
        batch.clear();
    }
    println!("from memory: {} ns a packet", spent.as_nanos() as u64 / shown);
    assert_eq!(eye.finish().1.violations, 0);
    for file in std::env::args().skip(1) {
        let start = Clock::now();
        let mut eye = Eye::new(Config::default());
        let mut capture = CaptureReader::open(Path::new(&file))?;
        while let Some(record) = capture.next_record()? {
            eye.packet(&record);
        }
        let packets = capture.packets().max(1);
        let connections = eye.summary().connections;
        let nanos = start.elapsed().as_nanos() as u64 / packets;
        println!("{file}: {packets} packets, {connections} connections, {nanos} ns a packet");
    }
    Ok(())
}
