//! How a socket stands: its connection's state, its errors, its room, and the events that `poll` tells of it.

use super::Sockets;
use crate::abi::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM};
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::send_queue::{Sending, expanded};
use crate::socket::{Link, Phase, Socket};
use sockeye_host::{ConnectionId, Error, Events, Host, ListenerId};
use sockeye_tcp::Info;
use sockeye_wire::{Instant, StateName};

/// A connected socket at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub(super) info: Info,
    pub(super) readable: usize,
    /// The connection is over; in Linux one in TIME-WAIT is, too.
    pub(super) over: bool,
    /// Nothing more will arrive, or be read (`RCV_SHUTDOWN`).
    pub(super) read_over: bool,
    /// Nothing more can be written (`SEND_SHUTDOWN`).
    pub(super) write_over: bool,
    /// The error that nobody was told yet (`sk_err`).
    pub(super) error: Option<Errno>,
    pub(super) sending: Sending,
    /// Octets up to and with the urgent one; 0 if there is none.
    pub(super) urgent_ahead: usize,
    /// It was read out of band; its place in the stream is left.
    pub(super) urgent_read: bool,
}

impl Status {
    pub(super) fn of(host: &Host, link: &Link) -> Option<Self> {
        let connection = host.connection(link.id)?;
        let info = connection.info();
        let over = matches!(info.state, StateName::Closed | StateName::TimeWait);
        let error = connection.error().filter(|_| !link.error_told);
        let error = error.and_then(|error| errno_of(error, info.peer_finished));
        let unacknowledged = connection.unacknowledged() as u32;
        Some(Self {
            info,
            readable: connection.readable(),
            over,
            read_over: link.shut_read || info.peer_finished || over,
            write_over: link.shut_write || over,
            error: error.or(link.reported),
            sending: Sending {
                mss: u32::from(info.send_mss).max(1),
                max_window: info.max_send_window,
                unacknowledged,
                unsent: info.unsent,
            },
            urgent_ahead: connection.urgent_ahead() as usize,
            urgent_read: link.urgent_read,
        })
    }

    pub(super) fn is_opening(&self) -> bool {
        match self.info.state {
            StateName::SynSent => true,
            StateName::SynReceived => !self.info.open_early,
            _ => false,
        }
    }
}

/// What the end of a connection is called.
fn errno_of(error: Error, peer_finished: bool) -> Option<Errno> {
    match error {
        // Linux: a reset in CLOSE-WAIT only concerns the writer.
        Error::Reset if peer_finished => Some(Errno::EPIPE),
        // By our own `close`.
        Error::Aborted => None,
        error => Some(error.into()),
    }
}

impl Socket {
    pub(super) fn link(&self) -> Option<&Link> {
        match &self.phase {
            Phase::Linked(link) => Some(link),
            Phase::Idle | Phase::Listening(_) => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.phase {
            Phase::Linked(link) => Some(link),
            Phase::Idle | Phase::Listening(_) => None,
        }
    }

    /// Takes the error that waits, if one does.
    pub(super) fn take_error(&mut self, host: &Host) -> Option<Errno> {
        let link = self.link_mut()?;
        let error = Status::of(host, link)?.error?;
        // What ended the connection comes after it, if it has.
        link.error_told |= link.reported.take().is_none();
        Some(error)
    }
}

impl Sockets {
    pub(super) fn status(&self, file: FileId) -> Option<Status> {
        Status::of(&self.host, self.files.socket(file).ok()?.link()?)
    }

    /// The error that waits, or else the last soft one (`SO_ERROR`).
    pub(super) fn take_any_error(&mut self, file: FileId) -> Option<Errno> {
        if let Some(error) = self.take_error(file) {
            return Some(error);
        }
        let socket = self.files.socket_mut(file).ok()?;
        let link = socket.link_mut()?;
        let connection = self.host.connection(link.id)?;
        let soft = connection.soft_error().filter(|_| connection.error().is_none())?;
        if link.soft_error_told.replace(soft) == Some(soft) {
            return None;
        }
        Some(soft.into())
    }

    pub(super) fn take_error(&mut self, file: FileId) -> Option<Errno> {
        let socket = self.files.socket_mut(file).ok()?;
        socket.take_error(&self.host)
    }

    pub(super) fn notsent_low_water(&self, socket: &Socket) -> u32 {
        match socket.options.notsent_low_water {
            Some(set) if set > 0 => set,
            _ => self.config.notsent_low_water,
        }
    }

    pub(super) fn on_connection_event(&mut self, now: Instant, id: ConnectionId, events: Events) {
        let Some(&file) = self.connections.get(&id) else { return };
        if events.intersects(Events::URGENT)
            && let Ok(socket) = self.files.socket_mut(file)
            && let Some(link) = socket.link_mut()
        {
            link.urgent_read = false;
        }
        let mut happened = 0;
        if events.intersects(Events::SOFT_ERROR) && self.report_soft_error(file) {
            happened |= POLLERR;
        }
        if events.intersects(Events::READABLE) {
            happened |= POLLIN | POLLPRI | POLLRDNORM;
        }
        if events.intersects(Events::URGENT) {
            happened |= POLLPRI;
        }
        if events.intersects(Events::CONNECTED | Events::CLOSED) {
            // Linux wakes everybody when a state changes.
            happened |= !0;
        }
        if events.intersects(Events::CONNECTED) {
            self.expand_send_buffer(file);
        }
        if self.is_fed(now, file) {
            happened |= POLLOUT | POLLWRNORM;
        }
        if happened != 0 {
            self.notify(file, u32::from(happened as u16));
        } else {
            self.stirred.push_back(file);
        }
    }

    /// With `IP_RECVERR` an ICMP error is told at once, though the connection lives on.
    fn report_soft_error(&mut self, file: FileId) -> bool {
        let Ok(socket) = self.files.socket_mut(file) else { return false };
        let wanted = socket.options.receive_errors;
        let Some(link) = socket.link_mut().filter(|_| wanted) else { return false };
        let soft = self.host.connection(link.id).and_then(|connection| connection.soft_error());
        link.reported = soft.map(Into::into).or(link.reported);
        link.reported.is_some()
    }

    pub(super) fn on_listener_event(&mut self, id: ListenerId) {
        if let Some(&file) = self.listeners.get(&id) {
            self.notify(file, u32::from((POLLIN | POLLRDNORM) as u16));
        }
    }

    /// Whether a socket whose program was told that there is no room has room again (`tcp_check_space`).
    fn is_fed(&mut self, now: Instant, file: FileId) -> bool {
        let starved = |socket: &Socket| socket.link().is_some_and(|link| link.starved);
        if !self.files.socket(file).is_ok_and(starved) {
            return false;
        }
        let Some(status) = self.status(file) else { return false };
        if status.info.in_flight < status.info.congestion_window {
            self.expand_send_buffer(file);
        }
        let Ok(socket) = self.files.socket(file) else { return false };
        let low_water = self.notsent_low_water(socket);
        let buffer = socket.options.send_buffer;
        let Ok(socket) = self.files.socket_mut(file) else { return false };
        let Some(link) = socket.link_mut() else { return false };
        link.send.update(status.sending);
        let fed = status.over || link.send.is_writable(status.sending, buffer, low_water);
        link.starved = !fed;
        let id = link.id;
        if !fed {
            self.host.want_room(now, id);
        }
        fed
    }

    /// A send buffer that the program has not set shall not be what limits the congestion window.
    pub(super) fn expand_send_buffer(&mut self, file: FileId) {
        let Some(status) = self.status(file) else { return };
        let limit = self.config.send_buffer.max;
        let Ok(socket) = self.files.socket_mut(file) else { return };
        if !socket.options.send_buffer_locked {
            let segments = status.info.congestion_window / status.sending.mss;
            let wanted = expanded(status.sending.mss, segments.max(10));
            socket.options.send_buffer = socket.options.send_buffer.max(wanted.min(limit));
        }
    }

    /// The state of a file, in the events of `poll`, as `u32`. Who is told that there is no room will be told when there is.
    pub(super) fn poll_file(&mut self, file: FileId) -> u32 {
        let events = match self.files.get(file).map(|known| &known.kind) {
            None => 0,
            Some(FileKind::Pipe(end)) => self.poll_pipe(*end),
            Some(FileKind::Epoll(epoll)) if epoll.has_ready() => POLLIN | POLLRDNORM,
            Some(FileKind::Epoll(_)) => 0,
            Some(FileKind::Socket(socket)) => match &socket.phase {
                // Something to send is what it waits for.
                Phase::Idle if socket.deferred.is_some() => POLLOUT | POLLWRNORM,
                Phase::Idle => POLLHUP | POLLOUT | POLLWRNORM,
                Phase::Listening(listeners) => {
                    let waits = |id: &ListenerId| self.host.waiting_to_accept(*id) > 0;
                    if listeners.iter().any(waits) { POLLIN | POLLRDNORM } else { 0 }
                }
                Phase::Linked(_) => self.poll_connection(file),
            },
        };
        u32::from(events as u16)
    }

    /// Linux's `tcp_poll`.
    fn poll_connection(&mut self, file: FileId) -> i16 {
        let Some(status) = self.status(file) else { return POLLHUP };
        let Ok(socket) = self.files.socket(file) else { return 0 };
        let low_water = self.notsent_low_water(socket);
        let inline = socket.options.oob_inline;
        let least = socket.options.receive_low_water.max(1) as usize;
        let buffer = socket.options.send_buffer;
        let mut events = 0;
        if status.over || (status.read_over && status.write_over) {
            events |= POLLHUP;
        }
        if status.read_over {
            events |= POLLIN | POLLRDNORM | POLLRDHUP;
        }
        if !status.is_opening() {
            // The urgent octet is next: it does not count as readable.
            let urgent_next = status.urgent_ahead == 1 && !inline;
            if status.readable >= least + usize::from(urgent_next) {
                events |= POLLIN | POLLRDNORM;
            }
            let arrived = status.urgent_ahead > 0 && status.readable >= status.urgent_ahead;
            if arrived && !status.urgent_read {
                events |= POLLPRI;
            }
            if status.write_over {
                events |= POLLOUT | POLLWRNORM;
            } else if let Ok(socket) = self.files.socket_mut(file)
                && let Some(link) = socket.link_mut()
            {
                link.send.update(status.sending);
                link.starved = !link.send.is_writable(status.sending, buffer, low_water);
                if !link.starved {
                    events |= POLLOUT | POLLWRNORM;
                }
            }
        }
        if status.error.is_some() {
            events |= POLLERR;
        }
        events
    }
}
