//! The harness: hosts A and B on one link with a delay, each with a table of descriptors. Time jumps from deadline to deadline.

use crate::abi::*;
use crate::{Address, Errno, Fd, Outcome, Received, Sockets, SocketsConfig, Token, Value};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_host::{Host, HostConfig, InterfaceConfig, InterfaceId};
use sockeye_wire::{Instant, Meta, Packet};
use std::collections::{HashMap, VecDeque};

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;
/// Long enough for everything that does not wait for a timer.
pub(super) const SOON: Duration = Duration::from_millis(150);

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) at: [Sockets; 2],
    pub(super) delay: Duration,
    /// Whether packets of a host arrive.
    pub(super) passes: [bool; 2],
    pub(super) packets: [usize; 2],
    interface: [InterfaceId; 2],
    flying: VecDeque<(Instant, usize, Packet)>,
    done: [HashMap<Token, Result<Value, Errno>>; 2],
}

pub(super) fn v4(host: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, host as u8 + 1])
}

pub(super) fn v6(host: usize) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host as u16 + 1])
}

pub(super) fn address(host: usize, port: u16) -> Address {
    SocketAddr::new(v4(host), port).into()
}

pub(super) fn any(port: u16) -> Address {
    Address::Inet(([0, 0, 0, 0], port).into())
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| {}, SocketsConfig::default())
    }

    pub(super) fn with(tune: fn(&mut HostConfig), config: SocketsConfig) -> Self {
        let side = |number: usize| {
            let mut host_config = HostConfig::new([number as u8 + 1; 32]);
            tune(&mut host_config);
            let mut host = Host::new(host_config);
            let link = InterfaceConfig::ip(1_500);
            let link = link.with_address(v4(number), 24).with_address(v6(number), 64);
            let interface = host.add_interface(link).unwrap();
            (Sockets::with_config(host, config.clone()), interface)
        };
        let ((a, if_a), (b, if_b)) = (side(A), side(B));
        Self {
            now: Instant::from_millis(1_000),
            at: [a, b],
            delay: Duration::from_millis(5),
            passes: [true; 2],
            packets: [0; 2],
            interface: [if_a, if_b],
            flying: VecDeque::new(),
            done: [HashMap::new(), HashMap::new()],
        }
    }

    fn flush(&mut self) {
        for from in [A, B] {
            while let Some((_, packet)) = self.at[from].poll_transmit(self.now) {
                self.packets[from] += 1;
                if self.passes[from] {
                    self.flying.push_back((self.now + self.delay, 1 - from, packet));
                }
            }
            while let Some((token, result)) = self.at[from].poll_completion() {
                assert!(self.done[from].insert(token, result).is_none(), "completed twice");
            }
        }
    }

    fn next(&mut self) -> Option<Instant> {
        self.flush();
        let arrival = self.flying.front().map(|flying| flying.0);
        [self.at[A].deadline(), self.at[B].deadline(), arrival].into_iter().flatten().min()
    }

    fn step(&mut self, to: Instant) {
        self.now = self.now.max(to);
        while self.flying.front().is_some_and(|flying| flying.0 <= self.now) {
            if let Some((_, to, packet)) = self.flying.pop_front() {
                let packet = Packet::from_bytes(Meta::at(self.now), packet.to_bytes());
                self.at[to].on_packet(self.now, self.interface[to], packet);
            }
        }
        self.at[A].on_timer(self.now);
        self.at[B].on_timer(self.now);
        self.flush();
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.step(next);
        }
        self.now = end;
    }

    /// The result of a call, however long it takes within a virtual day.
    pub(super) fn wait(&mut self, host: usize, outcome: Outcome) -> Result<Value, Errno> {
        let token = match outcome {
            Outcome::Ready(result) => {
                self.flush();
                return result;
            }
            Outcome::Pending(token) => token,
        };
        let end = self.now + Duration::from_secs(86_400);
        loop {
            if let Some(result) = self.result(host, token) {
                return result;
            }
            let next = self.next().filter(|next| *next <= end).expect("the call never ends");
            self.step(next);
        }
    }

    /// The result of a call that waited, if it is over.
    pub(super) fn result(&mut self, host: usize, token: Token) -> Option<Result<Value, Errno>> {
        self.flush();
        self.done[host].remove(&token)
    }

    pub(super) fn tcp(&mut self, host: usize) -> Fd {
        self.at[host].socket(AF_INET, SOCK_STREAM, 0).unwrap()
    }

    pub(super) fn listener(&mut self, host: usize, port: u16) -> Fd {
        let fd = self.tcp(host);
        self.at[host].bind(self.now, fd, any(port)).unwrap();
        self.at[host].listen(self.now, fd, 8).unwrap();
        fd
    }

    pub(super) fn accept(&mut self, host: usize, listener: Fd) -> Fd {
        let outcome = self.at[host].accept(self.now, listener);
        let Ok(Value::Accepted(accepted)) = self.wait(host, outcome) else {
            panic!("no connection")
        };
        accepted.fd
    }

    /// A's and B's ends of a connection to B's port 80.
    pub(super) fn pair(&mut self) -> (Fd, Fd) {
        let listener = self.listener(B, 80);
        let a = self.tcp(A);
        let outcome = self.at[A].connect(self.now, a, address(B, 80));
        assert_eq!(self.wait(A, outcome), Ok(Value::Nothing));
        let b = self.accept(B, listener);
        self.run(SOON);
        (a, b)
    }

    pub(super) fn write(&mut self, host: usize, fd: Fd, data: &[u8]) -> Result<usize, Errno> {
        let outcome = self.at[host].write(self.now, fd, data.into());
        self.wait(host, outcome).map(|value| value.returned() as usize)
    }

    pub(super) fn read(&mut self, host: usize, fd: Fd, room: usize) -> Result<Vec<u8>, Errno> {
        self.recv(host, fd, room, 0).map(|received| received.data)
    }

    pub(super) fn read_pipe(&mut self, host: usize, fd: Fd, room: usize) -> Result<Vec<u8>, Errno> {
        let outcome = self.at[host].read(self.now, fd, room.into());
        match self.wait(host, outcome)? {
            Value::Received(received) => Ok(received.data),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn recv(
        &mut self,
        host: usize,
        fd: Fd,
        room: usize,
        flags: i32,
    ) -> Result<Received, Errno> {
        let outcome = self.at[host].recvmsg(self.now, fd, &[room.into()], flags);
        match self.wait(host, outcome) {
            Ok(Value::Received(received)) => Ok(received),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        }
    }

    pub(super) fn close(&mut self, host: usize, fd: Fd) {
        let outcome = self.at[host].close(self.now, fd);
        assert_eq!(self.wait(host, outcome), Ok(Value::Nothing));
    }

    pub(super) fn nonblocking(&mut self, host: usize, fd: Fd) {
        assert_eq!(self.at[host].fcntl(fd, F_SETFL, O_NONBLOCK), Ok(0));
    }

    pub(super) fn poll(&mut self, host: usize, fd: Fd) -> i16 {
        let all = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;
        let outcome = self.at[host].poll(self.now, &[crate::PollFd::new(fd, all)], 0);
        match self.wait(host, outcome) {
            Ok(Value::Polled(fds)) => fds[0].revents,
            other => panic!("{other:?}"),
        }
    }
}
