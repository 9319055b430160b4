//! Segments decided together, and segments taken together: the wire and the connection cannot tell.

use super::world::{A, B, World, lan, tun, v4, v6};
use crate::{InterfaceConfig, SegmentTrace};
use core::net::IpAddr;
use core::time::Duration;
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{ChecksumState, Flags, Meta, Packet};
use std::boxed::Box;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::vec::Vec;

/// Nearly an initial window.
const OCTETS: usize = 14_000;

fn one_by_one(_: usize) -> InterfaceConfig {
    InterfaceConfig { segmentation: false, ..InterfaceConfig::ip(1_500) }
}

fn text() -> Vec<u8> {
    (0..OCTETS).map(|at| ((at * 31) >> 3) as u8).collect()
}

/// What A sends at once, as it lies on the wire.
fn burst(world: &mut World) -> Vec<Vec<u8>> {
    let packets = core::iter::from_fn(|| world.hosts[A].poll_transmit(world.now));
    packets.map(|(_, packet)| packet.to_bytes().to_vec()).collect()
}

fn with_burst(
    link: fn(usize) -> InterfaceConfig,
    ip: fn(usize) -> IpAddr,
) -> (World, crate::ConnectionId, Vec<Vec<u8>>) {
    let mut world = World::with(link, |config| Arc::make_mut(&mut config.tcp).tally = true);
    let (a, b) = world.connected(ip);
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[A].write(world.now, a, &text()), Ok(OCTETS));
    let packets = burst(&mut world);
    (world, b, packets)
}

fn parts(packet: &[u8]) -> (IpView, TcpView<'_>) {
    let ip = IpView::parse(packet, packet.len()).unwrap();
    (ip, TcpView::parse(&packet[ip.header_len..]).unwrap())
}

#[test]
fn a_burst_is_cut_into_what_would_have_left_one_by_one() {
    for ip in [v4, v6] {
        let (_, _, cut) = with_burst(tun, ip);
        let (_, _, single) = with_burst(one_by_one, ip);
        assert!(cut.len() >= 10);
        assert_eq!(cut.len(), single.len());
        for (cut, single) in cut.iter().zip(&single) {
            let ((cut_ip, cut_tcp), (single_ip, single_tcp)) = (parts(cut), parts(single));
            assert_eq!(cut_ip, single_ip);
            assert!(cut_ip.pseudo_header().with(&cut[cut_ip.header_len..]).is_valid());
            assert_eq!(cut_tcp.seq(), single_tcp.seq());
            assert_eq!(cut_tcp.flags() - Flags::PSH, single_tcp.flags() - Flags::PSH);
            assert_eq!(cut_tcp.option_bytes(), single_tcp.option_bytes());
            assert_eq!(cut_tcp.rest(), single_tcp.rest());
            // Identifications count up in both.
            assert_eq!(cut[4..6], single[4..6]);
        }
    }
}

#[test]
fn frames_of_a_burst_reach_their_neighbour_one_by_one() {
    let mut world = World::new(lan);
    let (a, b) = world.connected(v4);
    assert_eq!(world.hosts[A].write(world.now, a, &text()), Ok(OCTETS));
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.hosts[B].connection(b).unwrap().readable(), OCTETS);
}

fn arrive(world: &mut World, packets: &[Vec<u8>]) {
    let meta = Meta { checksum: ChecksumState::Unverified, ..Meta::at(world.now) };
    let packets: Vec<_> =
        packets.iter().map(|bytes| Packet::from_bytes(meta, bytes.clone().into())).collect();
    world.hosts[B].on_batch(world.now, world.interface[B], packets);
}

#[test]
fn a_batch_does_what_its_segments_do_one_by_one() {
    for ip in [v4, v6] {
        let outcomes = [true, false].map(|together| {
            let (mut world, b, packets) = with_burst(tun, ip);
            let (tell, told) = channel();
            let observer = move |trace: &SegmentTrace| tell.send(*trace).unwrap();
            world.hosts[B].set_observer(Some(Box::new(observer)));
            if together {
                arrive(&mut world, &packets);
            } else {
                packets.iter().for_each(|packet| world.inject(B, packet.clone()));
            }
            let answers = core::iter::from_fn(|| world.hosts[B].poll_transmit(world.now));
            let answers: Vec<_> = answers.map(|(_, packet)| packet.to_bytes()).collect();
            let (mut read, now) = (std::vec![0; 2 * OCTETS], world.now);
            let info = world.hosts[B].connection(b).unwrap().info();
            let count = world.hosts[B].read(now, b, &mut read).unwrap();
            assert!(read[..count] == text());
            let traces: Vec<_> = told.try_iter().collect();
            assert!(traces.len() > packets.len());
            (info, answers, world.hosts[B].counters().segments_received, traces)
        });
        assert_eq!(outcomes[0], outcomes[1]);
    }
}

#[test]
fn whatever_differs_in_a_batch_is_looked_at() {
    for ip in [v4, v6] {
        let (_, _, packets) = with_burst(tun, ip);
        let at = if ip(A).is_ipv4() { 20 } else { 40 };
        // Every octet of the headers, and one of the data.
        for octet in (0..at + 32).chain([at + 600]) {
            let (mut world, b, mut packets) = with_burst(tun, ip);
            packets[3][octet] ^= 1;
            arrive(&mut world, &packets);
            let readable = world.hosts[B].connection(b).unwrap().readable();
            let (class_and_label, hop_limit) = (0..4, 7);
            if at == 40 && (class_and_label.contains(&octet) || octet == hop_limit) {
                // No sum covers these of IPv6's, and none of them means anything here.
                assert_eq!(readable, OCTETS, "octet {octet}");
            } else {
                let (_, tcp) = parts(&packets[0]);
                assert_eq!(readable, 3 * tcp.rest().len(), "octet {octet}");
            }
        }
        assert!(packets.len() > 4);
    }
}
