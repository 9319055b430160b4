//! Recording packets at run time.

use super::{A4, A6, B4, at, connection, on, two_stacks};
use crate::link::memory::{PairConfig, pair};
use crate::{CaptureConfig, Interface, Stack};
use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, PcapBlockOwned, PcapError, PcapNGReader};
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Recorded {
    interface: u32,
    is_inbound: bool,
    original_len: u32,
    bytes: Vec<u8>,
}

/// Reads a file back with a parser that is not ours: the interfaces' names, and the packets.
fn read(file: &Shared) -> (Vec<String>, Vec<Recorded>) {
    let file = file.0.lock().unwrap();
    let (mut names, mut packets) = (Vec::new(), Vec::new());
    let mut reader = PcapNGReader::new(1 << 20, &file[..]).unwrap();
    loop {
        let (used, block) = match reader.next() {
            Ok(next) => next,
            Err(PcapError::Eof) => return (names, packets),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().unwrap();
                continue;
            }
            Err(error) => panic!("not a pcapng file: {error}"),
        };
        match block {
            PcapBlockOwned::NG(Block::InterfaceDescription(block)) => {
                names.push(block.if_name().unwrap().unwrap().to_owned());
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                let flags = block.options.iter().find(|option| option.code.0 == 2).unwrap().value();
                packets.push(Recorded {
                    interface: block.if_id,
                    is_inbound: flags[0] == 1,
                    original_len: block.origlen,
                    bytes: block.packet_data().to_vec(),
                });
            }
            _ => {}
        }
        reader.consume(used);
    }
}

#[tokio::test(start_paused = true)]
async fn a_capture_holds_what_passes_while_it_runs() {
    let (a_link, b_link) = pair(PairConfig::default());
    let a = Interface::new(a_link).name("uplink").address(A4, 24).address(A6, 64);
    let (spare, _other) = pair(PairConfig::default());
    let a = Stack::builder().interface(Interface::new(spare)).interface(a).spawn().unwrap();
    let b = on(b_link, B4, super::B6).spawn().unwrap();
    let (mut client, mut server) = connection(&a, &b).await;

    let (file, headers) = (Shared::default(), Shared::default());
    let capture = a.capture(file.clone(), CaptureConfig::default()).unwrap();
    let short = CaptureConfig::default().with_snap_bytes(60);
    let short = a.capture(headers.clone(), short).unwrap();
    client.write_all(&[0xab; 900]).await.unwrap();
    server.read_exact(&mut [0; 900]).await.unwrap();
    server.write_all(b"answer").await.unwrap();
    client.read_exact(&mut [0; 6]).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let stats = capture.stop().unwrap();
    assert_eq!(short.stop().unwrap(), stats);
    client.write_all(b"unseen").await.unwrap();
    server.read_exact(&mut [0; 6]).await.unwrap();

    let (names, packets) = read(&file);
    assert_eq!(names, ["if0", "uplink"]);
    assert_eq!((packets.len() as u64, stats.dropped), (stats.packets, 0));
    assert!(packets.iter().all(|packet| packet.interface == 1));
    assert!(packets.iter().all(|packet| packet.bytes.len() as u32 == packet.original_len));
    let with = |text: &[u8], is_inbound| {
        let here =
            |packet: &&Recorded| packet.is_inbound == is_inbound && packet.bytes.ends_with(text);
        packets.iter().filter(here).count()
    };
    assert_eq!((with(&[0xab; 900], false), with(b"answer", true)), (1, 1));
    assert_eq!((with(b"unseen", false), with(b"answer", false)), (0, 0));

    let (_, cut) = read(&headers);
    assert_eq!(cut.len(), packets.len());
    for (cut, whole) in cut.iter().zip(&packets) {
        assert_eq!(cut.bytes[..], whole.bytes[..whole.bytes.len().min(60)]);
        assert_eq!(cut.original_len, whole.original_len);
    }
}

/// An output that takes nothing until it is told to.
/// Takes nothing before the other end of the channel is gone, then counts.
struct Stuck(Receiver<()>, Arc<AtomicUsize>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        self.1.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_output_costs_bounded_memory_and_stops_no_traffic() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    let (unstick, stuck) = channel();
    let written = Arc::new(AtomicUsize::new(0));
    let config = CaptureConfig::default().with_buffer_bytes(20_000);
    let capture = a.capture(Stuck(stuck, written.clone()), config).unwrap();
    for _ in 0..100 {
        client.write_all(&[1; 1_000]).await.unwrap();
        server.read_exact(&mut [0; 1_000]).await.unwrap();
    }
    let stats = capture.stats();
    assert!(stats.dropped > 60, "{stats:?}");
    drop(unstick);
    assert_eq!(capture.stop().unwrap(), stats);
    let written = written.load(Ordering::Relaxed);
    assert!((15_000..=40_000).contains(&written), "{written}");
}

struct Full;

impl Write for Full {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_output_is_told_and_traffic_goes_on() {
    let (a, b) = two_stacks();
    let capture = a.capture(Full, CaptureConfig::default()).unwrap();
    let (mut client, mut server) = connection(&a, &b).await;
    client.write_all(b"through").await.unwrap();
    server.read_exact(&mut [0; 7]).await.unwrap();
    assert_eq!(capture.stop().unwrap_err().kind(), ErrorKind::StorageFull);
    drop(a.capture(io::sink(), CaptureConfig::default()).unwrap());
    assert_eq!(a.connect(at(B4, 9)).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
