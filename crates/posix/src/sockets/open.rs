//! `socket`, `bind`, `listen`.

use super::Sockets;
use crate::abi::{
    AF_INET, AF_INET6, Fd, IPPROTO_IP, IPPROTO_TCP, O_NONBLOCK, SOCK_CLOEXEC, SOCK_DGRAM,
    SOCK_NONBLOCK, SOCK_RAW, SOCK_STREAM,
};
use crate::address::{Address, any, unmapped};
use crate::bindings::Claim;
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::socket::{Options, Phase, Socket};
use core::net::SocketAddr;
use sockeye_host::HostError;
use sockeye_tcp::Config;
use sockeye_wire::Instant;
use std::sync::Arc;

/// The core's own bound is out of the way: how full the buffer is, is counted here, in Linux's way.
const UNBOUNDED_BYTES: u32 = 1 << 30;

impl Sockets {
    /// `socket(2)`. TCP over IPv4 or IPv6 is all there is.
    ///
    /// # Errors
    /// [`Errno::EAFNOSUPPORT`], [`Errno::EINVAL`] (type), [`Errno::ESOCKTNOSUPPORT`], [`Errno::EPROTONOSUPPORT`],
    /// [`Errno::EMFILE`].
    pub fn socket(&mut self, domain: i32, kind: i32, protocol: i32) -> Result<Fd, Errno> {
        let ipv6 = match domain {
            AF_INET => false,
            AF_INET6 => true,
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        let flags = kind & (SOCK_NONBLOCK | SOCK_CLOEXEC);
        match (kind & !flags, protocol) {
            (SOCK_STREAM, IPPROTO_IP | IPPROTO_TCP) => {}
            (SOCK_STREAM, _) => return Err(Errno::EPROTONOSUPPORT),
            (SOCK_DGRAM | SOCK_RAW, IPPROTO_TCP) => return Err(Errno::EPROTONOSUPPORT),
            (SOCK_DGRAM | SOCK_RAW, _) => return Err(Errno::ESOCKTNOSUPPORT),
            _ => return Err(Errno::EINVAL),
        }
        let socket = Socket {
            ipv6,
            options: Options::new(&self.config),
            bound: None,
            phase: Phase::Idle,
            deferred: None,
        };
        let kind = FileKind::Socket(Box::new(socket));
        let nonblocking = flags & O_NONBLOCK != 0;
        let limit = self.config.descriptors;
        self.files.open(kind, nonblocking, flags & SOCK_CLOEXEC != 0, limit).map(|(fd, _)| fd)
    }

    /// `bind(2)`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EINVAL`] (bound or connected already), [`Errno::EAFNOSUPPORT`],
    /// [`Errno::EADDRNOTAVAIL`], [`Errno::EADDRINUSE`].
    pub fn bind(&mut self, _now: Instant, fd: Fd, address: Address) -> Result<(), Errno> {
        let file = self.files.find(fd)?;
        let socket = self.files.socket(file)?;
        let address = match address {
            Address::Inet(address) if address.is_ipv6() == socket.ipv6 => address,
            // Linux takes an all-zero address of no family for any IPv4 one.
            Address::Unspecified if !socket.ipv6 => SocketAddr::new(any(false), 0),
            // A shorter address than the domain's is no address at all.
            Address::Inet(SocketAddr::V4(_)) if socket.ipv6 => return Err(Errno::EINVAL),
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        if socket.bound.is_some() || !matches!(socket.phase, Phase::Idle) {
            return Err(Errno::EINVAL);
        }
        if socket.options.v6_only && unmapped(address).is_ipv4() && socket.ipv6 {
            return Err(Errno::EINVAL);
        }
        let address = unmapped(address);
        let own = address.ip().is_unspecified() || self.host.is_own_address(address.ip());
        if !own && !socket.options.free_bind {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.claim(file, address).map(|_| ())
    }

    /// Binds a socket to an address, with a port of the host's choice if it is 0.
    pub(super) fn claim(
        &mut self,
        file: FileId,
        mut address: SocketAddr,
    ) -> Result<SocketAddr, Errno> {
        let chosen = address.port() == 0;
        if chosen {
            let port = self.host.unused_port(address).ok_or(Errno::EADDRINUSE)?;
            address.set_port(port);
        }
        let socket = self.files.socket(file)?;
        let claim = Claim {
            file,
            address,
            dual: socket.ipv6 && !socket.options.v6_only,
            reuse_address: socket.options.reuse_address,
            reuse_port: socket.options.reuse_port,
            listening: false,
        };
        // Connections that are left of a listener, TIME-WAIT included, keep the port unless it may be reused.
        let left = !chosen
            && self.bindings.is_free(address.port())
            && self.host.has_connections_at(address.port())
            && !claim.reuse_address
            && !claim.reuse_port;
        if left || self.bindings.conflicts(&claim) {
            return Err(Errno::EADDRINUSE);
        }
        self.bindings.add(claim);
        self.host.hold_port(address.port());
        self.files.socket_mut(file)?.bound = Some(address);
        Ok(address)
    }

    /// Undoes [`claim`](Self::claim).
    pub(super) fn unclaim(&mut self, file: FileId, address: SocketAddr) {
        self.bindings.remove(address.port(), file);
        self.host.release_port(address.port());
    }

    /// `listen(2)`. As in Linux one more than `backlog` may wait, and a second call changes the number.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EINVAL`] (connected), [`Errno::EADDRINUSE`].
    pub fn listen(&mut self, _now: Instant, fd: Fd, backlog: i32) -> Result<(), Errno> {
        let file = self.files.find(fd)?;
        let socket = self.files.socket(file)?;
        // A negative number is a very large one.
        let backlog = (backlog as u32).min(self.config.backlog_limit) as usize + 1;
        let config = self.connection_config(socket);
        let socket = self.files.socket_mut(file)?;
        match &socket.phase {
            Phase::Linked(_) => return Err(Errno::EINVAL),
            Phase::Listening(listeners) => {
                for id in listeners {
                    self.host.set_backlog(*id, backlog);
                }
                socket.options.backlog = backlog as u32 - 1;
                return Ok(());
            }
            Phase::Idle => socket.options.backlog = backlog as u32 - 1,
        }
        let (ipv6, v6_only) = (socket.ipv6, socket.options.v6_only);
        let address = match socket.bound {
            Some(address) => address,
            None => self.claim(file, SocketAddr::new(any(ipv6), 0))?,
        };
        let mut addresses = vec![address];
        if ipv6 && !v6_only && address.ip() == any(true) {
            addresses.push(SocketAddr::new(any(false), address.port()));
        }
        let mut listeners = Vec::new();
        for address in addresses {
            match self.host.listen_with(address, backlog, Arc::clone(&config)) {
                Ok(id) => listeners.push(id),
                Err(error) => {
                    for id in listeners {
                        self.host.close_listener(_now, id);
                    }
                    return Err(match error {
                        HostError::AddrNotAvailable(_) => Errno::EADDRNOTAVAIL,
                        _ => Errno::EADDRINUSE,
                    });
                }
            }
        }
        for id in &listeners {
            self.sign_listener(file, *id)?;
            self.listeners.insert(*id, file);
        }
        let options = self.files.socket(file)?.options.clone();
        self.apply_listen_options(&listeners, &options);
        self.bindings.update(address.port(), file, |claim| claim.listening = true);
        self.files.socket_mut(file)?.phase = Phase::Listening(listeners);
        Ok(())
    }

    /// The settings of a socket's connection, or of those that a listener gets.
    pub(super) fn connection_config(&self, socket: &Socket) -> Arc<Config> {
        let mut config = (*self.host.config().tcp).clone();
        configure(&mut config, &socket.options);
        config.send_buffer_bytes = UNBOUNDED_BYTES;
        config.initial_send_buffer_bytes = UNBOUNDED_BYTES;
        if socket.options.receive_buffer_locked {
            config.receive_buffer_bytes = window_of(socket.options.receive_buffer);
        }
        if let Some(clamp) = socket.options.window_clamp {
            config.receive_buffer_bytes = config.receive_buffer_bytes.min(clamp);
            config.initial_receive_buffer_bytes = config.initial_receive_buffer_bytes.min(clamp);
        }
        Arc::new(config)
    }
}

/// The window that a receive buffer allows: half of it is overhead (Linux's `tcp_adv_win_scale` of 1).
pub(super) const fn window_of(receive_buffer: u32) -> u32 {
    receive_buffer / 2
}

/// What a socket's options say of a connection's settings, buffers apart.
pub(super) fn configure(config: &mut Config, options: &Options) {
    config.nagle &= !options.no_delay;
    config.cork = options.cork;
    config.keep_alive = options.keep_alive.then_some(options.keep).or(config.keep_alive);
    config.user_timeout = options.user_timeout.or(config.user_timeout);
    config.max_segment_size = options.max_segment_size.or(config.max_segment_size);
    if let Some(retries) = options.syn_retries {
        config.syn_retries = retries;
    }
    if let Some(time) = options.linger2 {
        config.fin_wait_2 = time;
    }
    config.max_pacing_rate = options.max_pacing_rate.or(config.max_pacing_rate);
    config.congestion = options.congestion.unwrap_or(config.congestion);
}
