//! What the host keeps of a connection beside the connection itself.

use crate::ids::ListenerId;
use crate::net::{Hop, Network};
use crate::wheel::TimerId;
use alloc::boxed::Box;
use sockeye_tcp::auth::Authenticator;
use sockeye_tcp::{Connection, Endpoints, Events, HalfOpen, TimeWait};
use sockeye_wire::Instant;

/// A connection in its table.
pub(crate) struct Record {
    pub(crate) connection: Connection,
    pub(crate) endpoints: Endpoints,
    pub(crate) hash: u32,
    pub(crate) timer: TimerId,
    pub(crate) path: PathState,
    /// The keys and what follows from them.
    pub(crate) auth: Option<Box<Authenticator>>,
    /// Waits in a listener's accept queue.
    pub(crate) listener: Option<ListenerId>,
    /// Every acknowledgement of data is news.
    pub(crate) tells_progress: bool,
    /// Counts as a Fast Open of this listener until its handshake is complete.
    pub(crate) fast_open: Option<ListenerId>,
    /// News not yet told.
    pub(crate) pending: Events,
    /// News are on their way.
    pub(crate) announced: bool,
    /// Waits for its turn to send.
    pub(crate) ready: bool,
    /// The application has let go.
    pub(crate) released: bool,
}

/// How a connection's packets are addressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathState {
    /// The next hop, as it was when the network had this generation.
    pub(crate) hop: Hop,
    pub(crate) generation: u32,
    pub(crate) flow_label: u32,
    /// Counts wire packets, from an unguessable start.
    pub(crate) identification: u16,
    pub(crate) hop_limit: u8,
    pub(crate) dscp: u8,
    /// Routers may cut IPv4 packets up.
    pub(crate) may_fragment: bool,
    /// TTL or hop limit and DSCP of the last packet received; 0 before.
    pub(crate) received_hop_limit: u8,
    pub(crate) received_dscp: u8,
    /// When the path's MTU is to be looked up again.
    pub(crate) mtu_until: Instant,
}

impl PathState {
    /// Looks the next hop up again if routes or addresses changed; false if there is none any more.
    pub(crate) fn refresh(&mut self, network: &Network, endpoints: &Endpoints) -> bool {
        if self.generation == network.generation() {
            return true;
        }
        // RFC 9293 MUST-45: the route may change, the local address never does.
        let Some(hop) = network.hop(endpoints.remote) else { return false };
        self.hop = hop;
        self.generation = network.generation();
        self.mtu_until = Instant::ZERO;
        true
    }
}

/// A connection that a listener's SYN-ACK opened halfway.
pub(crate) struct HalfOpenRecord {
    pub(crate) half_open: HalfOpen,
    pub(crate) endpoints: Endpoints,
    pub(crate) hash: u32,
    pub(crate) timer: TimerId,
    pub(crate) listener: ListenerId,
    pub(crate) auth: Option<Box<Authenticator>>,
}

/// What remains of a closed connection.
pub(crate) struct TimeWaitRecord {
    pub(crate) time_wait: TimeWait,
    pub(crate) endpoints: Endpoints,
    pub(crate) hash: u32,
    pub(crate) timer: TimerId,
    pub(crate) since: Instant,
    pub(crate) auth: Option<Box<Authenticator>>,
}
