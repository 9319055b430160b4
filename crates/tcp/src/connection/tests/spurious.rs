//! What an undone reduction restores, and what it does not (RFC 4015, RFC 3168).

use super::harness::*;
use crate::{Config, EcnConfig, EcnMode, Phase, Segment};
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Flags, SeqNumber};

const RTT: Duration = Duration::from_millis(100);
const FIRST: SeqNumber = SeqNumber(ISS_A.0 + 1);
/// A segment with timestamps.
const PAYLOAD: u32 = MSS as u32 - 12;

fn at(index: u32) -> SeqNumber {
    FIRST + index * PAYLOAD
}

fn ack(until: u32, held: &[(u32, u32)], echo: u32) -> Segment {
    let mut ack = with_timestamps(segment(Flags::ACK, ISS_B + 1, at(until), b""), 2, echo);
    ack.options.sack =
        held.iter().map(|&(left, right)| SackBlock { left: at(left), right: at(right) }).collect();
    ack
}

fn marked(mut ack: Segment) -> Segment {
    ack.flags |= Flags::ECE;
    ack
}

/// A sender with SACK, timestamps and classic ECN whose first of ten segments was taken for lost and sent again; TSval of the originals.
fn recovering() -> (Solo, u32) {
    let ecn = EcnConfig { request: EcnMode::Classic, ..EcnConfig::default() };
    let mut solo = Solo::syn_sent(Config { ecn, sack: true, timestamps: true, ..Solo::config() });
    solo.now += RTT;
    let mut syn_ack = segment(Flags::SYN_ACK | Flags::ECE, ISS_B, FIRST, b"");
    syn_ack = with_timestamps(syn_ack, 1, 0);
    syn_ack.options.mss = Some(MSS);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    solo.connection.write(solo.now, &std::vec![7; 10 * PAYLOAD as usize]).unwrap();
    let sent = solo.drain();
    assert_eq!(sent.len(), 10);
    let original = deliver(&sent[0], solo.now).options.timestamps.unwrap().value;
    solo.now += RTT;
    solo.on(ack(0, &[(1, 5)], original));
    assert_eq!(solo.drain().len(), 1);
    assert_eq!(solo.connection.info().phase, Phase::Recovery);
    (solo, original)
}

/// RFC 4015 §3.2 step 4: an original arrived, but its acknowledgement tells of marks: nothing more is repaired, and the window stays
/// reduced; that answers the marks on everything sent before (RFC 3168 §6.1.2).
#[test]
fn marks_keep_the_reduction() {
    let (mut solo, original) = recovering();
    let reduced = solo.connection.info().slow_start_threshold;
    solo.now += RTT / 5;
    solo.on(marked(ack(5, &[], original)));
    let info = solo.connection.info();
    assert_eq!((info.phase, info.slow_start_threshold), (Phase::Open, reduced));
    assert!(info.congestion_window <= reduced, "{}", info.congestion_window);
    solo.on(marked(ack(6, &[], original)));
    let info = solo.connection.info();
    assert_eq!((info.phase, info.slow_start_threshold), (Phase::Open, reduced));
}

/// The marks may come before it turns out that nothing was lost.
#[test]
fn earlier_marks_keep_it_too() {
    let (mut solo, original) = recovering();
    let reduced = solo.connection.info().slow_start_threshold;
    solo.on(marked(ack(0, &[(1, 6)], original)));
    solo.now += RTT / 5;
    solo.on(ack(6, &[], original));
    let info = solo.connection.info();
    assert_eq!((info.phase, info.slow_start_threshold), (Phase::Open, reduced));
}

/// RFC 3168 §6.1.2: a reduction that was taken back answers nothing: the next mark is answered, though what was sent before the
/// reduction is not all acknowledged.
#[test]
fn marks_after_an_undo_are_answered() {
    let (mut solo, original) = recovering();
    solo.now += RTT / 5;
    solo.on(ack(5, &[], original));
    let before = solo.connection.info();
    assert_eq!(before.slow_start_threshold, u32::MAX);
    solo.on(marked(ack(6, &[], original)));
    let info = solo.connection.info();
    assert_eq!(info.phase, Phase::Reduced);
    assert!(info.slow_start_threshold < before.congestion_window);
    // Once.
    solo.on(marked(ack(7, &[], original)));
    assert_eq!(solo.connection.info().slow_start_threshold, info.slow_start_threshold);
}

/// RFC 2883 §5: four segments were sent again in one item; that two of them were duplicates says nothing of the others, that four
/// were undoes the reduction, however many of them one block reports.
#[test]
fn every_segment_sent_again_must_be_a_duplicate() {
    let mut solo = Solo::syn_sent(Config { sack: true, ..Solo::config() });
    solo.now += RTT;
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, FIRST, b"");
    syn_ack.options.mss = Some(1_448);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    let ack = |solo: &mut Solo, until: u32, held: &[(u32, u32)]| {
        let mut ack = segment(Flags::ACK, ISS_B + 1, at(until), b"");
        let block = |&(left, right): &(u32, u32)| SackBlock { left: at(left), right: at(right) };
        ack.options.sack = held.iter().map(block).collect();
        solo.on(ack);
        solo.connection.info().phase
    };
    solo.connection.write(solo.now, &std::vec![7; 10 * PAYLOAD as usize]).unwrap();
    let drain = |solo: &mut Solo| -> u32 {
        let sent = core::iter::from_fn(|| solo.connection.poll_transmit(solo.now, 60_000));
        sent.map(|transmit| u32::from(transmit.wire_segments)).sum()
    };
    assert_eq!(drain(&mut solo), 10);
    solo.now += RTT;
    ack(&mut solo, 0, &[(4, 10)]);
    assert_eq!(drain(&mut solo), 4);
    assert_eq!(ack(&mut solo, 1, &[(0, 1), (4, 10)]), Phase::Recovery);
    assert_eq!(ack(&mut solo, 2, &[(1, 2), (4, 10)]), Phase::Recovery);
    assert_ne!(ack(&mut solo, 4, &[(2, 4), (4, 10)]), Phase::Recovery);
    assert_eq!(solo.connection.info().slow_start_threshold, u32::MAX);
}
