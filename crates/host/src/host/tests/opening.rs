use super::world::{A, B, World, tun, v4, v6};
use crate::{Events, HostError, InterfaceConfig};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::StateName;
use std::boxed::Box;

/// RFC 9293 MUST-41: a passive OPEN changes no record that is there, whatever its state.
#[test]
fn a_second_listen_changes_nothing() {
    let mut world = World::new(tun);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    let a = world.hosts[A].connect(world.now, address, None).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[B].listen(address, 1), Err(HostError::AddrInUse(address)));
    let anywhere = world.hosts[B].listen("0.0.0.0:80".parse().unwrap(), 1).unwrap();
    assert_eq!(world.hosts[B].waiting_to_accept(anywhere), 0);
    let (b, _) = world.hosts[B].accept(listener).unwrap();
    world.hosts[A].write(world.now, a, b"still there").unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 11);
}

/// RFC 9293 MUST-42: one may listen at a port from which a connection is being opened, or at which one is half open.
#[test]
fn listening_beside_openings() {
    let mut world = World::new(tun);
    let local = SocketAddr::new(v4(A), 5_000);
    let silent: SocketAddr = "10.0.0.77:9".parse().unwrap();
    let opening = world.hosts[A].connect(world.now, silent, Some(local)).unwrap();
    let syn_sent = |world: &World| world.hosts[A].connection(opening).unwrap().state();
    assert_eq!(syn_sent(&world), StateName::SynSent);
    let first = world.listen(A, local);
    assert_eq!(syn_sent(&world), StateName::SynSent);
    // B's third segment never comes.
    world.filter = Some(Box::new(|from, packet| from == A || packet.to_bytes()[33] & 0x02 != 0));
    world.hosts[B].connect(world.now, local, None).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.counts(A).half_open, 1);
    world.hosts[A].listen(SocketAddr::new([0, 0, 0, 0].into(), 5_000), 1).unwrap();
    assert_eq!(world.counts(A).half_open, 1);
    assert_eq!(world.hosts[A].listener_address(first), Some(local));
}

/// RFC 9293 MUST-43, MUST-44: the local address is the one that was asked for, or the one that the IP layer chooses before the SYN.
#[test]
fn the_local_address_is_given_or_chosen() {
    let mut world = World::new(tun);
    let second: IpAddr = "10.0.0.50".parse().unwrap();
    let interface = world.interface[A];
    world.hosts[A].add_address(interface, second, 24).unwrap();
    let far = InterfaceConfig::ip(1_500).with_address("192.0.2.1".parse::<IpAddr>().unwrap(), 24);
    world.hosts[A].add_interface(far).unwrap();
    let listener = world.listen(B, SocketAddr::new(v4(B), 80));
    let mut from = |local: Option<SocketAddr>| {
        let remote = SocketAddr::new(v4(B), 80);
        world.hosts[A].connect(world.now, remote, local).unwrap();
        world.run_for(Duration::from_millis(50));
        world.hosts[B].accept(listener).unwrap().1.remote
    };
    assert_eq!(from(Some(SocketAddr::new(second, 0))).ip(), second);
    assert_eq!(from(Some(SocketAddr::new(second, 777))), SocketAddr::new(second, 777));
    assert_eq!(from(None).ip(), v4(A));
    assert_eq!(from(Some("0.0.0.0:778".parse().unwrap())), SocketAddr::new(v4(A), 778));
    let mut world = World::new(tun);
    let exact = world.listen(B, SocketAddr::new(v6(B), 80));
    let a = world.hosts[A].connect(world.now, SocketAddr::new(v6(B), 80), None).unwrap();
    assert_eq!(world.hosts[A].endpoints(a).unwrap().local.ip(), v6(A));
    world.run_for(Duration::from_millis(50));
    assert!(world.hosts[B].accept(exact).is_some());
}

/// RFC 9293 SHLD-9: between R1 and R2 the application learns that nothing comes back.
#[test]
fn a_suspect_path_is_told() {
    let mut world = World::new(tun);
    let (a, _) = world.connected(v4);
    world.run_for(Duration::from_millis(50));
    world.filter = Some(Box::new(|_, _| false));
    world.hosts[A].write(world.now, a, b"lost").unwrap();
    world.run_for(Duration::from_millis(900));
    assert!(!world.told(A, a).intersects(Events::PATH_SUSPECT));
    world.run_for(Duration::from_secs(5));
    assert!(world.told(A, a).intersects(Events::PATH_SUSPECT));
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), None);
}
