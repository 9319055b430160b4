//! Fast Open (RFC 7413): cookies given and taken, data before the handshake is complete.

use super::Host;
use crate::error::HostError;
use crate::ids::{ConnectionId, ListenerId};
use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use sockeye_tcp::fast_open::KeyUsed;
use sockeye_tcp::{Config, Connection, Endpoints, Error, FastOpenOption, FastOpenStart, Segment};
use sockeye_wire::{Instant, StateName};

/// What becomes of a SYN at a listener.
pub(super) enum Reception {
    /// An ordinary handshake; the SYN-ACK carries a cookie if one is there.
    HalfOpen(Option<FastOpenOption>),
    /// A connection at once; the SYN-ACK carries a new cookie if one is there. A place of the listener's was taken for it.
    Open(Option<FastOpenOption>),
}

impl Host {
    /// [`connect_with`](Self::connect_with), with data on the SYN if a cookie for `remote` is known, or if none is needed. Says how
    /// much of `data` the SYN took: the rest, and all if it is 0, is to be written when the connection is open. Without a cookie
    /// the SYN asks for one. The data may reach the peer twice (RFC 7413 §2.1): only for requests that may be repeated.
    ///
    /// # Errors
    /// [`HostError::FastOpenDisabled`], and as [`connect`](Self::connect).
    pub fn connect_fast_open(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        config: Arc<Config>,
        data: &[u8],
        without_cookie: bool,
    ) -> Result<(ConnectionId, usize), HostError> {
        let policy = self.config.policy.fast_open;
        if !policy.client {
            return Err(HostError::FastOpenDisabled);
        }
        let without_cookie = without_cookie || policy.client_without_cookie;
        let start = self.network.destinations.fast_open(now, remote.ip(), without_cookie);
        let mut taken = 0;
        let id = self.open_actively(now, remote, local, config, |config, opening| match start {
            Some(start) => {
                let (connection, count) =
                    Connection::connect_fast_open(config, opening, start, data, now);
                taken = count;
                connection
            }
            None => Connection::connect(config, opening, now),
        })?;
        Ok((id, taken))
    }

    /// Whether [`connect_fast_open`](Self::connect_fast_open) to `remote` would take data with the SYN.
    #[must_use]
    pub fn can_fast_open(&self, now: Instant, remote: IpAddr, without_cookie: bool) -> bool {
        let policy = self.config.policy.fast_open;
        let without_cookie = without_cookie || policy.client_without_cookie;
        let start = self.network.destinations.fast_open(now, remote, without_cookie);
        policy.client && !matches!(start, None | Some(FastOpenStart::Ask { .. }))
    }

    /// What to do with a SYN for a listener (RFC 7413 §4.2.2).
    pub(super) fn receive_syn(
        &mut self,
        now: Instant,
        id: ListenerId,
        endpoints: &Endpoints,
        syn: &Segment,
    ) -> Reception {
        let option = syn.options.fast_open.as_deref().copied();
        if option.is_none() && syn.payload.is_empty() {
            return Reception::HalfOpen(None);
        }
        let policy = self.config.policy.fast_open;
        let host_keys = self.fast_open_keys;
        let Some(listener) = self.listeners.get_mut(id) else { return Reception::HalfOpen(None) };
        let limit = listener.fast_open_limit(&policy);
        let without_cookie = policy.server_without_cookie || listener.options.without_cookie;
        if limit == 0 || option.is_none() && !without_cookie {
            return Reception::HalfOpen(None);
        }
        let keys = listener.options.fast_open_keys.unwrap_or(host_keys);
        let shown = option.and_then(|option| option.cookie);
        let checked = shown.and_then(|cookie| keys.check(endpoints, &cookie));
        let offer =
            option.map(|option| FastOpenOption { cookie: Some(keys.cookie(endpoints)), ..option });
        if checked.is_none() && !without_cookie {
            self.counters.fast_opens_refused += u64::from(shown.is_some());
            self.counters.fast_open_cookies_sent += 1;
            return Reception::HalfOpen(offer);
        }
        if !listener.fast_opens.begin(now, limit) {
            // RFC 7413 §5.1: beyond the limit an ordinary handshake, and SYN cookies then.
            self.counters.fast_opens_refused += 1;
            return Reception::HalfOpen(None);
        }
        self.counters.fast_opens += 1;
        Reception::Open(offer.filter(|_| checked == Some(KeyUsed::Backup)))
    }

    /// The handshake of a Fast Open is complete, or the connection over: its place is free.
    pub(super) fn settle_fast_open(&mut self, now: Instant, index: u32) {
        let Some(record) = self.connections.at_mut(index) else { return };
        if record.connection.state() == StateName::SynReceived {
            return;
        }
        let by_reset = record.connection.error() == Some(Error::Reset);
        if core::mem::take(&mut record.fast_opening)
            && let Some(id) = record.listener
            && let Some(listener) = self.listeners.get_mut(id)
        {
            listener.fast_opens.end(now, by_reset);
        }
    }
}
