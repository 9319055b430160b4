//! Two Sockeye hosts.

use super::{Batch, CALL_BYTES, Pair, RING_PACKETS, Setup, Transferred};
use crate::cpu;
use sockeye_host::{
    ConnectionId, Counts, Host, HostConfig, InterfaceConfig, InterfaceId, ListenerId,
};
use sockeye_tcp::Config;
use sockeye_wire::{ChecksumState, Instant, Packet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const CLIENT: usize = 0;
const SERVER: usize = 1;
/// Client addresses, client ports and server ports that connections rotate over: 7.7 million pairs of ends.
const CLIENT_ADDRESSES: u32 = 16;
const CLIENT_PORTS: std::ops::Range<u32> = 1_024..61_024;
const SERVER_PORTS: u32 = 8;

/// Packets on their way in one direction.
#[derive(Default)]
struct Ring {
    packets: Vec<(InterfaceId, Packet)>,
    /// Of those, how many were received.
    received: usize,
}

impl Ring {
    fn waiting(&self) -> usize {
        self.packets.len() - self.received
    }

    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }
}

/// A client and a server.
pub struct Sockeye {
    hosts: [Host; 2],
    interfaces: [InterfaceId; 2],
    /// By the host that reads it.
    rings: [Ring; 2],
    listeners: Vec<ListenerId>,
    rotation: u32,
    /// Connections that were opened to stay, both ends.
    idle: Vec<[ConnectionId; 2]>,
    time_wait: Duration,
}

impl Sockeye {
    /// Two ends that know nothing of each other yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self::with_time_wait(setup, Duration::ZERO)
    }

    /// [`new`](Self::new) with a TIME-WAIT that lasts.
    #[must_use]
    pub fn with_time_wait(setup: Setup, time_wait: Duration) -> Self {
        let hosts = [CLIENT, SERVER].map(|end| host(end, setup, time_wait));
        let [(client, client_interface), (mut server, server_interface)] = hosts;
        let listeners = (0..SERVER_PORTS).filter_map(|port| {
            server.listen(SocketAddr::new(address(SERVER, 0), 80 + port as u16), 1 << 24).ok()
        });
        let listeners: Vec<_> = listeners.collect();
        Self {
            hosts: [client, server],
            interfaces: [client_interface, server_interface],
            rings: Default::default(),
            listeners,
            rotation: 0,
            idle: Vec::new(),
            time_wait,
        }
    }

    /// What the hosts hold: client and server.
    #[must_use]
    pub fn counts(&self) -> [Counts; 2] {
        [CLIENT, SERVER].map(|end| self.hosts[end].counts())
    }

    /// What the list of idle connections takes by itself.
    #[must_use]
    pub fn idle_list_bytes(&self) -> usize {
        self.idle.capacity() * size_of::<[ConnectionId; 2]>()
    }

    /// The server, on its own.
    #[must_use]
    pub fn into_server(self) -> (Host, InterfaceId) {
        let [_, server] = self.hosts;
        (server, self.interfaces[SERVER])
    }

    /// Writes `data` on an idle connection and reads it at the other end; says whether it arrived whole.
    pub fn carry(&mut self, index: usize, data: &[u8]) -> bool {
        let now = instant();
        let [client, server] = self.idle[index];
        let written = self.hosts[CLIENT].write(now, client, data);
        self.exchange(now);
        let mut read = vec![0; data.len()];
        let arrived = self.hosts[SERVER].read(now, server, &mut read);
        self.exchange(now);
        written == Ok(data.len()) && arrived == Ok(data.len()) && read == data
    }

    /// The next pair of addresses, no two alike before all were used.
    fn next_ends(&mut self) -> (SocketAddr, SocketAddr, usize) {
        let at = self.rotation;
        self.rotation = self.rotation.wrapping_add(1);
        let (at, client) = (at / CLIENT_ADDRESSES, at % CLIENT_ADDRESSES);
        let ports = CLIENT_PORTS.end - CLIENT_PORTS.start;
        let (at, port) = (at / ports, at % ports);
        let server = at % SERVER_PORTS;
        (
            SocketAddr::new(address(CLIENT, client), (CLIENT_PORTS.start + port) as u16),
            SocketAddr::new(address(SERVER, 0), 80 + server as u16),
            server as usize,
        )
    }

    /// Packets that the ring has room for leave `from`; says how many had data.
    #[inline]
    fn send(&mut self, now: Instant, from: usize) -> u64 {
        let ring = &mut self.rings[1 - from];
        let room = RING_PACKETS - ring.waiting();
        let count = self.hosts[from].poll_batch(now, &mut ring.packets, room);
        let before = ring.packets.len() - count;
        for (_, packet) in &mut ring.packets[before..] {
            // As from a device that knows nothing of checksums: whoever receives it verifies it.
            packet.meta.checksum = ChecksumState::Unverified;
        }
        count as u64
    }

    #[inline]
    fn receive(&mut self, now: Instant, to: usize, most: usize) -> bool {
        let ring = &mut self.rings[to];
        let count = ring.waiting().min(most);
        let batch = &mut ring.packets[ring.received..ring.received + count];
        let packets = batch.iter_mut().map(|(_, packet)| packet);
        self.hosts[to].on_batch(now, self.interfaces[to], packets);
        ring.received += count;
        if ring.is_empty() {
            ring.packets.clear();
            ring.received = 0;
        }
        count > 0
    }

    /// Until nobody has anything more to say.
    fn exchange(&mut self, now: Instant) {
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for from in [CLIENT, SERVER] {
                self.send(now, from);
                quiet &= !self.receive(now, 1 - from, RING_PACKETS);
            }
        }
        self.drain_events();
    }

    fn drain_events(&mut self) {
        for host in &mut self.hosts {
            while host.poll_event().is_some() {}
        }
    }

    fn connect(&mut self, now: Instant) -> (ConnectionId, usize) {
        let (local, remote, listener) = self.next_ends();
        match self.hosts[CLIENT].connect(now, remote, Some(local)) {
            Ok(client) => (client, listener),
            Err(error) => panic!("{error}"),
        }
    }

    fn accept(&mut self, listener: usize) -> ConnectionId {
        match self.hosts[SERVER].accept(self.listeners[listener]) {
            Some((server, _)) => server,
            None => panic!("no connection arrived"),
        }
    }

    fn open(&mut self) -> [ConnectionId; 2] {
        let now = instant();
        let (client, listener) = self.connect(now);
        self.exchange(now);
        [client, self.accept(listener)]
    }

    fn shut(&mut self, [client, server]: [ConnectionId; 2]) {
        let now = instant();
        self.hosts[CLIENT].close(now, client);
        self.exchange(now);
        self.hosts[SERVER].close(now, server);
        self.exchange(now);
        if self.time_wait.is_zero() {
            for host in &mut self.hosts {
                if host.deadline().is_some_and(|deadline| deadline <= now) {
                    host.on_timer(now);
                }
            }
        }
    }
}

impl Pair for Sockeye {
    fn open_idle(&mut self, count: usize) {
        let mut left = count;
        while left > 0 {
            let now = instant();
            let together = left.min(RING_PACKETS);
            let clients: Vec<_> = (0..together).map(|_| self.connect(now)).collect();
            self.exchange(now);
            // Whose turn to send was begun goes first, so that they do not arrive in order.
            let mut servers: Vec<_> =
                clients.iter().map(|(_, listener)| self.accept(*listener)).collect();
            let ends = |end: usize, id| self.hosts[end].endpoints(id);
            servers.sort_unstable_by_key(|server| ends(SERVER, *server).map(|ends| ends.remote));
            let mut clients: Vec<_> = clients.into_iter().map(|(client, _)| client).collect();
            clients.sort_unstable_by_key(|client| ends(CLIENT, *client).map(|ends| ends.local));
            self.idle
                .extend(clients.into_iter().zip(servers).map(|(client, server)| [client, server]));
            left -= together;
        }
        self.drain_events();
    }

    fn transfer(&mut self, bytes: u64, batch: Batch) -> Transferred {
        let source = vec![0x5a; CALL_BYTES];
        let mut sink = vec![0; CALL_BYTES];
        let ends @ [client, server] = self.open();
        let (mut left, mut read) = (bytes, 0);
        let (mut data_packets, mut answers) = (0, 0);
        while read < bytes {
            let now = instant();
            while left > 0 {
                let most = source.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let sent = self.hosts[CLIENT].write(now, client, &source[..most]).unwrap_or(0);
                left -= sent as u64;
                if sent == 0 {
                    break;
                }
            }
            data_packets += self.send(now, CLIENT);
            loop {
                let packets = if batch == Batch::Whole { RING_PACKETS } else { 2 };
                self.receive(now, SERVER, packets);
                while let Ok(count @ 1..) = self.hosts[SERVER].read(now, server, &mut sink) {
                    read += count as u64;
                }
                answers += self.send(now, SERVER);
                if self.rings[SERVER].is_empty() {
                    break;
                }
            }
            self.receive(now, CLIENT, RING_PACKETS);
            self.drain_events();
            for host in &mut self.hosts {
                if host.deadline().is_some_and(|deadline| deadline <= now) {
                    host.on_timer(now);
                }
            }
        }
        self.shut(ends);
        Transferred { bytes: read, data_packets, answers }
    }

    fn churn(&mut self, count: u64) {
        for _ in 0..count {
            let ends = self.open();
            self.shut(ends);
        }
    }
}

fn host(end: usize, setup: Setup, time_wait: Duration) -> (Host, InterfaceId) {
    let mut config = HostConfig::new([end as u8 + 1; 32]);
    config.tcp = Arc::new(Config {
        send_buffer_bytes: setup.buffer_bytes as u32,
        receive_buffer_bytes: setup.buffer_bytes as u32,
        time_wait,
        ..Config::default()
    });
    config.limits.half_open = 1 << 24;
    config.limits.time_wait = 1 << 24;
    let mut host = Host::new(config);
    let mut interface = InterfaceConfig::ip(setup.mtu);
    let addresses = if end == CLIENT { CLIENT_ADDRESSES } else { 1 };
    for number in 0..addresses {
        interface = interface.with_address(address(end, number), 8);
    }
    match host.add_interface(interface) {
        Ok(id) => (host, id),
        Err(error) => panic!("{error}"),
    }
}

fn address(end: usize, number: u32) -> IpAddr {
    Ipv4Addr::new(10, end as u8, 0, number as u8 + 1).into()
}

fn instant() -> Instant {
    Instant::from_nanos(u64::try_from(cpu::clock().as_nanos()).unwrap_or(u64::MAX))
}
