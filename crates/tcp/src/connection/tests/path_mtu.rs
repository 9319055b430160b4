//! Packetization-layer path MTU discovery (RFC 4821): paths that drop what is too large, and say nothing.

use super::harness::*;
use crate::{Config, MtuProbing};
use core::time::Duration;
use std::vec::Vec;

fn config(mtu_probing: MtuProbing, sack: bool) -> Config {
    Config {
        mtu_probing,
        sack,
        timestamps: false,
        initial_send_buffer_bytes: 1 << 20,
        initial_receive_buffer_bytes: 1 << 20,
        ..Config::default()
    }
}

/// A transfer of 600 kB from A to B, over a path that drops A's segments with more than `limit` octets from the start, in at most
/// `seconds`; the sizes of A's segments as they were sent.
fn transfer(config: &Config, limit: usize, seconds: u64) -> (Pair, Vec<usize>) {
    let mut pair = Pair::established(config.clone(), config.clone());
    pair.fate = std::boxed::Box::new(move |sent, _| {
        if sent.from_a && sent.len > limit { Vec::new() } else { std::vec![Duration::ZERO] }
    });
    let (from, now, data) = (pair.sent.len(), pair.now, std::vec![7; 600_000]);
    assert_eq!(pair.a().write(now, &data), Ok(data.len()));
    let end = pair.now + Duration::from_secs(seconds);
    while pair.b().readable() < data.len() {
        assert!(pair.step(end), "{} of {}", pair.b().readable(), data.len());
    }
    let sizes = pair.sent[from..].iter().filter(|sent| sent.from_a).map(|sent| sent.len).collect();
    (pair, sizes)
}

/// RFC 4821 §7.7: segments that never get through are made smaller.
#[test]
fn a_black_hole_is_left() {
    for sack in [false, true] {
        let (mut pair, sizes) = transfer(&config(MtuProbing::BlackHole, sack), 1_100, 120);
        assert!(sizes.iter().filter(|size| **size > 1_100).count() <= 20);
        assert!((1_024..=1_100).contains(&pair.a().info().send_mss));
        // Without it the connection never recovers.
        let mut stuck =
            Pair::established(config(MtuProbing::Off, sack), config(MtuProbing::Off, sack));
        stuck.fate = std::boxed::Box::new(|sent, _| {
            if sent.len > 1_100 { Vec::new() } else { std::vec![Duration::ZERO] }
        });
        let now = stuck.now;
        stuck.a().write(now, &[7; 100_000]).unwrap();
        stuck.run_for(Duration::from_secs(300));
        assert_eq!(stuck.b().readable(), 0);
    }
}

/// RFC 4821 §7.1: a connection that always searches finds what the path carries, and what its probes cost is not taken for congestion
/// (§7.6.2).
#[test]
fn a_search_finds_the_path() {
    for sack in [false, true] {
        for (limit, least) in [(1_460, 1_440), (1_300, 1_242), (1_024, 1_024)] {
            let (mut pair, sizes) = transfer(&config(MtuProbing::Always, sack), limit, 30);
            assert!(sizes.iter().all(|size| *size <= 1_460));
            let info = pair.a().info();
            let found = usize::from(info.send_mss);
            assert!((least..=limit).contains(&found), "{sack} {limit}: {found}");
            assert!(info.congestion_window >= 10 * 1_024);
            if sack {
                let threshold = info.slow_start_threshold;
                assert_eq!(threshold, u32::MAX);
            }
        }
    }
}

/// The peer's MSS bounds the search (RFC 9293 MUST-14).
#[test]
fn probes_keep_to_the_peers_mss() {
    let config = config(MtuProbing::Always, true);
    let mut solo = Solo::syn_sent(config);
    let mut syn_ack = segment(sockeye_wire::Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(1_100);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    solo.connection.write(solo.now, &[7; 60_000]).unwrap();
    let mut una = ISS_A + 1;
    for _ in 0..40 {
        for sent in solo.drain() {
            assert!(sent.payload.len() <= 1_100);
            una = una.max(sent.header.seq + sent.payload.len() as u32);
        }
        solo.now += Duration::from_millis(10);
        solo.on(segment(sockeye_wire::Flags::ACK, ISS_B + 1, una, b""));
    }
    assert!(solo.connection.info().send_mss > 1_080);
}

/// A path that was down, rather than narrow, gets full segments again as soon as it is up: those that were made smaller meanwhile would
/// cost a multiple of the packets for as long as they last.
#[test]
fn an_outage_does_not_leave_small_segments() {
    for sack in [false, true] {
        let config = config(MtuProbing::BlackHole, sack);
        let mut pair = Pair::established(config.clone(), config);
        let until = pair.now + Duration::from_secs(20);
        pair.fate = std::boxed::Box::new(move |sent, _| {
            if sent.at < until { Vec::new() } else { std::vec![Duration::ZERO] }
        });
        let now = pair.now;
        assert_eq!(pair.a().write(now, &[7; 600_000]), Ok(600_000));
        pair.run_for(Duration::from_secs(20));
        let small = pair.a().info().send_mss;
        assert!(small <= 1_024, "{small}");
        pair.run_for(Duration::from_secs(15));
        assert_eq!(pair.b().readable(), 600_000);
        let full = pair.a().info().send_mss;
        assert!(full > 1_300, "{full}");
    }
}
