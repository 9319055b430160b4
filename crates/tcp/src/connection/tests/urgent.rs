use super::harness::*;
use crate::{Config, Events};
use core::time::Duration;
use sockeye_wire::Flags;
use std::vec::Vec;

/// RFC 9293 MUST-30, MUST-62, RFC 6093 §4: the pointer names the octet after the urgent data; MUST-32, MUST-33: the application is told.
#[test]
fn urgent_data_both_ways() {
    let mut pair = Pair::established(Config::default(), Config::default());
    let (now, before) = (pair.now, pair.sent.len());
    pair.a().write(now, b"normal").unwrap();
    pair.a().write_urgent(now, b"!").unwrap();
    pair.run_for(Duration::from_millis(5));
    let sent = &pair.sent[before];
    assert!(sent.header.flags.urg());
    assert_eq!(sent.header.urgent_pointer, 7);
    pair.run_for(Duration::from_millis(10));
    assert!(pair.b().take_events().intersects(Events::URGENT));
    assert_eq!(pair.b().urgent_ahead(), 7);
    let mut buffer = [0; 6];
    assert_eq!(pair.b().read(&mut buffer), Ok(6));
    assert_eq!(pair.b().urgent_ahead(), 1);
    assert_eq!(pair.b().read(&mut buffer), Ok(1));
    assert_eq!(pair.b().urgent_ahead(), 0);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now;
    let before = pair.sent.len();
    pair.a().write(now, b"later").unwrap();
    pair.run_for(Duration::from_millis(5));
    assert!(!pair.sent[before].header.flags.urg());
}

/// MUST-31: urgent data may be longer than a segment.
#[test]
fn the_pointer_may_lie_segments_ahead() {
    let mut pair = Pair::established(Config::default(), Config::default());
    let (now, before) = (pair.now, pair.sent.len());
    pair.a().write_urgent(now, &[1; 100_000]).unwrap();
    pair.run_for(Duration::from_secs(1));
    let first = &pair.sent[before].header;
    assert_eq!((first.flags.urg(), first.urgent_pointer), (true, u16::MAX));
    assert!(pair.b().urgent_ahead() > 0);
}

/// RFC 9293 MUST-62: every segment counts from its own number, also where the link could cut up larger items.
#[test]
fn each_segment_has_its_own_pointer() {
    let mut pair = Pair::established(Config::default(), Config::default());
    pair.max_payload = 65_000;
    let (now, before) = (pair.now, pair.sent.len());
    pair.a().write_urgent(now, &[1; 5_000]).unwrap();
    pair.run_for(Duration::from_millis(5));
    let urgent: Vec<_> =
        pair.sent[before..].iter().filter(|sent| sent.header.flags.urg()).collect();
    assert!(urgent.len() > 1);
    for sent in &urgent {
        assert!(sent.len <= 1_460, "an item of {}", sent.len);
        let end = sent.header.seq + u32::from(sent.header.urgent_pointer);
        assert_eq!(end, urgent[0].header.seq + 5_000);
    }
}

/// RFC 9293 MUST-32: told once per advance.
#[test]
fn told_once_per_advance() {
    let mut solo = Solo::established(Solo::config());
    let mut urgent = segment(Flags::ACK | Flags::URG, ISS_B + 1, ISS_A + 1, b"ab");
    urgent.urgent_pointer = 50;
    solo.on(urgent.clone());
    assert!(solo.connection.take_events().intersects(Events::URGENT));
    urgent.seq = ISS_B + 3;
    urgent.urgent_pointer = 48;
    solo.on(urgent.clone());
    assert!(!solo.connection.take_events().intersects(Events::URGENT));
    urgent.seq = ISS_B + 5;
    solo.on(urgent);
    assert!(solo.connection.take_events().intersects(Events::URGENT));
}
