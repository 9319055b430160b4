use super::world::{A, B, World, lan, offloading, tun, v4, v6};
use crate::{ConnectionId, Endpoints, Error, Host};
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_wire::Instant;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

/// What a transfer carries at each place.
fn octet(at: usize) -> u8 {
    (at * 31 + at / 256) as u8
}

/// One direction of a transfer.
pub(super) struct Flow {
    pub(super) from: (usize, ConnectionId),
    pub(super) to: (usize, ConnectionId),
    pub(super) total: usize,
    sent: usize,
    pub(super) received: usize,
    pub(super) ended: bool,
}

impl Flow {
    pub(super) fn new(
        from: (usize, ConnectionId),
        to: (usize, ConnectionId),
        total: usize,
    ) -> Self {
        Self { from, to, total, sent: 0, received: 0, ended: false }
    }

    /// Writes what fits, reads what is there, shuts down at the end.
    pub(super) fn pump(&mut self, world: &mut World) {
        let now = world.now;
        while self.sent < self.total {
            let chunk: Vec<u8> =
                (self.sent..self.total.min(self.sent + 10_000)).map(octet).collect();
            match world.hosts[self.from.0].write(now, self.from.1, &chunk) {
                Ok(count) => self.sent += count,
                Err(Error::WouldBlock) => break,
                Err(error) => panic!("write: {error}"),
            }
            if self.sent == self.total {
                world.hosts[self.from.0].shutdown(now, self.from.1);
            }
        }
        let mut buffer = vec![0; 20_000];
        loop {
            match world.hosts[self.to.0].read(now, self.to.1, &mut buffer) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => {
                    for &got in &buffer[..count] {
                        assert_eq!(got, octet(self.received));
                        self.received += 1;
                    }
                }
                Err(Error::WouldBlock) => break,
                Err(error) => panic!("read: {error}"),
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended && self.received == self.total
    }
}

#[test]
fn both_ways_over_every_medium() {
    for link in [tun, lan, offloading] {
        for ip in [v4, v6] {
            let mut world = World::new(link);
            let (a, b) = world.connected(ip);
            let mut out = Flow::new((A, a), (B, b), 2_000_000);
            let mut back = Flow::new((B, b), (A, a), 1_000_000);
            world.run_until(Duration::from_secs(60), |world| {
                out.pump(world);
                back.pump(world);
                out.is_done() && back.is_done()
            });
            world.hosts[A].close(world.now, a);
            world.hosts[B].close(world.now, b);
            world.run_for(Duration::from_secs(200));
            for host in [A, B] {
                let counts = world.counts(host);
                assert_eq!((counts.connections, counts.time_wait, counts.ports_in_use), (0, 0, 0));
            }
        }
    }
}

/// Segmentation offload: one packet stands for many where the link cuts it.
#[test]
fn super_segments_leave_where_the_link_cuts_them() {
    let mut world = World::new(offloading);
    let (a, b) = world.connected(v4);
    let mut flow = Flow::new((A, a), (B, b), 3_000_000);
    world.run_until(Duration::from_secs(60), |world| {
        flow.pump(world);
        flow.is_done()
    });
    let wire = world.hosts[A].counters().segments_sent;
    let sent = world.hosts[A].counters().sent;
    assert!(wire >= 2_000, "{wire}");
    assert!(sent * 4 < wire, "{sent} packets for {wire} segments");
}

#[test]
fn losses_are_made_good() {
    let mut world = World::new(tun);
    let mut state = 12_345u32;
    world.filter = Some(Box::new(move |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 24 >= 8
    }));
    let (a, b) = world.connected(v4);
    let mut flow = Flow::new((A, a), (B, b), 500_000);
    world.run_until(Duration::from_secs(600), |world| {
        flow.pump(world);
        flow.is_done()
    });
}

/// A host reaches itself without any link.
#[test]
fn loopback() {
    let mut world = World::new(tun);
    for ip in ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap(), v4(A), v6(A)] {
        let address = SocketAddr::new(ip, 80);
        let listener = world.listen(A, address);
        let client = world.hosts[A].connect(world.now, address, None).unwrap();
        world.flush();
        let (server, Endpoints { remote, .. }) = world.hosts[A].accept(listener).unwrap();
        assert_eq!(remote.ip(), ip);
        let mut flow = Flow::new((A, client), (A, server), 1_000_000);
        for _ in 0..100 {
            flow.pump(&mut world);
            world.flush();
        }
        assert!(flow.is_done());
        assert_eq!(world.passed, 0);
        world.hosts[A].close_listener(world.now, listener);
    }
}

/// Connections take turns: none sends twice its share while another waits.
#[test]
fn turns_are_fair() {
    let mut world = World::with(tun, |config| config.limits.turn_bytes = 3_000);
    let address = SocketAddr::new(v4(B), 80);
    world.listen(B, address);
    let clients: Vec<_> =
        (0..4).map(|_| world.hosts[A].connect(world.now, address, None).unwrap()).collect();
    world.run_for(Duration::from_millis(200));
    for &client in &clients {
        world.hosts[A].write(world.now, client, &[7; 14_000]).unwrap();
    }
    let order: Vec<u16> = drain(&mut world.hosts[A], world.now);
    let ports: Vec<u16> = order.iter().copied().filter(|port| *port != 0).collect();
    assert!(ports.len() >= 32, "{ports:?}");
    // In any window of twelve packets each of the four sent at least twice.
    for window in ports.windows(12).take(12) {
        for client in &clients {
            let port = world.hosts[A].endpoints(*client).unwrap().local.port();
            assert!(window.iter().filter(|sent| **sent == port).count() >= 2, "{ports:?}");
        }
    }
}

/// Small queues: on a path with a long round trip a connection hands over little at a time, however much it may send.
#[test]
fn a_slow_connections_queue_is_small() {
    let mut world = World::new(tun);
    let (a, _) = world.connected(v4);
    world.run_for(Duration::from_millis(500));
    world.hosts[A].write(world.now, a, &[7; 100_000]).unwrap();
    world.run_for(Duration::from_millis(500));
    let connection = world.hosts[A].connection(a).unwrap();
    let (info, queue) = (connection.info(), connection.small_queue_bytes());
    let per_millisecond =
        f64::from(info.congestion_window) / info.rtt.unwrap().as_secs_f64() / 1_000.0;
    assert!(queue as f64 <= (2.0 * per_millisecond).max(2.0 * f64::from(info.send_mss)), "{queue}");
    assert!(queue >= 2 * usize::from(info.send_mss));
}

fn drain(host: &mut Host, now: Instant) -> Vec<u16> {
    let mut batch = Vec::new();
    let mut ports = Vec::new();
    while host.poll_batch(now, &mut batch, 5) > 0 {
        assert!(batch.len() <= 5);
        for (_, packet) in batch.drain(..) {
            let bytes = packet.to_bytes();
            ports.push(u16::from_be_bytes([bytes[20], bytes[21]]));
        }
    }
    ports
}

/// RFC 9293 MUST-58, MUST-59: a batch is acknowledged as a whole.
#[test]
fn a_batch_of_segments_gets_few_acknowledgements() {
    let mut world = World::new(tun);
    let (a, _) = world.connected(v4);
    world.run_for(Duration::from_millis(100));
    world.hosts[A].write(world.now, a, &[7; 14_000]).unwrap();
    let before = world.hosts[B].counters().segments_sent;
    world.run_for(Duration::from_millis(8));
    let acks = world.hosts[B].counters().segments_sent - before;
    assert!((1..=2).contains(&acks), "{acks} for ten segments\n{}", world.story());
}

/// A link too narrow for the protocols is nothing to divide by.
#[test]
fn an_impossible_mtu_does_no_harm() {
    for ip in [v4, v6] {
        for mtu in [0, 40, 68] {
            let mut world = World::new(tun);
            let narrow = crate::InterfaceConfig::ip(mtu);
            let far: core::net::IpAddr = if ip(A).is_ipv4() {
                [172, 16, 0, 1].into()
            } else {
                [0xfd00, 0, 0, 0, 0, 0, 0, 1].into()
            };
            let near: core::net::IpAddr = if ip(A).is_ipv4() {
                [172, 16, 0, 2].into()
            } else {
                [0xfd00, 0, 0, 0, 0, 0, 0, 2].into()
            };
            let [a, b] = &mut world.hosts;
            let if_a = a.add_interface(narrow.clone().with_address(near, 24)).unwrap();
            let if_b = b.add_interface(narrow.with_address(far, 24)).unwrap();
            let listener = b.listen((far, 80).into(), 1).unwrap();
            let id = a.connect(world.now, (far, 80).into(), None).unwrap();
            let _ = a.write(world.now, id, &[7; 1_000]);
            for _ in 0..200 {
                while let Some((_, packet)) = a.poll_transmit(world.now) {
                    b.on_packet(world.now, if_b, packet);
                }
                while let Some((_, packet)) = b.poll_transmit(world.now) {
                    a.on_packet(world.now, if_a, packet);
                }
                world.now += Duration::from_millis(50);
                a.on_timer(world.now);
                b.on_timer(world.now);
            }
            let (server, _) = b.accept(listener).unwrap();
            assert_eq!(b.connection(server).unwrap().readable(), 1_000);
        }
    }
}
