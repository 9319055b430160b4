use super::harness::*;
use crate::{Config, Segment, TimeWait, TimeWaitEvent};
use sockeye_wire::{Flags, SeqNumber, StateName};

/// A connection that A closed; the peer's FIN had number ISS_B + 1, and its last timestamp, if any, was 2,000.
fn closed(timestamps: bool) -> TimeWait {
    let mut solo = Solo::syn_sent(Config { timestamps, ..Solo::config() });
    let stamped = |segment: Segment, value| {
        if timestamps { with_timestamps(segment, value, 0) } else { segment }
    };
    solo.on(stamped(segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b""), 1_000));
    solo.connection.close(solo.now);
    solo.drain();
    let fin = segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 2, b"");
    solo.on(stamped(fin, 2_000));
    solo.drain();
    assert_eq!(solo.connection.state(), StateName::TimeWait);
    solo.connection.time_wait().unwrap()
}

/// RFC 9293 SHLD-4, RFC 6191 §2: the whole table. A SYN reopens if its timestamp is newer, or its number where timestamps do not tell.
#[test]
fn which_syns_reopen() {
    let (old, new) = (ISS_B + 1, ISS_B + 2);
    for (had, stamp, seq, reopens) in [
        (true, Some(2_001), old, true),
        (true, Some(2_001), new, true),
        (true, Some(2_000), new, true),
        (true, Some(2_000), old, false),
        (true, Some(1_999), new, false),
        (true, None, new, true),
        (true, None, old, false),
        (false, Some(1), old, true),
        (false, None, new, true),
        (false, None, old, false),
    ] {
        let mut time_wait = closed(had);
        let mut syn = segment(Flags::SYN, seq, SeqNumber(0), b"");
        if let Some(stamp) = stamp {
            syn = with_timestamps(syn, stamp, 0);
        }
        let now = time_wait.deadline();
        let event = time_wait.on_segment(now, &syn, true);
        let case = std::format!("{had} {stamp:?} {seq:?}: {event:?}");
        match event {
            TimeWaitEvent::Reopen { minimum_iss } => {
                assert!(reopens, "{case}");
                assert_eq!(minimum_iss, ISS_A + 2, "{case}");
            }
            _ => assert!(!reopens, "{case}"),
        }
    }
}

/// RFC 1337: neither a reset, nor an old acknowledgement, nor old data ends the wait or brings it forward.
#[test]
fn nothing_ends_the_wait_early() {
    let mut time_wait = closed(false);
    let (deadline, now) = (time_wait.deadline(), time_wait.deadline());
    for stray in [
        segment(Flags::RST, ISS_B + 2, SeqNumber(0), b""),
        segment(Flags::RST | Flags::ACK, ISS_B + 2, ISS_A + 2, b""),
        segment(Flags::ACK, ISS_B + 2, ISS_A + 2, b""),
        segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"old"),
    ] {
        let flags = stray.flags;
        let answered = matches!(time_wait.on_segment(now, &stray, true), TimeWaitEvent::Ack(_));
        assert_eq!(
            (answered, time_wait.deadline()),
            (!stray.payload.is_empty(), deadline),
            "{flags:?}"
        );
    }
}

/// RFC 7323 §4.3: what is not acceptable is answered, seldom, and leaves TS.Recent as it was; the peer's FIN brings it forward.
#[test]
fn strangers_do_not_move_the_timestamp() {
    let mut time_wait = closed(true);
    let now = time_wait.deadline();
    let forged = with_timestamps(segment(Flags::ACK, ISS_B + 9_000, ISS_A + 2, b"x"), 900_000, 0);
    assert!(matches!(time_wait.on_segment(now, &forged, true), TimeWaitEvent::Ack(_)));
    assert!(matches!(time_wait.on_segment(now, &forged, true), TimeWaitEvent::Ignore));
    let fin = |stamp| {
        with_timestamps(segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 2, b""), stamp, 0)
    };
    for (stamp, echo) in [(1_500, 2_000), (2_500, 2_500)] {
        let TimeWaitEvent::Ack(answer) = time_wait.on_segment(now, &fin(stamp), true) else {
            panic!("the FIN is always answered")
        };
        let echoed = deliver(&answer, now).options.timestamps.map(|timestamps| timestamps.echo);
        assert_eq!(echoed, Some(echo));
    }
}
