//! SYNs for addresses that are nobody's, held until somebody has decided about them.

use super::world::{A, B, World, config, tun};
use crate::incoming::HeldRecord;
use crate::record::HalfOpenRecord;
use crate::{
    ConnectionId, Error, Event, Events, HeldId, Host, HostError, IncomingConfig, InterfaceConfig,
};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_tcp::Config;
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::tcp::TcpHeader;
use sockeye_wire::{Checksum, Flags, HeaderBytes, Meta, Packet, SeqNumber, StateName};
use std::sync::Arc;
use std::vec::Vec;

/// Addresses that no host has.
fn elsewhere() -> [SocketAddr; 2] {
    ["203.0.113.9:443", "[2001:db8:77::9]:443"].map(|address| address.parse().unwrap())
}

/// B takes every address for its own, and A sends everything its way.
fn world(config: IncomingConfig) -> World {
    let mut world = World::new(|host| match host {
        B => tun(B).with_any_address(),
        host => tun(host),
    });
    world.hosts[A].add_default_route(world.interface[A], None).unwrap();
    world.hosts[B].set_incoming(world.now, Some(config));
    world
}

fn connect(world: &mut World, to: SocketAddr) -> ConnectionId {
    world.hosts[A].connect(world.now, to, None).unwrap()
}

/// A connects, and B holds its SYN.
fn held(world: &mut World, to: SocketAddr) -> (ConnectionId, HeldId) {
    let a = connect(world, to);
    world.run_for(Duration::from_millis(20));
    let (id, ends) = world.hosts[B].next_held().expect("a SYN is held");
    assert_eq!(ends.local, to);
    assert_eq!(ends.remote, world.hosts[A].endpoints(a).unwrap().local);
    (a, id)
}

fn state(world: &World, host: usize, id: ConnectionId) -> StateName {
    world.hosts[host].connection(id).unwrap().state()
}

fn segment(port: u16, flags: Flags, seq: u32) -> Vec<u8> {
    let (from, to): (IpAddr, IpAddr) = ([10, 0, 0, 77].into(), [203, 0, 113, 9].into());
    let header = TcpHeader {
        source_port: port,
        destination_port: 443,
        seq: SeqNumber(seq),
        flags,
        window: 1_000,
        ..TcpHeader::default()
    };
    let mut tcp = [0; 60];
    let len = header.emit(&mut tcp);
    let sum = Checksum::pseudo_header(from, to, protocol::TCP, len as u32).with(&tcp[..len]);
    tcp[16..18].copy_from_slice(&sum.finish().to_be_bytes());
    let mut out = HeaderBytes::new();
    IpHeader::new(from, to, protocol::TCP, len).emit(&mut out);
    [&out[..], &tcp[..len]].concat()
}

#[test]
fn a_held_handshake_is_completed() {
    for to in elsewhere() {
        let mut world = world(IncomingConfig::default());
        let (a, id) = held(&mut world, to);
        assert_eq!(world.events[B], [Event::Incoming]);
        // The decision takes its time, and nothing leaves meanwhile.
        let before = world.hosts[B].counters().segments_sent;
        world.run_for(Duration::from_millis(700));
        assert_eq!((state(&world, A, a), world.counts(B).held), (StateName::SynSent, 1));
        assert_eq!(world.hosts[B].counters().segments_sent, before);

        let b = world.hosts[B].complete(world.now, id).unwrap();
        assert_eq!(world.hosts[B].write(world.now, b, b"early"), Ok(5));
        world.run_for(Duration::from_millis(50));
        assert_eq!(
            (state(&world, A, a), state(&world, B, b)),
            (StateName::Established, StateName::Established)
        );
        assert!(world.told(B, b).intersects(Events::CONNECTED));
        let info = world.hosts[B].connection(b).unwrap().info();
        assert_eq!(info.rtt, Some(Duration::from_millis(10)), "the wait was none of the path's");
        assert!(info.timestamps && info.sack);
        let mut heard = [0; 9];
        assert_eq!(world.hosts[A].read(world.now, a, &mut heard), Ok(5));
        assert_eq!(world.hosts[A].write(world.now, a, &[7; 30_000]), Ok(30_000));
        world.run_for(Duration::from_millis(500));
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 30_000);

        // Nothing of it stays.
        for (host, id) in [(A, a), (B, b)] {
            world.hosts[host].abort(world.now, id);
            world.hosts[host].close(world.now, id);
        }
        world.run_for(Duration::from_secs(1));
        let counts = world.counts(B);
        assert_eq!((counts.held, counts.connections, counts.ports_in_use), (0, 0, 0));
        assert_eq!((world.hosts[B].demux.len(), counts.timers), (0, 1));
    }
}

#[test]
fn a_refused_one_is_refused_at_once() {
    for to in elsewhere() {
        let mut world = world(IncomingConfig::default());
        let (a, id) = held(&mut world, to);
        assert!(world.hosts[B].refuse(world.now, id));
        world.run_for(Duration::from_millis(10));
        assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Refused));
        let counts = world.counts(B);
        assert_eq!((counts.held, counts.ports_in_use, counts.timers), (0, 0, 1));
        assert!(!world.hosts[B].refuse(world.now, id) && !world.hosts[B].forget_held(id));
        assert_eq!(world.hosts[B].complete(world.now, id), Err(HostError::NotHeld));
    }
}

#[test]
fn a_forgotten_one_comes_again() {
    let mut world = world(IncomingConfig::default());
    let (a, id) = held(&mut world, elsewhere()[0]);
    assert!(world.hosts[B].forget_held(id));
    assert!(world.hosts[B].next_held().is_none());
    world.run_for(Duration::from_millis(1_100));
    let (again, _) = world.hosts[B].next_held().expect("sent again");
    assert_ne!(again, id);
    world.hosts[B].complete(world.now, again).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(state(&world, A, a), StateName::Established);
}

/// RFC 6298: the client sends its SYN again after 1, 3, 7, … seconds, and is asked about once.
#[test]
fn repeated_syns_are_absorbed() {
    let mut world = world(IncomingConfig::default());
    let (_, id) = held(&mut world, elsewhere()[0]);
    world.run_for(Duration::from_secs(8));
    assert!(world.hosts[B].next_held().is_none() && world.hosts[B].is_held(id));
    let counters = *world.hosts[B].counters();
    assert_eq!((counters.syns_held, counters.syns_held_again, counters.segments_sent), (1, 3, 0));
}

#[test]
fn one_that_nobody_decides_about_is_forgotten() {
    let patience = Duration::from_secs(5);
    let mut world = world(IncomingConfig { patience, ..IncomingConfig::default() });
    let (a, id) = held(&mut world, elsewhere()[0]);
    world.run_for(patience);
    assert!(!world.hosts[B].is_held(id));
    assert_eq!(world.hosts[B].counters().held_expired, 1);
    assert_eq!((world.hosts[B].counters().segments_sent, world.counts(B).timers), (0, 1));
    // Its client has not heard of that.
    assert_eq!(state(&world, A, a), StateName::SynSent);
}

/// A flood takes the room that there is, and no more; those that do not get in try again.
#[test]
fn a_flood_is_bounded() {
    let limits =
        IncomingConfig { limit: 50, patience: Duration::from_secs(2), ..IncomingConfig::default() };
    let mut world = world(limits);
    for round in 0..1_000 {
        // Ever new SYNs, half of them from ports that had one before.
        let port = 1_000 + if round % 2 == 0 { 1 } else { round };
        world.inject(B, segment(port, Flags::SYN, u32::from(round) * 7));
    }
    assert_eq!(world.counts(B).held, 50);
    assert!(world.hosts[B].counters().dropped_held_full > 400);
    let queued = world.hosts[B].incoming.as_ref().unwrap().queue.len();
    assert!(queued <= 100, "{queued} in the queue");
    assert_eq!(world.hosts[B].counters().segments_sent, 0);
    let a = connect(&mut world, elsewhere()[0]);
    world.run_for(Duration::from_secs(4));
    let mut last = None;
    while let Some((id, _)) = world.hosts[B].next_held() {
        last = Some(id);
    }
    world.hosts[B].complete(world.now, last.expect("the flood has passed")).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(state(&world, A, a), StateName::Established);
}

#[test]
fn a_client_may_give_up_or_begin_anew() {
    let mut world = world(IncomingConfig::default());
    world.inject(B, segment(9, Flags::SYN, 100));
    let (first, _) = world.hosts[B].next_held().unwrap();
    world.inject(B, segment(9, Flags::SYN, 9_000));
    let (second, _) = world.hosts[B].next_held().unwrap();
    assert!(!world.hosts[B].is_held(first) && world.hosts[B].is_held(second));
    // Blind resets do nothing.
    world.inject(B, segment(9, Flags::RST, 9_002));
    assert!(world.hosts[B].is_held(second));
    // What acknowledges something is refused, as in LISTEN, and takes nothing away.
    world.inject(B, segment(9, Flags::ACK, 9_001));
    assert_eq!(world.hosts[B].counters().resets_sent, 1);
    assert!(world.hosts[B].is_held(second));
    world.inject(B, segment(9, Flags::RST, 9_001));
    assert!(!world.hosts[B].is_held(second));
    assert_eq!(world.hosts[B].complete(world.now, second), Err(HostError::NotHeld));
}

#[test]
fn a_client_that_goes_after_the_answer_ends_the_connection() {
    let mut world = world(IncomingConfig::default());
    world.inject(B, segment(9, Flags::SYN, 100));
    let (id, _) = world.hosts[B].next_held().unwrap();
    let b = world.hosts[B].complete(world.now, id).unwrap();
    world.filter = Some(std::boxed::Box::new(|_, _| false));
    world.flush();
    assert_eq!(state(&world, B, b), StateName::SynReceived);
    world.inject(B, segment(9, Flags::RST, 101));
    world.flush();
    assert_eq!(world.hosts[B].connection(b).unwrap().error(), Some(Error::Reset));
    assert!(world.told(B, b).intersects(Events::CLOSED));

    // One that never answers is waited for as at a listener.
    world.inject(B, segment(9, Flags::SYN, 100_000));
    let (id, _) = world.hosts[B].next_held().unwrap();
    let b = world.hosts[B].complete(world.now, id).unwrap();
    world.run_for(Duration::from_secs(200));
    assert_eq!(world.hosts[B].connection(b).unwrap().error(), Some(Error::TimedOut));
}

#[test]
fn listeners_go_first_and_the_rest_is_refused_at_the_end() {
    let mut world = world(IncomingConfig::default());
    let listener = world.listen(B, "0.0.0.0:80".parse().unwrap());
    let to_listener = connect(&mut world, "203.0.113.9:80".parse().unwrap());
    let (to_hook, _) = held(&mut world, "203.0.113.9:81".parse().unwrap());
    assert!(world.hosts[B].accept(listener).is_some());
    assert_eq!(state(&world, A, to_listener), StateName::Established);

    world.hosts[B].set_incoming(world.now, None);
    let later = connect(&mut world, "203.0.113.9:82".parse().unwrap());
    world.run_for(Duration::from_millis(20));
    for id in [to_hook, later] {
        assert_eq!(world.hosts[A].connection(id).unwrap().error(), Some(Error::Refused));
    }
    assert_eq!(world.counts(B).held, 0);
}

#[test]
fn foreign_addresses_are_foreign_without_the_interfaces_word() {
    let mut world = World::new(tun);
    world.hosts[A].add_default_route(world.interface[A], None).unwrap();
    world.hosts[B].set_incoming(world.now, Some(IncomingConfig::default()));
    connect(&mut world, elsewhere()[0]);
    world.run_for(Duration::from_millis(20));
    assert!(world.hosts[B].next_held().is_none());
    assert_eq!(world.hosts[B].counters().dropped_not_ours, 1);
    // The host's own are, at every port.
    let (_, id) = held(&mut world, SocketAddr::new(super::world::v4(B), 9));
    world.hosts[B].complete(world.now, id).unwrap();
}

/// Multicast, broadcast, loopback and unspecified addresses are nobody's, whatever the interface takes.
#[test]
fn any_address_is_any_unicast_address() {
    let mut host = Host::new(config(1));
    let interface = InterfaceConfig::ip(1_500).with_address([10, 0, 0, 1], 24).with_any_address();
    let interface = host.add_interface(interface).unwrap();
    host.set_incoming(sockeye_wire::Instant::ZERO, Some(IncomingConfig::default()));
    for to in ["224.0.0.1", "255.255.255.255", "10.0.0.255", "127.0.0.1", "0.0.0.0", "198.51.100.1"]
    {
        let mut bytes = segment(9, Flags::SYN, 1);
        let to: core::net::Ipv4Addr = to.parse().unwrap();
        bytes[16..20].copy_from_slice(&to.octets());
        bytes[10..12].copy_from_slice(&[0, 0]);
        let sum = Checksum::new().with(&bytes[..20]).finish();
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        let meta = Meta {
            checksum: sockeye_wire::ChecksumState::Valid,
            ..Meta::at(sockeye_wire::Instant::ZERO)
        };
        host.on_packet(
            sockeye_wire::Instant::ZERO,
            interface,
            Packet::from_bytes(meta, bytes.into()),
        );
    }
    let (_, ends) = host.next_held().unwrap();
    assert_eq!(ends.local, "198.51.100.1:443".parse().unwrap());
    assert!(host.next_held().is_none());
}

/// RFC 6191: a client that comes from the same port again is held although the last connection is in TIME-WAIT.
#[test]
fn time_wait_gives_way() {
    let mut world = world(IncomingConfig::default());
    let to = elsewhere()[0];
    let local = SocketAddr::new(super::world::v4(A), 1_000);
    let mut last = None;
    for _ in 0..2 {
        let a = world.hosts[A].connect(world.now, to, Some(local)).unwrap();
        world.run_for(Duration::from_millis(20));
        let (id, _) = world.hosts[B].next_held().unwrap();
        let b = world.hosts[B].complete(world.now, id).unwrap();
        world.run_for(Duration::from_millis(50));
        assert_eq!(state(&world, A, a), StateName::Established);
        // B closes first.
        world.hosts[B].close(world.now, b);
        world.run_for(Duration::from_millis(50));
        world.hosts[A].close(world.now, a);
        world.run_for(Duration::from_millis(50));
        assert_eq!((world.counts(B).time_wait, world.counts(B).connections), (1, 0));
        assert!(last.replace(id) != Some(id));
    }
}

#[test]
fn settings_are_the_hooks_own() {
    let tcp = Arc::new(Config { timestamps: false, ..Config::default() });
    let mut world = world(IncomingConfig { tcp: Some(tcp), ..IncomingConfig::default() });
    let (_, id) = held(&mut world, elsewhere()[0]);
    let b = world.hosts[B].complete(world.now, id).unwrap();
    world.run_for(Duration::from_millis(50));
    assert!(!world.hosts[B].connection(b).unwrap().info().timestamps);
}

#[test]
fn a_held_syn_weighs_no_more_than_a_half_open_connection() {
    assert!(size_of::<HeldRecord>() <= size_of::<HalfOpenRecord>());
}
