//! 4-tuples that are used again (RFC 6191, RFC 6056).

use super::world::{A, B, World, tun, v4};
use crate::{ConnectionId, HostError, ListenerId};
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_tcp::Config;
use sockeye_wire::StateName;
use std::sync::Arc;

/// A connects from port 1,000 to B's port 80; B closes first and so gets TIME-WAIT.
struct Pair {
    world: World,
    listener: ListenerId,
    config: Arc<Config>,
}

impl Pair {
    fn new(config: Config) -> Self {
        let mut world = World::new(tun);
        let listener = world.listen(B, SocketAddr::new(v4(B), 80));
        Self { world, listener, config: Arc::new(config) }
    }

    fn connect(&mut self) -> Result<ConnectionId, HostError> {
        let local = Some(SocketAddr::new(v4(A), 1_000));
        let (now, config) = (self.world.now, Arc::clone(&self.config));
        self.world.hosts[A].connect_with(now, SocketAddr::new(v4(B), 80), local, config)
    }

    fn connected(&mut self) -> (ConnectionId, ConnectionId) {
        let a = self.connect().unwrap();
        self.world.run_for(Duration::from_millis(50));
        (a, self.world.hosts[B].accept(self.listener).unwrap().0)
    }

    fn rest(&mut self) {
        self.world.run_for(Duration::from_millis(50));
    }
}

/// RFC 9293 §3.5.1: a connection that was reset is no connection: its peer may open another between the same ends although the
/// application has not let go of the old one, which keeps its name and its error.
#[test]
fn a_dead_connection_does_not_keep_its_tuple() {
    let mut pair = Pair::new(Config::default());
    let (a, b) = pair.connected();
    pair.world.hosts[A].abort(pair.world.now, a);
    pair.world.hosts[A].close(pair.world.now, a);
    pair.rest();
    let state = |pair: &Pair, id| pair.world.hosts[B].connection(id).unwrap().state();
    assert_eq!(state(&pair, b), StateName::Closed);

    let (_, next) = pair.connected();
    assert_eq!(state(&pair, next), StateName::Established);
    assert!(pair.world.hosts[B].write(pair.world.now, b, b"lost").is_err());
    pair.world.hosts[B].close(pair.world.now, b);
    pair.rest();
    // What was the old one's is not taken from the new one with it.
    assert_eq!(pair.world.hosts[B].write(pair.world.now, next, b"heard"), Ok(5));
    pair.rest();
    assert_eq!(state(&pair, next), StateName::Established);
    let info = pair.world.hosts[B].connection(next).unwrap().info();
    assert_eq!(info.snd_una, info.snd_nxt);
}

/// RFC 6191 §2: a newer SYN takes the 4-tuple of a TIME-WAIT, whether its application has let go of it or not; what it has not read
/// stays readable.
#[test]
fn a_new_connection_takes_the_tuple_from_time_wait() {
    for (timestamps, held) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut pair = Pair::new(Config { timestamps, ..Config::default() });
        let (a, b) = pair.connected();
        pair.world.hosts[A].write(pair.world.now, a, b"last words").unwrap();
        pair.rest();
        let read = |pair: &mut Pair| pair.world.hosts[B].read(pair.world.now, b, &mut [0; 16]);
        if !held {
            assert_eq!(read(&mut pair), Ok(10));
        }
        pair.world.hosts[B].shutdown(pair.world.now, b);
        pair.rest();
        pair.world.hosts[A].close(pair.world.now, a);
        pair.rest();
        let old_nxt = pair.world.hosts[B].connection(b).unwrap().info().snd_nxt;
        if !held {
            pair.world.hosts[B].close(pair.world.now, b);
            pair.world.flush();
        }
        assert_eq!(pair.world.counts(B).time_wait, usize::from(!held));

        let (_, next) = pair.connected();
        let info = pair.world.hosts[B].connection(next).unwrap().info();
        assert_eq!(info.state, StateName::Established);
        assert!(info.snd_una.after(old_nxt), "RFC 9293 §3.6.1");
        assert_eq!(pair.world.counts(B).time_wait, 0);
        if held {
            assert_eq!(read(&mut pair), Ok(10));
            assert_eq!(read(&mut pair), Ok(0));
            let state = pair.world.hosts[B].connection(b).unwrap().state();
            assert_eq!(state, StateName::Closed);
            pair.world.hosts[B].close(pair.world.now, b);
            pair.rest();
        }
        // The new one has the name now.
        pair.world.hosts[B].write(pair.world.now, next, b"still here").unwrap();
        pair.rest();
        assert_eq!(pair.world.hosts[B].connection(next).unwrap().unacknowledged(), 0);
        assert_eq!(pair.world.counts(B).connections, 1);
    }
}

/// RFC 6191 §3: our own TIME-WAIT gives way to our own connection after a second, and only if timestamps were in use.
#[test]
fn a_new_connection_of_ours_takes_the_tuple() {
    for (timestamps, allowed) in [(true, true), (true, false), (false, true)] {
        let mut pair = Pair::new(Config { timestamps, ..Config::default() });
        pair.world.hosts[A].policy_mut().time_wait_reuse = allowed;
        let (a, b) = pair.connected();
        pair.world.hosts[A].close(pair.world.now, a);
        pair.rest();
        pair.world.hosts[B].close(pair.world.now, b);
        pair.rest();
        assert_eq!(pair.world.counts(A).time_wait, 1);
        assert!(matches!(pair.connect(), Err(HostError::AddrInUse(_))), "too early");
        pair.world.run_for(Duration::from_millis(1_000));
        assert_eq!(pair.connect().is_ok(), timestamps && allowed);
    }
}

/// RFC 6056 §3.3: TIME-WAIT tuples count as used, and after a full cycle there is no port; to another peer all are free.
#[test]
fn a_full_cycle_of_ports() {
    let mut world = World::with(tun, |config| {
        config.ephemeral_ports = 5_000..=5_003;
        config.policy.time_wait_reuse = false;
    });
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    let mut ids = std::vec::Vec::new();
    for _ in 0..4 {
        ids.push(world.hosts[A].connect(world.now, address, None).unwrap());
    }
    let full = world.hosts[A].connect(world.now, address, None);
    assert_eq!(full, Err(HostError::PortsExhausted(address)));
    world.run_for(Duration::from_millis(50));
    world.hosts[A].close(world.now, ids[0]);
    world.run_for(Duration::from_millis(50));
    while let Some((b, _)) = world.hosts[B].accept(listener) {
        world.hosts[B].close(world.now, b);
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.counts(A).time_wait, 1);
    let full = world.hosts[A].connect(world.now, address, None);
    assert_eq!(full, Err(HostError::PortsExhausted(address)));
    let other = SocketAddr::new(v4(B), 81);
    assert!(world.hosts[A].connect(world.now, other, None).is_ok());
    world.run_for(Duration::from_secs(61));
    assert!(world.hosts[A].connect(world.now, address, None).is_ok());
}
