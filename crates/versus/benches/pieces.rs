//! The hot pieces one by one: `cargo bench -p sockeye-versus`. More of the checksum's is in `sockeye-wire`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sockeye_tcp::{Config, Connection, HalfOpen, HalfOpenEvent, Opening, Segment, Transmit};
use sockeye_versus::bulk::SMALL;
use sockeye_versus::pair::{Sockeye, stranger};
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Checksum, Flags, Instant, Meta, SeqNumber};
use std::hint::black_box;
use std::sync::Arc;

const SEGMENTS: usize = 32;
const SEGMENT_BYTES: usize = 1_448;
const NOW: Instant = Instant::from_millis(1_000);

/// IP and TCP headers with timestamps, as far as a [`Segment`].
fn parse(criterion: &mut Criterion) {
    let packet = stranger(NOW, 1, Flags::ACK).to_bytes();
    criterion.bench_function("parse", |bencher| {
        bencher.iter(|| {
            let packet = black_box(&packet[..]);
            let ip = IpView::parse(packet, packet.len()).unwrap();
            let view = TcpView::parse(&packet[ip.header_len..]).unwrap();
            Segment::decode(&view, &Meta::at(NOW))
        });
    });
}

fn checksum(criterion: &mut Criterion) {
    let bytes: Vec<u8> = (0..SEGMENT_BYTES).map(|at| at as u8).collect();
    let mut group = criterion.benchmark_group("checksum");
    group.throughput(Throughput::Bytes(SEGMENT_BYTES as u64));
    group.bench_function("a full segment", |bencher| {
        bencher.iter(|| Checksum::new().with(black_box(&bytes)).finish());
    });
    group.finish();
}

/// Two ends of an open connection and nothing between them.
struct Ends {
    a: Connection,
    b: Connection,
}

impl Ends {
    fn open() -> Self {
        let config = Arc::new(Config { initial_window_segments: 64, ..Config::default() });
        let opening = |iss| Opening {
            mss: 1_460,
            path_mss: 1_460,
            default_mss: 536,
            iss,
            timestamp_offset: 0,
            signature: Default::default(),
        };
        let mut a = Connection::connect(Arc::clone(&config), opening(SeqNumber(1_000)), NOW);
        let syn = delivered(&a.poll_transmit(NOW, 0).unwrap());
        let mut half = HalfOpen::on_syn(&config, opening(SeqNumber(9_000)), &syn, NOW);
        let syn_ack = delivered(&half.poll_transmit(NOW, &config).unwrap());
        assert!(a.on_segment(NOW, syn_ack).is_none());
        let ack = delivered(&a.poll_transmit(NOW, 0).unwrap());
        let HalfOpenEvent::Established(b) = half.on_segment(NOW, &config, ack) else {
            panic!("the handshake is complete");
        };
        Self { a, b }
    }

    /// With data to send.
    fn loaded() -> Self {
        let mut ends = Self::open();
        let written = ends.a.write(NOW, &vec![7; SEGMENTS * SEGMENT_BYTES]);
        assert_eq!(written, Ok(SEGMENTS * SEGMENT_BYTES));
        ends
    }

    /// With data on its way.
    fn sent() -> (Self, Vec<Segment>) {
        let mut ends = Self::loaded();
        let segments: Vec<_> = core::iter::from_fn(|| ends.a.poll_transmit(NOW, 0))
            .map(|transmit| delivered(&transmit))
            .collect();
        assert_eq!(segments.len(), SEGMENTS);
        (ends, segments)
    }

    fn answer(&mut self) -> Segment {
        delivered(&self.b.poll_transmit(NOW, 0).unwrap())
    }
}

/// As it arrives at the other end.
fn delivered(transmit: &Transmit) -> Segment {
    let mut bytes = [0; 60];
    let len = transmit.header.emit(&mut bytes);
    let mut segment = Segment::decode(&TcpView::parse(&bytes[..len]).unwrap(), &Meta::at(NOW));
    segment.payload = transmit.payload.clone();
    segment
}

fn on_segment_in_order(criterion: &mut Criterion) {
    criterion.bench_function("on_segment, 32 in order", |bencher| {
        bencher.iter_batched(
            Ends::sent,
            |(mut ends, segments)| {
                for segment in segments {
                    ends.b.on_segment(NOW, segment);
                }
                ends
            },
            BatchSize::SmallInput,
        );
    });
}

fn on_segment_ack(criterion: &mut Criterion) {
    let acknowledged = || {
        let (mut ends, segments) = Ends::sent();
        for segment in segments {
            ends.b.on_segment(NOW, segment);
        }
        let ack = ends.answer();
        (ends, ack)
    };
    criterion.bench_function("on_segment, an ACK of 32", |bencher| {
        bencher.iter_batched(
            acknowledged,
            |(mut ends, ack)| {
                ends.a.on_segment(NOW, ack);
                ends
            },
            BatchSize::SmallInput,
        );
    });
}

fn on_segment_sack(criterion: &mut Criterion) {
    let with_a_hole = || {
        let (mut ends, segments) = Ends::sent();
        let late = segments.into_iter().skip(1);
        let acks: Vec<_> = late
            .map(|segment| {
                ends.b.on_segment(NOW, segment);
                ends.answer()
            })
            .collect();
        (ends, acks)
    };
    criterion.bench_function("on_segment, 31 SACKs above a hole", |bencher| {
        bencher.iter_batched(
            with_a_hole,
            |(mut ends, acks)| {
                for ack in acks {
                    ends.a.on_segment(NOW, ack);
                }
                ends
            },
            BatchSize::SmallInput,
        );
    });
}

fn poll_transmit(criterion: &mut Criterion) {
    criterion.bench_function("poll_transmit, 32 full segments", |bencher| {
        bencher.iter_batched(
            Ends::loaded,
            |mut ends| {
                let mut sent = Vec::with_capacity(SEGMENTS);
                while let Some(transmit) = ends.a.poll_transmit(NOW, 0) {
                    sent.push(transmit);
                }
                (ends, sent)
            },
            BatchSize::SmallInput,
        );
    });
}

/// A segment without consequence (a reset outside of the window) for one of so many half-open connections, never the same twice in a row.
fn demux(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("demux");
    for connections in [1_000, 100_000] {
        let (mut server, interface) = Sockeye::new(SMALL.setup).into_server();
        for number in 0..connections {
            server.on_packet(NOW, interface, stranger(NOW, number, Flags::SYN));
            while server.poll_transmit(NOW).is_some() {}
        }
        let mut number = 0u32;
        group.bench_function(connections.to_string(), |bencher| {
            bencher.iter_batched(
                || {
                    number = (number + 7_919) % connections;
                    let mut packet = stranger(NOW, number, Flags::RST);
                    packet.meta.checksum = sockeye_wire::ChecksumState::Valid;
                    packet
                },
                |packet| server.on_packet(NOW, interface, packet),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// So many half-open connections whose SYN-ACKs are due again: each is found, re-armed and sent.
fn wheel(criterion: &mut Criterion) {
    const DUE: u32 = 1_000;
    let waiting = || {
        let (mut server, interface) = Sockeye::new(SMALL.setup).into_server();
        for number in 0..DUE {
            server.on_packet(NOW, interface, stranger(NOW, number, Flags::SYN));
            while server.poll_transmit(NOW).is_some() {}
        }
        let deadline = server.deadline().unwrap();
        (server, deadline)
    };
    let mut group = criterion.benchmark_group("wheel");
    group.throughput(Throughput::Elements(DUE.into()));
    group.bench_function("1,000 due", |bencher| {
        bencher.iter_batched(
            waiting,
            |(mut server, deadline)| {
                server.on_timer(deadline);
                black_box(server.deadline());
                server
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(
    benches,
    parse,
    checksum,
    on_segment_in_order,
    on_segment_ack,
    on_segment_sack,
    poll_transmit,
    demux,
    wheel
);
criterion_main!(benches);
