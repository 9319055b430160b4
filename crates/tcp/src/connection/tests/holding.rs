//! Partial segments that wait for more, and looking ahead.

use super::harness::*;
use crate::Config;
use core::time::Duration;
use sockeye_wire::Flags;
use std::vec::Vec;

/// Payloads and PSH of what may leave now, in items of any size.
fn items(solo: &mut Solo) -> Vec<(usize, bool)> {
    let next = |solo: &mut Solo| solo.connection.poll_transmit(solo.now, 65_535);
    core::iter::from_fn(|| next(solo))
        .filter(|transmit| !transmit.payload.is_empty())
        .map(|transmit| (transmit.payload.len(), transmit.header.flags.psh()))
        .collect()
}

fn mss(solo: &Solo) -> usize {
    usize::from(solo.connection.info().send_mss)
}

/// RFC 9293 MUST-17 and Minshall's variant: the partial end of a large write waits for an earlier small segment, its whole segments
/// do not.
#[test]
fn the_tail_of_a_large_write_waits_for_an_earlier_small_segment() {
    for (nagle, tail) in [(true, 0), (false, 7)] {
        let mut solo = Solo::established(Config { nagle, ..Solo::config() });
        solo.connection.write(solo.now, &[1; 7]).unwrap();
        assert_eq!(items(&mut solo), [(7, true)]);
        let whole = 2 * mss(&solo);
        solo.connection.write(solo.now, &std::vec![2; whole + 7]).unwrap();
        let sent: usize = items(&mut solo).iter().map(|item| item.0).sum();
        assert_eq!(sent, whole + tail);
    }
}

/// What is the beginning of something larger is sent in whole segments and without PSH; the end of it lets everything go.
#[test]
fn more_will_follow() {
    let mut solo = Solo::established(Config { nagle: false, ..Solo::config() });
    let mss = mss(&solo);
    solo.connection.set_more(true);
    solo.connection.write(solo.now, &std::vec![1; mss + 10]).unwrap();
    assert_eq!(items(&mut solo), [(mss, false)]);
    solo.connection.set_more(false);
    solo.connection.write(solo.now, &[2; 5]).unwrap();
    assert_eq!(items(&mut solo), [(15, true)]);
}

/// A segment of the peer's ends the waiting, and so does the application.
#[test]
fn waiting_for_more_ends() {
    let mut solo = Solo::established(Config { nagle: false, ..Solo::config() });
    let ack = ISS_A + 1;
    solo.connection.set_more(true);
    solo.connection.write(solo.now, &[1; 10]).unwrap();
    assert_eq!(items(&mut solo), []);
    solo.on(segment(Flags::ACK, ISS_B + 1, ack, b""));
    assert_eq!(items(&mut solo), [(10, false)]);
    solo.connection.set_more(true);
    solo.connection.write(solo.now, &[1; 10]).unwrap();
    assert_eq!(items(&mut solo), []);
    solo.connection.push();
    assert_eq!(items(&mut solo), [(10, false)]);
}

/// A cork holds until it is pulled or the direction is closed, but not for ever: the override timer sends.
#[test]
fn a_cork() {
    let corked = || Solo::established(Config { cork: true, ..Solo::config() });
    let mut solo = corked();
    solo.connection.write(solo.now, &[1; 10]).unwrap();
    assert_eq!(items(&mut solo), []);
    solo.connection.configure(|config| config.cork = false);
    assert_eq!(items(&mut solo), [(10, true)]);

    let mut solo = corked();
    solo.connection.write(solo.now, &[1; 10]).unwrap();
    solo.connection.shutdown(solo.now);
    assert_eq!(items(&mut solo), [(10, true)]);

    let mut solo = corked();
    let start = solo.now;
    solo.connection.write(solo.now, &[1; 10]).unwrap();
    let sent = solo.wait(Duration::from_secs(1));
    let (at, first) = sent.first().unwrap();
    assert_eq!(first.payload.len(), 10);
    assert_eq!(at.since(start), Duration::from_millis(200));
}

#[test]
fn looking_ahead_takes_nothing() {
    let mut solo = Solo::established(Solo::config());
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"abc"));
    solo.on(segment(Flags::ACK, ISS_B + 4, ISS_A + 1, b"def"));
    let mut out = [0; 4];
    assert_eq!(solo.connection.peek(1, &mut out), 4);
    assert_eq!(&out, b"bcde");
    assert_eq!(solo.connection.peek(6, &mut out), 0);
    assert_eq!(solo.connection.readable(), 6);
    assert_eq!(solo.connection.read(&mut out), Ok(4));
    assert_eq!((&out, solo.connection.peek(0, &mut out.clone())), (b"abcd", 2));
}
