use super::harness::*;
use crate::{Config, Error, Events, Segment};
use core::time::Duration;
use sockeye_wire::{Flags, SeqNumber, StateName};

fn ack(at: SeqNumber, window: u16) -> Segment {
    Segment { window, ..segment(Flags::ACK, ISS_B + 1, at, b"") }
}

/// A connection whose receive buffer is full.
fn full() -> Solo {
    let config = Config { receive_buffer_bytes: 5_000, ..Solo::config() };
    let mut solo = Solo::established(config);
    static DATA: [u8; 1_000] = [7; 1_000];
    for at in 0..5 {
        solo.on(segment(Flags::ACK, ISS_B + 1 + at * 1_000, ISS_A + 1, &DATA));
    }
    let last = solo.wait(Duration::from_millis(100)).pop().unwrap().1;
    assert_eq!((last.header.ack, last.header.window), (ISS_B + 5_001, 0));
    solo
}

/// RFC 9293 MUST-66: with a closed window a reset still resets.
#[test]
fn resets_pass_a_closed_window() {
    let mut solo = full();
    solo.on(segment(Flags::RST, ISS_B + 5_001, SeqNumber(0), b""));
    assert_eq!(solo.connection.error(), Some(Error::Reset));
}

/// RFC 9293 MUST-66: with a closed window urgent data is told of, and acknowledgements count.
#[test]
fn urgent_pointers_and_acknowledgements_pass_a_closed_window() {
    let mut solo = full();
    solo.connection.write(solo.now, b"ours").unwrap();
    assert_eq!(solo.drain().len(), 1);
    solo.connection.take_events();
    let mut urgent = segment(Flags::ACK | Flags::URG, ISS_B + 5_001, ISS_A + 5, b"!");
    urgent.urgent_pointer = 1;
    solo.on(urgent);
    assert!(solo.connection.take_events().intersects(Events::URGENT));
    assert_eq!(solo.connection.info().snd_una, ISS_A + 5);
    assert_eq!(solo.connection.readable(), 5_000, "no room for its octet");
    assert_eq!(solo.drain()[0].header.ack, ISS_B + 5_001, "its sender waits for an answer");
}

/// RFC 9293 MAY-8: a reader may take as long as it likes; MUST-37: its peer's patience is not exhausted by that.
#[test]
fn a_window_may_stay_closed_for_a_day() {
    let config = Config { receive_buffer_bytes: 4_000, ..Config::default() };
    let mut pair = Pair::established(Config::default(), config);
    let now = pair.now;
    pair.a().write(now, &[1; 20_000]).unwrap();
    pair.run_for(Duration::from_secs(86_400));
    assert_eq!(pair.b().readable(), 4_000);
    let mut received = 0;
    while received < 20_000 {
        let now = pair.now;
        if let Ok(count) = pair.b().read(&mut [0; 1_000]) {
            received += count;
            pair.b().on_read(now);
        }
        pair.run_for(Duration::from_millis(50));
        assert!(pair.now.since(now) < Duration::from_secs(1));
    }
    assert_eq!(pair.a.state(), StateName::Established);
}

/// RFC 9293 MUST-35: a window that shrinks to nothing is probed like any closed window, once the flight is acknowledged.
#[test]
fn a_window_that_shrinks_to_nothing_is_probed() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &[1; 20_000]).unwrap();
    let flight = solo.drain().iter().map(|sent| sent.payload.len() as u32).sum::<u32>();
    assert!(flight < 20_000);
    solo.on(ack(ISS_A + 1 + flight, 0));
    let probes = solo.wait(Duration::from_secs(2));
    assert!(probes.len() >= 3);
    for (_, probe) in probes {
        assert_eq!((probe.header.seq, probe.payload.len()), (ISS_A + flight, 0));
    }
}

/// RFC 9293 SHLD-16: what lies inside a shrunken window is sent again.
#[test]
fn data_inside_a_shrunken_window_is_sent_again() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &[1; 14_600]).unwrap();
    assert_eq!(solo.drain().len(), 10);
    solo.on(ack(ISS_A + 1, 3_000));
    let again = solo.wait(Duration::from_millis(300));
    assert!(!again.is_empty());
    for (_, sent) in again {
        let end = sent.header.seq + sent.payload.len() as u32;
        assert!(end.at_or_before(ISS_A + 1 + 3_000), "{} is outside", end.since(ISS_A));
    }
}

/// RFC 9293 MAY-7: the first octets are sent again even if the window has shrunk to nothing, for they probe it; SHLD-17: as long
/// as the peer answers, the connection does not time out.
#[test]
fn data_outside_a_shrunken_window_ends_nothing() {
    let mut solo = Solo::established(Config { retries: 5, ..Solo::config() });
    solo.connection.write(solo.now, &[1; 14_600]).unwrap();
    assert_eq!(solo.drain().len(), 10);
    let mut again = 0;
    for _ in 0..200 {
        solo.on(ack(ISS_A + 1, 0));
        again += solo.wait(Duration::from_secs(10)).len();
        assert_eq!(solo.connection.error(), None, "after {again} retransmissions");
    }
    assert!(again > 5);
    solo.on(ack(ISS_A + 1 + 14_600, 60_000));
    assert_eq!(solo.connection.unacknowledged(), 0);
}

/// RFC 9293 REC-1, RFC 7323 §2.2: windows far beyond 16 bits are computed whole.
#[test]
fn scaled_windows_are_whole() {
    let mut solo = Solo::syn_sent(Config { window_scaling: true, ..Solo::config() });
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.window_scale = Some(14);
    solo.on(syn_ack);
    assert_eq!(solo.connection.info().send_window, 65_535, "a SYN's window is not scaled");
    solo.on(ack(ISS_A + 1, 65_535));
    assert_eq!(solo.connection.info().send_window, 65_535 << 14);
}

/// RFC 6429 §4: a peer that answers probes for ever and never opens its window holds nobody: the application may end it.
#[test]
fn a_closed_window_can_be_left() {
    let mut solo = Solo::established(Solo::config());
    solo.on(ack(ISS_A + 1, 0));
    solo.connection.write(solo.now, b"never wanted").unwrap();
    for _ in 0..50 {
        assert!(!solo.wait(Duration::from_secs(130)).is_empty());
        solo.on(ack(ISS_A + 1, 0));
    }
    assert_eq!(solo.connection.state(), StateName::Established);
    solo.connection.abort(solo.now);
    let reset = solo.drain().pop().unwrap();
    assert!(reset.header.flags.rst());
    assert_eq!(reset.header.seq, ISS_A + 1, "a number that the peer accepts");
    assert!(solo.connection.is_done());
}
