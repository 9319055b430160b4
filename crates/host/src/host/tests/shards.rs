//! Several hosts that are one to the outside: what arrives at the wrong one finds the right one.

use super::icmp::icmp_packet;
use super::world::{A, B, config, lan, mac, tun, v4};
use crate::{
    ConnectionId, Error, Goal, Host, HostConfig, InterfaceConfig, InterfaceId, Misplaced, Shard,
};
use core::net::SocketAddr;
use sockeye_wire::arp::{ArpOperation, ArpPacket};
use sockeye_wire::ethernet::{EthernetHeader, ether_type};
use sockeye_wire::icmp::{ErrorKind, IcmpHeader};
use sockeye_wire::{Checksum, HeaderBytes, Instant, MacAddr, Meta, Packet};
use std::vec::Vec;

const COUNT: u32 = 3;
const NOW: Instant = Instant::from_millis(1_000);

struct Shards {
    hosts: Vec<Host>,
    interface: InterfaceId,
}

impl Shards {
    fn new(link: fn(usize) -> InterfaceConfig) -> Self {
        let mut interface = None;
        let hosts = (0..COUNT).map(|index| {
            let mut host =
                Host::new(HostConfig { shard: Shard { index, count: COUNT }, ..config(1) });
            let added = host.add_interface(link(A).with_address(v4(A), 24)).unwrap();
            assert_eq!(*interface.get_or_insert(added), added);
            host
        });
        Self { hosts: hosts.collect(), interface: interface.unwrap() }
    }

    fn arrive(&mut self, at: u32, bytes: &[u8]) {
        let packet = Packet::from_bytes(Meta::at(NOW), bytes.to_vec().into());
        self.hosts[at as usize].on_packet(NOW, self.interface, packet);
    }

    /// Brings what is misplaced to where it belongs; says how many steps that took.
    fn deliver(&mut self) -> usize {
        let mut steps = 0;
        while let Some((from, (goal, packet))) = self.misplaced() {
            steps += 1;
            match goal {
                Goal::Shard(to) => {
                    assert_ne!(to, from);
                    self.hosts[to as usize].on_misplaced(NOW, packet);
                }
                Goal::Others => {
                    for to in (0..COUNT).filter(|to| *to != from) {
                        self.hosts[to as usize].on_misplaced(NOW, packet.clone());
                    }
                }
            }
        }
        steps
    }

    fn misplaced(&mut self) -> Option<(u32, (Goal, Misplaced))> {
        (0..COUNT).find_map(|at| Some((at, self.hosts[at as usize].poll_misplaced()?)))
    }

    fn sent(&mut self, by: u32) -> Vec<Vec<u8>> {
        let host = &mut self.hosts[by as usize];
        core::iter::from_fn(|| host.poll_transmit(NOW))
            .map(|(_, packet)| packet.to_bytes().to_vec())
            .collect()
    }

    fn connect(&mut self, by: u32) -> (ConnectionId, Vec<u8>) {
        let remote = SocketAddr::new(v4(B), 80);
        let id = self.hosts[by as usize].connect(NOW, remote, None).unwrap();
        (id, self.sent(by).pop().unwrap())
    }
}

#[test]
fn ports_are_taken_so_that_the_answer_comes_home() {
    let mut shards = Shards::new(tun);
    let remote = SocketAddr::new(v4(B), 80);
    for by in 0..COUNT {
        for _ in 0..10 {
            let (id, _) = shards.connect(by);
            let local = shards.hosts[by as usize].endpoints(id).unwrap().local;
            for other in &shards.hosts {
                assert_eq!(other.shard_to_connect(remote, Some(local)), Some(by));
            }
            for other in (0..COUNT).filter(|other| *other != by) {
                let other = &mut shards.hosts[other as usize];
                assert!(other.connect(NOW, remote, Some(local)).is_err());
            }
        }
    }
    assert_eq!(shards.hosts[0].shard_to_connect(remote, None), None);
}

/// The tuple that an ICMP error quotes decides, not its own addresses.
#[test]
fn icmp_errors_find_the_connection() {
    let mut shards = Shards::new(tun);
    for owner in 0..COUNT {
        for at in 0..COUNT {
            let (id, syn) = shards.connect(owner);
            let error = IcmpHeader::error(v4(A), ErrorKind::PortUnreachable).unwrap();
            shards.arrive(at, &icmp_packet(v4(B), v4(A), error, &syn));
            assert_eq!(shards.deliver(), usize::from(at != owner));
            let connection = shards.hosts[owner as usize].connection(id).unwrap();
            assert_eq!(connection.error(), Some(Error::Refused));
        }
    }
    let obeyed: Vec<u64> =
        shards.hosts.iter().map(|host| host.counters().icmp_errors_obeyed).collect();
    assert_eq!(obeyed, [u64::from(COUNT); COUNT as usize]);
}

/// The pieces are put together in one place, wherever they arrive, and the whole then goes where its ports say.
#[test]
fn fragments_meet_and_then_find_the_listener() {
    let mut shards = Shards::new(tun);
    for host in &mut shards.hosts {
        host.listen(SocketAddr::new(v4(A), 80), 64).unwrap();
    }
    let mut client = Host::new(config(2));
    client.add_interface(tun(B).with_address(v4(B), 24)).unwrap();
    for _ in 0..12 {
        client.connect(NOW, SocketAddr::new(v4(A), 80), None).unwrap();
        let (_, syn) = client.poll_transmit(NOW).unwrap();
        let [first, second] = cut(&syn.to_bytes());
        shards.arrive(0, &first);
        shards.arrive(1, &second);
        shards.deliver();
    }
    let half_open = |host: &Host| host.counts().half_open;
    assert_eq!(shards.hosts.iter().map(half_open).sum::<usize>(), 12);
    assert!(shards.hosts.iter().all(|host| half_open(host) > 0), "of all shards");
    assert_eq!(shards.hosts.iter().map(|host| host.counters().reassembled).sum::<u64>(), 12);
    let answers: usize = (0..COUNT).map(|by| shards.sent(by).len()).sum();
    assert_eq!(answers, 12);
}

/// A packet without options, in two pieces.
fn cut(packet: &[u8]) -> [Vec<u8>; 2] {
    let piece = |from: usize, to: usize, more: u8| {
        let mut bytes = packet[..20].to_vec();
        bytes.extend_from_slice(&packet[20 + from..20 + to]);
        let len = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&len);
        bytes[6] = more << 5;
        bytes[7] = (from / 8) as u8;
        bytes[10..12].fill(0);
        let sum = Checksum::new().with(&bytes[..20]).finish();
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes
    };
    [piece(0, 16, 1), piece(16, packet.len() - 20, 0)]
}

/// Every shard talks to neighbours, and any may get their answers; one alone answers theirs.
#[test]
fn all_shards_hear_of_neighbours_and_one_answers() {
    let mut shards = Shards::new(lan);
    let remote = SocketAddr::new(v4(B), 80);
    shards.hosts[2].connect(NOW, remote, None).unwrap();
    let asked = shards.sent(2);
    assert_eq!(&asked[0][12..14], &ether_type::ARP.to_be_bytes());
    shards.arrive(0, &arp(ArpOperation::Reply, mac(A)));
    assert_eq!(shards.deliver(), 1);
    let syn = shards.sent(2).pop().unwrap();
    assert_eq!((&syn[..6], &syn[12..14]), (&mac(B).0[..], &ether_type::IPV4.to_be_bytes()[..]));

    shards.arrive(1, &arp(ArpOperation::Request, MacAddr::BROADCAST));
    shards.deliver();
    let answers: Vec<usize> = (0..COUNT).map(|by| shards.sent(by).len()).collect();
    assert_eq!(answers, [0, 1, 0]);
}

/// From host B to host A.
fn arp(operation: ArpOperation, to: MacAddr) -> Vec<u8> {
    let packet = ArpPacket {
        operation,
        sender_mac: mac(B),
        sender: [10, 0, 0, 2].into(),
        target_mac: mac(A),
        target: [10, 0, 0, 1].into(),
    };
    let mut frame = HeaderBytes::new();
    EthernetHeader::new(to, mac(B), ether_type::ARP).emit(&mut frame);
    packet.emit(&mut frame);
    frame.to_vec()
}

#[test]
fn a_syn_is_answered_by_its_shard_and_a_reset_comes_from_one_alone() {
    let mut shards = Shards::new(tun);
    let listener = SocketAddr::new(v4(A), 80);
    for host in &mut shards.hosts {
        host.listen(listener, 64).unwrap();
    }
    let mut client = Host::new(config(2));
    client.add_interface(tun(B).with_address(v4(B), 24)).unwrap();
    for port in [80, 81] {
        for at in 0..COUNT {
            client.connect(NOW, SocketAddr::new(v4(A), port), None).unwrap();
            let (_, syn) = client.poll_transmit(NOW).unwrap();
            shards.arrive(at, &syn.to_bytes());
            assert!(shards.deliver() <= 1);
            assert_eq!((0..COUNT).map(|by| shards.sent(by).len()).sum::<usize>(), 1);
        }
    }
    let counters = shards.hosts.iter().map(|host| *host.counters());
    let received: u64 = counters.clone().map(|counters| counters.segments_received).sum();
    assert_eq!((received, counters.map(|of| of.resets_sent).sum()), (6, 3));
    assert_eq!(client.counts().connections, 6);
}
