use super::harness::*;
use crate::{Config, Error};
use core::time::Duration;
use proptest::prelude::*;
use sockeye_wire::StateName;
use std::vec::Vec;

/// A stream whose octets tell their place.
fn octet(at: usize) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

/// Sends `bytes` from A to B, and `bytes` back, then closes both; returns the virtual time it took.
fn transfer(pair: &mut Pair, bytes: usize, limit: Duration) -> Duration {
    let start = pair.now;
    let end = start + limit;
    let (mut written, mut read) = ([0; 2], [0; 2]);
    let mut buffer = std::vec![0; 20_000];
    while read != [bytes; 2] {
        for side in 0..2 {
            let now = pair.now;
            let connection = if side == 0 {
                pair.a()
            } else {
                if pair.b.state() == StateName::SynReceived || pair.b.state() == StateName::Listen {
                    continue;
                }
                pair.b()
            };
            while written[side] < bytes {
                let chunk: Vec<u8> =
                    (written[side]..bytes.min(written[side] + 8_000)).map(octet).collect();
                match connection.write(now, &chunk) {
                    Ok(count) => written[side] += count,
                    Err(error) => {
                        assert_eq!(error, Error::WouldBlock);
                        break;
                    }
                }
                if written[side] == bytes {
                    connection.shutdown(now);
                }
            }
            loop {
                match connection.read(&mut buffer) {
                    Ok(0) => {
                        assert_eq!(read[side], bytes);
                        break;
                    }
                    Ok(count) => {
                        for (index, value) in buffer[..count].iter().enumerate() {
                            assert_eq!(*value, octet(read[side] + index));
                        }
                        read[side] += count;
                    }
                    Err(error) => {
                        assert_eq!(error, Error::WouldBlock);
                        break;
                    }
                }
            }
            connection.on_read(now);
        }
        assert!(pair.step(end) || read == [bytes; 2], "stuck at {read:?} of {bytes}");
        assert!(pair.now < end, "too slow: {read:?} of {bytes}");
    }
    let took = pair.now - start;
    pair.run_for(Duration::from_secs(200));
    assert_eq!((pair.a().error(), pair.b().error()), (None, None));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::Closed, StateName::Closed));
    took
}

#[test]
fn clean() {
    let mut pair = Pair::established(Config::default(), Config::default());
    transfer(&mut pair, 3_000_000, Duration::from_secs(20));
    let retransmitted = pair.a().info().retransmissions;
    assert_eq!(retransmitted, 0);
    // RFC 9293 MUST-58: about one ACK for two segments.
    let data = pair.sent.iter().filter(|sent| sent.from_a && sent.len > 0).count();
    assert!(data < 3_000_000 / 1_448 + 200, "{data} segments");
}

/// Segmentation offload: what leaves is cut by the link, what arrives may stand for several.
#[test]
fn super_segments() {
    let mut pair = Pair::established(Config::default(), Config::default());
    pair.max_payload = 65_000;
    transfer(&mut pair, 3_000_000, Duration::from_secs(20));
    assert!(pair.sent.iter().any(|sent| sent.len > 20_000 && sent.len % 1_448 == 0));
}

#[test]
fn without_options() {
    let mut pair = Pair::established(Solo::config(), Config::default());
    transfer(&mut pair, 500_000, Duration::from_secs(20));
}

/// Sequence numbers wrap in every queue.
#[test]
fn across_the_wrap() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let now = pair.now;
    let opening =
        crate::Opening { iss: sockeye_wire::SeqNumber(u32::MAX - 50_000), ..opening(ISS_A) };
    pair.a =
        End::Open(crate::Connection::connect(std::sync::Arc::new(Config::default()), opening, now));
    lossy(&mut pair, 77, 30, 30, 10);
    transfer(&mut pair, 300_000, Duration::from_secs(600));
}

/// Loss, reordering and duplication, each in thousandths, from a seed.
fn lossy(pair: &mut Pair, seed: u64, loss: u64, reorder: u64, duplicate: u64) {
    let mut state = seed;
    let mut draw = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % 1_000
    };
    pair.fate = std::boxed::Box::new(move |_, _| {
        if draw() < loss {
            return Vec::new();
        }
        let extra = if draw() < reorder { Duration::from_millis(7) } else { Duration::ZERO };
        if draw() < duplicate {
            std::vec![extra, extra + Duration::from_millis(3)]
        } else {
            std::vec![extra]
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the network does, every byte arrives once and in order, and both ends close.
    #[test]
    fn through_a_bad_network(
        seed: u64, loss in 0u64..80, reorder in 0u64..100, duplicate in 0u64..50, options: bool,
        buffer in prop_oneof![Just(3_000u32), Just(20_000), Just(200_000)],
    ) {
        let base = if options { Config::default() } else { Solo::config() };
        let config = Config { receive_buffer_bytes: buffer, send_buffer_bytes: buffer, time_wait: Duration::from_secs(130), ..base };
        let mut pair = Pair::new(config.clone(), config);
        lossy(&mut pair, seed, loss, reorder, duplicate);
        transfer(&mut pair, 120_000, Duration::from_secs(3_000));
    }
}

/// Three duplicate ACKs bring the lost segment again without waiting for the timer (RFC 5681 §3.2).
#[test]
fn fast_retransmit() {
    let mut pair = Pair::established(Config::default(), Config::default());
    let mut dropped = false;
    pair.fate = std::boxed::Box::new(move |sent, _| {
        let drop = sent.from_a && sent.len > 0 && !dropped && sent.header.seq.since(ISS_A) > 20_000;
        dropped |= drop;
        if drop { Vec::new() } else { std::vec![Duration::ZERO] }
    });
    let took = transfer(&mut pair, 400_000, Duration::from_secs(20));
    let info = pair.sent.iter().filter(|sent| sent.from_a && sent.len > 0).count();
    assert!(
        took < Duration::from_millis(500),
        "{took:?} with {info} segments: waited for a timeout"
    );
}

/// Another congestion control takes over in the middle of a transfer and goes on with the window there is.
#[test]
fn congestion_control_can_be_changed() {
    use crate::congestion::Algorithm::{Bbr, Cubic, Reno};
    let mut pair = Pair::established(Config::default(), Config::default());
    let data = std::vec![7; 400_000];
    for algorithm in [Bbr, Reno, Cubic, Bbr] {
        let now = pair.now;
        pair.a().write(now, &data).unwrap();
        pair.run_for(Duration::from_millis(35));
        let window = pair.a().info().congestion_window;
        pair.a().set_congestion(algorithm);
        let info = pair.a().info();
        assert_eq!((info.congestion, info.congestion_window), (Some(algorithm), window));
        pair.run_for(Duration::from_millis(500));
        let mut out = std::vec![0; 1 << 20];
        while pair.b().read(&mut out).is_ok_and(|count| count > 0) {}
        let now = pair.now;
        pair.b().on_read(now);
    }
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.a().unacknowledged(), 0);
}
