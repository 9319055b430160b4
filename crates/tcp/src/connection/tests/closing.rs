use super::harness::*;
use crate::{Config, Error, TimeWaitEvent};
use core::time::Duration;
use sockeye_wire::{Flags, StateName};

fn pair() -> Pair {
    Pair::established(Config::default(), Config::default())
}

/// The close by request and answer: FIN, ACK, FIN, ACK, each state on the way; readers are told that it was one (RFC 9293 MUST-12).
#[test]
fn one_after_the_other() {
    let mut pair = pair();
    let (now, before) = (pair.now, pair.sent.len());
    pair.a().shutdown(now);
    assert_eq!(pair.a.state(), StateName::FinWait1);
    pair.run_for(Duration::from_millis(25));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::FinWait2, StateName::CloseWait));
    assert_eq!(pair.b().read(&mut [0; 8]), Ok(0));
    let now = pair.now;
    pair.b().shutdown(now);
    assert_eq!(pair.b.state(), StateName::LastAck);
    pair.run_for(Duration::from_millis(25));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::TimeWait, StateName::Closed));
    assert_eq!(
        pair.flags_since(before),
        [('A', "F.".into()), ('B', ".".into()), ('B', "F.".into()), ('A', ".".into())]
    );
    assert_eq!(pair.b().error(), None);
    pair.run_for(Duration::from_secs(61));
    assert_eq!(pair.a.state(), StateName::Closed);
}

#[test]
fn both_at_once() {
    let mut pair = pair();
    let now = pair.now;
    pair.a().shutdown(now);
    pair.b().shutdown(now);
    let end = now + Duration::from_secs(1);
    pair.step(end);
    pair.step(end);
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::Closing, StateName::Closing));
    pair.run_for(Duration::from_millis(50));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::TimeWait, StateName::TimeWait));
}

/// RFC 9293 §3.6: half-close: the other direction goes on for as long as its side likes.
#[test]
fn half_close() {
    let mut pair = pair();
    let now = pair.now;
    pair.a().shutdown(now);
    assert_eq!(pair.a().write(now, b"x"), Err(Error::Closing));
    pair.run_for(Duration::from_secs(100));
    let now = pair.now;
    assert_eq!(pair.b().write(now, b"still here"), Ok(10));
    pair.run_for(Duration::from_millis(100));
    let mut buffer = [0; 16];
    assert_eq!(pair.a().read(&mut buffer), Ok(10));
    assert_eq!(pair.a.state(), StateName::FinWait2);
}

/// RFC 9293 §3.10.4: data written before the close arrives before the FIN.
#[test]
fn data_goes_before_the_fin() {
    let mut pair = pair();
    let now = pair.now;
    pair.a().write(now, &[3; 100_000]).unwrap();
    pair.a().shutdown(now);
    let mut received = 0;
    let mut buffer = [0; 4_096];
    for _ in 0..10_000 {
        let end = pair.now + Duration::from_secs(1);
        pair.step(end);
        match pair.b().read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => received += count,
            Err(error) => assert_eq!(error, Error::WouldBlock),
        }
    }
    assert_eq!(received, 100_000);
}

/// RFC 9293 SHLD-3: letting go with unread data resets; the peer learns of it (MUST-12); nothing is read any more (MAY-1).
#[test]
fn closing_with_unread_data_resets() {
    let mut pair = pair();
    let now = pair.now;
    pair.b().write(now, b"unread").unwrap();
    pair.run_for(Duration::from_millis(50));
    let now = pair.now;
    pair.a().close(now);
    pair.run_for(Duration::from_millis(50));
    assert!(pair.sent.iter().any(|sent| sent.from_a && sent.header.flags.rst()));
    assert_eq!(pair.b().error(), Some(Error::Reset));
    assert_eq!(pair.b().read(&mut [0; 8]), Err(Error::Reset));
}

/// SHLD-3, the late half: data that arrives after the application let go.
#[test]
fn data_after_letting_go_resets() {
    let mut pair = pair();
    let now = pair.now;
    pair.a().close(now);
    pair.run_for(Duration::from_millis(50));
    let now = pair.now;
    pair.b().write(now, b"too late").unwrap();
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.a.state(), StateName::Closed);
    assert_eq!(
        pair.b().error(),
        Some(Error::Closing),
        "in CLOSE-WAIT a reset is a broken pipe, as on Linux"
    );
    assert_eq!(pair.b().read(&mut [0; 8]), Ok(0), "the FIN came first");
}

/// An orphan does not wait for ever in FIN-WAIT-2.
#[test]
fn an_orphan_leaves_fin_wait_2() {
    let mut pair = pair();
    let now = pair.now;
    pair.a().close(now);
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.a.state(), StateName::FinWait2);
    pair.run_for(Duration::from_secs(61));
    assert_eq!(pair.a.state(), StateName::Closed);
}

/// RFC 9293 MUST-13: the FIN resent in TIME-WAIT is acknowledged and the wait starts again; RFC 1337: a reset does not end it.
#[test]
fn time_wait_answers_strays() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.close(solo.now);
    assert!(solo.drain()[0].header.flags.fin());
    solo.on(segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 2, b""));
    assert_eq!(solo.connection.state(), StateName::TimeWait);
    assert_eq!(solo.drain().len(), 1);
    let mut time_wait = solo.connection.time_wait().expect("nobody reads any more");
    let reset = segment(Flags::RST, ISS_B + 2, ISS_A + 2, b"");
    assert!(matches!(time_wait.on_segment(solo.now, &reset, true), TimeWaitEvent::Ignore));
    let first = time_wait.deadline();
    solo.now += Duration::from_secs(30);
    let fin = segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 2, b"");
    let TimeWaitEvent::Ack(ack) = time_wait.on_segment(solo.now, &fin, true) else { panic!() };
    assert_eq!((ack.header.seq, ack.header.ack), (ISS_A + 2, ISS_B + 2));
    assert_eq!(time_wait.deadline() - first, Duration::from_secs(30));
}

/// RFC 6191: a SYN beyond the old FIN may reopen, an old one may not.
#[test]
fn time_wait_may_be_reopened() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.close(solo.now);
    solo.drain();
    solo.on(segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 2, b""));
    solo.drain();
    let mut time_wait = solo.connection.time_wait().unwrap();
    let old = segment(Flags::SYN, ISS_B + 1, ISS_A, b"");
    assert!(matches!(time_wait.on_segment(solo.now, &old, true), TimeWaitEvent::Ignore));
    let new = segment(Flags::SYN, ISS_B + 1_000, ISS_A, b"");
    let event = time_wait.on_segment(solo.now, &new, true);
    assert!(matches!(event, TimeWaitEvent::Reopen { minimum_iss } if minimum_iss == ISS_A + 2));
}

/// A FIN lost on the way is sent again, in either state that waits for its acknowledgement.
#[test]
fn a_lost_fin_is_sent_again() {
    let mut pair = pair();
    let mut lost = 0;
    pair.fate = std::boxed::Box::new(move |sent, _| {
        let drop = sent.header.flags.fin() && lost < 3;
        lost += u32::from(drop);
        if drop { std::vec![] } else { std::vec![Duration::ZERO] }
    });
    let now = pair.now;
    pair.a().shutdown(now);
    pair.run_for(Duration::from_secs(10));
    let now = pair.now;
    pair.b().shutdown(now);
    pair.run_for(Duration::from_secs(10));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::TimeWait, StateName::Closed));
}

/// RFC 7323 §2.3: rounded to whole units, the right edge of the window still does not move to the left, not even by TIME-WAIT's
/// acknowledgement.
#[test]
fn time_wait_keeps_the_right_edge() {
    let mut pair = pair();
    let before = pair.sent.len();
    let now = pair.now;
    pair.b().write(now, b"seven b").unwrap();
    pair.run_for(Duration::from_millis(100));
    let now = pair.now;
    pair.a().shutdown(now);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now;
    pair.b().shutdown(now);
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.a.state(), StateName::TimeWait);
    let shift = Config::default().window_shift();
    let edges: std::vec::Vec<_> = pair.sent[before..]
        .iter()
        .filter(|sent| sent.from_a)
        .map(|sent| sent.header.ack + (u32::from(sent.header.window) << shift))
        .collect();
    assert!(edges.len() >= 3);
    assert!(edges.windows(2).all(|pair| pair[0].at_or_before(pair[1])), "{edges:?}");
}
