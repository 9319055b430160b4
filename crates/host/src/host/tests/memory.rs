//! The host's limit on what connections hold: what happens as it comes near, and what never does.

use super::raw::{self, Peer, sent};
use super::world::{A, B, World, tun, v4};
use crate::budget::{LEAST_BYTES, Pressure};
use crate::{Error, HostError};
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_tcp::Buffered;
use std::vec;
use std::vec::Vec;

const LIMIT: usize = 1 << 20;

fn short() -> World {
    World::with(tun, |config| config.limits.buffered_bytes = LIMIT)
}

fn held(world: &World, host: usize) -> Buffered {
    let counts = world.counts(host);
    let all = Buffered {
        send_bytes: counts.buffered_send_bytes,
        receive_bytes: counts.buffered_receive_bytes,
        out_of_order_bytes: counts.buffered_out_of_order_bytes,
    };
    assert_eq!(all, world.hosts[host].held_by_all(), "the sums are those of the connections");
    all
}

/// Whatever happens to connections, the sums are right, and nothing is left at the end.
#[test]
fn sums_follow_the_connections() {
    let mut world = World::new(tun);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    let mut dice = 7u32;
    world.filter = Some(std::boxed::Box::new(move |_, _| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        dice >> 28 != 0
    }));
    let mut servers = Vec::new();
    for round in 0..8u8 {
        let client = world.hosts[A].connect(world.now, address, None).unwrap();
        world.run_for(Duration::from_millis(500));
        let _ = world.hosts[A].write(world.now, client, &[round; 100_000]);
        for _ in 0..10 {
            world.run_for(Duration::from_millis(15));
            held(&world, A);
            held(&world, B);
        }
        while let Some((server, _)) = world.hosts[B].accept(listener) {
            let mut out = [0; 30_000];
            let _ = world.hosts[B].read(world.now, server, &mut out);
            servers.push(server);
        }
        if round % 2 == 0 {
            world.hosts[A].abort(world.now, client);
        }
        world.hosts[A].close(world.now, client);
        held(&world, A);
    }
    for server in servers {
        world.hosts[B].abort(world.now, server);
        world.hosts[B].close(world.now, server);
    }
    world.hosts[B].close_listener(world.now, listener);
    world.run_for(Duration::from_secs(1_200));
    assert_eq!([held(&world, A), held(&world, B)], [Buffered::default(); 2]);
}

/// Readers that do not read, however many: what they hold stays within the limit, what was acknowledged is there when they read at last,
/// and then everything goes on.
#[test]
fn slow_readers_stay_within_the_limit_and_lose_nothing() {
    let mut world = short();
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.hosts[B].listen(address, 1_000).unwrap();
    let clients: Vec<_> =
        (0..60).map(|_| world.hosts[A].connect(world.now, address, None).unwrap()).collect();
    world.run_for(Duration::from_millis(50));
    let mut servers = Vec::new();
    while let Some((server, ends)) = world.hosts[B].accept(listener) {
        servers.push((server, ends));
    }
    assert_eq!(servers.len(), clients.len());
    let most = LIMIT + 2 * LEAST_BYTES * clients.len();
    let mut written = vec![0usize; clients.len()];
    for _ in 0..200 {
        for (at, client) in clients.iter().enumerate() {
            let chunk: Vec<u8> =
                (0..8_000).map(|octet| ((written[at] + octet) % 251) as u8).collect();
            written[at] += world.hosts[A].write(world.now, *client, &chunk).unwrap_or(0);
        }
        world.run_for(Duration::from_millis(20));
        for host in [A, B] {
            assert!(held(&world, host).total() <= most, "{:?}", held(&world, host));
        }
    }
    assert!(world.hosts[B].budget.pressure() >= Pressure::Windows);
    let (mut read, mut out) = (vec![0usize; clients.len()], [0; 65_536]);
    for _ in 0..3_000 {
        for (server, ends) in &servers {
            let is_its = |client: &&crate::ConnectionId| {
                world.hosts[A].endpoints(**client).is_some_and(|at_a| at_a.local == ends.remote)
            };
            let at = clients.iter().position(|client| is_its(&client)).unwrap();
            while let Ok(count @ 1..) = world.hosts[B].read(world.now, *server, &mut out) {
                let right =
                    |(index, octet): (usize, &u8)| *octet == ((read[at] + index) % 251) as u8;
                assert!(out[..count].iter().enumerate().all(right));
                read[at] += count;
            }
        }
        if read == written {
            break;
        }
        world.run_for(Duration::from_millis(100));
    }
    assert_eq!(read, written, "all that was taken arrives");
    assert_eq!(held(&world, A).total() + held(&world, B).total(), 0);
}

/// A window that was told never moves back, however short memory gets; what lies in it and behind a hole is dropped.
#[test]
fn pressure_closes_no_window_that_was_told() {
    let mut world = short();
    let listener = world.hosts[B].listen(SocketAddr::new(v4(B), 80), 1_000).unwrap();
    let peers: Vec<_> =
        (0..40).map(|at| Peer::open(&mut world, listener, 5_000 + at, &[])).collect();
    let mut edges = vec![0; peers.len()];
    let (mut in_order, mut last) = (vec![0u32; peers.len()], vec![0u32; peers.len()]);
    for _ in 0..60 {
        for (at, peer) in peers.iter().enumerate() {
            peer.send(&mut world, in_order[at], 0, &[1; 1_000]);
            peer.send(&mut world, in_order[at] + 5_000, 0, &[2; 1_000]);
        }
        world.now += Duration::from_millis(50);
        world.hosts[B].on_timer(world.now);
        for sent in sent(&mut world) {
            let at = usize::from(sent.port - 5_000);
            let edge = Peer::acked(&sent) + u32::from(sent.window);
            assert!(edge >= edges[at], "{edge} after {}", edges[at]);
            (edges[at], last[at]) = (edge, Peer::acked(&sent));
            assert!(last[at] >= in_order[at], "what was acknowledged stays so");
            in_order[at] = last[at];
        }
        assert!(held(&world, B).total() <= LIMIT + 2 * LEAST_BYTES * peers.len());
    }
    let counters = world.hosts[B].counters();
    assert!(counters.dropped_memory_out_of_order > 0);
    for (peer, acked) in peers.iter().zip(last) {
        let readable = world.hosts[B].connection(peer.id).unwrap().readable();
        assert_eq!(readable, acked as usize, "what was acknowledged can be read");
    }
}

/// With memory nearly all taken nothing new is opened; the connections that are there go on; afterwards everything is as before.
#[test]
fn nothing_is_opened_while_memory_is_short() {
    let mut world = short();
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    let client = world.hosts[A].connect(world.now, address, None).unwrap();
    world.run_for(Duration::from_millis(50));
    let (server, _) = world.hosts[B].accept(listener).unwrap();
    // The application's own chunk, taken whole, is more than all there is.
    world.hosts[B].write_chunk(world.now, server, vec![3; LIMIT].into()).unwrap();
    assert_eq!(world.hosts[B].write(world.now, server, b"more"), Err(Error::WouldBlock));
    let to_a = SocketAddr::new(v4(A), 80);
    assert_eq!(world.hosts[B].connect(world.now, to_a, None), Err(HostError::OutOfMemory));
    let late = world.hosts[A].connect(world.now, address, None).unwrap();
    world.run_for(Duration::from_millis(7));
    assert_eq!(world.hosts[B].counters().dropped_memory_syn, 1);
    let (mut read, mut out) = (0, vec![0; LIMIT]);
    for _ in 0..200 {
        read += world.hosts[A].read(world.now, client, &mut out).unwrap_or(0);
        world.run_for(Duration::from_millis(20));
    }
    assert_eq!(read, LIMIT);
    assert_eq!(held(&world, B).total(), 0);
    assert!(world.told(B, server).intersects(crate::Events::WRITABLE));
    assert_eq!(world.hosts[B].write(world.now, server, b"more"), Ok(4));
    assert!(
        world.hosts[A].connection(late).unwrap().info().state
            == sockeye_wire::StateName::Established
    );
}

/// Connections that listeners get count against the limit as well.
#[test]
fn the_limit_on_connections_is_the_listeners_too() {
    let mut world = World::with(tun, |config| config.limits.connections = 3);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    for _ in 0..3 {
        world.hosts[A].connect(world.now, address, None).unwrap();
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.counts(B).connections, 3);
    raw::syn(&mut world, 5_000);
    assert_eq!(world.counts(B).half_open, 0);
    assert_eq!(world.hosts[B].counters().dropped_connections_full, 1);
    assert_eq!(world.hosts[B].waiting_to_accept(listener), 3);
}
