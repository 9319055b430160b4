use super::world::{A, B, World, lan, tun, v4};
use crate::Host;
use core::net::SocketAddr;
use core::time::Duration;
use std::vec::Vec;

/// 10,000 connections in sequence leave nothing but TIME-WAIT records, and those end.
#[test]
fn ten_thousand_connections_leave_no_state_behind() {
    for link in [tun, lan] {
        let mut world = World::new(link);
        world.delay = Duration::from_micros(50);
        let address = SocketAddr::new(v4(B), 80);
        let listener = world.listen(B, address);
        for _ in 0..10_000 {
            let a = world.hosts[A].connect(world.now, address, None).unwrap();
            let mut b = None;
            world.run_until(Duration::from_secs(1), |world| {
                b = b.or_else(|| world.hosts[B].accept(listener));
                b.is_some()
            });
            world.hosts[A].close(world.now, a);
            world.hosts[B].close(world.now, b.unwrap().0);
            world.run_for(Duration::from_millis(2));
            world.events = [Vec::new(), Vec::new()];
        }
        for host in [A, B] {
            let counts = world.counts(host);
            assert_eq!((counts.connections, counts.half_open, counts.to_accept), (0, 0, 0));
            assert_eq!(world.hosts[host].demux.len(), counts.time_wait);
        }
        assert!(world.counts(A).time_wait >= 9_000);
        world.hosts[B].close_listener(world.now, listener);
        world.run_for(Duration::from_secs(61));
        for host in [A, B] {
            let counts = world.counts(host);
            assert_eq!((counts.time_wait, counts.ports_in_use, counts.listeners), (0, 0, 0));
            assert_eq!(counts.timers, 1 + counts.neighbours, "only reassembly's and neighbours'");
            assert_eq!(world.hosts[host].demux.len(), 0);
        }
    }
}

/// Many at once: all open, all counted, all closed.
#[test]
fn thousands_at_once() {
    let mut world = World::with(tun, |config| config.limits.resets_per_second = 1_000_000);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.hosts[B].listen(address, 5_000).unwrap();
    let clients: Vec<_> =
        (0..5_000).map(|_| world.hosts[A].connect(world.now, address, None).unwrap()).collect();
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.counts(B).to_accept, 5_000);
    let mut servers = Vec::new();
    while let Some((server, _)) = world.hosts[B].accept(listener) {
        servers.push(server);
    }
    for (index, client) in clients.iter().enumerate() {
        world.hosts[A].write(world.now, *client, &(index as u32).to_be_bytes()).unwrap();
    }
    world.run_for(Duration::from_millis(100));
    for server in &servers {
        let mut number = [0; 4];
        assert_eq!(world.hosts[B].read(world.now, *server, &mut number), Ok(4));
    }
    for client in clients {
        world.hosts[A].abort(world.now, client);
        world.hosts[A].close(world.now, client);
    }
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.counts(A).connections, 0);
    for server in servers {
        world.hosts[B].close(world.now, server);
    }
    world.run_for(Duration::from_millis(100));
    assert_eq!((world.counts(B).connections, world.counts(B).time_wait), (0, 0));
}

/// The host may live in another thread than the one that made it.
#[test]
fn a_host_can_be_sent() {
    fn sendable<T: Send>() {}
    sendable::<Host>();
}

#[test]
fn limits_hold() {
    let mut world = World::with(tun, |config| {
        config.limits.connections = 3;
        config.limits.time_wait = 1;
    });
    let address = SocketAddr::new(v4(B), 80);
    world.listen(B, address);
    for _ in 0..3 {
        world.hosts[A].connect(world.now, address, None).unwrap();
    }
    assert_eq!(
        world.hosts[A].connect(world.now, address, None),
        Err(crate::HostError::TooManyConnections(3))
    );
}

/// What a connection costs beside itself; a half-open one and a TIME-WAIT are small.
#[test]
fn records_are_small() {
    use crate::record::{HalfOpenRecord, Record, TimeWaitRecord};
    let sizes = [
        size_of::<Record>() - size_of::<sockeye_tcp::Connection>(),
        size_of::<HalfOpenRecord>(),
        size_of::<TimeWaitRecord>(),
    ];
    let most = [88, 112, 80];
    assert!(sizes.iter().zip(most).all(|(size, most)| *size <= most), "{sizes:?}");
}
