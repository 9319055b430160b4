//! Every ICMP error by its type and code, in every kind of state (RFC 9293 §3.9.2.2, RFC 1122 §4.2.3.9, RFC 4443, RFC 5461).

use super::icmp::{icmp_packet, quoting_world};
use super::world::{A, B, World, tun, v4, v6};
use crate::auth::Algorithm;
use crate::{Error, Events, Key, KeyOwner, Pattern};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::icmp::IcmpHeader;
use sockeye_wire::{Packet, StateName};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

/// What an error is to TCP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Soft(Error),
    Hard(Error),
    Ignored,
}

use Class::{Hard, Ignored, Soft};

const V4: [(u8, u8, Class); 21] = [
    (3, 0, Soft(Error::NetworkUnreachable)),
    (3, 1, Soft(Error::HostUnreachable)),
    (3, 2, Hard(Error::ProtocolUnreachable)),
    (3, 3, Hard(Error::Refused)),
    (3, 5, Soft(Error::HostUnreachable)),
    (3, 6, Soft(Error::NetworkUnreachable)),
    (3, 7, Soft(Error::HostUnreachable)),
    (3, 8, Soft(Error::HostUnreachable)),
    (3, 9, Hard(Error::HostUnreachable)),
    (3, 10, Hard(Error::HostUnreachable)),
    (3, 11, Soft(Error::NetworkUnreachable)),
    (3, 12, Soft(Error::HostUnreachable)),
    (3, 13, Hard(Error::HostUnreachable)),
    (4, 0, Ignored),
    (5, 0, Ignored),
    (5, 1, Ignored),
    (11, 0, Soft(Error::HostUnreachable)),
    (11, 1, Soft(Error::HostUnreachable)),
    (12, 0, Soft(Error::HostUnreachable)),
    (12, 1, Soft(Error::HostUnreachable)),
    (42, 0, Ignored),
];

const V6: [(u8, u8, Class); 13] = [
    (1, 0, Soft(Error::NetworkUnreachable)),
    (1, 1, Hard(Error::HostUnreachable)),
    (1, 2, Soft(Error::HostUnreachable)),
    (1, 3, Soft(Error::HostUnreachable)),
    (1, 4, Hard(Error::Refused)),
    (1, 5, Hard(Error::HostUnreachable)),
    (1, 6, Hard(Error::HostUnreachable)),
    (3, 0, Soft(Error::HostUnreachable)),
    (3, 1, Soft(Error::HostUnreachable)),
    (4, 0, Soft(Error::HostUnreachable)),
    // An unrecognized next header is what protocol unreachable is in IPv4 (RFC 5461 §2.2).
    (4, 1, Hard(Error::ProtocolUnreachable)),
    (4, 2, Soft(Error::HostUnreachable)),
    (100, 0, Ignored),
];

fn rows() -> impl Iterator<Item = (fn(usize) -> IpAddr, IcmpHeader, Class)> {
    let header =
        |&(kind, code, class): &(u8, u8, Class)| (IcmpHeader { kind, code, rest: [0; 4] }, class);
    let v4_rows =
        V4.iter().map(header).map(|(header, class)| (v4 as fn(usize) -> _, header, class));
    v4_rows
        .chain(V6.iter().map(header).map(|(header, class)| (v6 as fn(usize) -> _, header, class)))
}

/// RFC 9293 MUST-54, MUST-56, SHLD-25, SHLD-26: in SYN-SENT.
#[test]
fn while_opening_actively() {
    for (ip, header, class) in rows() {
        let mut world = World::new(tun);
        let a = world.hosts[A].connect(world.now, SocketAddr::new(ip(B), 80), None).unwrap();
        let (_, syn) = world.hosts[A].poll_transmit(world.now).unwrap();
        world.inject(A, icmp_packet(ip(B), ip(A), header, &syn.to_bytes()));
        let connection = world.hosts[A].connection(a).unwrap();
        let told = (connection.state(), connection.error(), connection.soft_error());
        let expected = match class {
            Hard(error) => (StateName::Closed, Some(error), None),
            Soft(error) => (StateName::SynSent, None, Some(error)),
            Ignored => (StateName::SynSent, None, None),
        };
        assert_eq!(told, expected, "{header:?}");
        world.flush();
        let news = world.told(A, a);
        assert_eq!(news.intersects(Events::CLOSED), matches!(class, Hard(_)));
        assert_eq!(news.intersects(Events::SOFT_ERROR), matches!(class, Soft(_)));
        let obeyed = world.hosts[A].counters().icmp_errors_obeyed;
        assert_eq!(obeyed, u64::from(class != Ignored), "{header:?}");
    }
}

/// RFC 9293 MUST-55, MUST-56: established, nothing aborts, and the soft errors can be read.
#[test]
fn while_established() {
    for (ip, header, class) in rows() {
        let (mut world, a, quote) = quoting_world(ip);
        let before = world.hosts[A].connection(a).unwrap().info();
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote));
        let connection = world.hosts[A].connection(a).unwrap();
        assert_eq!(connection.state(), StateName::Established, "{header:?}");
        let expected = match class {
            Hard(error) | Soft(error) => Some(error),
            Ignored => None,
        };
        assert_eq!(connection.soft_error(), expected, "{header:?}");
        assert_eq!(connection.info(), before, "no window, no timer, no MSS: {header:?}");
    }
}

/// A hard error ends a listener's half-open connection, without a word to anybody (RFC 9293 SHLD-26); a soft one changes nothing
/// (MUST-56), and what quotes another segment neither.
#[test]
fn while_half_open() {
    for (ip, header, class) in rows() {
        let mut world = World::new(tun);
        world.listen(B, SocketAddr::new(ip(B), 80));
        world.hosts[A].connect(world.now, SocketAddr::new(ip(B), 80), None).unwrap();
        let syn_ack: Arc<Mutex<Vec<u8>>> = Arc::default();
        let note = Arc::clone(&syn_ack);
        world.filter = Some(Box::new(move |from, packet: &Packet| {
            if from == B {
                *note.lock().unwrap() = packet.to_bytes().to_vec();
            }
            from == A
        }));
        world.run_for(Duration::from_millis(50));
        assert_eq!(world.counts(B).half_open, 1);
        let mut quote = syn_ack.lock().unwrap().clone();
        let seq = if ip(B).is_ipv4() { 24 } else { 44 };
        quote[seq] ^= 1;
        world.inject(B, icmp_packet(ip(A), ip(B), header, &quote));
        assert_eq!(world.counts(B).half_open, 1, "{header:?}");
        quote[seq] ^= 1;
        world.inject(B, icmp_packet(ip(A), ip(B), header, &quote));
        assert_eq!(world.counts(B).half_open, usize::from(!matches!(class, Hard(_))), "{header:?}");
        assert!(world.hosts[B].poll_transmit(world.now).is_none());
    }
}

/// RFC 1122 §3.2.2: a quote without the eight octets of the segment's header names nobody.
#[test]
fn a_short_quote_does_nothing() {
    for ip in [v4, v6] {
        let (mut world, a, quote) = quoting_world(ip);
        let transport = if ip(A).is_ipv4() { 20 } else { 40 };
        let header =
            IcmpHeader { kind: if ip(A).is_ipv4() { 3 } else { 1 }, code: 0, rest: [0; 4] };
        for len in 0..transport + 8 {
            world.inject(A, icmp_packet(ip(B), ip(A), header, &quote[..len]));
        }
        assert_eq!(world.hosts[A].connection(a).unwrap().soft_error(), None);
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote[..transport + 8]));
        let told = world.hosts[A].connection(a).unwrap().soft_error();
        assert_eq!(told, Some(Error::NetworkUnreachable));
    }
}

/// Errors come from anywhere on the path, but never from where nobody is, nor to everyone (RFC 1122 §3.2.2).
#[test]
fn impossible_senders_of_errors_are_ignored() {
    let (mut world, a, quote) = quoting_world(v4);
    let header = IcmpHeader { kind: 3, code: 1, rest: [0; 4] };
    let everyone = IpAddr::from([10, 0, 0, 255]);
    for (source, destination) in
        [([224, 0, 0, 1].into(), v4(A)), ([0; 4].into(), v4(A)), (v4(B), everyone)]
    {
        world.inject(A, icmp_packet(source, destination, header, &quote));
    }
    assert_eq!(world.hosts[A].connection(a).unwrap().soft_error(), None);
    let mut damaged = icmp_packet(v4(B), v4(A), header, &quote);
    damaged[30] ^= 1;
    world.inject(A, damaged);
    assert_eq!(world.hosts[A].connection(a).unwrap().soft_error(), None);
    world.inject(A, icmp_packet([192, 0, 2, 1].into(), v4(A), header, &quote));
    assert!(world.hosts[A].connection(a).unwrap().soft_error().is_some());
}

/// RFC 5925 §7.8: with TCP-AO nobody else's word ends or slows an established connection, unless that is asked for.
#[test]
fn hard_errors_are_not_believed_on_signed_connections() {
    for (ip, header, class) in rows() {
        let mut world = World::new(tun);
        let address = SocketAddr::new(ip(B), 80);
        let listener = world.listen(B, address);
        let key = |ids: (u8, u8)| {
            Key::ao(Pattern::default(), ids.0, ids.1, Algorithm::HmacSha1, b"secret")
        };
        world.hosts[B].add_key(KeyOwner::Listener(listener), key((2, 1))).unwrap();
        let a = world.hosts[A].connect(world.now, address, None).unwrap();
        world.hosts[A].add_key(KeyOwner::Connection(a), key((1, 2))).unwrap();
        world.run_for(Duration::from_millis(50));
        let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
        let note = Arc::clone(&sent);
        world.filter = Some(Box::new(move |_, packet: &Packet| {
            *note.lock().unwrap() = packet.to_bytes().to_vec();
            false
        }));
        world.hosts[A].write(world.now, a, b"data").unwrap();
        world.flush();
        let quote = sent.lock().unwrap().clone();
        // Filters are hard in IPv6 only there (IPv4 3/2 to 3/4, IPv6 1/1 and 1/4).
        let distrusted = match (header.kind, header.code) {
            (3, 2 | 3) => ip(A).is_ipv4(),
            (1, 1 | 4..=6) => true,
            _ => false,
        };
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote));
        let soft = world.hosts[A].connection(a).unwrap().soft_error();
        assert_eq!(soft.is_some(), !distrusted && class != Ignored, "{header:?}");
        world.hosts[A].set_auth_accepts_icmp(a, true).unwrap();
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote));
        let soft = world.hosts[A].connection(a).unwrap().soft_error();
        assert_eq!(soft.is_some(), class != Ignored, "{header:?}");
    }
}
