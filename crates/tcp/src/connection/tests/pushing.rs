//! Where PSH stands.

use super::harness::*;
use crate::{Config, Transmit};
use core::time::Duration;
use sockeye_wire::Flags;
use std::vec::Vec;

/// Offset, length and PSH of the data among what was sent.
fn pushes(sent: &[Transmit]) -> Vec<(u32, usize, bool)> {
    let data = sent.iter().filter(|transmit| !transmit.payload.is_empty());
    data.map(|transmit| {
        let offset = transmit.header.seq.since(ISS_A + 1);
        (offset, transmit.payload.len(), transmit.header.flags.psh())
    })
    .collect()
}

fn write(solo: &mut Solo, len: usize) {
    assert_eq!(solo.connection.write(solo.now, &std::vec![1; len]), Ok(len));
}

fn times_out(solo: &mut Solo) -> Vec<(u32, usize, bool)> {
    let sent = solo.wait(Duration::from_millis(300));
    pushes(&sent.into_iter().map(|(_, transmit)| transmit).collect::<Vec<_>>())
}

/// RFC 9293 §3.9.1.2, MUST-61: the end of a write is where it is, when it is sent again too, and though more was written since.
#[test]
fn push_stays_where_a_write_ended() {
    let mut solo = Solo::established(Config { nagle: false, ..Solo::config() });
    let mss = usize::from(solo.connection.info().send_mss);
    write(&mut solo, mss + 300);
    let first = [(0, mss, false), (mss as u32, 300, true)];
    assert_eq!(pushes(&solo.drain()), first);
    write(&mut solo, 200);
    assert_eq!(pushes(&solo.drain()), [(mss as u32 + 300, 200, true)]);
    assert_eq!(times_out(&mut solo), first[..1]);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1 + mss as u32, b""));
    assert_eq!(pushes(&solo.drain())[..1], first[1..]);
}

/// Cut smaller to be sent again, only the last piece of a write has PSH.
#[test]
fn push_goes_with_the_last_piece() {
    let mut solo = Solo::established(Config { nagle: false, ..Solo::config() });
    let mss = usize::from(solo.connection.info().send_mss);
    write(&mut solo, mss);
    assert_eq!(pushes(&solo.drain()), [(0, mss, true)]);
    write(&mut solo, 10);
    solo.drain();
    solo.connection.on_path_mss(1_000, ISS_A + 1);
    let again = pushes(&solo.drain());
    assert_eq!(again[..2], [(0, 1_000, false), (1_000, mss - 1_000, true)]);
}

/// A peer that keeps data back until PSH is not filled up with it: what goes beyond half of its window is pushed.
#[test]
fn a_push_is_forced_before_the_window_is_full() {
    let config = Config { initial_window_segments: 100, ..Solo::config() };
    let mut solo = Solo::syn_sent(config);
    solo.now += Duration::from_secs(1);
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(MSS);
    solo.on(syn_ack);
    solo.drain();
    let mss = u32::from(solo.connection.info().send_mss);
    write(&mut solo, 65_535);
    let sent = pushes(&solo.drain());
    let pushed: Vec<u32> =
        sent.iter().filter(|sent| sent.2).map(|sent| sent.0 + sent.1 as u32).collect();
    let half = 65_535 / 2;
    assert_eq!(pushed.len(), 2, "{pushed:?}");
    assert!(pushed[0] > half && pushed[0] <= half + 2 * mss, "{pushed:?}");
    assert_eq!(pushed[1], 65_535);
}

/// A record's end is a segment's, whether or not it waits, however small, and also when it is sent again; Nagle's rule (RFC 9293
/// SHLD-7) does not hold back what nothing can join.
#[test]
fn records_share_no_segment() {
    let config = Config { initial_window_segments: 3, ..Solo::config() };
    let mut solo = Solo::established(config);
    let mss = usize::from(solo.connection.info().send_mss);
    write(&mut solo, 3 * mss);
    solo.drain();
    for _ in 0..2 {
        write(&mut solo, 300);
        solo.connection.end_record();
    }
    write(&mut solo, mss);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1 + 3 * mss as u32, b""));
    let first = 3 * mss as u32;
    let records = [(first, 300, true), (first + 300, 300, true), (first + 600, mss, true)];
    assert_eq!(pushes(&solo.drain()), records);
    assert_eq!(times_out(&mut solo), records[..2], "sent again as they were");
}

/// Two records' whole segments do not become one item either.
#[test]
fn records_share_no_item() {
    let mut solo = Solo::established(Solo::config());
    let mss = usize::from(solo.connection.info().send_mss);
    for _ in 0..2 {
        write(&mut solo, 2 * mss);
        solo.connection.end_record();
    }
    let mut items = Vec::new();
    while let Some(item) = solo.connection.poll_transmit(solo.now, 65_535) {
        items.push((item.payload.len(), item.header.flags.psh()));
    }
    assert_eq!(items, [(2 * mss, true), (2 * mss, true)]);
}
