//! Floods of SYNs (RFC 4987), and what a listener does when it is full.

use super::world::{A, B, World, tun, v4, v6};
use crate::{CookiePolicy, Error};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_tcp::Config;
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::tcp::TcpHeader;
use sockeye_wire::{Checksum, Flags, HeaderBytes, SeqNumber, StateName};
use std::sync::Arc;
use std::vec::Vec;

/// A segment without data from a stranger.
fn segment(from: IpAddr, port: u16, flags: Flags, seq: u32, ack: u32) -> Vec<u8> {
    let header = TcpHeader {
        source_port: port,
        destination_port: 80,
        seq: SeqNumber(seq),
        ack: SeqNumber(ack),
        flags,
        window: 1_000,
        ..TcpHeader::default()
    };
    let mut tcp = [0; 60];
    let len = header.emit(&mut tcp);
    let sum = Checksum::pseudo_header(from, v4(B), protocol::TCP, len as u32);
    let sum = sum.with(&tcp[..len]).finish();
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut out = HeaderBytes::new();
    IpHeader::new(from, v4(B), protocol::TCP, len).emit(&mut out);
    let mut bytes = out.to_vec();
    bytes.extend_from_slice(&tcp[..len]);
    bytes
}

/// Strangers fill the table of half-open connections; nobody hears the answers.
fn flood(world: &mut World, count: u16) {
    world.filter = Some(std::boxed::Box::new(|_, _| false));
    for port in 1..=count {
        world.inject(B, segment([10, 0, 0, 99].into(), port, Flags::SYN, 0, 0));
    }
    world.flush();
    world.filter = None;
}

/// RFC 4987 §3.6: with the table full, clients still get in, and nothing is kept for those that do not answer.
#[test]
fn clients_get_in_during_a_flood() {
    for ip in [v4, v6] {
        let mut world = World::with(tun, |config| config.limits.half_open = 50);
        let address = SocketAddr::new(ip(B), 80);
        let listener = world.hosts[B].listen(address, 1_000).unwrap();
        let other = SocketAddr::new(v4(B), 80);
        if other != address {
            world.hosts[B].listen(other, 1_000).unwrap();
        }
        flood(&mut world, 300);
        let counters = *world.hosts[B].counters();
        assert_eq!((world.counts(B).half_open, counters.syn_cookies_sent), (50, 250));
        let a = world.hosts[A].connect(world.now, address, None).unwrap();
        world.run_for(Duration::from_millis(50));
        let (b, _) = world.hosts[B].accept(listener).unwrap();
        assert_eq!(world.hosts[B].counters().syn_cookies_valid, 1);
        let (at_a, at_b) = (
            world.hosts[A].connection(a).unwrap().info(),
            world.hosts[B].connection(b).unwrap().info(),
        );
        assert!(at_b.timestamps && at_b.sack);
        assert_eq!(at_a.window_scale.0, at_b.window_scale.1);
        assert_eq!(at_a.window_scale.1, at_b.window_scale.0);
        assert_eq!(world.hosts[A].write(world.now, a, &[7; 20_000]), Ok(20_000));
        world.run_for(Duration::from_millis(200));
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 20_000);
    }
}

/// Connections that are there do not feel a flood, and at its end no more is held than the limit allows.
#[test]
fn established_connections_go_on_during_a_flood() {
    let mut world = World::with(tun, |config| config.limits.half_open = 50);
    let (a, b) = world.connected(v4);
    world.hosts[A].set_nagle(world.now, a, false);
    let address = SocketAddr::new(v4(B), 80);
    world.hosts[B].listen(address, 1_000).unwrap();
    let (mut written, mut read, mut out) = (0, 0, std::vec![0; 100_000]);
    for round in 0..200u16 {
        for port in 0..100 {
            let stranger = IpAddr::from([10, 0, 0, 99]);
            world.inject(B, segment(stranger, 1 + round * 100 + port, Flags::SYN, 0, 0));
        }
        written += world.hosts[A].write(world.now, a, &[7; 1_000]).unwrap();
        world.run_for(Duration::from_millis(12));
        read += world.hosts[B].read(world.now, b, &mut out).unwrap_or(0);
        assert_eq!(read, written, "within a round trip");
        assert!(world.counts(B).half_open <= 50);
    }
    assert!(world.hosts[B].counters().syn_cookies_sent > 19_000);
    assert_eq!(world.counts(B).connections, 1);
}

#[test]
fn cookies_off_and_always() {
    let mut world = World::with(tun, |config| {
        config.limits.half_open = 50;
        config.policy.syn_cookies = CookiePolicy::Off;
    });
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    flood(&mut world, 60);
    let counters = world.hosts[B].counters();
    assert_eq!((counters.syn_cookies_sent, counters.dropped_half_open_full), (0, 44));
    world.hosts[B].policy_mut().syn_cookies = CookiePolicy::Always;
    world.hosts[A].connect(world.now, address, None).unwrap();
    world.run_for(Duration::from_millis(50));
    assert!(world.hosts[B].accept(listener).is_some());
    assert_eq!(world.hosts[B].counters().syn_cookies_valid, 1);
}

/// What is no cookie of ours is answered as anything else that belongs nowhere.
#[test]
fn guesses_are_reset() {
    let mut world = World::new(tun);
    let listener = world.listen(B, SocketAddr::new(v4(B), 80));
    let stranger = IpAddr::from([10, 0, 0, 99]);
    world.inject(B, segment(stranger, 5, Flags::ACK, 1, 1));
    assert_eq!(world.hosts[B].counters().syn_cookies_invalid, 0, "none is out");
    world.hosts[B].policy_mut().syn_cookies = CookiePolicy::Always;
    flood(&mut world, 1);
    for guess in 0..100 {
        world.inject(B, segment(stranger, 5, Flags::ACK, 1, guess * 12_345));
    }
    assert_eq!(world.hosts[B].counters().syn_cookies_invalid, 100);
    assert_eq!(world.hosts[B].counters().resets_sent, 101);
    assert!(world.hosts[B].accept(listener).is_none());
}

/// The accept queue is full when the handshake is completed: the client tries again, or is refused, as the policy says.
#[test]
fn a_full_accept_queue() {
    for abort in [false, true] {
        let mut world = World::new(tun);
        world.hosts[B].policy_mut().abort_on_overflow = abort;
        let address = SocketAddr::new(v4(B), 80);
        let listener = world.hosts[B].listen(address, 1).unwrap();
        world.hosts[A].connect(world.now, address, None).unwrap();
        world.step();
        world.hosts[B].set_backlog(listener, 2);
        let late = world.hosts[A].connect(world.now, address, None).unwrap();
        world.hosts[B].set_backlog(listener, 2);
        world.run_for(Duration::from_millis(6));
        world.hosts[B].set_backlog(listener, 1);
        world.run_for(Duration::from_millis(100));
        assert_eq!(world.counts(B).to_accept, 1);
        let at_a = world.hosts[A].connection(late).unwrap();
        assert_eq!(at_a.error(), abort.then_some(Error::Reset));
        assert!(world.hosts[B].accept(listener).is_some());
        world.run_for(Duration::from_secs(3));
        assert_eq!(world.hosts[B].accept(listener).is_some(), !abort);
    }
}

/// A closed listener's half-open connections are reset at once.
#[test]
fn closing_a_listener_resets_half_open_connections() {
    let mut world = World::new(tun);
    let listener = world.listen(B, SocketAddr::new(v4(B), 80));
    let other = world.listen(B, SocketAddr::new(v4(B), 81));
    flood(&mut world, 10);
    assert_eq!(world.counts(B).half_open, 10);
    world.hosts[B].close_listener(world.now, other);
    assert_eq!(world.counts(B).half_open, 10);
    let before = world.hosts[B].counters().segments_sent;
    world.hosts[B].close_listener(world.now, listener);
    let counts = world.counts(B);
    assert_eq!((counts.half_open, counts.ports_in_use, counts.timers), (0, 0, 1));
    assert_eq!(world.hosts[B].counters().segments_sent - before, 10);
}

/// A listener may have settings of its own, how often it repeats SYN-ACKs among them.
#[test]
fn syn_ack_retries_are_the_listeners() {
    for retries in [0, 2] {
        let mut world = World::new(tun);
        let config = Config { syn_ack_retries: retries, ..Config::default() };
        let config = Arc::new(config);
        world.hosts[B].listen_with(SocketAddr::new(v4(B), 80), 16, config).unwrap();
        world.inject(B, segment([10, 0, 0, 99].into(), 5, Flags::SYN, 0, 0));
        world.filter = Some(std::boxed::Box::new(|_, _| false));
        world.run_for(Duration::from_secs(60));
        assert_eq!(world.hosts[B].counters().segments_sent, 1 + u64::from(retries));
        assert_eq!(world.counts(B).half_open, 0);
    }
}

/// Linux's TCP_DEFER_ACCEPT: a client that says nothing is not accepted until it was waited for long enough.
#[test]
fn accepting_waits_for_data() {
    for says in [true, false] {
        let mut world = World::new(tun);
        let address = SocketAddr::new(v4(B), 80);
        let listener = world.listen(B, address);
        world.hosts[B].listen_options_mut(listener).unwrap().defer_accept = 3;
        let a = world.hosts[A].connect(world.now, address, None).unwrap();
        world.run_for(Duration::from_secs(2));
        assert_eq!(world.hosts[A].connection(a).unwrap().state(), StateName::Established);
        assert!(world.hosts[B].accept(listener).is_none());
        if says {
            world.hosts[A].write(world.now, a, b"hello").unwrap();
            world.run_for(Duration::from_millis(50));
            let (b, _) = world.hosts[B].accept(listener).unwrap();
            assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 5);
        } else {
            world.run_for(Duration::from_secs(3));
            assert!(world.hosts[B].accept(listener).is_none());
            world.run_for(Duration::from_secs(10));
            assert!(world.hosts[B].accept(listener).is_some());
        }
    }
}
