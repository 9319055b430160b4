//! The User Timeout option (RFC 5482) and what a user timeout ends.

use super::harness::*;
use crate::{Config, Error};
use core::time::Duration;
use sockeye_wire::Flags;
use sockeye_wire::tcp::TcpOption;

const TOLD: Duration = Duration::from_secs(400);

fn config() -> Config {
    Config { advertised_user_timeout: Some(TOLD), ..Solo::config() }
}

/// The field of the option in what was sent, if it was.
fn told(sent: &crate::Transmit) -> u16 {
    deliver(sent, sockeye_wire::Instant::ZERO).options.user_timeout
}

/// RFC 5482 §3: sent in a synchronized state, in seconds, or in minutes if those do not fit; and not again without need.
#[test]
fn the_option_is_sent() {
    for (timeout, field) in [(400, 400), (40_000, 0x8000 | 667)] {
        let advertised_user_timeout = Some(Duration::from_secs(timeout));
        let mut solo = Solo::syn_sent(Config { advertised_user_timeout, ..Solo::config() });
        let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
        syn_ack.options.mss = Some(MSS);
        solo.on(syn_ack);
        assert_eq!(told(&solo.drain()[0]), field);
        solo.connection.write(solo.now, &[7; 100]).unwrap();
        assert_eq!(told(&solo.drain()[0]), field);
        solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 101, b""));
        solo.connection.write(solo.now, &[7; 100]).unwrap();
        assert_eq!(told(&solo.drain()[0]), 0);
        solo.connection.advertise_user_timeout(Some(Duration::from_secs(123)));
        solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 201, b"x"));
        solo.connection.write(solo.now, &[7; 100]).unwrap();
        assert_eq!(told(&solo.drain()[0]), 123);
    }
}

fn with_option(field: u16) -> crate::Segment {
    let mut ack = segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"");
    ack.options.user_timeout = field;
    ack
}

/// RFC 5482 §3.1: the longer of both, between 100 s and an hour; 0 is ignored; an application's own timeout does not change.
#[test]
fn the_peers_value_counts() {
    for (field, expected) in
        [(500, Some(500)), (10, Some(400)), (0x8000 | 100, Some(3_600)), (0, None), (0x8000, None)]
    {
        let mut solo = Solo::established(config());
        solo.on(with_option(field));
        let in_force = solo.connection.info().user_timeouts.1;
        assert_eq!(in_force, expected.map(Duration::from_secs), "{field:#x}");
    }
    let own = Some(Duration::from_secs(7));
    let mut solo = Solo::established(Config { user_timeout: own, ..config() });
    solo.on(with_option(500));
    assert_eq!(solo.connection.info().user_timeouts, (Some(Duration::from_secs(500)), own));
    let mut deaf = Solo::established(Solo::config());
    deaf.on(with_option(500));
    assert_eq!(deaf.connection.info().user_timeouts.1, None);
}

#[test]
fn the_timeout_ends_the_connection() {
    let mut solo = Solo::established(config());
    solo.on(with_option(500));
    solo.connection.write(solo.now, &[7; 100]).unwrap();
    solo.wait(Duration::from_secs(499));
    assert_eq!(solo.connection.error(), None);
    solo.wait(Duration::from_secs(2));
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

/// RFC 5482 §1: it is in place of R2, which would be over after some fifteen minutes.
#[test]
fn the_timeout_outlasts_the_retransmissions() {
    let mut solo = Solo::established(config());
    solo.on(with_option(3_000));
    solo.connection.write(solo.now, &[7; 100]).unwrap();
    solo.wait(Duration::from_secs(2_999));
    assert_eq!(solo.connection.error(), None);
    solo.wait(Duration::from_secs(2));
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

/// The option fits into what a segment can carry: the wire knows it.
#[test]
fn the_wire_knows_it() {
    let mut options = sockeye_wire::tcp::OptionBytes::new();
    let option = TcpOption::UserTimeout { minutes: true, value: 5 };
    assert!(options.push(&option).is_ok());
    assert_eq!(options.as_slice(), [28, 4, 0x80, 5]);
}

/// RFC 6429 §4: a peer that keeps its window closed and answers every probe holds a connection as long as the application lets it, and
/// no longer than its user timeout.
#[test]
fn a_closed_window_is_no_excuse() {
    let timeout = Some(Duration::from_secs(30));
    for (user_timeout, error) in [(timeout, Some(Error::TimedOut)), (None, None)] {
        let mut solo = Solo::established(Config { user_timeout, ..Solo::config() });
        let mut closed = segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"");
        closed.window = 0;
        solo.on(closed.clone());
        solo.connection.write(solo.now, &[7; 100]).unwrap();
        for _ in 0..200 {
            for (_, probe) in solo.wait(Duration::from_secs(1)) {
                assert!(probe.payload.is_empty());
                solo.on(closed.clone());
            }
        }
        assert_eq!(solo.connection.error(), error);
    }
}
