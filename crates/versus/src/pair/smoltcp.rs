//! Two smoltcp interfaces.

use super::ring::{Port, Ring};
use super::{Batch, CALL_BYTES, Pair, RING_PACKETS, Setup, Transferred};
use crate::cpu;
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

const CLIENT: usize = 0;
const SERVER: usize = 1;
const PORT: u16 = 80;
/// Where idle connections end, so that the one that works is found by its port.
const IDLE_PORT: u16 = 81;

/// A client and a server.
pub struct Smoltcp {
    ends: [End; 2],
    /// By the end that reads it.
    rings: [Ring; 2],
    setup: Setup,
    next_port: u16,
}

struct End {
    interface: Interface,
    sockets: SocketSet<'static>,
    /// The socket that works.
    active: SocketHandle,
}

impl Smoltcp {
    /// Two ends that know nothing of each other yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mtu = usize::from(setup.mtu);
        let mut rings = [Ring::new(mtu), Ring::new(mtu)];
        let ends = [CLIENT, SERVER].map(|end| {
            let [incoming, outgoing] = &mut rings;
            let mut port = Port { incoming, outgoing, mtu };
            let mut interface =
                Interface::new(Config::new(HardwareAddress::Ip), &mut port, instant());
            interface.update_ip_addrs(|addresses| {
                let added = addresses.push(IpCidr::new(address(end), 8));
                debug_assert!(added.is_ok());
            });
            let mut sockets = SocketSet::new(Vec::new());
            let active = sockets.add(socket(setup.buffer_bytes));
            End { interface, sockets, active }
        });
        Self { ends, rings, setup, next_port: 1_024 }
    }

    /// What one connection's end takes with idle buffers, made and kept.
    pub fn idle_sockets(count: usize, buffer_bytes: usize) -> impl Sized {
        let mut sockets = SocketSet::new(Vec::new());
        for _ in 0..count {
            sockets.add(socket(buffer_bytes));
        }
        sockets
    }

    fn port(&mut self, end: usize) -> (&mut End, Port<'_>) {
        let mtu = usize::from(self.setup.mtu);
        let [to_client, to_server] = &mut self.rings;
        let (incoming, outgoing) =
            if end == CLIENT { (to_client, to_server) } else { (to_server, to_client) };
        (&mut self.ends[end], Port { incoming, outgoing, mtu })
    }

    fn poll(&mut self, end: usize, now: Instant) {
        let (end, mut port) = self.port(end);
        end.interface.poll(now, &mut port, &mut end.sockets);
    }

    fn ingress(&mut self, end: usize, now: Instant, packets: usize) {
        let (end, mut port) = self.port(end);
        for _ in 0..packets {
            let result = end.interface.poll_ingress_single(now, &mut port, &mut end.sockets);
            if result == PollIngressSingleResult::None {
                break;
            }
        }
    }

    fn egress(&mut self, end: usize, now: Instant) {
        let (end, mut port) = self.port(end);
        while end.interface.poll_egress(now, &mut port, &mut end.sockets) != PollResult::None {}
    }

    fn active(&mut self, end: usize) -> &mut Socket<'static> {
        let End { sockets, active, .. } = &mut self.ends[end];
        sockets.get_mut(*active)
    }

    fn state(&self, end: usize) -> State {
        self.ends[end].sockets.get::<Socket<'_>>(self.ends[end].active).state()
    }

    fn next_port(&mut self) -> u16 {
        self.next_port = if self.next_port >= 60_000 { 1_024 } else { self.next_port + 1 };
        self.next_port
    }

    fn begin(&mut self, end: usize, handle: SocketHandle, from: u16, to: u16) {
        let End { interface, sockets, .. } = &mut self.ends[end];
        let socket = sockets.get_mut::<Socket<'_>>(handle);
        let begun = socket.connect(interface.context(), (address(SERVER), to), from);
        assert!(begun.is_ok(), "{begun:?}");
    }

    fn open(&mut self) {
        let listening = self.active(SERVER).listen(PORT);
        assert!(listening.is_ok(), "{listening:?}");
        let from = self.next_port();
        let handle = self.ends[CLIENT].active;
        self.begin(CLIENT, handle, from, PORT);
        let now = instant();
        while self.state(SERVER) != State::Established {
            self.poll(CLIENT, now);
            self.poll(SERVER, now);
        }
    }

    fn shut(&mut self) {
        let now = instant();
        self.active(CLIENT).close();
        self.poll(CLIENT, now);
        self.poll(SERVER, now);
        self.active(SERVER).close();
        // The client in TIME-WAIT counts as closed: `connect` takes its socket over.
        while self.state(SERVER) != State::Closed {
            self.poll(SERVER, now);
            self.poll(CLIENT, now);
        }
    }
}

impl Pair for Smoltcp {
    /// All at once over larger rings, because each look at the sockets costs as much as there are.
    fn open_idle(&mut self, count: usize) {
        let mtu = usize::from(self.setup.mtu);
        let rings = [0, 1].map(|_| Ring::with_capacity(mtu, count + RING_PACKETS));
        let small = std::mem::replace(&mut self.rings, rings);
        let mut handles = Vec::new();
        for _ in 0..count {
            let [client, server] = [CLIENT, SERVER]
                .map(|end| self.ends[end].sockets.add(socket(self.setup.idle_buffer_bytes)));
            let listening =
                self.ends[SERVER].sockets.get_mut::<Socket<'_>>(server).listen(IDLE_PORT);
            assert!(listening.is_ok(), "{listening:?}");
            let from = self.next_port();
            self.begin(CLIENT, client, from, IDLE_PORT);
            handles.push(server);
        }
        let now = instant();
        for _ in 0..3 {
            self.poll(CLIENT, now);
            self.poll(SERVER, now);
        }
        let sockets = &self.ends[SERVER].sockets;
        let open = |handle: &SocketHandle| {
            sockets.get::<Socket<'_>>(*handle).state() == State::Established
        };
        assert!(handles.iter().all(open), "all are established");
        self.rings = small;
    }

    fn transfer(&mut self, bytes: u64, batch: Batch) -> Transferred {
        let source = vec![0x5a; CALL_BYTES];
        let mut sink = vec![0; CALL_BYTES];
        self.open();
        let before = [CLIENT, SERVER].map(|end| self.rings[end].packets);
        let (mut left, mut read) = (bytes, 0);
        while read < bytes {
            let now = instant();
            while left > 0 {
                let most = source.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let sent = self.active(CLIENT).send_slice(&source[..most]).unwrap_or(0);
                left -= sent as u64;
                if sent == 0 {
                    break;
                }
            }
            self.poll(CLIENT, now);
            loop {
                let packets = if batch == Batch::Whole { RING_PACKETS } else { 2 };
                self.ingress(SERVER, now, packets);
                while let Ok(count @ 1..) = self.active(SERVER).recv_slice(&mut sink) {
                    read += count as u64;
                }
                self.egress(SERVER, now);
                if self.rings[SERVER].is_empty() {
                    break;
                }
            }
        }
        let after = [CLIENT, SERVER].map(|end| self.rings[end].packets);
        self.poll(CLIENT, instant());
        self.shut();
        Transferred {
            bytes: read,
            data_packets: after[SERVER] - before[SERVER],
            answers: after[CLIENT] - before[CLIENT],
        }
    }

    fn churn(&mut self, count: u64) {
        for _ in 0..count {
            self.open();
            self.shut();
        }
    }
}

fn socket(buffer_bytes: usize) -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; buffer_bytes]);
    Socket::new(buffer(), buffer())
}

fn address(end: usize) -> IpAddress {
    IpAddress::v4(10, 0, 0, end as u8 + 1)
}

fn instant() -> Instant {
    Instant::from_micros(i64::try_from(cpu::clock().as_micros()).unwrap_or(i64::MAX))
}
