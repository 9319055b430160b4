//! Loss recovery against a peer that does not say what it holds.

use super::harness::*;
use crate::Segment;
use sockeye_wire::{Flags, SeqNumber};
use std::vec::Vec;

const FIRST: SeqNumber = SeqNumber(ISS_A.0 + 1);

fn at(index: u32) -> SeqNumber {
    FIRST + index * u32::from(MSS)
}

fn ack(until: u32) -> Segment {
    segment(Flags::ACK, ISS_B + 1, at(until), b"")
}

/// Ten of thirty segments are out.
fn sender() -> Solo {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &std::vec![7; 30 * usize::from(MSS)]).unwrap();
    assert_eq!(sent(&mut solo), (0..10).collect::<Vec<_>>());
    solo
}

/// Which segments leave now, by index.
fn sent(solo: &mut Solo) -> Vec<u32> {
    let data = solo.drain();
    data.iter().map(|sent| sent.header.seq.since(FIRST) / u32::from(MSS)).collect()
}

/// RFC 3042, RFC 5681 §3.2: the first two duplicates let one new segment out each; the third means loss.
#[test]
fn duplicates_let_new_segments_out() {
    let mut solo = sender();
    solo.on(ack(0));
    assert_eq!(sent(&mut solo), [10]);
    solo.on(ack(0));
    assert_eq!(sent(&mut solo), [11]);
    solo.on(ack(0));
    assert_eq!(sent(&mut solo)[0], 0);
}

/// RFC 3042 §2: what duplicates let out does not open the window again when it turns out that nothing was lost; of three segments
/// acknowledged two had been answered.
#[test]
fn duplicates_count_once() {
    let mut solo = sender();
    let window = solo.connection.info().congestion_window;
    solo.on(ack(0));
    solo.on(ack(0));
    assert_eq!(sent(&mut solo), [10, 11]);
    solo.on(ack(3));
    assert_eq!(solo.connection.info().congestion_window, window + u32::from(MSS));
    assert_eq!(sent(&mut solo), [12, 13]);
    // From here on as ever.
    solo.on(ack(5));
    assert_eq!(solo.connection.info().congestion_window, window + 3 * u32::from(MSS));
}

/// RFC 6582 §3.2: a partial acknowledgement shows the next hole at once; a complete one ends the recovery.
#[test]
fn partial_acknowledgements_show_the_next_hole() {
    let mut solo = sender();
    for _ in 0..3 {
        solo.on(ack(0));
    }
    assert!(sent(&mut solo).contains(&0));
    let highest = solo.connection.info().snd_nxt;
    solo.on(ack(4));
    assert_eq!(sent(&mut solo)[0], 4);
    solo.on(ack(7));
    assert_eq!(sent(&mut solo)[0], 7);
    solo.on(segment(Flags::ACK, ISS_B + 1, highest, b""));
    let after = sent(&mut solo);
    assert!(after.iter().all(|index| at(*index).at_or_after(highest)), "{after:?}");
    assert_eq!(solo.connection.info().retransmissions, 3);
}

/// RFC 6582 §3.2, step 1: duplicates of what was sent before the recovery do not begin another.
#[test]
fn one_loss_event_one_reduction() {
    let mut solo = sender();
    for _ in 0..3 {
        solo.on(ack(0));
    }
    sent(&mut solo);
    let threshold = solo.connection.info().slow_start_threshold;
    for _ in 0..6 {
        solo.on(ack(0));
    }
    solo.on(ack(3));
    for _ in 0..3 {
        solo.on(ack(3));
    }
    sent(&mut solo);
    assert_eq!(solo.connection.info().slow_start_threshold, threshold);
}
