//! Explicit congestion notification between two ends, and against a peer written by hand (RFC 3168, RFC 9768).

use super::harness::*;
use crate::{AccEcnCounters, Config, EcnConfig, EcnMode, Segment};
use core::time::Duration;
use sockeye_wire::{Ecn, Flags};
use std::vec::Vec;

const ACE: Flags = Flags::from_bits(0x1c0);

fn asking(request: EcnMode) -> Config {
    Config {
        ecn: EcnConfig { request, ..EcnConfig::default() },
        initial_send_buffer_bytes: 1 << 20,
        initial_receive_buffer_bytes: 1 << 20,
        ..Config::default()
    }
}

fn accepting(accept: EcnMode) -> Config {
    Config {
        ecn: EcnConfig { accept, ..EcnConfig::default() },
        initial_receive_buffer_bytes: 1 << 20,
        ..Config::default()
    }
}

/// AE, CWR and ECE of a segment as a number.
fn ace(flags: Flags) -> u16 {
    flags.bits() >> 6 & 7
}

fn handshake(request: EcnMode, accept: EcnMode) -> (Vec<u16>, Pair) {
    let pair = Pair::established(asking(request), accepting(accept));
    (pair.sent.iter().take(3).map(|sent| ace(sent.header.flags)).collect(), pair)
}

/// RFC 9293 SHLD-8, RFC 3168 §6.1.1 and RFC 9768 §3.1.2: what each offer meets, and what is agreed on.
#[test]
fn the_handshake_negotiates() {
    use EcnMode::{Accurate, Classic, Off};
    for (request, accept, codes, agreed) in [
        (Off, Accurate, [0, 0, 0], Off),
        (Classic, Accurate, [0b011, 0b001, 0], Classic),
        (Classic, Off, [0b011, 0, 0], Off),
        (Accurate, Classic, [0b111, 0, 0], Off),
        (Accurate, Off, [0b111, 0, 0], Off),
        (Accurate, Accurate, [0b111, 0b010, 0b010], Accurate),
    ] {
        // A server that knows only RFC 3168 looks at two bits of the three.
        let agreed = if (request, accept) == (Accurate, Classic) { Classic } else { agreed };
        let codes = if agreed == Classic { [codes[0], 0b001, 0] } else { codes };
        let (sent, mut pair) = handshake(request, accept);
        assert_eq!(sent, codes, "{request:?} {accept:?}");
        assert_eq!((pair.a().info().ecn, pair.b().info().ecn), (agreed, agreed));
    }
}

/// Writes 200 kB at A and lets 2 s pass; says what was sent meanwhile.
fn transfer(pair: &mut Pair) -> Vec<Sent> {
    let from = pair.sent.len();
    let (now, data) = (pair.now, std::vec![7; 200_000]);
    assert_eq!(pair.a().write(now, &data), Ok(data.len()));
    pair.run_for(Duration::from_secs(2));
    assert_eq!(pair.b().readable(), data.len());
    pair.sent[from..].to_vec()
}

/// RFC 3168 §6.1.2 and §6.1.3: a mark is echoed until the sender says that it heard; the window comes down once; nothing is sent
/// again.
#[test]
fn a_classic_mark_is_answered_once() {
    let (_, mut pair) = handshake(EcnMode::Classic, EcnMode::Classic);
    let before = pair.a().info().congestion_window;
    pair.mark = |sent, _| sent.header.seq == ISS_A + 1 + 1_448 * 4;
    let sent = transfer(&mut pair);
    let data: Vec<_> = sent.iter().filter(|sent| sent.from_a && sent.len > 0).collect();
    assert!(data.iter().all(|sent| sent.ecn == Ecn::Ect0));
    assert!(sent.iter().filter(|sent| sent.len == 0).all(|sent| sent.ecn == Ecn::NotEct));
    let reduced = |sent: &&&Sent| sent.header.flags.contains(Flags::CWR);
    assert_eq!(data.iter().filter(reduced).count(), 1);
    let echoes: Vec<_> = sent
        .iter()
        .filter(|sent| !sent.from_a)
        .map(|sent| sent.header.flags.contains(Flags::ECE))
        .collect();
    assert!(echoes.iter().any(|echo| *echo) && !echoes.last().unwrap());
    let info = pair.a().info();
    assert_eq!(info.retransmissions, 0);
    assert!(info.slow_start_threshold < u32::MAX && info.slow_start_threshold >= before / 2);
    assert_eq!(pair.b().info().ecn_marks.1, 1);
}

/// RFC 9768 §3.2.1 and §3.2.3: each mark is counted, in packets by the header and in octets by the option; both ends agree.
#[test]
fn accurate_counters_agree() {
    let (_, mut pair) = handshake(EcnMode::Accurate, EcnMode::Accurate);
    pair.mark = |sent, index| sent.len > 0 && index % 7 == 0;
    let sent = transfer(&mut pair);
    let (a, b) = (pair.a().info(), pair.b().info());
    assert!(b.ecn_marks.1 > 10, "{:?}", b.ecn_marks);
    assert_eq!(a.ecn_marks.0, b.ecn_marks.1);
    assert!(sent.iter().all(|sent| sent.header.flags.ack() && !sent.header.flags.syn()));
    assert_eq!(a.retransmissions, 0);
    assert!(a.slow_start_threshold < u32::MAX);
}

/// RFC 9768 §3.2.2.4: a path that clears the field: nothing ECN-capable is sent any more.
#[test]
fn a_cleared_field_ends_it() {
    let mut solo = Solo::syn_sent(Config { ..asking(EcnMode::Accurate) });
    let mut syn_ack = segment(Flags::SYN_ACK | Flags::from_bits(0b010 << 6), ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(MSS);
    solo.on(syn_ack);
    assert_eq!(ace(solo.drain()[0].header.flags), 0b010);
    solo.connection.write(solo.now, &[7; 1_000]).unwrap();
    assert_eq!(solo.drain()[0].ecn, Ecn::Ect0);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1_001, b""));
    solo.connection.write(solo.now, &[7; 1_000]).unwrap();
    assert_eq!(solo.drain()[0].ecn, Ecn::NotEct);
}

fn marked_data(seq: u32, codepoint: Ecn) -> Segment {
    let mut segment = segment(Flags::ACK, ISS_B + 1 + seq, ISS_A + 1, &[7; 100]);
    segment.flags |= Flags::AE | Flags::ECE;
    segment.ecn = codepoint;
    segment
}

/// RFC 9768 §3.2.2.5.1 and §3.2.3: a change of codepoint is acknowledged at once, and the option tells only what is new.
#[test]
fn a_change_is_told_at_once() {
    let mut solo = Solo::syn_sent(asking(EcnMode::Accurate));
    let code = Flags::from_bits(0b010 << 6);
    let mut syn_ack = segment(Flags::SYN_ACK | code, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(MSS);
    solo.on(syn_ack);
    solo.drain();
    // Past the acknowledgements that come at once at the start of a connection.
    for index in 0..20 {
        solo.on(marked_data(100 * index, Ecn::Ect0));
        solo.drain();
    }
    solo.on(marked_data(2_000, Ecn::Ect0));
    let quiet = solo.drain();
    assert!(quiet.is_empty(), "the second half of a delayed acknowledgement may wait: {quiet:?}");
    solo.on(marked_data(2_100, Ecn::Ce));
    let told = solo.drain();
    assert_eq!(ace(told[0].header.flags), 6);
    let told = deliver(&told[0], solo.now).options.acc_ecn.unwrap();
    let mut expected = AccEcnCounters::new(false);
    expected.push(2_101);
    expected.push(100);
    assert_eq!(told, expected);
    assert_eq!(told.octets()[1], Some(100));
}

/// RFC 3168 §6.1.1.1 and RFC 9768 §3.1.4.1: where SYNs are not answered, less and less is asked for.
#[test]
fn unanswered_syns_ask_for_less() {
    let codes = |request| {
        let mut solo = Solo::syn_sent(asking(request));
        let again = solo.wait(Duration::from_secs(8));
        again.iter().map(|(_, syn)| ace(syn.header.flags)).take(2).collect::<Vec<_>>()
    };
    assert_eq!(codes(EcnMode::Classic), [0, 0]);
    assert_eq!(codes(EcnMode::Accurate), [ace(ACE), 0]);
}

/// RFC 3168 §6.1.2: a window of one segment that is marked all the same: the next segment waits for a retransmission timeout.
#[test]
fn a_single_segment_window_slows_down() {
    let config = Config { initial_window_segments: 1, ..asking(EcnMode::Classic) };
    let mut solo = Solo::syn_sent(Config { timestamps: false, sack: false, ..config });
    let mut syn_ack = segment(Flags::SYN_ACK | Flags::ECE, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(MSS);
    solo.on(syn_ack);
    solo.drain();
    solo.connection.write(solo.now, &[7; 20_000]).unwrap();
    let mut last = solo.now;
    let mut gaps = Vec::new();
    for _ in 0..200 {
        let sent = solo.wait(Duration::from_millis(10));
        let Some((at, data)) = sent.iter().find(|(_, sent)| !sent.payload.is_empty()) else {
            continue;
        };
        gaps.push(*at - last);
        last = *at;
        let end = data.header.seq + data.payload.len() as u32;
        solo.on(segment(Flags::ACK | Flags::ECE, ISS_B + 1, end, b""));
    }
    let info = solo.connection.info();
    assert_eq!((info.congestion_window, info.retransmissions), (u32::from(MSS), 0));
    assert!(gaps.len() > 4, "{gaps:?}");
    assert!(gaps.iter().skip(2).all(|gap| *gap >= Duration::from_millis(200)), "{gaps:?}");
}
