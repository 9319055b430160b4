//! Path MTU at the host: what is learned, for how long, and who is told (RFC 1191, RFC 8201).

use super::icmp::{icmp_packet, quoting_world};
use super::world::{A, B, World, tun, v4, v6};
use crate::{Counters, InterfaceConfig};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::icmp::{ErrorKind, IcmpHeader};
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::{TcpOption, TcpView};
use sockeye_wire::{Packet, StateName};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

fn too_big(ip: fn(usize) -> IpAddr, mtu: u32) -> IcmpHeader {
    IcmpHeader::error(ip(A), ErrorKind::PacketTooBig { mtu }).unwrap()
}

fn headers(ip: fn(usize) -> IpAddr) -> u16 {
    if ip(A).is_ipv4() { 40 } else { 60 }
}

/// The MSS options of all SYNs, with who sent them.
fn advertised(world: &mut World) -> Arc<Mutex<Vec<(usize, u16)>>> {
    let seen: Arc<Mutex<Vec<(usize, u16)>>> = Arc::default();
    let note = Arc::clone(&seen);
    world.filter = Some(Box::new(move |from, packet: &Packet| {
        let bytes = packet.to_bytes();
        let ip = IpView::parse(&bytes, bytes.len()).unwrap();
        let tcp = TcpView::parse(&bytes[ip.header_len..]).unwrap();
        for option in tcp.options().map_while(Result::ok) {
            if let TcpOption::MaximumSegmentSize(mss) = option {
                note.lock().unwrap().push((from, mss));
            }
        }
        true
    }));
    seen
}

/// RFC 6691, RFC 9293 MUST-67: what a path is known to carry limits what is sent, at both ends of a handshake, and is never
/// advertised.
#[test]
fn a_narrow_path_is_not_advertised() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let now = world.now;
        for (host, other) in [(A, B), (B, A)] {
            assert!(world.hosts[host].set_path_mtu(now, ip(other), 1_300));
            assert_eq!(world.hosts[host].path_mtu(now, ip(other)), Some(1_300));
        }
        let seen = advertised(&mut world);
        let (a, b) = world.connected(ip);
        assert_eq!(*seen.lock().unwrap(), [(A, 1_500 - headers(ip)), (B, 1_500 - headers(ip))]);
        for (host, id) in [(A, a), (B, b)] {
            let info = world.hosts[host].connection(id).unwrap().info();
            assert_eq!(info.send_mss, 1_300 - headers(ip) - 12);
            assert_eq!(info.receive_mss, 1_500 - headers(ip));
            assert_eq!(world.hosts[host].connection_mtu(now, id), Some(1_300));
        }
    }
}

/// RFC 1191 §6.3: after ten minutes a larger size is tried again, on connections that exist too; what was forgotten, at once.
#[test]
fn knowledge_grows_old() {
    for forgotten in [false, true] {
        let (mut world, a, quote) = quoting_world(v4);
        world.inject(A, icmp_packet(v4(B), v4(A), too_big(v4, 1_000), &quote));
        world.filter = None;
        world.run_for(Duration::from_secs(300));
        let mss = |world: &World| world.hosts[A].connection(a).unwrap().info().send_mss;
        assert_eq!(mss(&world), 1_000 - 40 - 12);
        if forgotten {
            assert!(world.hosts[A].forget_path_mtu(v4(B)));
            assert!(!world.hosts[A].forget_path_mtu(v4(B)));
            assert_eq!(world.hosts[A].path_mtu(world.now, v4(B)), Some(1_500));
        }
        world.run_for(Duration::from_secs(301));
        world.hosts[A].write(world.now, a, &[1; 3_000]).unwrap();
        world.run_for(Duration::from_millis(50));
        assert_eq!(mss(&world), 1_500 - 40 - 12);
    }
}

/// RFC 1191 §7.1: where a router does not say, the next plateau below what was sent.
#[test]
fn routers_that_do_not_say() {
    let (mut world, _, quote) = quoting_world(v4);
    let sent = u16::from_be_bytes([quote[2], quote[3]]);
    assert!((1_006..1_492).contains(&sent));
    world.inject(A, icmp_packet(v4(B), v4(A), too_big(v4, 0), &quote));
    assert_eq!(world.hosts[A].path_mtu(world.now, v4(B)), Some(1_006));
    // IPv6 routers always say (RFC 8201 §4).
    let (mut world, _, quote) = quoting_world(v6);
    world.inject(A, icmp_packet(v6(B), v6(A), too_big(v6, 0), &quote));
    assert_eq!(world.hosts[A].path_mtu(world.now, v6(B)), Some(1_500));
}

/// RFC 1191 §3: 68 octets at least; what is believed is a matter of policy.
#[test]
fn the_floor_is_a_setting() {
    for (policy, expected) in [(68, 68), (552, 552), (1_000, 1_000)] {
        let (mut world, a, quote) = quoting_world(v4);
        world.hosts[A].policy_mut().min_path_mtu = policy;
        world.inject(A, icmp_packet(v4(B), v4(A), too_big(v4, 60), &quote));
        assert_eq!(world.hosts[A].path_mtu(world.now, v4(B)), Some(expected));
        assert!(world.hosts[A].connection(a).unwrap().info().send_mss > 0);
    }
}

/// A report never makes a path wider (RFC 1191 §6.3), and is about a segment in the network (RFC 5927 §4).
#[test]
fn reports_only_narrow() {
    let (mut world, a, quote) = quoting_world(v4);
    let told = |counters: &Counters| (counters.icmp_errors_obeyed, counters.icmp_errors_ignored);
    for (mtu, expected) in [(1_400, 1_400), (1_450, 1_400), (9_000, 1_400), (1_350, 1_350)] {
        world.inject(A, icmp_packet(v4(B), v4(A), too_big(v4, mtu), &quote));
        assert_eq!(world.hosts[A].path_mtu(world.now, v4(B)), Some(expected));
    }
    assert_eq!(told(world.hosts[A].counters()), (2, 2));
    assert_eq!(world.hosts[A].connection(a).unwrap().info().send_mss, 1_350 - 52);
}

/// A report about a SYN, or a SYN-ACK: nothing of these can be made smaller, but the connection knows when it opens.
#[test]
fn reports_while_opening() {
    for ip in [v4, v6] {
        for narrow in [A, B] {
            let mut world = World::new(tun);
            let address = SocketAddr::new(ip(B), 80);
            let listener = world.listen(B, address);
            let a = world.hosts[A].connect(world.now, address, None).unwrap();
            let reported: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
            let note = Arc::clone(&reported);
            world.filter = Some(Box::new(move |from, packet: &Packet| {
                if from == narrow {
                    note.lock().unwrap().get_or_insert_with(|| packet.to_bytes().to_vec());
                }
                true
            }));
            let mut b = None;
            world.run_until(Duration::from_secs(1), |world| {
                if let Some(quote) = reported.lock().unwrap().as_ref()
                    && world.hosts[narrow].path_mtu(world.now, ip(1 - narrow)) == Some(1_500)
                {
                    let packet = icmp_packet(ip(1 - narrow), ip(narrow), too_big(ip, 1_300), quote);
                    world.inject(narrow, packet);
                }
                b = b.or_else(|| world.hosts[B].accept(listener));
                b.is_some()
            });
            world.run_for(Duration::from_millis(50));
            let id = if narrow == A { a } else { b.unwrap().0 };
            assert_eq!(world.hosts[narrow].path_mtu(world.now, ip(1 - narrow)), Some(1_300));
            world.hosts[narrow].write(world.now, id, &[1; 3_000]).unwrap();
            world.run_for(Duration::from_millis(50));
            let info = world.hosts[narrow].connection(id).unwrap().info();
            assert_eq!(
                (info.state, info.send_mss),
                (StateName::Established, 1_300 - headers(ip) - 12)
            );
        }
    }
}

/// A device's MTU changes while connections run: their next segments fit, larger ones too, and new connections advertise it.
#[test]
fn an_interface_changes_its_mtu() {
    for ip in [v4, v6] {
        let mut world = World::new(|_| InterfaceConfig::ip(1_400));
        let (a, b) = world.connected(ip);
        let longest: Arc<Mutex<usize>> = Arc::default();
        for (mtu, expected) in [(1_300, 1_300), (1_380, 1_380), (1_500, 1_400)] {
            world.hosts[A].set_mtu(world.interface[A], mtu).unwrap();
            assert_eq!(world.hosts[A].mtu(world.interface[A]), Some(mtu));
            *longest.lock().unwrap() = 0;
            let note = Arc::clone(&longest);
            world.filter = Some(Box::new(move |from, packet: &Packet| {
                if from == A {
                    let mut longest = note.lock().unwrap();
                    *longest = packet.len().max(*longest);
                }
                true
            }));
            world.hosts[A].write(world.now, a, &[1; 10_000]).unwrap();
            world.run_for(Duration::from_millis(200));
            // Never more than the peer said that it takes.
            assert_eq!(*longest.lock().unwrap(), expected);
        }
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 30_000);
        world.filter = None;
        let seen = advertised(&mut world);
        world.hosts[A].connect(world.now, SocketAddr::new(ip(B), 80), None).unwrap();
        world.run_for(Duration::from_millis(50));
        assert_eq!(seen.lock().unwrap()[0], (A, 1_500 - headers(ip)));
    }
}
