use super::transfer::Flow;
use super::world::{A, B, World, tun, v4, v6};
use crate::Error;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::{Checksum, HeaderBytes, StateName};
use std::vec::Vec;

/// An ICMP message of any type and code that quotes `quote`.
fn error(to: IpAddr, from: IpAddr, kind: (u8, u8), quote: &[u8]) -> Vec<u8> {
    let mut message = std::vec![kind.0, kind.1, 0, 0, 0, 0, 0, 0];
    message.extend(quote);
    let (number, sum) = match to {
        IpAddr::V4(_) => (protocol::ICMP, Checksum::new()),
        IpAddr::V6(_) => {
            let len = message.len() as u32;
            (protocol::ICMPV6, Checksum::pseudo_header(from, to, protocol::ICMPV6, len))
        }
    };
    let sum = sum.with(&message).finish().to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let mut out = HeaderBytes::new();
    IpHeader::new(from, to, number, message.len()).emit(&mut out);
    let mut bytes = out.to_vec();
    bytes.extend(message);
    bytes
}

/// RFC 9293 MUST-55, RFC 6633: source quench slows nothing down and ends nothing.
#[test]
fn source_quench_is_ignored() {
    let mut world = World::new(tun);
    let (a, b) = world.connected(v4);
    world.run_for(Duration::from_millis(50));
    world.hosts[A].write(world.now, a, &[1; 5_000]).unwrap();
    let (_, packet) = world.hosts[A].poll_transmit(world.now).unwrap();
    let before = world.hosts[A].connection(a).unwrap().info();
    world.inject(A, error(v4(A), v4(B), (4, 0), &packet.to_bytes()[..48]));
    let connection = world.hosts[A].connection(a).unwrap();
    assert_eq!((connection.info(), connection.soft_error()), (before, None));
    assert_eq!(world.hosts[A].counters().icmp_errors_ignored, 1);
    let mut flow = Flow::new((B, b), (A, a), 10_000);
    world.run_until(Duration::from_secs(5), |world| {
        flow.pump(world);
        flow.is_done()
    });
}

/// RFC 9293 MUST-54, MUST-56, SHLD-26, RFC 5461: what each message does to a connection that is opening.
#[test]
fn only_hard_errors_end_an_opening() {
    let v4_soft = [(3, 0), (3, 1), (3, 5), (11, 0), (11, 1), (12, 0)];
    let v6_soft = [(1, 0), (1, 3), (3, 0), (3, 1), (4, 0), (4, 2)];
    let v4_hard = [(3, 2), (3, 3)];
    let v6_hard = [(4, 1), (1, 4)];
    for (ip, soft, hard) in [(v4 as fn(usize) -> IpAddr, v4_soft, v4_hard), (v6, v6_soft, v6_hard)]
    {
        let kinds = soft.map(|kind| (kind, false)).into_iter().chain(hard.map(|kind| (kind, true)));
        for (kind, ends) in kinds {
            let mut world = World::new(tun);
            let remote = SocketAddr::new(ip(B), 80);
            let a = world.hosts[A].connect(world.now, remote, None).unwrap();
            let (_, syn) = world.hosts[A].poll_transmit(world.now).unwrap();
            world.inject(A, error(ip(A), ip(B), kind, &syn.to_bytes()));
            let connection = world.hosts[A].connection(a).unwrap();
            assert_eq!(connection.state() == StateName::Closed, ends, "{kind:?}");
            assert_eq!(connection.error().is_some(), ends, "{kind:?}");
            assert_eq!(connection.soft_error().is_some(), !ends, "{kind:?}");
        }
    }
}

/// RFC 9293 MUST-56: no message ends an open connection, hard or soft; what it said is told at the end.
#[test]
fn no_error_ends_an_open_connection() {
    for (ip, kinds) in [
        (v4 as fn(usize) -> IpAddr, [(3, 0), (3, 1), (3, 2), (3, 3), (11, 0), (12, 0)]),
        (v6, [(1, 0), (1, 3), (4, 1), (1, 4), (3, 0), (4, 0)]),
    ] {
        for kind in kinds {
            let mut world = World::new(tun);
            let (a, b) = world.connected(ip);
            world.run_for(Duration::from_millis(50));
            world.hosts[A].write(world.now, a, b"in the network").unwrap();
            let (_, packet) = world.hosts[A].poll_transmit(world.now).unwrap();
            world.inject(A, error(ip(A), ip(B), kind, &packet.to_bytes()));
            let connection = world.hosts[A].connection(a).unwrap();
            assert_eq!(connection.state(), StateName::Established, "{kind:?}");
            assert!(connection.soft_error().is_some_and(|error| error != Error::WouldBlock));
            world.run_for(Duration::from_secs(1));
            assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 14, "{kind:?}");
        }
    }
}
