//! The harness: hosts A and B on one link with a delay. Time jumps from one deadline to the next.

use crate::{
    ConnectionId, Counts, Event, Events, Host, HostConfig, InterfaceConfig, InterfaceId,
    ListenerId, Medium,
};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{ChecksumState, Instant, MacAddr, Meta, Packet};
use std::boxed::Box;
use std::collections::VecDeque;
use std::format;
use std::string::String;
use std::vec::Vec;

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;
/// Packets that are shown when a test fails.
const RING: usize = 32;

type Filter = Box<dyn FnMut(usize, &Packet) -> bool>;

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) hosts: [Host; 2],
    pub(super) interface: [InterfaceId; 2],
    pub(super) delay: Duration,
    pub(super) events: [Vec<Event>; 2],
    /// Says of a packet sent by a host whether it passes.
    pub(super) filter: Option<Filter>,
    /// Packets handed to the link so far.
    pub(super) passed: usize,
    flying: VecDeque<(Instant, usize, Packet)>,
    ring: VecDeque<String>,
}

pub(super) fn config(seed: u8) -> HostConfig {
    HostConfig::new([seed; 32])
}

pub(super) fn v4(host: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, host as u8 + 1])
}

pub(super) fn v6(host: usize) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host as u16 + 1])
}

pub(super) fn mac(host: usize) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, host as u8 + 1])
}

/// What makes worlds differ.
pub(super) fn tun(_: usize) -> InterfaceConfig {
    InterfaceConfig::ip(1_500)
}

pub(super) fn lan(host: usize) -> InterfaceConfig {
    InterfaceConfig::ethernet(mac(host), 1_500)
}

pub(super) fn offloading(_: usize) -> InterfaceConfig {
    InterfaceConfig { gso_max_bytes: 65_535, checksum_offload: true, ..InterfaceConfig::ip(1_500) }
}

impl World {
    pub(super) fn new(link: fn(usize) -> InterfaceConfig) -> Self {
        Self::with(link, |_| {})
    }

    pub(super) fn with(link: fn(usize) -> InterfaceConfig, tune: fn(&mut HostConfig)) -> Self {
        let host = |number: usize| {
            let mut config = config(number as u8 + 1);
            tune(&mut config);
            let mut host = Host::new(config);
            let link = link(number).with_address(v4(number), 24).with_address(v6(number), 64);
            let interface = host.add_interface(link).unwrap();
            (host, interface)
        };
        let ((a, if_a), (b, if_b)) = (host(A), host(B));
        Self {
            now: Instant::from_millis(1_000),
            hosts: [a, b],
            interface: [if_a, if_b],
            delay: Duration::from_millis(5),
            events: [Vec::new(), Vec::new()],
            filter: None,
            passed: 0,
            flying: VecDeque::new(),
            ring: VecDeque::new(),
        }
    }

    /// Everything that happens without time passing: packets leave both hosts, events are collected.
    pub(super) fn flush(&mut self) {
        for from in [A, B] {
            while let Some((interface, packet)) = self.hosts[from].poll_transmit(self.now) {
                assert_eq!(interface, self.interface[from]);
                self.check(from, &packet);
                let passes = self.filter.as_mut().is_none_or(|filter| filter(from, &packet));
                self.remember(from, &packet, passes);
                if passes {
                    self.passed += 1;
                    self.flying.push_back((self.now + self.delay, 1 - from, packet));
                }
            }
            while let Some(event) = self.hosts[from].poll_event() {
                self.events[from].push(event);
            }
        }
    }

    /// One jump in time: what arrives next, or the next timer. False if nothing will ever happen.
    pub(super) fn step(&mut self) -> bool {
        self.flush();
        let arrival = self.flying.front().map(|flying| flying.0);
        let deadlines = [self.hosts[A].deadline(), self.hosts[B].deadline()];
        let Some(next) = deadlines.into_iter().chain([arrival]).flatten().min() else {
            return false;
        };
        assert!(next >= self.now || deadlines.contains(&Some(next)), "time went back");
        self.now = self.now.max(next);
        let mut batches: [Vec<Packet>; 2] = [Vec::new(), Vec::new()];
        while self.flying.front().is_some_and(|flying| flying.0 <= self.now) {
            if let Some((at, to, packet)) = self.flying.pop_front() {
                batches[to].push(received(at, &packet));
            }
        }
        for (to, batch) in batches.into_iter().enumerate() {
            self.hosts[to].on_batch(self.now, self.interface[to], batch);
            self.hosts[to].on_timer(self.now);
        }
        self.flush();
        true
    }

    /// Steps until `done`, or panics after `limit` of virtual time.
    pub(super) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now + limit;
        self.flush();
        while !done(self) {
            let stepped = self.step();
            assert!(stepped && self.now <= end, "{:?} has passed\n{}", self.now, self.story());
        }
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.flush();
        loop {
            let arrival = self.flying.front().map(|flying| flying.0);
            let next = [self.hosts[A].deadline(), self.hosts[B].deadline(), arrival];
            if next.into_iter().flatten().min().is_none_or(|next| next > end) {
                self.now = end;
                return;
            }
            self.step();
        }
    }

    pub(super) fn listen(&mut self, host: usize, local: SocketAddr) -> ListenerId {
        self.hosts[host].listen(local, 16).unwrap()
    }

    /// A connects to B's port 80; both ends.
    pub(super) fn connected(&mut self, ip: fn(usize) -> IpAddr) -> (ConnectionId, ConnectionId) {
        let address = SocketAddr::new(ip(B), 80);
        let listener = self.listen(B, address);
        let a = self.hosts[A].connect(self.now, address, None).unwrap();
        let mut b = None;
        self.run_until(Duration::from_secs(10), |world| {
            b = b.or_else(|| world.hosts[B].accept(listener));
            b.is_some()
        });
        self.hosts[B].close_listener(self.now, listener);
        (a, b.unwrap().0)
    }

    pub(super) fn counts(&self, host: usize) -> Counts {
        self.hosts[host].counts()
    }

    /// All that a host told about a connection so far.
    pub(super) fn told(&self, host: usize, id: ConnectionId) -> Events {
        let all = self.events[host].iter().filter_map(|event| match event {
            Event::Connection { id: known, events } if *known == id => Some(*events),
            _ => None,
        });
        all.fold(Events::NONE, |all, events| all | events)
    }

    /// Hands host `to` bytes as if the link had brought them.
    pub(super) fn inject(&mut self, to: usize, bytes: Vec<u8>) {
        let packet = Packet::from_bytes(Meta::at(self.now), bytes.into());
        self.hosts[to].on_packet(self.now, self.interface[to], packet);
    }

    /// Every packet that leaves must be well-formed and have right checksums.
    fn check(&self, from: usize, packet: &Packet) {
        let bytes = packet.to_bytes();
        let at = self.ip_at(from);
        if at == 14 && bytes[12..14] == [0x08, 0x06] {
            assert_eq!(bytes.len(), 42);
            return;
        }
        let ip = IpView::parse(&bytes[at..], bytes.len() - at).unwrap();
        assert_eq!(bytes.len(), at + ip.total_len);
        if packet.meta.checksum == ChecksumState::Valid && ip.protocol != 1 {
            let whole = ip.pseudo_header().with(&bytes[at + ip.header_len..]);
            assert!(whole.is_valid(), "{ip:?}");
        }
        if ip.protocol == 6 && packet.meta.gso_size == 0 {
            assert!(ip.total_len <= 1_500);
        }
    }

    fn ip_at(&self, from: usize) -> usize {
        if self.hosts[from].network.interface(self.interface[from]).unwrap().medium == Medium::Ip {
            0
        } else {
            14
        }
    }

    fn remember(&mut self, from: usize, packet: &Packet, passes: bool) {
        let at = self.ip_at(from);
        let bytes = packet.to_bytes();
        let what = match IpView::parse(&bytes[at..], bytes.len() - at) {
            Ok(ip) if ip.protocol == 6 => {
                let tcp = TcpView::parse(&bytes[at + ip.header_len..]).unwrap();
                let len = ip.payload_len() - tcp.header_len();
                format!(
                    "{} seq={} ack={} len={len} win={}",
                    tcp.flags(),
                    tcp.seq(),
                    tcp.ack(),
                    tcp.window()
                )
            }
            Ok(ip) => format!("protocol {} len={}", ip.protocol, ip.payload_len()),
            Err(_) => format!("frame {:02x?}", &bytes[..at.max(1)]),
        };
        if self.ring.len() == RING {
            self.ring.pop_front();
        }
        let lost = if passes { "" } else { " LOST" };
        self.ring.push_back(format!(
            "{:?} {} {what}{lost}",
            self.now,
            if from == A { "A→B" } else { "B→A" }
        ));
    }

    /// The last packets, for a failing test.
    pub(super) fn story(&self) -> String {
        self.ring.iter().fold(String::new(), |story, line| story + line + "\n")
    }
}

/// A packet as the far end's link delivers it: in one piece, unverified unless the link offloads.
fn received(at: Instant, packet: &Packet) -> Packet {
    let checksum = match packet.meta.checksum {
        ChecksumState::Partial => ChecksumState::Partial,
        _ => ChecksumState::Unverified,
    };
    let link_broadcast = false;
    Packet::from_bytes(
        Meta { arrival: at, checksum, link_broadcast, ..packet.meta },
        packet.to_bytes(),
    )
}
