use super::harness::*;
use crate::{Config, Error, Events, KeepAlive};
use core::time::Duration;
use sockeye_wire::{Flags, StateName};
use std::vec::Vec;

fn seconds(
    sent: &[(sockeye_wire::Instant, crate::Transmit)],
    start: sockeye_wire::Instant,
) -> Vec<u64> {
    sent.iter().map(|(at, _)| (*at - start).as_millis() as u64).collect()
}

/// RFC 6298 §5.5, RFC 9293 MUST-19: the timeout doubles; MUST-20: after R2 the connection is closed, R1 is told before.
#[test]
fn retransmissions_back_off_until_r2() {
    let mut solo = Solo::established(Config { retries: 5, ..Solo::config() });
    solo.connection.write(solo.now, b"lost").unwrap();
    let start = solo.now;
    assert_eq!(solo.drain().len(), 1);
    let sent = solo.wait(Duration::from_secs(60));
    assert_eq!(seconds(&sent, start), [200, 600, 1_400, 3_000, 6_200]);
    assert!(
        sent.iter().all(|(_, again)| again.header.seq == ISS_A + 1 && again.payload.len() == 4)
    );
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
    assert!(solo.connection.take_events().intersects(Events::PATH_SUSPECT));
}

/// RFC 9293 SHLD-11: the defaults allow at least 100 s.
#[test]
fn default_r2_is_long_enough() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, b"lost").unwrap();
    solo.wait(Duration::from_secs(101));
    assert_eq!(solo.connection.error(), None);
    solo.wait(Duration::from_secs(2_000));
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

/// RFC 9293 MUST-21: the application's own limit.
#[test]
fn user_timeout() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.set_user_timeout(Some(Duration::from_secs(5)));
    solo.wait(Duration::from_secs(50));
    assert_eq!(solo.connection.error(), None, "an idle connection owes nothing");
    solo.connection.write(solo.now, b"lost").unwrap();
    solo.wait(Duration::from_millis(4_900));
    assert_eq!(solo.connection.error(), None);
    solo.wait(Duration::from_millis(200));
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

/// RFC 9293 MUST-18, RFC 6298 §3: Karn's rule. An acknowledgement of a retransmission says nothing about the round trip, one of fresh data does.
#[test]
fn round_trips_are_measured_on_first_transmissions() {
    let mut solo = Solo::established(Solo::config());
    let before = solo.connection.info().rtt;
    solo.connection.write(solo.now, b"lost").unwrap();
    solo.wait(Duration::from_millis(250));
    solo.now += Duration::from_millis(50);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 5, b""));
    assert_eq!(solo.connection.info().rtt, before);
    solo.connection.write(solo.now, b"fresh").unwrap();
    solo.drain();
    solo.now += Duration::from_millis(80);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 10, b""));
    assert_eq!(solo.connection.info().rtt, Some(Duration::from_millis(10)));
}

/// RFC 9293 MUST-24 to MUST-29, SHLD-12, MAY-5.
#[test]
fn keep_alive() {
    let mut solo = Solo::established(Solo::config());
    assert!(solo.wait(Duration::from_secs(100_000)).is_empty(), "off by default");
    let keep_alive =
        KeepAlive { idle: Duration::from_secs(10), interval: Duration::from_secs(2), probes: 3 };
    solo.connection.set_keep_alive(Some(keep_alive));
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
    let start = solo.now;
    let probes = solo.wait(Duration::from_secs(12));
    assert_eq!(seconds(&probes, start), [10_000, 12_000]);
    assert_eq!((probes[0].1.header.seq, probes[0].1.payload.len()), (ISS_A, 0));
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
    assert!(solo.wait(Duration::from_secs(9)).is_empty(), "an answer starts the count again");
    let last = solo.wait(Duration::from_secs(20)).pop().unwrap().1;
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
    assert!(last.header.flags.rst());
    assert_eq!(last.header.seq, ISS_A + 1);
}

#[test]
fn keep_alives_are_answered() {
    let mut solo = Solo::established(Solo::config());
    solo.on(segment(Flags::ACK, ISS_B, ISS_A + 1, b""));
    let answer = solo.drain();
    assert_eq!((answer.len(), answer[0].header.ack), (1, ISS_B + 1));
    assert_eq!(solo.connection.state(), StateName::Established);
}

/// RFC 9293 MUST-40, SHLD-18, RFC 1122 §4.2.3.2.
#[test]
fn delayed_acknowledgements() {
    let mut pair =
        Pair::established(Config::default(), Config { nagle: false, ..Config::default() });
    for _ in 0..20 {
        let now = pair.now;
        pair.b().write(now, b"warm up").unwrap();
        pair.run_for(Duration::from_millis(100));
    }
    let (now, before) = (pair.now, pair.sent.len());
    pair.b().write(now, b"lone").unwrap();
    pair.run_for(Duration::from_millis(200));
    let ack = pair.sent[before..].iter().find(|sent| sent.from_a).unwrap();
    assert_eq!(ack.at - now, Duration::from_millis(10 + 40));
}

/// RFC 6298 §3, RFC 7323 §4.1: the first of three segments was sent again. Its acknowledgement brings that of the others, which waited
/// for it at the peer: they measure nothing either, unless an echo tells what was answered.
#[test]
fn what_waited_behind_a_hole_measures_nothing() {
    for timestamps in [false, true] {
        let mut solo = Solo::syn_sent(Config { timestamps, ..Solo::config() });
        solo.now += Duration::from_millis(100);
        let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
        syn_ack.options.mss = Some(MSS);
        let stamped = |segment, echo| {
            if timestamps { with_timestamps(segment, 1, echo) } else { segment }
        };
        solo.on(stamped(syn_ack, 0));
        solo.drain();
        let data = std::vec![7; 3 * usize::from(MSS - 12)];
        solo.connection.write(solo.now, &data).unwrap();
        let again = solo.wait(Duration::from_millis(300)).pop().unwrap().1;
        assert_eq!(again.header.seq, ISS_A + 1);
        let echo = deliver(&again, solo.now).options.timestamps.map_or(0, |stamps| stamps.value);
        solo.now += Duration::from_millis(100);
        let end = ISS_A + 1 + data.len() as u32;
        solo.on(stamped(segment(Flags::ACK, ISS_B + 1, end, b""), echo));
        assert_eq!(solo.connection.info().rtt, Some(Duration::from_millis(100)), "{timestamps}");
        assert_eq!(solo.connection.info().backoff, u8::from(!timestamps));
    }
}
