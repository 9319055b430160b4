//! Opening actively: connect, bind, and what any connection begins with.

use super::Host;
use crate::config::InterfaceId;
use crate::demux::Target;
use crate::error::HostError;
use crate::ids::{ConnectionId, ListenerId};
use crate::net::Hop;
use crate::record::{PathState, Record, TimeWaitRecord, Told};
use crate::timer::TimerOwner;
use crate::wheel::TimerId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hash::{BuildHasher, Hasher};
use core::net::{IpAddr, SocketAddr, SocketAddrV6};
use core::time::Duration;
use sockeye_tcp::auth::{Authenticator, Signature};
use sockeye_tcp::{Buffered, Config, Connection, Endpoints, Events, Opening};
use sockeye_wire::{Instant, SeqNumber};

/// A TIME-WAIT of ours may give way to a new connection of ours after this, as Linux's `tcp_tw_reuse`: the peer's
/// timestamps have then moved on, and the new sequence numbers lie above the old ones (RFC 9293 §3.6.1, MAY-2).
const TIME_WAIT_REUSE: Duration = Duration::from_secs(1);

impl Host {
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
    /// chosen (RFC 9293 MUST-43, MUST-44).
    ///
    /// # Errors
    /// [`HostError::InvalidRemote`] (RFC 9293 MUST-46), [`HostError::NetworkUnreachable`], [`HostError::FamilyMismatch`],
    /// [`HostError::AddrNotAvailable`] (also where [another shard](Self::shard_to_connect) must do it), [`HostError::AddrInUse`],
    /// [`HostError::PortsExhausted`] or [`HostError::TooManyConnections`].
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
        self.open_actively(now, remote, local, config, |config, opening| {
            Connection::connect(config, opening, now)
        })
    }

    /// An active OPEN whose connection `make` makes.
    pub(super) fn open_actively(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        config: Arc<Config>,
        make: impl FnOnce(Arc<Config>, Opening) -> Connection,
    ) -> Result<ConnectionId, HostError> {
        let remote = without_flow(remote);
        if remote.port() == 0 || !self.network.is_valid_remote(remote.ip()) {
            return Err(HostError::InvalidRemote(remote));
        }
        if self.connections.len() >= self.config.limits.connections {
            return Err(HostError::TooManyConnections(self.config.limits.connections));
        }
        if self.is_short() {
            return Err(HostError::OutOfMemory);
        }
        let hop = self.network.hop(remote).ok_or(HostError::NetworkUnreachable(remote.ip()))?;
        let remote = scoped(remote, hop.interface);
        let local = self.local_for(now, remote, local, &hop)?;
        let endpoints = Endpoints { local, remote };
        if self.placement.elsewhere(&endpoints).is_some() {
            return Err(HostError::AddrNotAvailable(local.ip()));
        }
        let hash = self.demux.hash(&endpoints);
        let minimum_iss = self.clear_tuple(now, hash, &endpoints)?;
        let opening = self.opening(now, &endpoints, &hop, minimum_iss, &config);
        let connection = make(config, opening);
        let id = self.insert_connection(connection, endpoints, hash, hop, (None, None));
        self.make_findable(hash, Target::Connection(id.0.index));
        self.ports.connected(endpoints.local.port());
        self.mark_ready(id.0.index);
        Ok(id)
    }

    /// Which [shard](crate::Shard) must [`connect`](Self::connect) with the same arguments: the connection to a given port from a given port has its
    /// place. None if any can, or none.
    #[must_use]
    pub fn shard_to_connect(&self, remote: SocketAddr, local: Option<SocketAddr>) -> Option<u32> {
        let remote = without_flow(remote);
        let hop = self.network.hop(remote)?;
        let remote = scoped(remote, hop.interface);
        let local = self.local_address(remote, local, &hop).ok()?;
        (local.port() != 0).then(|| self.placement.place_of(&Endpoints { local, remote }))
    }

    fn local_for(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        hop: &Hop,
    ) -> Result<SocketAddr, HostError> {
        let mut local = self.local_address(remote, local, hop)?;
        if local.port() == 0 {
            let endpoints = Endpoints { local, remote };
            let port = self.ephemeral_port(now, endpoints);
            local.set_port(port.ok_or(HostError::PortsExhausted(remote))?);
        }
        Ok(local)
    }

    /// Our end of a connection, its port 0 if none is asked for.
    fn local_address(
        &self,
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
        Ok(scoped(SocketAddr::new(ip, port), hop.interface))
    }

    /// A port without any use of the 4-tuple, or failing that one whose TIME-WAIT may give way.
    fn ephemeral_port(&mut self, now: Instant, endpoints: Endpoints) -> Option<u16> {
        let may_reuse = self.config.policy.time_wait_reuse;
        for reuse in [false, true] {
            if reuse && !may_reuse {
                break;
            }
            let Self { ports, demux, placement, connections, half_open, held, time_wait, .. } =
                self;
            let port = ports.ephemeral(endpoints, |port| {
                let mut endpoints = endpoints;
                endpoints.local.set_port(port);
                if endpoints.local == endpoints.remote {
                    return false;
                }
                let is_it = |target| match target {
                    Target::Connection(at) => {
                        connections.at(at).is_some_and(|known| known.ends.are(&endpoints))
                    }
                    Target::HalfOpen(at) => {
                        half_open.at(at).is_some_and(|known| known.ends.are(&endpoints))
                    }
                    Target::Held(at) => held.at(at).is_some_and(|known| known.ends.are(&endpoints)),
                    Target::TimeWait(at) => time_wait.at(at).is_some_and(|known| {
                        let reusable = reuse && is_reusable(now, known);
                        known.ends.are(&endpoints) && !reusable
                    }),
                };
                placement.elsewhere(&endpoints).is_none()
                    && demux.find(demux.hash(&endpoints), is_it).is_none()
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
                let allowed = self.config.policy.time_wait_reuse;
                let old_enough = known.filter(|known| allowed && is_reusable(now, known));
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
        config: &Config,
    ) -> Opening {
        let known = self.network.mss(now, endpoints.remote.ip(), hop);
        let limited = |mss: u16| config.max_segment_size.map_or(mss, |most| mss.min(most.max(1)));
        let (mss, path_mss) = (limited(known.own), limited(known.path));
        let mut iss = self.isn.initial_sequence_number(now, endpoints);
        if let Some(minimum) = minimum_iss.filter(|minimum| iss.at_or_before(*minimum)) {
            // RFC 9293 §3.6.1: beyond what the previous incarnation used.
            iss = minimum + 64_000;
        }
        let timestamp_offset = self.isn.timestamp_offset(endpoints);
        Opening {
            mss,
            path_mss,
            default_mss: known.default,
            iss,
            timestamp_offset,
            signature: Signature::None,
        }
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
        self.budget.changed(Buffered::default(), connection.buffered());
        let remote = endpoints.remote.ip();
        let mut path = PathState::new(hop, remote, self.network.generation(), random);
        (path.dscp, path.hop_limit) = self.marks_of(listener);
        path.may_fragment = self.may_fragment(listener);
        if self.network.paths.knows(remote) {
            // What is known may be younger than the handshake.
            path.mtu_until = Instant::ZERO;
        }
        let record = Record {
            connection,
            ends: endpoints.into(),
            hash,
            timer: TimerId::UNSET,
            path,
            auth,
            listener,
            to_accept: listener.is_some(),
            fast_opening: false,
            tells_progress: false,
            pending: Events::NONE,
            announced: false,
            ready: false,
            released: false,
            told: Told::Nothing,
        };
        let key = self.connections.insert(record);
        if let Some(record) = self.connections.get_mut(key) {
            let owner = TimerOwner::Connection(key.index).into();
            self.timers.arm(&mut record.timer, owner, deadline);
        }
        ConnectionId(key)
    }
}

/// Only timestamps tell the segments of two incarnations apart (RFC 6191 §3), and theirs have moved on meanwhile.
fn is_reusable(now: Instant, known: &TimeWaitRecord) -> bool {
    known.time_wait.had_timestamps() && now.since(known.time_wait.since()) >= TIME_WAIT_REUSE
}

/// RFC 6437 flow labels are not part of a connection's name.
pub(super) fn without_flow(address: SocketAddr) -> SocketAddr {
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
