//! The checksum against the sum by byte pairs, at the sizes that matter.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sockeye_wire::Checksum;
use std::hint::black_box;

fn by_byte_pairs(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks_exact(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn checksum(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checksum");
    for len in [40usize, 1_460, 65_000] {
        let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_with_input(BenchmarkId::new("lanes", len), &bytes, |bencher, bytes| {
            bencher.iter(|| Checksum::new().with(black_box(bytes)).finish());
        });
        group.bench_with_input(BenchmarkId::new("byte pairs", len), &bytes, |bencher, bytes| {
            bencher.iter(|| by_byte_pairs(black_box(bytes)));
        });
    }
    group.finish();
}

criterion_group!(benches, checksum);
criterion_main!(benches);
