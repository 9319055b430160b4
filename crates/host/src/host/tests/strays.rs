//! Packets of other protocols, for whoever asks for them.

use super::world::{A, B, World, lan, tun};
use crate::{Event, HostError};
use core::net::IpAddr;
use core::time::Duration;
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::{Checksum, HeaderBytes};
use std::vec;
use std::vec::Vec;

fn elsewhere() -> [(IpAddr, IpAddr); 2] {
    [
        ([10, 0, 0, 1].into(), [203, 0, 113, 9].into()),
        ("2001:db8::1".parse().unwrap(), "2001:db8:77::9".parse().unwrap()),
    ]
}

fn udp(from: IpAddr, to: IpAddr, data: &[u8]) -> Vec<u8> {
    let len = 8 + data.len();
    let mut datagram = vec![0, 99, 0, 53, (len >> 8) as u8, len as u8, 0, 0];
    datagram.extend_from_slice(data);
    let sum = Checksum::pseudo_header(from, to, protocol::UDP, len as u32).with(&datagram).finish();
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    let mut out = HeaderBytes::new();
    IpHeader::new(from, to, protocol::UDP, len).emit(&mut out);
    [&out[..], &datagram].concat()
}

fn world() -> World {
    let mut world = World::new(|host| tun(host).with_any_address());
    for host in [A, B] {
        world.hosts[host].add_default_route(world.interface[host], None).unwrap();
        world.hosts[host].set_strays(Some(4));
    }
    world
}

#[test]
fn a_datagram_is_handed_over_and_answered() {
    for (from, to) in elsewhere() {
        let mut world = world();
        let question = udp(from, to, b"who?");
        world.hosts[A].send_packet(world.now, question.clone().into()).unwrap();
        world.run_for(Duration::from_millis(10));
        assert_eq!(world.events[B], [Event::Strays]);
        let stray = world.hosts[B].next_stray().unwrap();
        assert_eq!(stray.packet.to_bytes(), question);
        assert_eq!(stray.interface, world.interface[B]);
        assert!(world.hosts[B].next_stray().is_none());
        assert_eq!(world.hosts[B].counters().icmp_errors_sent, 0);

        // From an address that is nobody's.
        let answer = udp(to, from, b"me");
        world.hosts[B].send_packet(world.now, answer.clone().into()).unwrap();
        world.run_for(Duration::from_millis(10));
        assert_eq!(world.hosts[A].next_stray().unwrap().packet.to_bytes(), answer);
    }
}

#[test]
fn fragments_are_put_together() {
    let [(from, to), _] = elsewhere();
    let whole = udp(from, to, &[7; 2_000]);
    let mut world = world();
    for (at, end) in [(0, 1_200), (1_200, whole.len() - 20)] {
        let data = &whole[20 + at..20 + end];
        let mut out = HeaderBytes::new();
        let header = IpHeader {
            dont_fragment: false,
            identification: 5,
            ..IpHeader::new(from, to, protocol::UDP, data.len())
        };
        header.emit(&mut out);
        let mut bytes = [&out[..], data].concat();
        let more = if end == whole.len() - 20 { 0 } else { 0x2000 };
        bytes[6..8].copy_from_slice(&(more | (at / 8) as u16).to_be_bytes());
        bytes[10..12].copy_from_slice(&[0, 0]);
        let sum = Checksum::new().with(&bytes[..20]).finish();
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        world.inject(B, bytes);
    }
    let bytes = world.hosts[B].next_stray().unwrap().packet.to_bytes();
    let ip = IpView::parse(&bytes, bytes.len()).unwrap();
    assert_eq!((ip.source, ip.destination, ip.total_len), (from, to, whole.len()));
    assert_eq!(bytes[20..], whole[20..]);
}

#[test]
fn the_queue_is_bounded() {
    let [(from, to), _] = elsewhere();
    let mut world = world();
    for _ in 0..9 {
        world.inject(B, udp(from, to, b"again"));
    }
    let counters = *world.hosts[B].counters();
    assert_eq!((counters.strays, counters.dropped_strays_full), (4, 5));
    assert_eq!(counters.icmp_errors_sent, 0);
    // Nobody wants them any more: whoever sends is told.
    world.hosts[B].set_strays(None);
    world.inject(B, udp(from, to, b"again"));
    assert_eq!(world.hosts[B].counters().icmp_errors_sent, 1);
    assert!(world.hosts[B].next_stray().is_none());
}

#[test]
fn what_is_not_one_packet_is_not_sent() {
    let [(from, to), _] = elsewhere();
    let mut world = world();
    let good = udp(from, to, &[7; 1_000]);
    let mut long = good.clone();
    long.push(0);
    for bad in [&b"no packet"[..], &good[..100], &long] {
        let sent = world.hosts[A].send_packet(world.now, bad.to_vec().into());
        assert_eq!(sent, Err(HostError::BadPacket));
    }
    let large = udp(from, to, &[7; 1_500]).into();
    assert_eq!(world.hosts[A].send_packet(world.now, large), Err(HostError::PacketTooLarge(1_500)));
    let mut alone = World::new(tun);
    let sent = alone.hosts[A].send_packet(alone.now, good.into());
    assert_eq!(sent, Err(HostError::NetworkUnreachable(to)));
}

/// On Ethernet the packet waits for its next hop's address as a segment does.
#[test]
fn a_packet_goes_over_ethernet() {
    let mut world = World::new(lan);
    world.hosts[B].set_strays(Some(4));
    let packet = udp(super::world::v4(A), super::world::v4(B), b"hello");
    world.hosts[A].send_packet(world.now, packet.clone().into()).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[B].next_stray().unwrap().packet.to_bytes(), packet);
}
