//! Everything that arrives from a TUN device, over a proxy: what `sockeye proxy` does once its stack stands.
//!
//! | module | what it is |
//! |---|---|
//! | `via` | where to, as `--via` takes it |
//! | `upstream` | connections through it: SOCKS5, HTTP CONNECT, direct |
//! | `relay` | a client and its upstream |
//! | `dns`, `datagram` | questions that come by UDP, asked over TCP |
//! | `stats`, `metrics` | what has been done: for people, and for Prometheus |

mod datagram;
mod dns;
pub(crate) mod metrics;
mod relay;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
mod upstream;
mod via;

pub(crate) use stats::Stats;
pub(crate) use upstream::Upstream;
pub(crate) use via::Via;

use sockeye::{Incoming, IncomingConfig, Packets, Stack};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Packets that may wait until we get to them.
const WAITING_PACKETS: usize = 1_024;

/// What is the same for all connections.
pub(crate) struct Proxy {
    pub(crate) upstream: Upstream,
    pub(crate) stats: Arc<Stats>,
    pub(crate) limits: Limits,
    /// Who is asked by those who ask by DNS; none: whom they ask.
    pub(crate) dns: Option<SocketAddr>,
    /// Told what cannot be done, one line each.
    pub(crate) tell: Box<dyn Fn(String) + Send + Sync>,
}

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Clients served at once, those included that wait for an upstream.
    pub(crate) connections: usize,
    /// How long an upstream may take to be there.
    pub(crate) connect_time: Duration,
    /// How long nothing may pass on an open connection.
    pub(crate) idle_time: Duration,
}

/// The stack's part in it.
pub(crate) struct Hooks {
    incoming: Incoming,
    packets: Arc<Packets>,
}

impl Hooks {
    /// Takes the stack's connections and packets.
    pub(crate) fn take(stack: &Stack, limits: &Limits) -> io::Result<Self> {
        let mut config = IncomingConfig::default();
        // Those beyond the limit wait for their turn before they are dialled for.
        config.patience = limits.connect_time * 2 + Duration::from_secs(1);
        Ok(Self {
            incoming: stack.incoming(config)?,
            packets: Arc::new(stack.packets(WAITING_PACKETS)?),
        })
    }
}

impl Proxy {
    /// Serves until the stack ends, and says why it has.
    pub(crate) async fn serve(self: Arc<Self>, hooks: &Hooks) -> io::Error {
        tokio::select! {
            error = self.serve_connections(&hooks.incoming) => error,
            error = dns::serve(&self, &hooks.packets) => error,
        }
    }

    async fn serve_connections(self: &Arc<Self>, incoming: &Incoming) -> io::Error {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            // A client that finds no place is held, as if the path were long.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return io::ErrorKind::Other.into();
            };
            let request = match incoming.accept().await {
                Ok(request) => request,
                Err(error) => return error,
            };
            let proxy = Arc::clone(self);
            tokio::spawn(async move {
                relay::serve(&proxy, request).await;
                drop(place);
            });
        }
    }
}
