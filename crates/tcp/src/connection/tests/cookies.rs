//! SYN cookies (RFC 4987 §3.6): the connection is as good as one that was remembered.

use super::harness::*;
use crate::{
    Config, Connection, Endpoints, HalfOpenEvent, Opening, Segment, SynCookies, Timestamps,
};
use core::time::Duration;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};
use std::sync::Arc;

fn endpoints(port: u16) -> Endpoints {
    Endpoints { local: ([10, 0, 0, 1], 80).into(), remote: ([10, 0, 0, 2], port).into() }
}

fn at() -> Opening {
    opening(SeqNumber(0))
}

/// A client's SYN, the cookie that answers it, and the client's acknowledgement.
fn shake(
    cookies: &SynCookies,
    config: &Config,
    client: &Config,
    now: Instant,
) -> (Segment, Segment) {
    let mut connection = Connection::connect(Arc::new(client.clone()), opening(ISS_A), now);
    let syn = deliver(&connection.poll_transmit(now, 0).unwrap(), now);
    let syn_ack = cookies.answer(now, config, &endpoints(1), at(), &syn);
    assert_eq!(syn_ack.header.flags, Flags::SYN_ACK);
    assert_eq!(syn_ack.header.ack, ISS_A + 1);
    let syn_ack = deliver(&syn_ack, now);
    let _none = connection.on_segment(now, syn_ack.clone());
    assert_eq!(connection.state(), StateName::Established);
    (syn_ack, deliver(&connection.poll_transmit(now, 0).unwrap(), now))
}

fn redeem(
    cookies: &SynCookies,
    config: &Arc<Config>,
    now: Instant,
    endpoints: &Endpoints,
    ack: &Segment,
) -> Option<Connection> {
    let mut half = cookies.redeem(now, config, endpoints, at(), ack)?;
    assert!(half.poll_transmit(now, config).is_none(), "the SYN-ACK was sent");
    match half.on_segment(now, config, ack.clone()) {
        HalfOpenEvent::Established(connection) => Some(connection),
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_come_back_in_the_timestamp() {
    let cookies = SynCookies::new([7; 16]);
    let full = Arc::new(Config::default());
    let now = Instant::from_millis(123_456);
    for (sack, scaling) in [(true, true), (false, true), (true, false), (false, false)] {
        let client = Config { sack, window_scaling: scaling, ..Config::default() };
        let (syn_ack, ack) = shake(&cookies, &full, &client, now);
        assert_eq!(syn_ack.options.sack_permitted, sack);
        assert_eq!(syn_ack.options.window_scale.is_some(), scaling);
        let connection = redeem(&cookies, &full, now, &endpoints(1), &ack).unwrap();
        assert_eq!(connection.state(), StateName::Established);
        let info = connection.info();
        assert!(info.timestamps);
        assert_eq!(info.sack, sack);
        let shift = if scaling { client.window_shift() } else { 0 };
        assert_eq!(info.window_scale.0, shift);
        assert_eq!(info.send_window, u32::from(ack.window) << shift);
        assert_eq!(info.rtt, None, "nobody knows when the SYN-ACK was sent");
    }
}

/// RFC 4987 §3.6: without timestamps neither scaling nor SACK; the MSS is the next lower of a few.
#[test]
fn without_timestamps_only_the_mss_is_kept() {
    let cookies = SynCookies::new([7; 16]);
    let config = Arc::new(Config::default());
    let client = Config { timestamps: false, ..Config::default() };
    let (syn_ack, ack) = shake(&cookies, &config, &client, Instant::from_millis(5));
    assert!(!syn_ack.options.sack_permitted && syn_ack.options.window_scale.is_none());
    let connection =
        redeem(&cookies, &config, Instant::from_millis(5), &endpoints(1), &ack).unwrap();
    let info = connection.info();
    assert!(!info.sack && !info.timestamps);
    assert_eq!((info.send_mss, info.window_scale), (MSS, (0, 0)));

    for (announced, kept) in
        [(None, 536), (Some(0), 536), (Some(100), 536), (Some(1_459), 1_440), (Some(9_000), 1_460)]
    {
        let mut syn = segment(Flags::SYN, ISS_A, SeqNumber(0), b"");
        syn.options.mss = announced;
        let syn_ack = cookies.answer(Instant::ZERO, &config, &endpoints(1), at(), &syn);
        let ack = segment(Flags::ACK, ISS_A + 1, syn_ack.header.seq + 1, b"");
        let connection = redeem(&cookies, &config, Instant::ZERO, &endpoints(1), &ack).unwrap();
        assert_eq!(connection.info().send_mss, kept, "{announced:?}");
    }
}

/// Data on the acknowledgement is delivered.
#[test]
fn the_acknowledgement_may_carry_data() {
    let cookies = SynCookies::new([7; 16]);
    let config = Arc::new(Solo::config());
    let syn = segment(Flags::SYN, ISS_A, SeqNumber(0), b"");
    let syn_ack = cookies.answer(Instant::ZERO, &config, &endpoints(1), at(), &syn);
    let ack = segment(Flags::ACK, ISS_A + 1, syn_ack.header.seq + 1, b"at once");
    let mut connection = redeem(&cookies, &config, Instant::ZERO, &endpoints(1), &ack).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(connection.read(&mut buffer), Ok(7));
}

/// What is no cookie of ours, of another client, another SYN or too old, opens nothing.
#[test]
fn only_cookies_open() {
    let cookies = SynCookies::new([7; 16]);
    let config = Arc::new(Config::default());
    let now = Instant::from_millis(59_000);
    let (_, ack) = shake(&cookies, &config, &Config::default(), now);
    let good = |now, port, ack: &Segment| {
        cookies.redeem(now, &config, &endpoints(port), at(), ack).is_some()
    };
    assert!(good(now, 1, &ack));
    assert!(good(now + Duration::from_secs(60), 1, &ack), "one count later");
    assert!(!good(now + Duration::from_secs(61), 1, &ack), "two counts later");
    assert!(!good(now, 2, &ack), "another client");
    let other_seq = Segment { seq: ack.seq + 1, ..ack.clone() };
    assert!(!good(now, 1, &other_seq), "another SYN");
    for guess in 0..10_000u32 {
        let guess = SeqNumber(guess.wrapping_mul(429_497));
        let guessed = Segment { ack: guess, ..ack.clone() };
        assert!(guess == ack.ack || !good(now, 1, &guessed), "{guess:?}");
    }
    let other = SynCookies::new([8; 16]);
    assert!(other.redeem(now, &config, &endpoints(1), at(), &ack).is_none());
}

/// RFC 7323 §5.3 must hold from the SYN-ACK on: our timestamps never go back.
#[test]
fn the_cookies_timestamp_is_not_ahead() {
    let cookies = SynCookies::new([7; 16]);
    let config = Arc::new(Config::default());
    for millis in 1_000..1_200 {
        let now = Instant::from_millis(millis);
        let (syn_ack, ack) = shake(&cookies, &config, &Config::default(), now);
        let Some(Timestamps { value: first, .. }) = syn_ack.options.timestamps else { panic!() };
        let mut connection = redeem(&cookies, &config, now, &endpoints(1), &ack).unwrap();
        connection.write(now, b"x").unwrap();
        let next = deliver(&connection.poll_transmit(now, 0).unwrap(), now);
        let Some(Timestamps { value: second, .. }) = next.options.timestamps else { panic!() };
        assert!((second.wrapping_sub(first) as i32) >= 0);
    }
}
