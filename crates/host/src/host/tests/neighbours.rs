use super::world::{A, B, World, lan, mac, v4, v6};
use crate::{Error, Events};
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_wire::arp::{ArpOperation, ArpPacket};
use sockeye_wire::ethernet::{EthernetHeader, ether_type};
use sockeye_wire::{HeaderBytes, MacAddr, StateName};
use std::boxed::Box;

#[test]
fn both_protocols_resolve_once() {
    for ip in [v4, v6] {
        let mut world = World::new(lan);
        world.connected(ip);
        // One question, one answer, and the three steps of the handshake.
        assert_eq!(world.passed, 5, "{}", world.story());
        // B learned A's address from A's question.
        assert_eq!((world.counts(A).neighbours, world.counts(B).neighbours), (1, 1));
    }
}

/// Three questions, a second apart, and the opening fails with the reason.
#[test]
fn nobody_answers() {
    for ip in [v4, v6] {
        let mut world = World::new(lan);
        world.filter = Some(Box::new(|_, _| false));
        let start = world.now;
        let a = world.hosts[A].connect(world.now, SocketAddr::new(ip(B), 80), None).unwrap();
        world.run_until(Duration::from_secs(10), |world| {
            world.hosts[A].connection(a).unwrap().state() == StateName::Closed
        });
        assert_eq!(world.now.since(start), Duration::from_secs(3));
        assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::HostUnreachable));
        assert!(world.told(A, a).intersects(Events::CLOSED));
        assert_eq!(world.counts(A).neighbours, 0);
        world.hosts[A].close(world.now, a);
        world.flush();
        assert_eq!(world.counts(A).timers, 1);
    }
}

/// RFC 4861 §7.3.1: acknowledged data is proof enough; silence is followed by questions to the one that had answered.
#[test]
fn a_neighbour_in_use_is_not_asked_again() {
    let mut world = World::new(lan);
    let (a, b) = world.connected(v4);
    for _ in 0..100 {
        world.hosts[A].write(world.now, a, b"tick").unwrap();
        world.run_for(Duration::from_secs(2));
        assert_eq!(world.hosts[B].read(world.now, b, &mut [0; 9]), Ok(4));
    }
    let frames = world.passed;
    // 100 segments and their acknowledgements; the rest is ARP: B, which only acknowledges, must ask now and then.
    assert!(frames < 5 + 200 + 16, "{frames}\n{}", world.story());
}

#[test]
fn an_idle_neighbour_is_forgotten() {
    let mut world = World::new(lan);
    world.connected(v4);
    world.run_for(Duration::from_secs(2_000));
    assert_eq!((world.counts(A).neighbours, world.counts(B).neighbours), (0, 0));
}

/// A station that changes its hardware address says so, and is believed.
#[test]
fn an_announcement_replaces_an_address() {
    let mut world = World::new(lan);
    let (a, _) = world.connected(v4);
    let other = MacAddr([2, 0, 0, 0, 0, 99]);
    let std::net::IpAddr::V4(address) = v4(B) else { panic!() };
    let mut frame = HeaderBytes::new();
    EthernetHeader::new(MacAddr::BROADCAST, other, ether_type::ARP).emit(&mut frame);
    let announcement = ArpPacket {
        operation: ArpOperation::Reply,
        sender_mac: other,
        sender: address,
        target_mac: MacAddr::BROADCAST,
        target: address,
    };
    announcement.emit(&mut frame);
    world.inject(A, frame.to_vec());
    world.hosts[A].write(world.now, a, b"to the new one").unwrap();
    let (_, packet) = world.hosts[A].poll_transmit(world.now).unwrap();
    assert_eq!(packet.front()[..6], other.0);
    assert_eq!(packet.front()[6..12], mac(A).0);
}

#[test]
fn packets_wait_in_a_short_queue() {
    let mut world = World::new(lan);
    world.filter = Some(Box::new(|_, _| false));
    for port in 1..=10 {
        world.hosts[A].connect(world.now, SocketAddr::new(v4(B), port), None).unwrap();
    }
    world.flush();
    assert_eq!(world.hosts[A].counters().dropped_neighbour, 6);
}
