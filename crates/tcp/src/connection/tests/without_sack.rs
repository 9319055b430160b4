//! Loss recovery against a peer that does not say what it holds.

use super::harness::*;
use crate::Segment;
use core::time::Duration;
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

/// RFC 6582 §3.2, step 3: what duplicates have let the window grow by shrinks again by what a partial acknowledgement covers, but for
/// one segment.
#[test]
fn partial_acknowledgements_deflate_the_window() {
    let mut solo = sender();
    for _ in 0..9 {
        solo.on(ack(0));
        solo.drain();
    }
    // Seven tenths of ten, and nine duplicates.
    assert_eq!(solo.connection.info().in_flight, 16 * u32::from(MSS));
    solo.on(ack(4));
    assert_eq!(sent(&mut solo), [4, 16]);
    assert_eq!(solo.connection.info().in_flight, (7 + 9 - 4 + 1) * u32::from(MSS));
    solo.on(ack(6));
    assert_eq!(sent(&mut solo), [6, 17]);
}

/// RFC 6582 §3.2, step 2: duplicates of the very end of what was sent when loss was found last may be of what was sent again without
/// need, and begin no recovery; those of more do.
#[test]
fn duplicates_count_only_beyond_the_last_loss() {
    let mut solo = sender();
    for _ in 0..3 {
        solo.on(ack(0));
    }
    assert_eq!(sent(&mut solo), [0]);
    // Nothing had left but the first ten: limited transmit waited for them to be asked for.
    solo.on(ack(10));
    let threshold = solo.connection.info().slow_start_threshold;
    let fresh = sent(&mut solo);
    assert!(fresh.len() > 4 && fresh.iter().all(|index| *index >= 10), "{fresh:?}");
    for _ in 0..5 {
        solo.on(ack(10));
    }
    assert!(sent(&mut solo).iter().all(|index| *index > 10));
    assert_eq!(solo.connection.info().slow_start_threshold, threshold);
    solo.on(ack(11));
    for _ in 0..3 {
        solo.on(ack(11));
    }
    assert!(sent(&mut solo).contains(&11));
}

/// RFC 6582 §3.2, step 3 and §4, the impatient variant: the first partial acknowledgement restarts the timer, no further one does.
#[test]
fn the_first_partial_acknowledgement_restarts_the_timer() {
    let mut solo = sender();
    for _ in 0..3 {
        solo.on(ack(0));
    }
    solo.drain();
    let pause = Duration::from_millis(20);
    solo.now += pause;
    let begun = solo.connection.deadline().unwrap();
    solo.on(ack(2));
    solo.drain();
    let restarted = solo.connection.deadline().unwrap();
    assert_eq!(restarted - solo.now, solo.connection.info().rto);
    assert!(restarted > begun);
    for until in 3..6 {
        solo.now += pause;
        solo.on(ack(until));
        solo.drain();
        assert_eq!(solo.connection.deadline(), Some(restarted));
    }
    solo.now += pause;
    let end = solo.connection.info().snd_nxt;
    solo.on(segment(Flags::ACK, ISS_B + 1, end, b""));
    solo.drain();
    assert!(solo.connection.deadline().unwrap() > restarted);
}

/// RFC 5681 §3.1: the threshold tells what was in flight when a segment first timed out; what times out again leaves it.
#[test]
fn only_the_first_timeout_sets_the_threshold() {
    let mut solo = sender();
    let threshold = |solo: &Solo| solo.connection.info().slow_start_threshold;
    for backoff in 1..4 {
        let deadline = solo.connection.deadline().unwrap();
        solo.wait(deadline - solo.now);
        assert_eq!(solo.connection.info().backoff, backoff);
        assert_eq!(threshold(&solo), 7 * u32::from(MSS), "{backoff}");
    }
    // Another segment's first timeout counts.
    solo.on(ack(1));
    let deadline = solo.connection.deadline().unwrap();
    solo.wait(deadline - solo.now);
    assert!(threshold(&solo) < 7 * u32::from(MSS));
}
