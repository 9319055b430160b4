//! What the handshake tells the sender: round trip, initial window, what earlier connections knew.

use super::harness::*;
use crate::congestion::Algorithm;
use crate::{Config, PathMetrics};
use core::time::Duration;
use sockeye_wire::Flags;

/// A client whose SYN went out `losses` times in vain.
fn opened(config: Config, losses: usize, mss: u16) -> Solo {
    let mut solo = Solo::syn_sent(config);
    let wait = Duration::from_millis((1_000 << losses) - 1_000);
    assert_eq!(solo.wait(wait).len(), losses);
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(mss);
    solo.now += Duration::from_millis(40);
    solo.on(syn_ack);
    solo.drain();
    solo
}

/// RFC 6928 §2: ten segments, fewer of large ones; RFC 9293 MUST-15 where the peer tells nothing.
#[test]
fn the_initial_window() {
    for (mss, expected) in [(1_460, 14_600), (536, 5_360), (100, 1_000)] {
        let solo = opened(Solo::config(), 0, mss);
        assert_eq!(solo.connection.info().congestion_window, expected, "MSS {mss}");
    }
    for algorithm in [Algorithm::Reno, Algorithm::Cubic] {
        let config = Config { congestion: algorithm, ..Solo::config() };
        let solo = opened(config, 0, 1_460);
        assert_eq!(solo.connection.info().congestion_window, 14_600);
    }
}

/// RFC 6928 §2: after more than one lost SYN a single segment; after one, which may have other reasons, the whole window.
#[test]
fn lost_syns_and_the_initial_window() {
    for (losses, segments) in [(0, 10), (1, 10), (2, 1), (3, 1)] {
        let mut solo = opened(Solo::config(), losses, MSS);
        solo.connection.write(solo.now, &[7; 100_000]).unwrap();
        assert_eq!(solo.drain().len(), segments, "{losses} lost");
    }
}

/// RFC 6298 §2.2 and §5.7: the handshake is the first sample, unless its SYN was sent again (Karn): then data starts with three seconds.
#[test]
fn the_handshake_measures_the_round_trip() {
    let mut solo = opened(Solo::config(), 0, MSS);
    let info = solo.connection.info();
    assert_eq!(info.rtt, Some(Duration::from_millis(40)));
    assert_eq!(info.rtt_variation, Duration::from_millis(20));
    solo.connection.write(solo.now, b"lost").unwrap();
    solo.drain();

    let mut solo = opened(Solo::config(), 1, MSS);
    assert_eq!(solo.connection.info().rtt, None);
    assert_eq!(solo.connection.info().rto, Duration::from_secs(3));
    solo.connection.write(solo.now, b"lost").unwrap();
    let start = solo.now;
    let sent = solo.wait(Duration::from_secs(4));
    let retransmitted = sent.iter().rev().find(|(_, sent)| !sent.payload.is_empty()).unwrap();
    assert_eq!(retransmitted.0 - start, Duration::from_secs(3));
}

/// RFC 9040 §4.3: what earlier connections measured serves where there is nothing newer; their window never does.
#[test]
fn earlier_connections_knowledge() {
    let known = PathMetrics {
        round_trip: Some((Duration::from_millis(300), Duration::from_millis(10))),
        slow_start_threshold: Some(20_000),
    };
    for (losses, expected) in [(0, 40), (1, 300)] {
        let mut solo = opened(Solo::config(), losses, MSS);
        solo.connection.seed(&known);
        let info = solo.connection.info();
        assert_eq!(info.rtt, Some(Duration::from_millis(expected)));
        assert_eq!(info.slow_start_threshold, 20_000);
        assert_eq!(info.congestion_window, 14_600);
    }
    let mut solo = opened(Solo::config(), 0, MSS);
    solo.connection.seed(&PathMetrics { slow_start_threshold: Some(1), ..known });
    assert_eq!(solo.connection.info().slow_start_threshold, 2 * u32::from(MSS));
}

/// RFC 9040 §8.1: a short connection tells of the round trip, not of the capacity.
#[test]
fn what_a_connection_leaves_behind() {
    let mut solo = opened(Solo::config(), 0, MSS);
    assert_eq!(solo.connection.path_metrics(), PathMetrics::default(), "not before it is over");
    solo.connection
        .seed(&PathMetrics { slow_start_threshold: Some(20_000), ..PathMetrics::default() });
    solo.connection.write(solo.now, b"little").unwrap();
    solo.drain();
    solo.now += Duration::from_millis(40);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 7, b""));
    solo.on(segment(Flags::RST, ISS_B + 1, ISS_A + 7, b""));
    let left = solo.connection.path_metrics();
    assert_eq!(left.round_trip.unwrap().0, Duration::from_millis(40));
    assert_eq!(left.slow_start_threshold, None);
}
