use super::world::{A, B, World, lan, mac, tun, v4, v6};
use crate::{HostError, InterfaceConfig, Route};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// RFC 9293 MUST-46.
#[test]
fn impossible_remotes_are_refused() {
    let mut world = World::new(tun);
    for remote in [
        "255.255.255.255:80",
        "10.0.0.255:80",
        "224.0.0.1:80",
        "0.0.0.0:80",
        "[ff02::1]:80",
        "[::]:80",
        "10.0.0.2:0",
    ] {
        let remote: SocketAddr = remote.parse().unwrap();
        assert_eq!(
            world.hosts[A].connect(world.now, remote, None),
            Err(HostError::InvalidRemote(remote))
        );
    }
    let nowhere: SocketAddr = "192.0.2.1:80".parse().unwrap();
    assert_eq!(
        world.hosts[A].connect(world.now, nowhere, None),
        Err(HostError::NetworkUnreachable(nowhere.ip()))
    );
    let remote = SocketAddr::new(v4(B), 80);
    let foreign = SocketAddr::new(v4(B), 0);
    assert_eq!(
        world.hosts[A].connect(world.now, remote, Some(foreign)),
        Err(HostError::AddrNotAvailable(v4(B)))
    );
    let local = SocketAddr::new(v6(A), 0);
    assert_eq!(
        world.hosts[A].connect(world.now, remote, Some(local)),
        Err(HostError::FamilyMismatch { local, remote })
    );
    assert_eq!(world.counts(A).connections, 0);
}

#[test]
fn a_tuple_is_used_once_and_ports_run_out() {
    let mut world = World::with(tun, |config| config.ephemeral_ports = 50_000..=50_003);
    let remote = SocketAddr::new(v4(B), 80);
    world.listen(B, remote);
    let reserved = SocketAddr::new(v4(A), 50_001);
    assert_eq!(world.hosts[A].bind(reserved), Ok(reserved));
    assert_eq!(world.hosts[A].bind(reserved), Err(HostError::AddrInUse(reserved)));
    let mut ports: std::vec::Vec<u16> = (0..3)
        .map(|_| {
            let id = world.hosts[A].connect(world.now, remote, None).unwrap();
            world.hosts[A].endpoints(id).unwrap().local.port()
        })
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [50_000, 50_002, 50_003]);
    assert_eq!(
        world.hosts[A].connect(world.now, remote, None),
        Err(HostError::PortsExhausted(remote))
    );
    // Towards another port of the peer all are free again.
    let other = SocketAddr::new(v4(B), 81);
    assert!(world.hosts[A].connect(world.now, other, None).is_ok());
    assert!(world.hosts[A].connect(world.now, remote, Some(reserved)).is_ok());
    assert_eq!(
        world.hosts[A].connect(world.now, remote, Some(reserved)),
        Err(HostError::AddrInUse(reserved))
    );
    assert!(world.hosts[A].unbind(reserved) && !world.hosts[A].unbind(reserved));
}

/// A TIME-WAIT of ours gives way after a second, above its sequence numbers; the peer need not know (RFC 9293 §3.6.1).
#[test]
fn a_time_wait_tuple_can_be_used_again() {
    let mut world = World::new(tun);
    let remote = SocketAddr::new(v4(B), 80);
    let local = SocketAddr::new(v4(A), 1_234);
    let listener = world.listen(B, remote);
    let connect = |world: &mut World| {
        let a = world.hosts[A].connect(world.now, remote, Some(local))?;
        world.run_for(Duration::from_millis(100));
        let (b, _) = world.hosts[B].accept(listener).unwrap();
        world.hosts[A].close(world.now, a);
        world.run_for(Duration::from_millis(100));
        world.hosts[B].close(world.now, b);
        world.run_for(Duration::from_millis(100));
        assert_eq!(world.counts(A).time_wait, 1);
        Ok(())
    };
    assert_eq!(connect(&mut world), Ok(()));
    assert_eq!(connect(&mut world), Err(HostError::AddrInUse(local)));
    world.run_for(Duration::from_secs(1));
    assert_eq!(connect(&mut world), Ok(()));
}

/// RFC 9293 MAY-2, RFC 6191: the peer's new SYN reopens a TIME-WAIT.
#[test]
fn a_new_syn_reopens_a_time_wait() {
    let mut world = World::new(tun);
    let remote = SocketAddr::new(v4(B), 80);
    let local = SocketAddr::new(v4(A), 1_234);
    let listener = world.listen(B, remote);
    for _ in 0..3 {
        let a = world.hosts[A].connect(world.now, remote, Some(local)).unwrap();
        world.run_for(Duration::from_millis(100));
        let (b, _) = world.hosts[B].accept(listener).unwrap();
        world.hosts[B].close(world.now, b);
        world.run_for(Duration::from_millis(100));
        world.hosts[A].close(world.now, a);
        world.run_for(Duration::from_millis(100));
        assert_eq!((world.counts(A).time_wait, world.counts(B).time_wait), (0, 1));
    }
}

/// Longest prefix, then metric; the router's hardware address on the frame.
#[test]
fn routes_lead_through_gateways() {
    let mut world = World::new(lan);
    let host = &mut world.hosts[A];
    let near = world.interface[A];
    let far_link =
        InterfaceConfig::ip(9_000).with_address("192.168.7.1".parse::<IpAddr>().unwrap(), 24);
    let far = host.add_interface(far_link).unwrap();
    let destination: IpAddr = "198.51.100.9".parse().unwrap();
    let hop = |host: &crate::Host| host.network.hop((destination, 0).into());
    assert_eq!(hop(host), None);
    host.add_default_route(near, Some(v4(B))).unwrap();
    assert_eq!(hop(host).map(|hop| (hop.interface, hop.next)), Some((near, v4(B))));
    let narrow = Route {
        destination: ("198.51.100.0".parse().unwrap(), 24),
        gateway: None,
        interface: far,
        metric: 5,
    };
    host.add_route(narrow).unwrap();
    assert_eq!(hop(host).map(|hop| (hop.interface, hop.next)), Some((far, destination)));
    let cheaper = Route { interface: near, gateway: Some(v4(B)), metric: 1, ..narrow };
    host.add_route(cheaper).unwrap();
    assert_eq!(hop(host).map(|hop| hop.interface), Some(near));
    assert!(host.remove_route(&Route { metric: 99, ..cheaper }));
    let id = host.connect(world.now, (destination, 80).into(), None).unwrap();
    assert_eq!(host.endpoints(id).unwrap().local.ip(), "192.168.7.1".parse::<IpAddr>().unwrap());
    assert!(host.remove_route(&narrow));
    // RFC 9293 MUST-45: the route has changed, the local address has not.
    world.run_until(Duration::from_secs(2), |world| world.passed >= 3);
    let host = &world.hosts[A];
    assert_eq!(host.endpoints(id).unwrap().local.ip(), "192.168.7.1".parse::<IpAddr>().unwrap());
    assert!(host.network.interface(near).unwrap().mac() == Some(mac(A)));
}

#[test]
fn an_address_that_goes_away_is_nobodys() {
    let mut world = World::new(tun);
    world.listen(B, "0.0.0.0:80".parse().unwrap());
    let second: IpAddr = "10.0.0.77".parse().unwrap();
    let interface = world.interface[B];
    world.hosts[B].add_address(interface, second, 24).unwrap();
    assert!(world.hosts[B].is_own_address(second));
    world.hosts[A].connect(world.now, (second, 80).into(), None).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.counts(B).to_accept, 1);
    world.hosts[B].remove_address(interface, second).unwrap();
    assert_eq!(
        world.hosts[B].remove_address(interface, second),
        Err(HostError::AddrNotAvailable(second))
    );
    world.hosts[A].connect(world.now, (second, 80).into(), None).unwrap();
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[B].counters().dropped_not_ours, 1);
}

/// RFC 4007: the same link-local address on two links names two stations.
#[test]
fn link_local_addresses_are_scoped() {
    let mut world = World::new(lan);
    let link_local = |host: usize| IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, host as u16 + 1]);
    let mut remote: SocketAddr = (link_local(B), 80).into();
    for host in [A, B] {
        let interface = world.interface[host];
        world.hosts[host].add_address(interface, link_local(host), 64).unwrap();
    }
    let other = lan(7).with_address(link_local(7), 64);
    world.hosts[A].add_interface(other).unwrap();
    if let SocketAddr::V6(remote) = &mut remote {
        remote.set_scope_id(world.interface[A].index());
    }
    let listener = world.listen(B, "[::]:80".parse().unwrap());
    let a = world.hosts[A].connect(world.now, remote, None).unwrap();
    world.run_for(Duration::from_millis(100));
    let (_, ends) = world.hosts[B].accept(listener).unwrap();
    assert_eq!(ends.remote.ip(), link_local(A));
    let ends = world.hosts[A].endpoints(a).unwrap();
    assert_eq!((ends.local.ip(), ends.remote), (link_local(A), remote));
}
