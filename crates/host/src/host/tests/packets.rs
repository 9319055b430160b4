//! What stands around a segment: sums, hop limits, code points, sizes.

use super::world::{A, B, World, tun, v4, v6};
use crate::{InterfaceConfig, ListenOptions};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::ip::{IpHeader, IpView};
use sockeye_wire::tcp::{TcpHeader, TcpOption, TcpView};
use sockeye_wire::{Checksum, Flags, HeaderBytes, Packet, SeqNumber, StateName};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

/// Everything that A sends from now on, and whether it passes.
fn watch(world: &mut World, passes: bool) -> Arc<Mutex<Vec<Vec<u8>>>> {
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let note = Arc::clone(&seen);
    world.filter = Some(Box::new(move |from, packet: &Packet| {
        if from == A {
            note.lock().unwrap().push(packet.to_bytes().to_vec());
        }
        from != A || passes
    }));
    seen
}

fn last(seen: &Arc<Mutex<Vec<Vec<u8>>>>) -> IpView {
    let seen = seen.lock().unwrap();
    let bytes = seen.last().unwrap();
    IpView::parse(bytes, bytes.len()).unwrap()
}

/// RFC 9293 MUST-2: the sum is right for data of every length, odd ones too, in one piece or several. (The world sums up all that
/// leaves.)
#[test]
fn sums_are_right_for_every_length() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let (a, b) = world.connected(ip);
        world.hosts[A].set_nagle(world.now, a, false);
        let mut sent = 0;
        for len in (0..40).chain([511, 512, 513, 1_439, 1_441]) {
            for part in [len / 3, len - len / 3] {
                if part > 0 {
                    sent += world.hosts[A].write(world.now, a, &[0xa5; 2_000][..part]).unwrap();
                }
            }
            world.run_for(Duration::from_millis(20));
        }
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), sent);
        assert_eq!(world.hosts[B].counters().dropped_checksum, 0);
    }
}

/// RFC 9293 MUST-3: a segment with any bit wrong changes nothing and is not answered; unharmed it is taken.
#[test]
fn a_damaged_segment_changes_nothing() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let (a, b) = world.connected(ip);
        world.run_for(Duration::from_millis(50));
        let seen = watch(&mut world, false);
        world.hosts[A].write(world.now, a, b"precious").unwrap();
        world.flush();
        let whole = seen.lock().unwrap().pop().unwrap();
        let transport = if ip(A).is_ipv4() { 20 } else { 40 };
        let before = world.hosts[B].connection(b).unwrap().info();
        let mut damaged_ones = 0;
        for bit in transport * 8..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            world.inject(B, damaged);
            assert!(world.hosts[B].poll_transmit(world.now).is_none());
            damaged_ones += 1;
        }
        let connection = world.hosts[B].connection(b).unwrap();
        assert_eq!((connection.info(), connection.state()), (before, StateName::Established));
        // A wrong data offset may not even leave room for a header.
        let counters = world.hosts[B].counters();
        assert_eq!(counters.dropped_checksum + counters.dropped_malformed, damaged_ones);
        world.inject(B, whole);
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 8);
    }
}

/// RFC 9293 MUST-48, SHLD-21, SHLD-22: the code point is the application's, at any time, and reaches the header as it was given.
#[test]
fn code_points_can_be_chosen_and_changed() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let (a, _) = world.connected(ip);
        let seen = watch(&mut world, true);
        for dscp in [0, 46, 10, 63] {
            world.hosts[A].set_dscp(a, dscp);
            world.hosts[A].write(world.now, a, b"marked").unwrap();
            world.run_for(Duration::from_millis(50));
            assert_eq!(last(&seen).dscp, dscp);
        }
    }
}

/// RFC 9293 MAY-9: how the peer's last packet was marked, and how far it came.
#[test]
fn what_arrived_last_is_known() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let (a, b) = world.connected(ip);
        for (dscp, hop_limit) in [(46, 64), (0, 7), (63, 255)] {
            world.hosts[A].set_dscp(a, dscp);
            world.hosts[A].set_hop_limit(a, hop_limit);
            world.hosts[A].write(world.now, a, b"marked").unwrap();
            world.run_for(Duration::from_millis(50));
            assert_eq!(world.hosts[B].received_dscp(b), Some(dscp));
            assert_eq!(world.hosts[B].received_hop_limit(b), Some(hop_limit));
        }
    }
}

/// What a listener with these options sends on a connection: the SYN-ACK, and the acknowledgement of some data.
fn sent_by_a_listener(set: impl FnOnce(&mut ListenOptions)) -> Vec<Vec<u8>> {
    let mut world = World::new(tun);
    let address = SocketAddr::new(v4(A), 80);
    let listener = world.listen(A, address);
    set(world.hosts[A].listen_options_mut(listener).unwrap());
    let seen = watch(&mut world, true);
    let b = world.hosts[B].connect(world.now, address, None).unwrap();
    world.run_for(Duration::from_millis(50));
    world.hosts[B].write(world.now, b, b"acknowledge it").unwrap();
    world.run_for(Duration::from_millis(500));
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() > 1);
    seen
}

/// RFC 9293 MUST-48, MUST-49: what a listener's connections send has its code point and hop limit from the SYN-ACK on.
#[test]
fn a_listener_marks_its_connections() {
    let seen = sent_by_a_listener(|options| (options.dscp, options.hop_limit) = (46, Some(7)));
    for bytes in &seen {
        let ip = IpView::parse(bytes, bytes.len()).unwrap();
        assert_eq!((ip.dscp, ip.hop_limit), (46, 7));
    }
}

/// RFC 1191 §3: packets must not be fragmented, unless that is asked for; then each has its own identification (RFC 6864 §4.2).
#[test]
fn fragmentation_can_be_allowed() {
    const DONT_FRAGMENT: u8 = 0x40;
    let flags = |seen: &[Vec<u8>]| seen.iter().map(|bytes| bytes[6]).collect::<Vec<_>>();
    for whole in [true, false] {
        let seen = sent_by_a_listener(|options| options.may_fragment = !whole);
        let expected = if whole { DONT_FRAGMENT } else { 0 };
        assert!(flags(&seen).iter().all(|bits| *bits == expected), "{:?}", flags(&seen));
    }
    let mut world = World::new(tun);
    let (a, _) = world.connected(v4);
    let seen = watch(&mut world, true);
    for may_fragment in [true, false] {
        seen.lock().unwrap().clear();
        world.hosts[A].set_may_fragment(a, may_fragment);
        world.hosts[A].write(world.now, a, &[7; 4_000]).unwrap();
        world.run_for(Duration::from_millis(50));
        let seen = seen.lock().unwrap();
        let expected = if may_fragment { 0 } else { DONT_FRAGMENT };
        assert!(flags(&seen).iter().all(|bits| *bits == expected), "{:?}", flags(&seen));
        let mut numbers: Vec<_> = seen.iter().map(|bytes| [bytes[4], bytes[5]]).collect();
        numbers.dedup();
        assert!(seen.len() > 2 && numbers.len() == seen.len());
    }
}

/// RFC 9293 MUST-49: the hop limit is a setting of the host, and of each connection.
#[test]
fn hop_limits_can_be_chosen() {
    for ip in [v4, v6] {
        let mut world = World::with(tun, |config| config.hop_limit = 99);
        let seen = watch(&mut world, true);
        let (a, _) = world.connected(ip);
        assert!(
            seen.lock()
                .unwrap()
                .iter()
                .all(|bytes| { IpView::parse(bytes, bytes.len()).unwrap().hop_limit == 99 })
        );
        world.hosts[A].set_hop_limit(a, 3);
        world.hosts[A].write(world.now, a, b"near").unwrap();
        world.run_for(Duration::from_millis(50));
        assert_eq!(last(&seen).hop_limit, 3);
    }
}

/// RFC 9293 MUST-67, RFC 6691: the MSS is the interface's MTU less the fixed headers, options not counted.
#[test]
fn the_mss_is_what_the_interface_takes() {
    for (ip, headers) in [(v4 as fn(usize) -> IpAddr, 40u16), (v6, 60)] {
        for mtu in [1_280u16, 1_500, 9_000] {
            let mut world = World::new(tun);
            let (near, far): (IpAddr, IpAddr) = if ip(A).is_ipv4() {
                ([172, 16, 0, 1].into(), [172, 16, 0, 2].into())
            } else {
                ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap())
            };
            let link = InterfaceConfig::ip(mtu).with_address(near, 24);
            world.hosts[A].add_interface(link).unwrap();
            world.hosts[A].connect(world.now, SocketAddr::new(far, 80), None).unwrap();
            let (_, syn) = world.hosts[A].poll_transmit(world.now).unwrap();
            let bytes = syn.to_bytes();
            let view = TcpView::parse(&bytes[usize::from(headers) - 20..]).unwrap();
            let told = view.options().find_map(|option| match option {
                Ok(TcpOption::MaximumSegmentSize(mss)) => Some(mss),
                _ => None,
            });
            assert_eq!(told, Some(mtu - headers));
        }
    }
}

/// RFC 9293 MUST-15: of a peer that tells no MSS the smallest is assumed that its version allows.
#[test]
fn a_peer_without_an_mss_gets_small_segments() {
    for (ip, at, expected) in [(v4 as fn(usize) -> IpAddr, 20, 536), (v6, 40, 1_220)] {
        let mut world = World::new(tun);
        let remote = SocketAddr::new(ip(B), 80);
        let a = world.hosts[A].connect(world.now, remote, None).unwrap();
        let (_, packet) = world.hosts[A].poll_transmit(world.now).unwrap();
        let bytes = packet.to_bytes();
        let syn = TcpView::parse(&bytes[at..]).unwrap();
        let header = TcpHeader {
            source_port: 80,
            destination_port: syn.source_port(),
            seq: SeqNumber(1),
            ack: syn.seq() + 1,
            flags: Flags::SYN_ACK,
            window: 65_535,
            ..TcpHeader::default()
        };
        let mut tcp = [0; 60];
        let len = header.emit(&mut tcp);
        let sum = Checksum::pseudo_header(ip(B), ip(A), 6, len as u32).with(&tcp[..len]);
        tcp[16..18].copy_from_slice(&sum.finish().to_be_bytes());
        let mut out = HeaderBytes::new();
        IpHeader::new(ip(B), ip(A), 6, len).emit(&mut out);
        out.extend(tcp[..len].iter().copied());
        world.inject(A, out.to_vec());
        let connection = world.hosts[A].connection(a).unwrap();
        assert_eq!(connection.state(), StateName::Established);
        assert_eq!(connection.info().send_mss, expected);
    }
}
