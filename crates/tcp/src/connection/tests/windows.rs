use super::harness::*;
use crate::{Config, Error, Segment};
use core::time::Duration;
use sockeye_wire::{Flags, SeqNumber, StateName};

fn ack(at: SeqNumber, window: u16) -> Segment {
    Segment { window, ..segment(Flags::ACK, ISS_B + 1, at, b"") }
}

/// RFC 9293 MUST-36, SHLD-29, SHLD-30: a closed window is probed, first after one RTO, then ever more rarely; MUST-37: for as long
/// as the probes are answered.
#[test]
fn zero_window_probes() {
    let mut solo = Solo::established(Config { retries: 7, ..Solo::config() });
    solo.on(ack(ISS_A + 1, 0));
    solo.connection.write(solo.now, b"waiting").unwrap();
    let start = solo.now;
    let mut at = std::vec::Vec::new();
    for _ in 0..40 {
        let sent = solo.wait(Duration::from_secs(30));
        for (time, probe) in &sent {
            assert_eq!((probe.header.seq, probe.payload.len()), (ISS_A, 0));
            at.push((*time - start).as_millis());
        }
        solo.on(ack(ISS_A + 1, 0));
    }
    assert_eq!(at[..4], [200, 600, 1_400, 3_000]);
    assert_eq!(solo.connection.state(), StateName::Established);
    solo.on(ack(ISS_A + 1, 4_000));
    let sent = solo.drain();
    assert_eq!((sent.len(), sent[0].payload.len()), (1, 7), "on reopening, at once");
}

#[test]
fn unanswered_probes_end_at_r2() {
    let mut solo = Solo::established(Config { retries: 4, ..Solo::config() });
    solo.on(ack(ISS_A + 1, 0));
    solo.connection.write(solo.now, b"waiting").unwrap();
    solo.wait(Duration::from_secs(600));
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

/// RFC 9293 MUST-34, SHLD-15: a window that shrinks below SND.NXT stops new data and breaks nothing.
#[test]
fn a_shrinking_window() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &[1; 20_000]).unwrap();
    let first = solo.drain().len();
    assert_eq!(first, 10, "initial window");
    solo.on(ack(ISS_A + 1 + 1_460, 1_000));
    assert!(solo.drain().is_empty());
    solo.on(ack(ISS_A + 1 + 14_600, 60_000));
    let rest: usize = solo.drain().iter().map(|transmit| transmit.payload.len()).sum();
    assert_eq!(rest, 20_000 - 14_600);
}

/// RFC 9293 MUST-38: a window that opens by a few octets gets no tiny segment; the override timer sends at last.
#[test]
fn the_sender_avoids_silly_windows() {
    let mut solo = Solo::established(Solo::config());
    solo.on(ack(ISS_A + 1, 10));
    solo.connection.write(solo.now, &[1; 5_000]).unwrap();
    assert!(solo.drain().is_empty());
    let sent = solo.wait(Duration::from_millis(250));
    assert_eq!((sent.len(), sent[0].1.payload.len()), (1, 10));
}

/// RFC 9293 MUST-39: one-octet reads make no tiny window updates; the closed window opens in large steps.
#[test]
fn the_receiver_avoids_silly_windows() {
    let config = Config { receive_buffer_bytes: 20_000, ..Config::default() };
    let mut pair = Pair::established(config, Config::default());
    let now = pair.now;
    pair.b().write(now, &[1; 50_000]).unwrap();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.a().readable(), 20_000);
    assert_eq!(pair.sent.iter().rev().find(|sent| sent.from_a).unwrap().header.window, 0);
    let before = pair.sent.len();
    for _ in 0..1_400 {
        pair.a().read(&mut [0]).unwrap();
        let now = pair.now;
        pair.a().on_read(now);
        pair.run_for(Duration::from_micros(10));
    }
    assert_eq!(pair.sent[before..].iter().filter(|sent| sent.from_a).count(), 0);
    for _ in 0..2_000 {
        pair.a().read(&mut [0]).unwrap();
        let now = pair.now;
        pair.a().on_read(now);
    }
    pair.run_for(Duration::from_millis(1));
    let updates: std::vec::Vec<_> = pair.sent[before..].iter().filter(|sent| sent.from_a).collect();
    assert_eq!(updates.len(), 1);
}

/// RFC 9293 MUST-17; SHLD-7 and RFC 896 in Minshall's variant: a second small segment waits for the first, and is sent with what
/// was written meanwhile (MUST-60, MAY-16), under one PSH (SHLD-27); without Nagle it does not wait.
#[test]
fn nagle() {
    for (nagle, expected) in [(true, 1), (false, 3)] {
        let mut solo = Solo::established(Config { nagle, ..Solo::config() });
        for _ in 0..3 {
            solo.connection.write(solo.now, b"small").unwrap();
            solo.connection.set_nagle(nagle);
            let _ = solo
                .connection
                .poll_transmit(solo.now, 0)
                .map(|first| assert_eq!(first.payload.len(), 5));
        }
        let info = solo.connection.info();
        assert_eq!(info.in_flight, 5 * expected);
    }
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, b"small").unwrap();
    solo.drain();
    solo.connection.write(solo.now, b"small").unwrap();
    solo.connection.write(solo.now, b"small").unwrap();
    assert!(solo.drain().is_empty());
    solo.on(ack(ISS_A + 6, 60_000));
    let sent = solo.drain();
    assert_eq!((sent.len(), sent[0].payload.len()), (1, 10), "merged");
    assert!(sent[0].header.flags.psh(), "SHLD-27: one PSH for both");
}

/// RFC 9293 MUST-61: PSH on the last segment of what was written, and only there.
#[test]
fn psh_marks_the_end_of_a_write() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &[1; 4_000]).unwrap();
    let pushed: std::vec::Vec<_> =
        solo.drain().iter().map(|transmit| transmit.header.flags.psh()).collect();
    assert_eq!(pushed, [false, false, true]);
}

/// RFC 9293 MUST-1: the window field is unsigned.
#[test]
fn large_unscaled_windows_are_used() {
    let mut solo = Solo::established(Config { initial_window_segments: 100, ..Solo::config() });
    solo.connection.write(solo.now, &[1; 60_000]).unwrap();
    let sent: usize = solo.drain().iter().map(|transmit| transmit.payload.len()).sum();
    assert_eq!(sent, 60_000);
}

/// RFC 9293 §3.10.7.4, wl1/wl2: an old segment does not bring back an old window.
#[test]
fn old_segments_do_not_update_the_window() {
    let mut solo = Solo::established(Solo::config());
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"abc"));
    solo.on(Segment { window: 5_000, ..segment(Flags::ACK, ISS_B + 4, ISS_A + 1, b"") });
    assert_eq!(solo.connection.info().send_window, 5_000);
    solo.on(Segment { window: 60_000, ..segment(Flags::ACK, ISS_B + 3, ISS_A + 1, b"") });
    assert_eq!(solo.connection.info().send_window, 5_000);
}

/// A retransmission with a low number may bring the newest acknowledgement: its window counts, or the right edge would be moved to
/// where the peer never offered it.
#[test]
fn a_new_acknowledgement_brings_its_window() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &[1; 8_000]).unwrap();
    solo.on(Segment { window: 4_000, ..segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"abcdef") });
    solo.drain();
    solo.on(Segment { window: 4_000, ..segment(Flags::ACK, ISS_B + 7, ISS_A + 1, b"") });
    let edge = solo.connection.info().snd_una + 4_000;
    let again = segment(Flags::ACK, ISS_B + 1, ISS_A + 1 + 2_920, b"abcdef");
    solo.on(Segment { window: 1_000, ..again });
    let info = solo.connection.info();
    assert_eq!((info.snd_una, info.send_window), (ISS_A + 2_921, 1_000));
    assert!(
        solo.drain()
            .iter()
            .all(|sent| { (sent.header.seq + sent.payload.len() as u32).at_or_before(edge) })
    );
}
