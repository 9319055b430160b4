//! Opening passively: listen, accept, and how a listener's connections open.

use super::open::without_flow;
use super::{Announcement, Host};
use crate::error::HostError;
use crate::ids::{ConnectionId, ListenerId};
use crate::listener::ListenOptions;
use alloc::sync::Arc;
use core::net::SocketAddr;
use sockeye_tcp::{Config, Endpoints, Events, FastOpenKeys};
use sockeye_wire::Instant;

impl Host {
    /// Passive OPEN: waits for connections to `local`, whose address may be unspecified and whose port may be 0 for any. It changes
    /// no other record, whatever state connections of that port are in (RFC 9293 MUST-41, MUST-42, MUST-43).
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

    /// Where a listener listens; none if it is gone.
    #[must_use]
    pub fn listener_address(&self, id: ListenerId) -> Option<SocketAddr> {
        self.listeners.get(id).map(|listener| listener.local)
    }

    /// How a listener's connections open; a change holds for SYNs that come after it. None if the listener is gone.
    pub fn listen_options_mut(&mut self, id: ListenerId) -> Option<&mut ListenOptions> {
        self.listeners.get_mut(id).map(|listener| &mut listener.options)
    }

    /// DSCP and hop limit that a listener's connections begin with.
    pub(super) fn marks_of(&self, listener: Option<ListenerId>) -> (u8, u8) {
        let options =
            listener.and_then(|id| self.listeners.get(id)).map(|listener| &listener.options);
        options.map_or((0, self.config.hop_limit), |options| {
            (options.dscp & 0x3f, options.hop_limit.unwrap_or(self.config.hop_limit))
        })
    }

    /// Whether routers may cut up what a listener's connections send.
    pub(super) fn may_fragment(&self, listener: Option<ListenerId>) -> bool {
        let listener = listener.and_then(|id| self.listeners.get(id));
        listener.is_some_and(|listener| listener.options.may_fragment)
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

    /// Stops listening. Connections not yet accepted are aborted, half-open ones reset.
    pub fn close_listener(&mut self, now: Instant, id: ListenerId) {
        let Some(listener) = self.listeners.remove(id) else { return };
        self.ports.unreserve(listener.local.port());
        self.to_accept -= listener.to_accept.len();
        for waiting in listener.to_accept {
            if let Some(record) = self.connections.get_mut(waiting.0) {
                record.to_accept = false;
            }
            self.abort(now, waiting);
            self.close(now, waiting);
        }
        if listener.half_open > 0 {
            // The table is bounded, and not walked for a listener that has nothing in it.
            for index in self.half_open.indices() {
                if self.half_open.at(index).is_some_and(|record| record.listener == id) {
                    self.refuse_half_open(now, index);
                }
            }
        }
    }

    /// The next connection of a listener, if one waits.
    pub fn accept(&mut self, id: ListenerId) -> Option<(ConnectionId, Endpoints)> {
        let listener = self.listeners.get_mut(id)?;
        let connection = listener.to_accept.pop_front()?;
        self.to_accept -= 1;
        let record = self.connections.get_mut(connection.0)?;
        record.to_accept = false;
        let endpoints = record.ends.get();
        if record.pending != Events::NONE {
            self.announce(connection);
        }
        Some((connection, endpoints))
    }

    /// A connection waits to be accepted.
    pub(super) fn queue_to_accept(&mut self, listener: ListenerId, connection: ConnectionId) {
        let Some(entry) = self.listeners.get_mut(listener) else { return };
        entry.to_accept.push_back(connection);
        self.to_accept += 1;
        if entry.is_full()
            && let Some(monitor) = &mut self.monitor
        {
            monitor.listener_full(entry.local);
        }
        if !core::mem::replace(&mut entry.announced, true) {
            self.events.push_back(Announcement::Listener(listener));
        }
    }

    /// Settings of a listener's connections; the host's own if it is gone.
    pub(super) fn config_of(&self, id: ListenerId) -> Arc<Config> {
        Arc::clone(self.listeners.get(id).map_or(&self.config.tcp, |listener| &listener.config))
    }

    /// Makes cookies with `keys` from now on, and accepts those of its backup too (RFC 7413 §4.1.2). At first the keys are drawn
    /// from the host's secret.
    pub fn set_fast_open_keys(&mut self, keys: FastOpenKeys) {
        self.fast_open_keys = keys;
    }
}
