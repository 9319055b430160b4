use super::channel::{Channel, Target};
use super::{End, Network, NodeId};
use crate::seed::Seeds;
use bytes::Bytes;
use sockeye_host::{HostConfig, InterfaceConfig, InterfaceId};
use sockeye_link::impair::{Impairer, Impairment};
use sockeye_wire::{Instant, Meta, Packet};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

fn interface() -> InterfaceId {
    let mut host = sockeye_host::Host::new(HostConfig::new([0; 32]));
    host.add_interface(InterfaceConfig::ip(1_500)).unwrap()
}

fn numbered(number: u16) -> Packet {
    Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::copy_from_slice(&number.to_be_bytes()))
}

/// Whatever is reordered or doubled, packets come out in the order of their arrival, and all that were not lost do.
#[test]
fn a_channel_delivers_in_order_of_arrival() {
    let impairment = Impairment {
        loss: 0.1,
        reorder: 0.3,
        duplicate: 0.2,
        delay: Duration::from_millis(5),
        ..Impairment::default()
    };
    let mut channel =
        Channel::new(Target::Host(NodeId(1), interface()), 1, Impairer::new(3, impairment));
    let mut expected = 0;
    for number in 0..1_000 {
        expected += channel.send(Instant::from_micros(u64::from(number) * 100), numbered(number));
    }
    let (mut out, mut last, mut overtaken) = (Vec::new(), Instant::ZERO, 0);
    while let Some(next) = channel.deadline() {
        let before = out.len();
        channel.take_arrived(next, &mut out);
        assert!(out.len() > before);
        assert!(out[before..].iter().all(|packet| packet.meta.arrival == next && next >= last));
        last = next;
    }
    assert_eq!(out.len(), expected);
    let numbers: Vec<_> = out.iter().map(Packet::to_bytes).collect();
    overtaken += numbers.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(overtaken > 50, "{overtaken}");
}

fn pair(delay: Duration) -> (Network, NodeId, NodeId) {
    let mut seeds = Seeds::new(1);
    let mut network = Network::new();
    let nodes = ["A", "B"].map(|name| network.add_host(name, HostConfig::new(seeds.secret())));
    let ends = nodes.map(|node| End {
        node,
        address: (Ipv4Addr::new(10, 0, 0, node.0 as u8 + 1).into(), 24),
        impairment: Impairment { delay, ..Impairment::default() },
        seed: seeds.next_u64(),
    });
    network.join(ends, 1_500).unwrap();
    (network, nodes[0], nodes[1])
}

#[test]
fn an_idle_network_has_no_next_moment() {
    let (mut network, ..) = pair(Duration::ZERO);
    assert!(!network.step(&mut ()).unwrap());
    assert_eq!((network.now(), network.packets()), (Instant::ZERO, 0));
}

#[test]
fn time_jumps_from_event_to_event() {
    let (mut network, a, b) = pair(Duration::from_secs(7));
    let closed = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 2), 1));
    let id = network.host_mut(a).connect(Instant::ZERO, closed, None).unwrap();
    let mut moments = Vec::new();
    while network.host(a).connection(id).unwrap().error().is_none() {
        assert!(network.step(&mut ()).unwrap());
        moments.push(network.now().as_millis());
    }
    // Retransmissions of the SYN after 1 and 3 s; B gets the first one at 7 s and refuses; A learns of it at 14 s.
    assert_eq!(moments.first(), Some(&1_000));
    assert!(moments.contains(&3_000) && moments.contains(&7_000));
    assert_eq!(moments.last(), Some(&14_000));
    let error = network.host(a).connection(id).unwrap().error();
    assert_eq!(error, Some(sockeye_tcp::Error::Refused));
    assert_eq!(network.name(b), "B");
}

#[test]
fn three_hosts_can_be_joined() {
    let (mut network, a, _) = pair(Duration::from_millis(1));
    let c = network.add_host("C", HostConfig::new([9; 32]));
    let ends = [(a, 1), (c, 2)].map(|(node, last)| End {
        node,
        address: (Ipv4Addr::new(10, 0, 1, last).into(), 24),
        impairment: Impairment::default(),
        seed: 0,
    });
    network.join(ends, 1_500).unwrap();
    let at_c = SocketAddr::from((Ipv4Addr::new(10, 0, 1, 2), 80));
    let listener = network.host_mut(c).listen(at_c, 4).unwrap();
    network.host_mut(a).connect(Instant::ZERO, at_c, None).unwrap();
    while network.host_mut(c).accept(listener).is_none() {
        assert!(network.step(&mut ()).unwrap());
    }
    assert_eq!(network.channel_counts().count(), 4);
}
