//! What an application is told, and what its calls become.

use super::harness::*;
use crate::{Config, Connection, Error, Events, HalfOpen, HalfOpenEvent, IcmpError};
use core::time::Duration;
use sockeye_wire::{Flags, SeqNumber, StateName};
use std::sync::Arc;
use std::vec::Vec;

/// RFC 9293 MUST-11: a reset sends a record back to LISTEN whose SYN a listener answered, and refuses an application's own open.
#[test]
fn a_reset_in_syn_received() {
    let config = Arc::new(Solo::config());
    let mut half = HalfOpen::on_syn(
        &config,
        opening(ISS_B),
        &segment(Flags::SYN, ISS_A, SeqNumber(0), b""),
        sockeye_wire::Instant::from_millis(1),
    );
    let reset = segment(Flags::RST, ISS_A + 1, SeqNumber(0), b"");
    let event = half.on_segment(sockeye_wire::Instant::from_millis(2), &config, reset);
    assert!(matches!(event, HalfOpenEvent::Gone));

    let mut solo = Solo::syn_sent(Solo::config());
    solo.on(segment(Flags::SYN, ISS_B, SeqNumber(0), b""));
    assert_eq!(solo.connection.state(), StateName::SynReceived);
    solo.on(segment(Flags::RST, ISS_B + 1, SeqNumber(0), b""));
    assert_eq!(solo.connection.error(), Some(Error::Refused));
}

/// RFC 9293 MUST-47: when R2 is exhausted the application learns what the path had said.
#[test]
fn the_last_soft_error_is_told_at_the_end() {
    let mut solo = Solo::established(Config { retries: 2, ..Solo::config() });
    solo.connection.write(solo.now, b"lost").unwrap();
    solo.drain();
    solo.connection.on_icmp(IcmpError::NetworkUnreachable, ISS_A + 1);
    assert_eq!(solo.connection.soft_error(), Some(Error::NetworkUnreachable));
    assert_eq!(solo.connection.error(), None);
    solo.wait(Duration::from_secs(60));
    assert_eq!(solo.connection.error(), Some(Error::NetworkUnreachable));
}

/// RFC 9293 SHLD-10, SHLD-9: the path is suspect after three retransmissions, not sooner, and R2 is beyond that.
#[test]
fn the_path_is_not_suspect_too_soon() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, b"lost").unwrap();
    solo.drain();
    solo.connection.take_events();
    let mut again = 0;
    while !solo.connection.take_events().intersects(Events::PATH_SUSPECT) {
        again += solo.wait(Duration::from_millis(100)).len();
        assert!(again <= 3);
    }
    assert_eq!((again, solo.connection.error()), (3, None));
}

/// RFC 9293 MUST-21: the application's limit may also be longer than R2, even infinity, and can be taken back.
#[test]
fn a_user_timeout_beyond_r2() {
    let mut solo = Solo::established(Config { retries: 3, ..Solo::config() });
    solo.connection.set_user_timeout(Some(Duration::MAX));
    solo.connection.write(solo.now, b"lost").unwrap();
    let again = solo.wait(Duration::from_secs(1_000_000)).len();
    assert!(again > 8_000, "{again}");
    assert_eq!(solo.connection.error(), None);
    solo.connection.set_user_timeout(None);
    solo.wait(Duration::from_secs(200));
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

/// RFC 9293 MUST-24, MUST-28: keep-alive is each connection's own, and can be switched off again.
#[test]
fn keep_alive_is_switched_per_connection() {
    let config = Arc::new(Solo::config());
    let mut other = Connection::connect(
        Arc::clone(&config),
        opening(ISS_A),
        sockeye_wire::Instant::from_millis(1),
    );
    let mut solo = Solo::established(Solo::config());
    solo.connection.set_keep_alive(Some(crate::KeepAlive::default()));
    assert_eq!(other.config().keep_alive, None);
    assert!(solo.wait(Duration::from_secs(7_199)).is_empty(), "MUST-28");
    assert!(!solo.wait(Duration::from_secs(2)).is_empty());
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
    solo.connection.set_keep_alive(None);
    other.set_keep_alive(None);
    assert!(solo.wait(Duration::from_secs(100_000)).is_empty());
}

/// RFC 9293 MUST-26: nobody is asked whether it lives while it owes an acknowledgement, or has just been heard.
#[test]
fn only_idle_connections_are_probed() {
    let idle = Duration::from_secs(10);
    let keep_alive = crate::KeepAlive { idle, interval: idle, probes: 3 };
    let mut solo =
        Solo::established(Config { keep_alive: Some(keep_alive), retries: 9, ..Solo::config() });
    for _ in 0..10 {
        assert!(solo.wait(Duration::from_secs(9)).is_empty());
        solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
    }
    solo.connection.write(solo.now, b"unanswered").unwrap();
    let sent = solo.wait(Duration::from_secs(60));
    assert!(sent.len() > 3);
    assert!(sent.iter().all(|(_, sent)| sent.payload.len() == 10), "retransmissions, no probes");
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 11, b""));
    let probe = solo.wait(Duration::from_secs(11)).pop().unwrap().1;
    assert_eq!((probe.header.seq, probe.payload.len()), (ISS_A + 10, 0));
}

/// RFC 9293 MUST-60: no small write waits longer than for the acknowledgement of the small one before it, or a timeout.
#[test]
fn small_writes_leave_in_time() {
    let mut pair = Pair::established(Config::default(), Config::default());
    for _ in 0..50 {
        let now = pair.now;
        pair.a().write(now, b"a").unwrap();
        pair.run_for(Duration::from_millis(3));
    }
    let last = pair.now;
    pair.run_for(Duration::from_millis(60));
    assert_eq!(pair.b().readable(), 50);
    let at = pair.sent.iter().rev().find(|sent| sent.from_a && sent.len > 0).unwrap().at;
    assert!(at.since(last) <= Duration::from_millis(60));
}

/// RFC 9293 SHLD-28: what is written in small pieces leaves in full segments while it waits for a window.
#[test]
fn segments_are_as_large_as_they_can_be() {
    let mut solo = Solo::established(Solo::config());
    solo.on(crate::Segment { window: 0, ..segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"") });
    for _ in 0..100 {
        solo.connection.write(solo.now, &[1; 100]).unwrap();
    }
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
    let lens: Vec<usize> = solo.drain().iter().map(|sent| sent.payload.len()).collect();
    assert_eq!(lens, [1_460, 1_460, 1_460, 1_460, 1_460, 1_460, 1_240]);
}
