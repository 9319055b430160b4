//! Listeners and how an arriving SYN finds one.

use crate::hash::Keyed;
use crate::ids::{ConnectionId, ListenerId};
use crate::pages::Pages;
use crate::policy::FastOpenPolicy;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use hashbrown::HashMap;
use smallvec::SmallVec;
use sockeye_tcp::auth::{Authenticator, KeyError, KeyRing};
use sockeye_tcp::{Config, Endpoints, FastOpenKeys};
use sockeye_wire::Instant;

/// How a listener's connections open, beside their settings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListenOptions {
    /// Connections that may be open before their handshake is complete, because their SYN brought data (RFC 7413 §5.1);
    /// none: by the host's policy, 0: never.
    pub fast_open: Option<usize>,
    /// SYNs' data is taken without a cookie.
    pub without_cookie: bool,
    /// Keys of Fast Open cookies, in place of the host's.
    pub fast_open_keys: Option<FastOpenKeys>,
    /// Retransmissions of the SYN-ACK for which a client is waited for that has completed the handshake and sent no data.
    pub defer_accept: u8,
    /// Differentiated services code point of their packets from the SYN-ACK on, 6 bits (RFC 9293 MUST-48).
    pub dscp: u8,
    /// TTL or hop limit of their packets from the SYN-ACK on; none: the host's (RFC 9293 MUST-49).
    pub hop_limit: Option<u8>,
    /// Their IPv4 packets may be cut up by routers; see [`Host::set_may_fragment`](crate::Host::set_may_fragment).
    pub may_fragment: bool,
}

/// Connections whose handshake is not complete, and what those that were reset still weigh (RFC 7413 §5.1: whoever opens and resets
/// must not get more of them).
#[derive(Debug, Default)]
pub(crate) struct FastOpens {
    pending: usize,
    resets: VecDeque<Instant>,
}

/// How long a reset weighs, as on Linux.
const RESET_WEIGHS: Duration = Duration::from_secs(60);

impl FastOpens {
    /// Takes a place, if one of `limit` is free.
    pub(crate) fn begin(&mut self, now: Instant, limit: usize) -> bool {
        while self.resets.front().is_some_and(|at| *at + RESET_WEIGHS <= now) {
            self.resets.pop_front();
        }
        let free = self.pending + self.resets.len() < limit;
        self.pending += usize::from(free);
        free
    }

    pub(crate) fn end(&mut self, now: Instant, by_reset: bool) {
        self.pending = self.pending.saturating_sub(1);
        if by_reset {
            self.resets.push_back(now);
        }
    }
}

/// Someone waits for connections.
pub(crate) struct Listener {
    pub(crate) local: SocketAddr,
    /// Bounds the accept queue, and the half-open records each.
    pub(crate) backlog: usize,
    pub(crate) half_open: usize,
    /// Settings of its connections.
    pub(crate) config: Arc<Config>,
    pub(crate) to_accept: VecDeque<ConnectionId>,
    pub(crate) options: ListenOptions,
    pub(crate) fast_opens: FastOpens,
    /// An event about it is on its way.
    pub(crate) announced: bool,
    /// For the connections that it accepts.
    pub(crate) keys: KeyRing,
}

impl Listener {
    /// Connections that may be open before their handshake is complete.
    pub(crate) fn fast_open_limit(&self, policy: &FastOpenPolicy) -> usize {
        let by_policy = if policy.every_listener { self.backlog } else { 0 };
        if policy.server { self.options.fast_open.unwrap_or(by_policy) } else { 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.to_accept.len() >= self.backlog
    }
}

pub(crate) struct Listeners {
    entries: Pages<Listener>,
    by_port: HashMap<u16, SmallVec<[ListenerId; 2]>, Keyed>,
    /// Listeners that have keys.
    keyed: usize,
}

impl Listeners {
    pub(crate) fn new(hasher: Keyed) -> Self {
        Self { entries: Pages::new(), by_port: HashMap::with_hasher(hasher), keyed: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// `None` if someone listens at exactly this address.
    pub(crate) fn add(
        &mut self,
        local: SocketAddr,
        backlog: usize,
        config: Arc<Config>,
    ) -> Option<ListenerId> {
        let at_port = self.by_port.entry(local.port()).or_default();
        let entries = &mut self.entries;
        if at_port.iter().any(|id| entries.get(id.0).is_some_and(|known| known.local == local)) {
            return None;
        }
        let id = ListenerId(entries.insert(Listener {
            local,
            backlog: backlog.max(1),
            half_open: 0,
            config,
            to_accept: VecDeque::new(),
            options: ListenOptions::default(),
            fast_opens: FastOpens::default(),
            announced: false,
            keys: KeyRing::default(),
        }));
        at_port.push(id);
        Some(id)
    }

    pub(crate) fn remove(&mut self, id: ListenerId) -> Option<Listener> {
        let port = self.entries.get(id.0)?.local.port();
        if let Some(at_port) = self.by_port.get_mut(&port) {
            at_port.retain(|known| *known != id);
            if at_port.is_empty() {
                self.by_port.remove(&port);
            }
        }
        let listener = self.entries.remove(id.0.index)?;
        self.keyed -= usize::from(!listener.keys.is_empty());
        Some(listener)
    }

    /// Whether any listener has a key.
    #[inline]
    pub(crate) const fn have_keys(&self) -> bool {
        self.keyed > 0
    }

    pub(crate) fn change_keys(
        &mut self,
        id: ListenerId,
        change: impl FnOnce(&mut KeyRing) -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        let listener = self.entries.get_mut(id.0).ok_or(KeyError::NoSuchKey)?;
        let before = usize::from(!listener.keys.is_empty());
        let outcome = change(&mut listener.keys);
        self.keyed = self.keyed - before + usize::from(!listener.keys.is_empty());
        outcome
    }

    /// For a stranger, if who listens at `endpoints.local` has keys for it.
    pub(crate) fn authenticator(&self, endpoints: &Endpoints) -> Option<Box<Authenticator>> {
        if !self.have_keys() {
            return None;
        }
        let listener = self.entries.get(self.find(endpoints.local)?.0)?;
        Authenticator::select(&listener.keys, endpoints).map(Box::new)
    }

    pub(crate) fn get(&self, id: ListenerId) -> Option<&Listener> {
        self.entries.get(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.entries.get_mut(id.0)
    }

    /// Who listens at `local`: the exact address first, then any address of the family. A listener at `[::]` does not
    /// get IPv4 connections.
    pub(crate) fn find(&self, local: SocketAddr) -> Option<ListenerId> {
        let at_port = self.by_port.get(&local.port())?;
        let with = |ip: IpAddr| {
            let is_it = |id: &&ListenerId| {
                self.entries.get(id.0).is_some_and(|known| known.local.ip() == ip)
            };
            at_port.iter().find(is_it).copied()
        };
        let any = if local.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        with(local.ip()).or_else(|| with(any))
    }
}
