//! `connect`, and the two ends of a connection.

use super::{Sockets, Status};
use crate::abi::Fd;
use crate::address::{Address, any, mapped, unmapped};
use crate::errno::Errno;
use crate::files::FileId;
use crate::operation::Work;
use crate::outcome::{Outcome, Value};
use crate::socket::{Link, Phase, Socket};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use sockeye_host::{HostError, ListenerId};
use sockeye_wire::{Instant, StateName};

impl Sockets {
    /// `connect(2)`. Completes with [`Value::Nothing`].
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EAFNOSUPPORT`], [`Errno::EINVAL`], [`Errno::EISCONN`],
    /// [`Errno::EALREADY`], [`Errno::EINPROGRESS`], [`Errno::ENETUNREACH`], [`Errno::EADDRNOTAVAIL`], and what ended the
    /// attempt: [`Errno::ECONNREFUSED`], [`Errno::ETIMEDOUT`], [`Errno::EHOSTUNREACH`] and so on.
    pub fn connect(&mut self, now: Instant, fd: Fd, address: Address) -> Outcome {
        let file = match self.files.find(fd) {
            Ok(file) => file,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        if let Err(error) = self.start_connecting(now, file, address) {
            self.settle(now);
            return Outcome::Ready(Err(error));
        }
        let timeout = self.files.socket(file).ok().and_then(|socket| socket.options.send_timeout);
        match self.files.socket(file).map(|socket| &socket.phase) {
            // To no family: the association is dissolved; or it waits for something to send.
            Ok(Phase::Idle) => Outcome::Ready(Ok(Value::Nothing)),
            _ => {
                let patience = self.patience(now, file, false, timeout);
                self.run(now, file, Work::Connect, patience)
            }
        }
    }

    fn start_connecting(
        &mut self,
        now: Instant,
        file: FileId,
        address: Address,
    ) -> Result<(), Errno> {
        let nonblocking = self.files.get(file).is_some_and(|file| file.nonblocking);
        let socket = self.files.socket(file)?;
        if address == Address::Unspecified {
            self.dissolve(now, file);
            return Ok(());
        }
        match &socket.phase {
            Phase::Listening(_) => return Err(Errno::EISCONN),
            Phase::Linked(link) if !link.connecting => return Err(Errno::EISCONN),
            Phase::Linked(link) => {
                let opening =
                    Status::of(&self.host, link).is_some_and(|status| status.is_opening());
                // A blocking caller waits for the attempt that is under way.
                return if opening && nonblocking { Err(Errno::EALREADY) } else { Ok(()) };
            }
            Phase::Idle if socket.deferred.is_some() => return Err(Errno::EISCONN),
            Phase::Idle => {}
        }
        let asks = socket.options.fast_open_connect;
        if asks && self.defer_connecting(now, file, address)? {
            return Ok(());
        }
        self.begin_connecting(now, file, address, asks.then_some(&[]))?;
        Ok(())
    }

    /// An idle socket's SYN; with `fast` for a Fast Open, says how much of that it takes.
    pub(super) fn begin_connecting(
        &mut self,
        now: Instant,
        file: FileId,
        address: Address,
        fast: Option<&[u8]>,
    ) -> Result<usize, Errno> {
        let socket = self.files.socket(file)?;
        let remote = remote_of(socket, address)?;
        let without_cookie = socket.options.fast_open_no_cookie;
        let config = self.connection_config(socket);
        let (local, bound) = match socket.bound {
            Some(local) if local.is_ipv4() == remote.is_ipv4() => (Some(local), true),
            // Bound to [::] and connecting to a mapped address.
            Some(local) if local.ip().is_unspecified() => {
                (Some(SocketAddr::new(any(remote.is_ipv6()), local.port())), true)
            }
            Some(_) => return Err(Errno::ENETUNREACH),
            None => (None, false),
        };
        let opened = match fast {
            None => self.host.connect_with(now, remote, local, config).map(|id| (id, 0)),
            Some(data) => {
                self.host.connect_fast_open(now, remote, local, config, data, without_cookie)
            }
        };
        let (id, taken) = opened.map_err(|error| match error {
            // The very connection exists.
            HostError::AddrInUse(_) => Errno::EADDRNOTAVAIL,
            HostError::AddrNotAvailable(_) if bound => Errno::EADDRNOTAVAIL,
            error => error.into(),
        })?;
        if let Err(error) = self.sign_connection(file, id) {
            self.host.close(now, id);
            return Err(error);
        }
        self.connections.insert(id, file);
        self.host.set_tells_progress(id, true);
        let socket = self.files.socket_mut(file)?;
        socket.phase = Phase::Linked(Link::new(id, true));
        self.apply_path_options(file);
        Ok(taken)
    }

    pub(super) fn try_connect(
        &mut self,
        now: Instant,
        file: FileId,
    ) -> Option<Result<Value, Errno>> {
        let status = self.status(file)?;
        if status.is_opening() {
            return None;
        }
        if status.info.state == StateName::Closed {
            // Linux: the failed attempt leaves a socket as good as new.
            let error = self.take_error(file).unwrap_or(Errno::ECONNABORTED);
            self.dissolve(now, file);
            return Some(Err(error));
        }
        if let Ok(socket) = self.files.socket_mut(file)
            && let Some(link) = socket.link_mut()
        {
            link.connecting = false;
        }
        Some(Ok(Value::Nothing))
    }

    /// Nobody listens there any more.
    pub(super) fn close_listeners(
        &mut self,
        now: Instant,
        listeners: impl IntoIterator<Item = ListenerId>,
    ) {
        for id in listeners {
            self.listeners.remove(&id);
            self.host.close_listener(now, id);
        }
    }

    /// Ends whatever a socket does, without a word but a reset; it may begin again.
    pub(super) fn dissolve(&mut self, now: Instant, file: FileId) {
        let Ok(socket) = self.files.socket_mut(file) else { return };
        socket.deferred = None;
        match core::mem::replace(&mut socket.phase, Phase::Idle) {
            Phase::Idle => {}
            Phase::Listening(listeners) => self.close_listeners(now, listeners),
            Phase::Linked(link) => {
                self.connections.remove(&link.id);
                self.host.abort(now, link.id);
                self.host.close(now, link.id);
            }
        }
    }

    /// TTL, type of service, whether to discover the MTU: the host keeps them with the path.
    pub(super) fn apply_path_options(&mut self, file: FileId) {
        let Ok(socket) = self.files.socket(file) else { return };
        let Some(id) = socket.link().map(|link| link.id) else { return };
        let v4 = self.host.endpoints(id).is_none_or(|ends| ends.remote.is_ipv4());
        let tos = if v4 { socket.options.tos } else { socket.options.traffic_class };
        let hop_limit = socket.options.hop_limit.unwrap_or(self.host.config().hop_limit);
        let may_fragment = socket.options.may_fragment();
        self.host.set_dscp(id, tos >> 2);
        self.host.set_hop_limit(id, hop_limit);
        self.host.set_may_fragment(id, may_fragment);
    }

    /// `getsockname(2)`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`].
    pub fn getsockname(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        let socket = self.files.socket(self.files.find(fd)?)?;
        let connected = socket.link().and_then(|link| self.host.endpoints(link.id));
        let unbound = SocketAddr::new(any(socket.ipv6), 0);
        let address = connected.map(|ends| ends.local).or(socket.bound).unwrap_or(unbound);
        Ok(as_seen(socket, address))
    }

    /// `getpeername(2)`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::ENOTCONN`].
    pub fn getpeername(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        let socket = self.files.socket(self.files.find(fd)?)?;
        let link = socket.link().ok_or(Errno::ENOTCONN)?;
        let status = Status::of(&self.host, link).ok_or(Errno::ENOTCONN)?;
        if status.over || status.is_opening() {
            return Err(Errno::ENOTCONN);
        }
        let ends = self.host.endpoints(link.id).ok_or(Errno::ENOTCONN)?;
        Ok(as_seen(socket, ends.remote))
    }
}

/// An address in the form of the socket's domain.
pub(super) fn as_seen(socket: &Socket, address: SocketAddr) -> SocketAddr {
    if socket.ipv6 { mapped(address) } else { address }
}

/// Where a program wants to connect to.
pub(super) fn remote_of(socket: &Socket, address: Address) -> Result<SocketAddr, Errno> {
    let address = match address {
        Address::Inet(address) if address.is_ipv6() == socket.ipv6 => address,
        Address::Inet(SocketAddr::V4(_)) => return Err(Errno::EINVAL),
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    let remote = unmapped(address);
    if socket.options.v6_only && remote.is_ipv4() && socket.ipv6 {
        return Err(Errno::ENETUNREACH);
    }
    // BSD's way of saying "this host".
    let ip: IpAddr = match remote.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => return Ok(remote),
    };
    Ok(SocketAddr::new(ip, remote.port()))
}
