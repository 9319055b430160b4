//! What a connection or listener is opened with.

use crate::core::Core;
use sockeye_host::{ConnectionId, HostError, ListenerId};
use sockeye_tcp::Config;
use sockeye_wire::Instant;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Settings before opening. Every field unset is as the stack has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) tcp: Option<Arc<Config>>,
    pub(crate) hop_limit: Option<u8>,
    pub(crate) dscp: u8,
    pub(crate) linger: Option<Duration>,
    /// Connections of a listener that may be open before their handshake is complete.
    pub(crate) fast_open_backlog: Option<usize>,
    /// Data goes onto the SYN though no cookie is known.
    pub(crate) without_cookie: bool,
}

impl Options {
    /// Begins a connection whose SYN leaves when the call ends; says how much of the early data it takes (Fast Open, RFC 7413).
    pub(crate) fn connect(
        &self,
        core: &mut Core,
        now: Instant,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        early: Option<&[u8]>,
    ) -> Result<(ConnectionId, usize), HostError> {
        let host = &mut core.host;
        let tcp = self.tcp.as_ref().map_or_else(|| Arc::clone(&host.config().tcp), Arc::clone);
        let (id, taken) = match early {
            None => (host.connect_with(now, remote, local, tcp)?, 0),
            Some(data) => {
                host.connect_fast_open(now, remote, local, tcp, data, self.without_cookie)?
            }
        };
        if let Some(hop_limit) = self.hop_limit {
            host.set_hop_limit(id, hop_limit);
        }
        host.set_dscp(id, self.dscp);
        Ok((id, taken))
    }

    /// Begins to listen.
    pub(crate) fn listen(
        &self,
        core: &mut Core,
        local: SocketAddr,
        backlog: usize,
    ) -> Result<ListenerId, HostError> {
        let host = &mut core.host;
        let tcp = self.tcp.as_ref().map_or_else(|| Arc::clone(&host.config().tcp), Arc::clone);
        let id = host.listen_with(local, backlog, tcp)?;
        if let Some(options) = host.listen_options_mut(id) {
            options.hop_limit = self.hop_limit;
            options.dscp = self.dscp;
            options.fast_open = self.fast_open_backlog;
        }
        Ok(id)
    }
}
