//! What the host keeps of a connection beside the connection itself.

use crate::config::InterfaceId;
use crate::ends::Ends;
use crate::ids::ListenerId;
use crate::net::{Hop, Network};
use crate::wheel::{Links, TimerId, Waits};
use alloc::boxed::Box;
use core::net::IpAddr;
use sockeye_tcp::auth::Authenticator;
use sockeye_tcp::{Connection, Events, HalfOpen, TimeWait};
use sockeye_wire::Instant;

/// A connection in its table.
pub(crate) struct Record {
    pub(crate) connection: Connection,
    pub(crate) ends: Ends,
    pub(crate) hash: u32,
    /// Absent while it waits for nothing.
    pub(crate) timer: TimerId,
    pub(crate) path: PathState,
    /// The keys and what follows from them.
    pub(crate) auth: Option<Box<Authenticator>>,
    /// Whose connection it is.
    pub(crate) listener: Option<ListenerId>,
    /// Waits in that listener's accept queue.
    pub(crate) to_accept: bool,
    /// Counts as a Fast Open of that listener until its handshake is complete.
    pub(crate) fast_opening: bool,
    /// Every acknowledgement of data is news.
    pub(crate) tells_progress: bool,
    /// News not yet told.
    pub(crate) pending: Events,
    /// News are on their way.
    pub(crate) announced: bool,
    /// Waits for its turn to send.
    pub(crate) ready: bool,
    /// The application has let go.
    pub(crate) released: bool,
    /// What was told of it.
    pub(crate) told: Told,
}

/// How far the news of a connection have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Nothing,
    Opened,
    Ended,
}

/// How a connection's packets are addressed.
#[derive(Debug)]
pub(crate) struct PathState {
    /// The next hop, as it was when the network had this generation; without a gateway the destination itself.
    pub(crate) interface: InterfaceId,
    gateway: Option<Box<IpAddr>>,
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
    /// A path that begins with `hop` to `remote`.
    pub(crate) fn new(hop: Hop, remote: IpAddr, generation: u32, random: u64) -> Self {
        Self {
            interface: hop.interface,
            gateway: gateway(hop, remote),
            generation,
            flow_label: (random >> 16) as u32 & 0x000f_ffff,
            identification: random as u16,
            hop_limit: 0,
            dscp: 0,
            may_fragment: false,
            received_hop_limit: 0,
            received_dscp: 0,
            mtu_until: Instant::FAR_FUTURE,
        }
    }

    /// The next hop to `remote`, which must always be the same.
    pub(crate) fn hop(&self, remote: IpAddr) -> Hop {
        let next = self.gateway.as_deref().copied().unwrap_or(remote);
        Hop { interface: self.interface, next }
    }

    /// Looks the next hop up again if routes or addresses changed; false if there is none any more.
    pub(crate) fn refresh(&mut self, network: &Network, ends: &Ends) -> bool {
        if self.generation == network.generation() {
            return true;
        }
        // RFC 9293 MUST-45: the route may change, the local address never does.
        let Some(hop) = network.hop(ends.get().remote) else { return false };
        self.interface = hop.interface;
        self.gateway = gateway(hop, ends.remote_ip());
        self.generation = network.generation();
        self.mtu_until = Instant::ZERO;
        true
    }
}

fn gateway(hop: Hop, remote: IpAddr) -> Option<Box<IpAddr>> {
    (hop.next != remote).then(|| Box::new(hop.next))
}

/// A connection that a listener's SYN-ACK opened halfway.
pub(crate) struct HalfOpenRecord {
    pub(crate) half_open: HalfOpen,
    pub(crate) ends: Ends,
    pub(crate) hash: u32,
    pub(crate) links: Links,
    pub(crate) listener: ListenerId,
    pub(crate) auth: Option<Box<Authenticator>>,
}

impl Waits for HalfOpenRecord {
    #[inline]
    fn deadline(&self) -> Instant {
        self.half_open.deadline()
    }

    #[inline]
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// What remains of a closed connection.
pub(crate) struct TimeWaitRecord {
    pub(crate) time_wait: TimeWait,
    pub(crate) ends: Ends,
    pub(crate) hash: u32,
    pub(crate) links: Links,
    pub(crate) auth: Option<Box<Authenticator>>,
}

impl Waits for TimeWaitRecord {
    #[inline]
    fn deadline(&self) -> Instant {
        self.time_wait.deadline()
    }

    #[inline]
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}
