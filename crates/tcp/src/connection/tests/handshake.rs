use super::harness::*;
use crate::state::timestamp_clock;
use crate::{Config, Connection, Error, HalfOpen, HalfOpenEvent, Reset};
use core::time::Duration;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};
use std::sync::Arc;

/// The article's handshake with its own numbers, state by state.
#[test]
fn three_way() {
    let mut pair = Pair::new(Config::default(), Config::default());
    assert_eq!(pair.a.state(), StateName::SynSent);
    let end = pair.now + Duration::from_secs(1);
    pair.step(end);
    assert_eq!(pair.b.state(), StateName::SynReceived);
    pair.step(end);
    assert_eq!(pair.a.state(), StateName::Established);
    pair.step(end);
    assert_eq!(pair.b.state(), StateName::Established);
    let numbers: std::vec::Vec<_> = pair
        .sent
        .iter()
        .map(|sent| (sent.header.flags, sent.header.seq.0, sent.header.ack.0))
        .collect();
    assert_eq!(
        numbers,
        [
            (Flags::SYN, 1_234_567, 0),
            (Flags::SYN_ACK, 7_654_321, 1_234_568),
            (Flags::ACK, 1_234_568, 7_654_322),
        ]
    );
    assert_eq!(pair.a().info().rtt, Some(Duration::from_millis(20)));
}

/// A checks that the acknowledgement number is its seq + 1: anything else is refused with a reset (RFC 9293 §3.10.7.3).
#[test]
fn a_wrong_number_in_the_syn_ack_is_refused() {
    for wrong in [ISS_A, ISS_A + 2, SeqNumber(0)] {
        let mut solo = Solo::syn_sent(Solo::config());
        let reset = solo.on(segment(Flags::SYN_ACK, ISS_B, wrong, b""));
        assert_eq!(reset, Some(Reset { seq: wrong, ack: None, echo: None }));
        assert_eq!(solo.connection.state(), StateName::SynSent);
    }
}

/// A checks that ACK is set: a SYN alone is a crossing SYN, not an answer.
#[test]
fn a_syn_without_ack_is_no_answer() {
    let mut solo = Solo::syn_sent(Solo::config());
    assert_eq!(solo.on(segment(Flags::SYN, ISS_B, ISS_A + 1, b"")), None);
    assert_eq!(solo.connection.state(), StateName::SynReceived);
}

/// B checks the third segment's number.
#[test]
fn a_wrong_number_in_the_last_ack_is_refused() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let end = pair.now + Duration::from_secs(1);
    pair.step(end);
    let End::Half { half, config } = &mut pair.b else { panic!() };
    let wrong = with_timestamps(segment(Flags::ACK, ISS_A + 1, ISS_B + 2, b""), ISS_A.0 + 1_000, 0);
    let event = half.on_segment(pair.now, config, wrong);
    assert!(matches!(event, crate::HalfOpenEvent::Reset(Reset { seq, .. }) if seq == ISS_B + 2));
}

#[test]
fn refused() {
    let mut solo = Solo::syn_sent(Solo::config());
    // RFC 9293 §3.10.7.3: a reset without the right acknowledgement number is dropped.
    assert_eq!(solo.on(segment(Flags::RST, SeqNumber(0), ISS_A + 1, b"")), None);
    assert_eq!(solo.on(segment(Flags::RST | Flags::ACK, SeqNumber(0), ISS_A, b"")), None);
    assert_eq!(solo.connection.state(), StateName::SynSent);
    assert_eq!(solo.on(segment(Flags::RST | Flags::ACK, SeqNumber(0), ISS_A + 1, b"")), None);
    assert_eq!(solo.connection.error(), Some(Error::Refused));
    assert_eq!(solo.connection.read(&mut [0; 9]), Err(Error::Refused));
}

/// RFC 9293 MUST-10: SYNs cross, both ends go through SYN-RECEIVED.
#[test]
fn simultaneous_open() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.b = End::Open(Connection::connect(Arc::new(Config::default()), opening(ISS_B), pair.now));
    let end = pair.now + Duration::from_secs(1);
    pair.step(end);
    pair.step(end);
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::SynReceived, StateName::SynReceived));
    pair.run_for(Duration::from_millis(100));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::Established, StateName::Established));
    let now = pair.now;
    assert_eq!(pair.a().write(now, b"crossed"), Ok(7));
    pair.run_for(Duration::from_millis(100));
    let mut buffer = [0; 16];
    assert_eq!(pair.b().read(&mut buffer), Ok(7));
    assert!(pair.sent.len() < 12, "crossing SYNs must not loop: {:?}", pair.flags_since(0));
}

/// RFC 9293 MUST-23: the default schedule of SYNs spans at least three minutes; MUST-22: then the application is told.
#[test]
fn unanswered_syns() {
    let mut solo = Solo::syn_sent(Config::default());
    let start = solo.now;
    let sent = solo.wait(Duration::from_secs(600));
    let at: std::vec::Vec<u64> = sent.iter().map(|(at, _)| (*at - start).as_secs()).collect();
    assert_eq!(at, [1, 3, 7, 15, 31, 63, 127]);
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
    assert!(sent.iter().all(|(_, syn)| syn.header.flags == Flags::SYN && syn.header.seq == ISS_A));
}

#[test]
fn a_lost_syn_ack_is_sent_again() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let mut lost = 0;
    pair.fate = std::boxed::Box::new(move |sent, _| {
        let drop = sent.header.flags == Flags::SYN_ACK && lost < 2;
        lost += u32::from(drop);
        if drop { std::vec![] } else { std::vec![Duration::ZERO] }
    });
    pair.run_for(Duration::from_secs(10));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::Established, StateName::Established));
}

/// RFC 9293 MUST-14, MUST-15, RFC 6691: without an MSS option 536 is assumed; a tiny one is raised to 48.
#[test]
fn the_peers_mss_is_honoured() {
    for (offered, expected) in
        [(None, 536), (Some(300), 300), (Some(9_000), 1_460), (Some(1), 48), (Some(0), 536)]
    {
        let mut solo = Solo::syn_sent(Solo::config());
        let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
        syn_ack.options.mss = offered;
        solo.on(syn_ack);
        solo.drain();
        assert_eq!(solo.connection.write(solo.now, &[7; 4_000]), Ok(4_000));
        let largest = solo.drain().iter().map(|transmit| transmit.payload.len()).max();
        assert_eq!(largest, Some(expected), "offered {offered:?}");
    }
}

/// RFC 9293 §3.8.6.3: what waits to be sent carries the handshake's last acknowledgement; if nothing comes, that goes alone in time.
#[test]
fn waiting_data_carries_the_acknowledgement() {
    for writes in [true, false] {
        let mut solo = Solo::syn_sent(Solo::config());
        solo.connection.want_room();
        solo.on(segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b""));
        assert!(solo.drain().is_empty());
        if writes {
            solo.connection.write(solo.now, b"data").unwrap();
        }
        let (start, sent) = (solo.now, solo.wait(Duration::from_millis(100)));
        let (at, first) = sent.first().unwrap();
        let expected = if writes { (0, 4) } else { (40, 0) };
        assert_eq!((at.since(start).as_millis(), first.payload.len()), expected);
        assert_eq!((first.header.flags.ack(), first.header.ack, sent.len()), (true, ISS_B + 1, 1));
    }
}

/// Options are in force only if both ends offered them (RFC 7323 §2.2, §3.2).
#[test]
fn options_need_both_ends() {
    let plain = Solo::config();
    for (config_a, config_b) in [(plain.clone(), Config::default()), (Config::default(), plain)] {
        let mut pair = Pair::established(config_a, config_b);
        for info in [pair.a().info(), pair.b().info()] {
            assert!(!info.timestamps && !info.sack);
            assert_eq!(info.window_scale, (0, 0));
        }
    }
    let mut pair = Pair::established(Config::default(), Config::default());
    let info = pair.b().info();
    assert!(info.timestamps && info.sack && info.window_scale.0 > 0);
}

/// SYN windows are never scaled (RFC 7323 §2.2).
#[test]
fn syn_windows_are_not_scaled() {
    let mut pair = Pair::established(Config::default(), Config::default());
    assert_eq!(pair.sent[0].header.window, 65_535);
    assert_eq!(pair.sent[1].header.window, 65_535);
    assert_eq!(
        pair.b().info().send_window,
        u32::from(pair.sent[2].header.window) << pair.b().info().window_scale.0
    );
}

/// Data that rides on the third segment is delivered.
#[test]
fn data_on_the_last_ack() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let now = pair.now;
    assert_eq!(pair.a().write(now, b"early"), Ok(5));
    pair.run_for(Duration::from_millis(25));
    assert_eq!(pair.b.state(), StateName::SynReceived);
    pair.run_for(Duration::from_millis(10));
    let mut buffer = [0; 16];
    assert_eq!(pair.b().read(&mut buffer), Ok(5));
}

/// A close before the handshake is complete: the FIN follows the data.
#[test]
fn closing_while_opening() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let now: Instant = pair.now;
    pair.a().write(now, b"all").unwrap();
    pair.a().shutdown(now);
    pair.run_for(Duration::from_millis(100));
    let mut buffer = [0; 16];
    assert_eq!(pair.b().read(&mut buffer), Ok(3));
    assert_eq!(pair.b().read(&mut buffer), Ok(0));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::FinWait2, StateName::CloseWait));
}

/// RFC 7323 §3.2: what carries no timestamps although they were agreed neither completes the handshake nor is answered, unless
/// the configuration says otherwise.
#[test]
fn the_last_ack_must_carry_timestamps() {
    for require_timestamps in [true, false] {
        let config = Arc::new(Config { require_timestamps, ..Config::default() });
        let syn = with_timestamps(segment(Flags::SYN, ISS_A, SeqNumber(0), b""), 100, 0);
        let now = Instant::ZERO;
        let mut half = HalfOpen::on_syn(&config, opening(ISS_B), &syn, now);
        assert!(half.poll_transmit(now, &config).is_some());
        let last = segment(Flags::ACK, ISS_A + 1, ISS_B + 1, b"");
        let event = half.on_segment(now, &config, last.clone());
        assert_eq!(matches!(event, HalfOpenEvent::Waiting), require_timestamps);
        assert!(half.poll_transmit(now, &config).is_none());
        if require_timestamps {
            let event = half.on_segment(now, &config, with_timestamps(last, 100, 0));
            assert!(matches!(event, HalfOpenEvent::Established(_)));
        }
    }
}

/// RFC 7323 §2.3: an ACK before the handshake is complete scales its window up, or it would end below what the SYN-ACK offered.
#[test]
fn a_half_open_connection_keeps_its_right_edge() {
    let config = Arc::new(Config { timestamps: false, ..Config::default() });
    let mut syn = segment(Flags::SYN, ISS_A, SeqNumber(0), b"");
    syn.options.window_scale = Some(7);
    let now = Instant::ZERO;
    let mut half = HalfOpen::on_syn(&config, opening(ISS_B), &syn, now);
    let offered = half.poll_transmit(now, &config).unwrap();
    let shift = deliver(&offered, now).options.window_scale.unwrap();
    assert!(shift > 0);
    let blind = segment(Flags::RST, ISS_A + 100, SeqNumber(0), b"");
    assert!(matches!(half.on_segment(now, &config, blind), HalfOpenEvent::Waiting));
    let challenge = half.poll_transmit(now, &config).unwrap();
    assert!(u32::from(challenge.header.window) << shift >= u32::from(offered.header.window));
}

/// RFC 9293 §3.10.7.3, RFC 7323 §3.2: the right number with an echo of what this SYN never carried is an older connection's answer.
#[test]
fn a_syn_ack_must_echo_this_syn() {
    let config = || Config { timestamps: true, ..Solo::config() };
    let sent = timestamp_clock(Solo::syn_sent(config()).now, ISS_A.0);
    let later = Duration::from_millis(30);
    for (echo, plausible) in
        [(sent - 1, false), (sent, true), (sent + 30, true), (sent + 31, false)]
    {
        let mut solo = Solo::syn_sent(config());
        solo.now += later;
        let syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
        let reset = solo.on(with_timestamps(syn_ack, 7, echo));
        let expected = (!plausible).then_some(Reset { seq: ISS_A + 1, ack: None, echo: None });
        assert_eq!(reset, expected);
        let state = if plausible { StateName::Established } else { StateName::SynSent };
        assert_eq!(solo.connection.state(), state);
    }
}
