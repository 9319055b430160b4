use super::harness::*;
use crate::{Config, Error, Reset};
use core::time::Duration;
use sockeye_wire::{Flags, SeqNumber, StateName};

/// RFC 5961 §3.2: only the exact number resets, whatever data it carries (RFC 9293 SHLD-2); elsewhere in the window a challenge
/// ACK; outside, silence.
#[test]
fn only_the_exact_number_resets() {
    let mut solo = Solo::established(Solo::config());
    for outside in [ISS_B, ISS_B + 1 + 70_000] {
        solo.on(segment(Flags::RST, outside, ISS_A + 1, b""));
        assert!(solo.drain().is_empty());
    }
    solo.on(segment(Flags::RST, ISS_B + 100, ISS_A + 1, b""));
    let challenge = solo.drain();
    assert_eq!(challenge.len(), 1);
    assert_eq!((challenge[0].header.flags, challenge[0].header.ack), (Flags::ACK, ISS_B + 1));
    assert_eq!(solo.connection.state(), StateName::Established);
    solo.on(segment(Flags::RST, ISS_B + 1, SeqNumber(0), b"why"));
    assert_eq!(
        solo.connection.error(),
        Some(Error::Reset),
        "SHLD-2: data on a reset does not matter"
    );
    assert!(solo.drain().is_empty(), "a reset is never answered");
}

/// RFC 5961 §7: answers to bad segments are throttled.
#[test]
fn challenges_are_throttled() {
    let mut solo = Solo::established(Solo::config());
    let mut answers = 0;
    for _ in 0..100 {
        solo.on(segment(Flags::RST, ISS_B + 100, ISS_A + 1, b""));
        answers += solo.drain().len();
        solo.now += Duration::from_millis(9);
    }
    assert_eq!(answers, 2);
}

/// RFC 5961 §7: how many there are is a setting.
#[test]
fn the_throttle_is_a_setting() {
    for (millis, expected) in [(0, 100), (90, 12), (10_000, 1)] {
        let challenge_interval = Duration::from_millis(millis);
        let mut solo = Solo::established(Config { challenge_interval, ..Solo::config() });
        let mut answers = 0;
        for _ in 0..100 {
            solo.on(segment(Flags::RST, ISS_B + 100, ISS_A + 1, b""));
            answers += solo.drain().len();
            solo.now += Duration::from_millis(10);
        }
        assert_eq!(answers, expected, "{millis} ms");
    }
}

/// RFC 5961 §4.2: a SYN on an open connection never resets it.
#[test]
fn a_syn_is_challenged() {
    let mut solo = Solo::established(Solo::config());
    solo.on(segment(Flags::SYN, ISS_B + 1, SeqNumber(0), b""));
    let challenge = solo.drain();
    assert_eq!((challenge[0].header.seq, challenge[0].header.ack), (ISS_A + 1, ISS_B + 1));
    assert_eq!(solo.connection.state(), StateName::Established);
}

/// RFC 9293 MAY-12, RFC 5961 §5.2: an ACK of something never sent, or older than any window, is answered and its data dropped.
#[test]
fn acknowledgements_out_of_range_carry_nothing_in() {
    for ack in [ISS_A + 2, ISS_A.back(70_000)] {
        let mut solo = Solo::established(Solo::config());
        solo.on(segment(Flags::ACK, ISS_B + 1, ack, b"injected"));
        assert_eq!(solo.drain().len(), 1);
        assert_eq!(solo.connection.read(&mut [0; 16]), Err(Error::WouldBlock));
    }
}

/// RFC 9293 §3.10.7.4: a segment without ACK is dropped, whatever it carries.
#[test]
fn segments_without_ack_are_dropped() {
    let mut solo = Solo::established(Solo::config());
    solo.on(segment(Flags::PSH, ISS_B + 1, ISS_A + 1, b"data"));
    assert!(solo.drain().is_empty());
    assert_eq!(solo.connection.readable(), 0);
}

/// RFC 9293 §3.10.5: an abort tells the peer with a number that it accepts.
#[test]
fn abort_resets_the_peer() {
    let mut pair = Pair::established(Default::default(), Default::default());
    let now = pair.now;
    pair.a().write(now, &[1; 50_000]).unwrap();
    pair.run_for(Duration::from_millis(5));
    let now = pair.now;
    pair.a().abort(now);
    assert_eq!(pair.a().write(now, b"x"), Err(Error::Aborted));
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.b().error(), Some(Error::Reset));
    let resets = pair.sent.iter().filter(|sent| sent.header.flags.rst()).count();
    assert!(resets >= 1 && pair.a().is_done());
}

/// RFC 9293 §3.10.7.1: how segments for no connection are answered.
#[test]
fn resets_for_no_connection() {
    let ack = Reset::for_segment(&segment(Flags::ACK, ISS_B, ISS_A, b"x")).unwrap();
    assert_eq!(ack, Reset { seq: ISS_A, ack: None, echo: None });
    let syn = Reset::for_segment(&segment(Flags::SYN, ISS_B, SeqNumber(9), b"xy")).unwrap();
    assert_eq!(syn, Reset { seq: SeqNumber(0), ack: Some(ISS_B + 3), echo: None });
    assert_eq!(syn.into_transmit().header.flags, Flags::RST | Flags::ACK);
    assert_eq!(Reset::for_segment(&segment(Flags::RST, ISS_B, ISS_A, b"")), None);
}
