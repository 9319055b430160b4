use super::harness::*;
use crate::{Config, Segment};
use core::time::Duration;
use sockeye_wire::tcp::{TcpOption, TcpView};
use sockeye_wire::{Flags, Meta, Payload};
use std::vec::Vec;

/// A segment whose option octets are written by hand.
fn with_octets(flags: Flags, seq: sockeye_wire::SeqNumber, data: &[u8], area: &[u8]) -> Segment {
    let mut bytes = [0; 60];
    let header = sockeye_wire::tcp::TcpHeader {
        seq,
        ack: ISS_A + 1,
        flags,
        window: 65_535,
        ..Default::default()
    };
    header.emit(&mut bytes);
    let words = (20 + area.len()).div_ceil(4);
    bytes[12] = (words as u8) << 4;
    bytes[20..20 + area.len()].copy_from_slice(area);
    let view = TcpView::parse(&bytes[..words * 4]).unwrap();
    let mut segment = Segment::decode(&view, &Meta::at(sockeye_wire::Instant::ZERO));
    segment.payload = Payload::from(bytes::Bytes::copy_from_slice(data));
    segment
}

/// RFC 9293 MUST-5, MUST-6: options that nobody knows, of any length and on any segment, are skipped, and those behind them read.
#[test]
fn unknown_options_are_skipped_on_any_segment() {
    for len in 2..=30 {
        let mut area = std::vec![253u8, len];
        area.resize(usize::from(len), 0xff);
        area.extend([1, 1, 4, 2, 2, 4, 0x01, 0x2c]);
        let mut solo = Solo::syn_sent(Config { sack: true, ..Solo::config() });
        solo.on(with_octets(Flags::SYN_ACK, ISS_B, b"", &area));
        let info = solo.connection.info();
        assert_eq!((info.send_mss, info.sack), (300, true), "length {len}");
        area.truncate(usize::from(len));
        solo.on(with_octets(Flags::ACK, ISS_B + 1, b"data", &area));
        solo.on(with_octets(Flags::ACK | Flags::FIN, ISS_B + 5, b"", &area));
        let mut buffer = [0; 8];
        assert_eq!(solo.connection.read(&mut buffer), Ok(4));
        assert_eq!(solo.connection.read(&mut buffer), Ok(0));
    }
}

/// RFC 9293 MUST-7: what stands before an illegal length counts, the segment itself too.
#[test]
fn illegal_lengths_do_no_harm() {
    for illegal in [[253, 0, 1, 1], [253, 1, 1, 1], [253, 200, 1, 1], [1, 1, 1, 253]] {
        let mut area = [2, 4, 0x01, 0x2c].to_vec();
        area.extend(illegal);
        let mut solo = Solo::syn_sent(Solo::config());
        solo.on(with_octets(Flags::SYN_ACK, ISS_B, b"", &area));
        assert_eq!(solo.connection.info().send_mss, 300);
        solo.on(with_octets(Flags::ACK, ISS_B + 1, b"data", &illegal));
        assert_eq!(solo.connection.readable(), 4);
    }
}

/// The options of a transmitted header.
fn options(header: &sockeye_wire::tcp::TcpHeader) -> (Vec<u16>, usize) {
    let mut bytes = [0; 60];
    let len = header.emit(&mut bytes);
    let view = TcpView::parse(&bytes[..len]).unwrap();
    let mss = view.options().filter_map(|option| match option {
        Ok(TcpOption::MaximumSegmentSize(mss)) => Some(mss),
        _ => None,
    });
    (mss.collect(), len)
}

/// RFC 9293 MUST-14, SHLD-5, MAY-3: each SYN tells the MSS, whatever it is; MUST-65: no other segment does.
#[test]
fn every_syn_and_nothing_else_tells_the_mss() {
    let mut pair = Pair::established(Config::default(), Config::default());
    let now = pair.now;
    pair.a().write(now, &[1; 10_000]).unwrap();
    pair.run_for(Duration::from_millis(100));
    let now = pair.now;
    pair.b().shutdown(now);
    pair.run_for(Duration::from_millis(100));
    assert!(pair.sent.len() > 8);
    for sent in &pair.sent {
        let expected = if sent.header.flags.syn() { &[MSS][..] } else { &[] };
        assert_eq!(options(&sent.header).0, expected);
    }
}

/// RFC 9293 MUST-65: an MSS that comes later is none.
#[test]
fn an_mss_outside_of_a_syn_is_ignored() {
    let mut solo = Solo::established(Solo::config());
    solo.on(with_octets(Flags::ACK, ISS_B + 1, b"x", &[2, 4, 0, 100]));
    assert_eq!(solo.connection.info().send_mss, MSS);
    solo.connection.write(solo.now, &[1; 4_000]).unwrap();
    assert_eq!(solo.drain()[0].payload.len(), usize::from(MSS));
}

/// RFC 9293 MUST-16, RFC 6691: the smaller of what the peer takes and the path carries, less the options that the segment has.
#[test]
fn options_are_subtracted_from_the_mss() {
    for timestamps in [false, true] {
        for (offered, base) in [(1_460u16, 1_460), (1_000, 1_000), (9_000, 1_460), (65_535, 1_460)]
        {
            let mut solo = Solo::syn_sent(Config { timestamps, ..Solo::config() });
            let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
            if timestamps {
                syn_ack = with_timestamps(syn_ack, 7, 0);
            }
            syn_ack.options.mss = Some(offered);
            solo.on(syn_ack);
            solo.connection.write(solo.now, &[1; 8_000]).unwrap();
            let sent = solo.drain();
            let full = sent.iter().max_by_key(|sent| sent.payload.len()).unwrap();
            let header = options(&full.header).1;
            assert_eq!(header + full.payload.len(), base + 20, "{offered}, {timestamps}");
        }
    }
}
