//! Opening: listen, accept, connect, bind.

use super::Host;
use crate::config::InterfaceId;
use crate::demux::Target;
use crate::error::HostError;
use crate::ids::{ConnectionId, ListenerId};
use crate::net::Hop;
use crate::record::{PathState, Record};
use crate::timer::TimerKey;
use crate::wheel::TimerId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hash::{BuildHasher, Hasher};
use core::net::{IpAddr, SocketAddr, SocketAddrV6};
use core::time::Duration;
use sockeye_tcp::auth::{Authenticator, Signature};
use sockeye_tcp::{Config, Connection, Endpoints, Events, Opening};
use sockeye_wire::{Instant, SeqNumber};

/// A TIME-WAIT of ours may give way to a new connection of ours after this, as Linux's `tcp_tw_reuse`: the peer's
/// timestamps have then moved on, and the new sequence numbers lie above the old ones (RFC 9293 §3.6.1, MAY-2).
const TIME_WAIT_REUSE: Duration = Duration::from_secs(1);

impl Host {
    /// Passive OPEN: waits for connections to `local`, whose address may be unspecified and whose port may be 0 for any.
    /// At most `backlog` connections (at least one) wait to be accepted, and as many are half open.
    ///
    /// A listener at an exact address goes before one at any address; one at `[::]` does not get IPv4 connections.
    ///
    /// # Errors
    /// [`HostError::AddrInUse`] if someone listens exactly there, [`HostError::AddrNotAvailable`] if the address is not the
    /// host's, [`HostError::PortsExhausted`] if port 0 was asked for and all are taken.
    pub fn listen(&mut self, local: SocketAddr, backlog: usize) -> Result<ListenerId, HostError> {
        let config = Arc::clone(&self.config.tcp);
        self.listen_with(local, backlog, config)
    }

    /// [`listen`](Self::listen) with settings of its own for the connections it gets.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_with(
        &mut self,
        local: SocketAddr,
        backlog: usize,
        config: Arc<Config>,
    ) -> Result<ListenerId, HostError> {
        let mut local = without_flow(local);
        if !local.ip().is_unspecified() && !self.network.is_own(local.ip()) {
            return Err(HostError::AddrNotAvailable(local.ip()));
        }
        if local.port() == 0 {
            let port = self.ports.unused(local);
            local.set_port(port.ok_or(HostError::PortsExhausted(local))?);
        }
        let id = self.listeners.add(local, backlog, config).ok_or(HostError::AddrInUse(local))?;
        self.ports.reserve(local.port());
        Ok(id)
    }

    /// Changes how many connections may wait. False if the listener is gone.
    pub fn set_backlog(&mut self, id: ListenerId, backlog: usize) -> bool {
        let Some(listener) = self.listeners.get_mut(id) else { return false };
        listener.backlog = backlog.max(1);
        true
    }

    /// Changes the settings of a listener's connections to come. False if the listener is gone.
    pub fn set_listener_config(&mut self, id: ListenerId, config: Arc<Config>) -> bool {
        let Some(listener) = self.listeners.get_mut(id) else { return false };
        listener.config = config;
        true
    }

    /// How many connections of a listener wait to be accepted.
    #[must_use]
    pub fn waiting_to_accept(&self, id: ListenerId) -> usize {
        self.listeners.get(id).map_or(0, |listener| listener.to_accept.len())
    }

    /// Where a listener listens; none if it is gone.
    #[must_use]
    pub fn listener_address(&self, id: ListenerId) -> Option<SocketAddr> {
        self.listeners.get(id).map(|listener| listener.local)
    }

    /// Stops listening. Connections not yet accepted are aborted; half-open ones are reset when they next move.
    pub fn close_listener(&mut self, now: Instant, id: ListenerId) {
        let Some(listener) = self.listeners.remove(id) else { return };
        self.ports.unreserve(listener.local.port());
        self.to_accept -= listener.to_accept.len();
        for waiting in listener.to_accept {
            if let Some(record) = self.connections.get_mut(waiting.0) {
                record.listener = None;
            }
            self.abort(now, waiting);
            self.close(now, waiting);
        }
    }

    /// The next connection of a listener, if one waits.
    pub fn accept(&mut self, id: ListenerId) -> Option<(ConnectionId, Endpoints)> {
        let listener = self.listeners.get_mut(id)?;
        let connection = listener.to_accept.pop_front()?;
        self.to_accept -= 1;
        let record = self.connections.get_mut(connection.0)?;
        record.listener = None;
        let endpoints = record.endpoints;
        if record.pending != Events::NONE {
            self.announce(connection);
        }
        Some((connection, endpoints))
    }

    /// Keeps an address for its owner, who may [`connect`](Self::connect) from it or [`listen`](Self::listen) there: no
    /// ephemeral port will be this one. Port 0 chooses one. The address that was bound is returned.
    ///
    /// # Errors
    /// [`HostError::AddrInUse`], [`HostError::AddrNotAvailable`] or [`HostError::PortsExhausted`].
    pub fn bind(&mut self, local: SocketAddr) -> Result<SocketAddr, HostError> {
        let mut local = without_flow(local);
        if !local.ip().is_unspecified() && !self.network.is_own(local.ip()) {
            return Err(HostError::AddrNotAvailable(local.ip()));
        }
        if local.port() == 0 {
            let port = self.ports.unused(local);
            local.set_port(port.ok_or(HostError::PortsExhausted(local))?);
        }
        if self.listeners.find(local).is_some() || !self.ports.bind(local) {
            return Err(HostError::AddrInUse(local));
        }
        Ok(local)
    }

    /// Gives a bound address back; false if it was not bound.
    pub fn unbind(&mut self, local: SocketAddr) -> bool {
        self.ports.unbind(without_flow(local))
    }

    /// A port that nobody uses, for an owner who keeps his own books on addresses; none if all are taken.
    pub fn unused_port(&mut self, local: SocketAddr) -> Option<u16> {
        self.ports.unused(local)
    }

    /// Keeps a port out of ephemeral use, whatever its address; once for each [`release_port`](Self::release_port).
    pub fn hold_port(&mut self, port: u16) {
        self.ports.reserve(port);
    }

    /// Gives a held port back.
    pub fn release_port(&mut self, port: u16) {
        self.ports.unreserve(port);
    }

    /// Whether a connection has the local port, half-open ones and TIME-WAIT included.
    #[must_use]
    pub fn has_connections_at(&self, port: u16) -> bool {
        self.ports.has_connections(port)
    }

    /// Active OPEN to `remote`, from `local` if given; its address may be unspecified and its port 0, and both are then
    /// chosen.
    ///
    /// # Errors
    /// [`HostError::InvalidRemote`] (RFC 9293 MUST-46), [`HostError::NetworkUnreachable`], [`HostError::FamilyMismatch`],
    /// [`HostError::AddrNotAvailable`], [`HostError::AddrInUse`], [`HostError::PortsExhausted`] or
    /// [`HostError::TooManyConnections`].
    pub fn connect(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
    ) -> Result<ConnectionId, HostError> {
        let config = Arc::clone(&self.config.tcp);
        self.connect_with(now, remote, local, config)
    }

    /// [`connect`](Self::connect) with settings of its own.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        config: Arc<Config>,
    ) -> Result<ConnectionId, HostError> {
        let remote = without_flow(remote);
        if remote.port() == 0 || !self.network.is_valid_remote(remote.ip()) {
            return Err(HostError::InvalidRemote(remote));
        }
        if self.connections.len() >= self.config.limits.connections {
            return Err(HostError::TooManyConnections(self.config.limits.connections));
        }
        let hop = self.network.hop(remote).ok_or(HostError::NetworkUnreachable(remote.ip()))?;
        let remote = scoped(remote, hop.interface);
        let local = self.local_for(now, remote, local, &hop)?;
        let endpoints = Endpoints { local, remote };
        let hash = self.demux.hash(&endpoints);
        let minimum_iss = self.clear_tuple(now, hash, &endpoints)?;
        let opening = self.opening(now, &endpoints, &hop, minimum_iss);
        let connection = Connection::connect(config, opening, now);
        let id = self.insert_connection(connection, endpoints, hash, hop, (None, None));
        self.demux.insert(hash, Target::Connection(id.0.index));
        self.ports.connected(endpoints.local.port());
        self.mark_ready(id.0.index);
        Ok(id)
    }

    fn local_for(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        hop: &Hop,
    ) -> Result<SocketAddr, HostError> {
        let unreachable = HostError::NetworkUnreachable(remote.ip());
        let (ip, port) = match local.map(without_flow) {
            Some(local) if local.is_ipv4() != remote.is_ipv4() => {
                return Err(HostError::FamilyMismatch { local, remote });
            }
            Some(local) if !local.ip().is_unspecified() => {
                if !self.network.is_own(local.ip()) {
                    return Err(HostError::AddrNotAvailable(local.ip()));
                }
                (local.ip(), local.port())
            }
            local => {
                let ip = self.network.source_for(remote.ip(), hop).ok_or(unreachable)?;
                (ip, local.map_or(0, |local| local.port()))
            }
        };
        let mut local = scoped(SocketAddr::new(ip, port), hop.interface);
        if port == 0 {
            let endpoints = Endpoints { local, remote };
            let port = self.ephemeral_port(now, endpoints);
            local.set_port(port.ok_or(HostError::PortsExhausted(remote))?);
        }
        Ok(local)
    }

    /// A port without any use of the 4-tuple, or failing that one whose TIME-WAIT may give way.
    fn ephemeral_port(&mut self, now: Instant, endpoints: Endpoints) -> Option<u16> {
        for reuse in [false, true] {
            let Self { ports, demux, connections, half_open, time_wait, .. } = self;
            let port = ports.ephemeral(endpoints, |port| {
                let mut endpoints = endpoints;
                endpoints.local.set_port(port);
                if endpoints.local == endpoints.remote {
                    return false;
                }
                let is_it = |target| match target {
                    Target::Connection(at) => {
                        connections.at(at).is_some_and(|known| known.endpoints == endpoints)
                    }
                    Target::HalfOpen(at) => {
                        half_open.at(at).is_some_and(|known| known.endpoints == endpoints)
                    }
                    Target::TimeWait(at) => time_wait.at(at).is_some_and(|known| {
                        let reusable = reuse && now.since(known.since) >= TIME_WAIT_REUSE;
                        known.endpoints == endpoints && !reusable
                    }),
                };
                demux.find(demux.hash(&endpoints), is_it).is_none()
            });
            if port.is_some() {
                return port;
            }
        }
        None
    }

    /// Makes sure that nobody has the 4-tuple; a TIME-WAIT that may give way does, and tells what the new ISS must exceed.
    fn clear_tuple(
        &mut self,
        now: Instant,
        hash: u32,
        endpoints: &Endpoints,
    ) -> Result<Option<SeqNumber>, HostError> {
        match self.find(hash, endpoints) {
            None => Ok(None),
            Some(Target::TimeWait(at)) => {
                let known = self.time_wait.at(at);
                let old_enough = known.filter(|known| now.since(known.since) >= TIME_WAIT_REUSE);
                let Some(minimum) = old_enough.map(|known| known.time_wait.snd_nxt()) else {
                    return Err(HostError::AddrInUse(endpoints.local));
                };
                self.forget_time_wait(at);
                Ok(Some(minimum))
            }
            Some(_) => Err(HostError::AddrInUse(endpoints.local)),
        }
    }

    /// What a new connection begins with.
    pub(super) fn opening(
        &mut self,
        now: Instant,
        endpoints: &Endpoints,
        hop: &Hop,
        minimum_iss: Option<SeqNumber>,
    ) -> Opening {
        let (mss, default_mss) = self.network.mss(now, endpoints.remote.ip(), hop);
        let mut iss = self.isn.initial_sequence_number(now, endpoints);
        if let Some(minimum) = minimum_iss.filter(|minimum| iss.at_or_before(*minimum)) {
            // RFC 9293 §3.6.1: beyond what the previous incarnation used.
            iss = minimum + 64_000;
        }
        let timestamp_offset = self.isn.timestamp_offset(endpoints);
        Opening { mss, default_mss, iss, timestamp_offset, signature: Signature::None }
    }

    /// Puts a connection into its table, without making it findable.
    pub(super) fn insert_connection(
        &mut self,
        connection: Connection,
        endpoints: Endpoints,
        hash: u32,
        hop: Hop,
        (listener, auth): (Option<ListenerId>, Option<Box<Authenticator>>),
    ) -> ConnectionId {
        let mut hasher = self.flow_key.build_hasher();
        crate::demux::hash_endpoints(&mut hasher, &endpoints);
        let random = hasher.finish();
        let deadline = connection.deadline();
        let record = Record {
            connection,
            endpoints,
            hash,
            timer: TimerId::UNSET,
            path: PathState {
                hop,
                generation: self.network.generation(),
                flow_label: (random >> 16) as u32 & 0x000f_ffff,
                identification: random as u16,
                hop_limit: self.config.hop_limit,
                dscp: 0,
            },
            auth,
            listener,
            tells_progress: false,
            pending: Events::NONE,
            announced: false,
            ready: false,
            released: false,
        };
        let key = self.connections.insert(record);
        let timer = self.wheel.insert(TimerKey::Connection(key.index), deadline);
        if let Some(record) = self.connections.get_mut(key) {
            record.timer = timer;
        }
        ConnectionId(key)
    }
}

/// RFC 6437 flow labels are not part of a connection's name.
fn without_flow(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
    }
}

/// A link-local address names a station only together with its link (RFC 4007 §6).
pub(super) fn scoped(address: SocketAddr, interface: InterfaceId) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => {
            let scope = if v6.ip().is_unicast_link_local() { interface.0 } else { 0 };
            SocketAddrV6::new(*v6.ip(), v6.port(), 0, scope).into()
        }
        SocketAddr::V4(_) => address,
    }
}

/// The name of a connection as an arriving packet tells it.
#[inline]
pub(super) fn endpoints_of(
    interface: InterfaceId,
    (local, local_port): (IpAddr, u16),
    (remote, remote_port): (IpAddr, u16),
) -> Endpoints {
    Endpoints {
        local: scoped(SocketAddr::new(local, local_port), interface),
        remote: scoped(SocketAddr::new(remote, remote_port), interface),
    }
}
