//! The calls, and what happens to those that wait.

mod accept;
mod auth;
mod close;
mod connect;
mod descriptor;
mod epoll;
mod fast_open;
mod get_option;
mod open;
mod pipe;
mod poll;
mod receive;
mod send;
mod set_option;
mod status;

use self::status::Status;
use crate::bindings::Bindings;
use crate::config::SocketsConfig;
use crate::errno::Errno;
use crate::files::{FileId, Files};
use crate::operation::{Operation, Operations, Patience, Work};
use crate::outcome::{Outcome, Token, Value};
use crate::pipe::Pipe;
use core::fmt;
use core::time::Duration;
use slab::Slab;
use sockeye_host::{ConnectionId, Event, Host, InterfaceId, ListenerId};
use sockeye_wire::{Instant, Packet};
use std::collections::{HashMap, VecDeque};

/// A process's descriptors and the host behind them.
///
/// After any call, [`poll_transmit`](Self::poll_transmit) may have packets, [`poll_completion`](Self::poll_completion) may
/// have results of calls that waited, and [`deadline`](Self::deadline) may have moved. `now` must never go back.
pub struct Sockets {
    host: Host,
    config: SocketsConfig,
    files: Files,
    pipes: Slab<Pipe>,
    connections: HashMap<ConnectionId, FileId>,
    listeners: HashMap<ListenerId, FileId>,
    bindings: Bindings,
    operations: Operations,
    /// Files to which something happened: the calls that wait there are tried again.
    stirred: VecDeque<FileId>,
    outbox: VecDeque<(InterfaceId, Packet)>,
}

impl Sockets {
    /// No descriptors yet; the first one will be 3.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self::with_config(host, SocketsConfig::default())
    }

    /// [`new`](Self::new) with settings.
    #[must_use]
    pub fn with_config(host: Host, config: SocketsConfig) -> Self {
        Self {
            host,
            config,
            files: Files::default(),
            pipes: Slab::new(),
            connections: HashMap::new(),
            listeners: HashMap::new(),
            bindings: Bindings::default(),
            operations: Operations::default(),
            stirred: VecDeque::new(),
            outbox: VecDeque::new(),
        }
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The host, for its set-up: interfaces, addresses, routes, observer. Its packets, events and connections are this
    /// structure's own business.
    pub const fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    /// Settings.
    #[must_use]
    pub const fn config(&self) -> &SocketsConfig {
        &self.config
    }

    /// Settings, for sockets to come.
    pub const fn config_mut(&mut self) -> &mut SocketsConfig {
        &mut self.config
    }

    /// A packet arrived on an interface.
    pub fn on_packet(&mut self, now: Instant, interface: InterfaceId, packet: Packet) {
        self.host.on_packet(now, interface, packet);
        self.settle(now);
    }

    /// Packets that arrived together: all are taken in before any is answered (RFC 9293 MUST-59).
    pub fn on_packets(
        &mut self,
        now: Instant,
        packets: impl IntoIterator<Item = (InterfaceId, Packet)>,
    ) {
        for (interface, packet) in packets {
            self.host.on_packet(now, interface, packet);
        }
        self.settle(now);
    }

    /// The next packet to send, and where.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<(InterfaceId, Packet)> {
        self.settle(now);
        self.outbox.pop_front()
    }

    /// When [`on_timer`](Self::on_timer) is to be called next, exactly; `None` if nothing waits. Ask after
    /// [`poll_transmit`](Self::poll_transmit) gave `None`.
    pub fn deadline(&mut self) -> Option<Instant> {
        let deadlines = [self.host.deadline(), self.operations.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due; harmless if nothing is.
    pub fn on_timer(&mut self, now: Instant) {
        self.host.on_timer(now);
        self.settle(now);
        while let Some(token) = self.operations.next_due(now) {
            if let Some(mut operation) = self.operations.take(token) {
                let tried = self.attempt(now, operation.file, &mut operation.work);
                let result = tried.unwrap_or_else(|| operation.work.give_up());
                self.finish(now, token, operation, result);
            }
            self.settle(now);
        }
    }

    /// The result of a call that waited.
    pub fn poll_completion(&mut self) -> Option<(Token, Result<Value, Errno>)> {
        self.operations.next_completed()
    }

    /// Whether a call still waits.
    #[must_use]
    pub fn is_pending(&self, token: Token) -> bool {
        self.operations.is_waiting(token)
    }

    /// Ends a call that waits as a signal would: with `EINTR`, or with what it has done so far. False if it does not wait.
    pub fn interrupt(&mut self, now: Instant, token: Token) -> bool {
        let Some(mut operation) = self.operations.take(token) else { return false };
        let result = match operation.work.give_up() {
            Err(_) => Err(Errno::EINTR),
            Ok(Value::Polled(_) | Value::Epoll(_)) => Err(Errno::EINTR),
            partial => partial,
        };
        self.finish(now, token, operation, result);
        self.settle(now);
        true
    }

    /// Tries a call; if it cannot end now it waits, unless it may not.
    fn run(
        &mut self,
        now: Instant,
        file: FileId,
        mut work: Work<'_>,
        patience: Patience,
    ) -> Outcome {
        let tried = self.attempt(now, file, &mut work);
        let outcome = match (tried, patience) {
            (Some(result), _) => Outcome::Ready(result),
            (None, Patience::None) => Outcome::Ready(work.give_up()),
            (None, patience) => {
                let deadline = match patience {
                    Patience::Until(deadline) => Some(deadline),
                    Patience::None | Patience::Forever => None,
                };
                if let Work::Send(send) = &work {
                    self.note_waiting_data(now, file, send);
                }
                let places = places(file, &work);
                let operation = Operation { file, work: work.into_owned(), deadline };
                let token = self.operations.add(operation);
                for place in places {
                    self.files.refer(place);
                    if let Some(file) = self.files.get_mut(place) {
                        file.waiters.push(token);
                    }
                }
                Outcome::Pending(token)
            }
        };
        self.settle(now);
        self.already_over(outcome)
    }

    /// What the loopback answers at once did not wait.
    fn already_over(&mut self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Pending(token) => match self.operations.take_completed(token) {
                Some(result) => Outcome::Ready(result),
                None => Outcome::Pending(token),
            },
            ready => ready,
        }
    }

    /// A try: `None` if the call must wait.
    fn attempt(
        &mut self,
        now: Instant,
        file: FileId,
        work: &mut Work<'_>,
    ) -> Option<Result<Value, Errno>> {
        match work {
            Work::Connect => self.try_connect(now, file),
            Work::Accept { nonblocking, close_on_exec } => {
                self.try_accept(now, file, *nonblocking, *close_on_exec)
            }
            Work::Send(send) => self.try_send(now, file, send),
            Work::Receive(receive) => self.try_receive(now, file, receive),
            Work::Linger => self.try_linger(file),
            Work::Poll(fds, files) => self.try_poll(fds, files),
            Work::Epoll { max } => self.try_epoll(file, *max),
            Work::Splice { from, to, len } => self.try_splice(now, *from, *to, *len),
            Work::PipeRead(rooms) => self.try_pipe_read(file, rooms),
            Work::PipeWrite { data, at } => self.try_pipe_write(file, data, at),
        }
    }

    /// Everything that follows at once from what happened: packets leave, news are spread, calls that wait go on.
    fn settle(&mut self, now: Instant) {
        loop {
            self.flush(now);
            if let Some(event) = self.host.poll_event() {
                match event {
                    Event::Connection { id, events } => {
                        self.on_connection_event(now, id, events);
                    }
                    Event::Listener { id } => self.on_listener_event(id),
                    // Nobody asked for them.
                    Event::Incoming | Event::Strays => {}
                }
            } else if let Some(file) = self.stirred.pop_front() {
                self.retry(now, file);
            } else {
                return;
            }
        }
    }

    /// What the host has to send, leaves.
    fn flush(&mut self, now: Instant) {
        while let Some(packet) = self.host.poll_transmit(now) {
            self.outbox.push_back(packet);
        }
    }

    fn retry(&mut self, now: Instant, file: FileId) {
        let Some(known) = self.files.get_mut(file) else { return };
        for token in core::mem::take(&mut known.waiters) {
            let Some(mut operation) = self.operations.take(token) else { continue };
            match self.attempt(now, operation.file, &mut operation.work) {
                Some(result) => self.finish(now, token, operation, result),
                None => {
                    self.operations.put_back(token, operation);
                    if let Some(known) = self.files.get_mut(file) {
                        known.waiters.push(token);
                    }
                }
            }
        }
    }

    /// A call that waited is over.
    fn finish(
        &mut self,
        now: Instant,
        token: Token,
        operation: Operation,
        result: Result<Value, Errno>,
    ) {
        self.operations.complete(token, operation.deadline, result);
        for place in places(operation.file, &operation.work) {
            if let Some(file) = self.files.get_mut(place) {
                file.waiters.retain(|known| *known != token);
            }
            self.release(now, place);
        }
    }

    /// Something happened to a file: who waits for such events may go on.
    fn notify(&mut self, file: FileId, events: u32) {
        let Some(known) = self.files.get(file) else { return };
        let watchers = known.watchers.clone();
        self.stirred.push_back(file);
        for (epoll, fd) in watchers {
            if self.files.epoll_mut(epoll).is_some_and(|epoll| epoll.notify((file, fd), events)) {
                self.notify(epoll, u32::from(crate::abi::POLLIN as u16));
            }
        }
    }

    /// How long a call on a file may wait.
    fn patience(
        &self,
        now: Instant,
        file: FileId,
        dont_wait: bool,
        timeout: Option<Duration>,
    ) -> Patience {
        let nonblocking = self.files.get(file).is_none_or(|file| file.nonblocking);
        match timeout {
            _ if dont_wait || nonblocking => Patience::None,
            Some(timeout) => Patience::Until(now + timeout),
            None => Patience::Forever,
        }
    }
}

/// The files at which a call waits; with `file` itself if it has one of its own.
fn places(file: FileId, work: &Work<'_>) -> Vec<FileId> {
    match work {
        Work::Poll(_, files) => files.clone(),
        Work::Splice { from, to, .. } => vec![*from, *to],
        _ => vec![file],
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").field("host", &self.host).finish_non_exhaustive()
    }
}
