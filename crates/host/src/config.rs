//! What can be set when a host is made.

use crate::policy::Policy;
use crate::shard::Shard;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use sockeye_wire::MacAddr;

/// Settings of a host.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Seeds every hash and choice that outsiders must not guess: initial sequence numbers, ports, demultiplexing. From
    /// the operating system's random generator, or fixed for a repeatable run.
    pub secret: [u8; 32],
    /// Settings of every connection that does not bring its own.
    pub tcp: Arc<sockeye_tcp::Config>,
    /// TTL or hop limit of what is sent (RFC 9293 MUST-49).
    pub hop_limit: u8,
    /// Where local ports are taken from when none is asked for (RFC 6056).
    pub ephemeral_ports: RangeInclusive<u16>,
    /// Drop segments with TCP-AO that no key is for; by default they are taken as if unsigned (RFC 5925 §7.3).
    pub refuse_unknown_ao: bool,
    /// Bounds on what strangers can make the host hold or send.
    pub limits: Limits,
    /// Which of several hosts this is that are one to the outside.
    pub shard: Shard,
    /// What may be switched later, by [`Host::policy_mut`](crate::Host::policy_mut).
    pub policy: Policy,
}

impl HostConfig {
    /// Defaults, with this secret.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            secret,
            tcp: Arc::default(),
            hop_limit: 64,
            ephemeral_ports: 32_768..=60_999,
            refuse_unknown_ao: false,
            limits: Limits::default(),
            shard: Shard::WHOLE,
            policy: Policy::default(),
        }
    }
}

/// Bounds on what strangers can make the host hold or send.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections in all states but half-open and TIME-WAIT.
    pub connections: usize,
    /// Half-open connections of all listeners.
    pub half_open: usize,
    /// TIME-WAIT records; a connection that finds no room is forgotten at once.
    pub time_wait: usize,
    /// Octets of data that all connections hold: written and not acknowledged, arrived and not read, arrived behind a hole. As this comes
    /// near, buffers stop growing, then windows get small, then data behind holes is dropped and nothing new is opened; what was
    /// acknowledged is kept. 4 KiB each way are every connection's own, beyond the limit.
    pub buffered_bytes: usize,
    /// Neighbour cache entries.
    pub neighbours: usize,
    /// Packets that wait for one neighbour's hardware address (RFC 1122 §2.3.2.2: at least one).
    pub neighbour_queue: usize,
    /// Destinations whose path MTU is remembered.
    pub paths: usize,
    /// Destinations of which is remembered what connections learned: round trips, Fast Open cookies (RFC 9040).
    pub destinations: usize,
    /// Octets held of datagrams that are being reassembled.
    pub reassembly_bytes: usize,
    /// How long the pieces of a datagram are waited for.
    pub reassembly_time: Duration,
    /// Packets in the queue of answers (resets, ICMP, ARP) and in that of the loopback.
    pub outbox: usize,
    /// ICMP errors sent a second; a tenth of it at once.
    pub icmp_errors_per_second: u32,
    /// Resets for segments that belong nowhere sent a second; a tenth of it at once.
    pub resets_per_second: u32,
    /// Payload octets a connection may send before it is the next one's turn; a slow one fewer
    /// (see `Connection::small_queue_bytes`).
    pub turn_bytes: usize,
}

impl Limits {
    /// The bounds of one of `count` hosts that share these: equal parts of what they hold and send.
    #[must_use]
    pub fn divided(&self, count: u32) -> Self {
        let part = |whole: usize| whole.div_ceil(count.max(1) as usize);
        let rate = |whole: u32| whole.div_ceil(count.max(1));
        Self {
            connections: part(self.connections),
            half_open: part(self.half_open),
            time_wait: part(self.time_wait),
            reassembly_bytes: part(self.reassembly_bytes),
            outbox: part(self.outbox),
            icmp_errors_per_second: rate(self.icmp_errors_per_second),
            resets_per_second: rate(self.resets_per_second),
            ..self.clone()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1 << 24,
            half_open: 65_536,
            time_wait: 1 << 18,
            buffered_bytes: 1 << 30,
            neighbours: 1_024,
            neighbour_queue: 4,
            paths: 4_096,
            destinations: 4_096,
            reassembly_bytes: 1 << 20,
            reassembly_time: Duration::from_secs(30),
            outbox: 16_384,
            icmp_errors_per_second: 1_000,
            resets_per_second: 10_000,
            turn_bytes: 65_536,
        }
    }
}

/// What a link carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// IP packets without any link header, as a TUN device does.
    Ip,
    /// Ethernet frames; neighbours are found by ARP and neighbour discovery.
    Ethernet(MacAddr),
}

/// Settings of an interface.
#[derive(Clone, Debug)]
pub struct InterfaceConfig {
    /// What the link carries.
    pub medium: Medium,
    /// Largest IP packet in octets, without the link's header. Less than 68, and with IPv6 less than 1,280, is taken as
    /// that much.
    pub mtu: u16,
    /// Own addresses and their prefix lengths; each prefix is on the link.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Largest IP packet that the link cuts into segments itself; 0 if it does not. The link then completes the checksum
    /// of what it cuts, whatever `checksum_offload` says.
    pub gso_max_bytes: u32,
    /// Where the link does not cut super-segments, the host does: connections decide once for many segments, which all leave in one
    /// turn, unless they are paced. On at first; off, each segment is decided by itself.
    pub segmentation: bool,
    /// The link completes transport checksums.
    pub checksum_offload: bool,
    /// Every unicast address that a packet arrives for is taken for an own one, as where a TUN device brings everything that a machine
    /// sends: [`Incoming`](crate::Host::set_incoming) and listeners at any address get connections to addresses that are nobody's, and
    /// echo requests to them are answered. Nothing is sent from such an address but answers. On Ethernet no neighbour is told that
    /// the address is here.
    pub any_address: bool,
}

impl InterfaceConfig {
    /// A link that carries IP packets and does nothing else.
    #[must_use]
    pub const fn ip(mtu: u16) -> Self {
        Self {
            medium: Medium::Ip,
            mtu,
            addresses: Vec::new(),
            gso_max_bytes: 0,
            segmentation: true,
            checksum_offload: false,
            any_address: false,
        }
    }

    /// An Ethernet link on which the host has this hardware address.
    #[must_use]
    pub fn ethernet(mac: MacAddr, mtu: u16) -> Self {
        Self { medium: Medium::Ethernet(mac), ..Self::ip(mtu) }
    }

    /// Takes every address for an own one; see [`any_address`](Self::any_address).
    #[must_use]
    pub fn with_any_address(mut self) -> Self {
        self.any_address = true;
        self
    }

    /// Adds an address with its prefix length.
    #[must_use]
    pub fn with_address(mut self, address: impl Into<IpAddr>, prefix_len: u8) -> Self {
        self.addresses.push((address.into(), prefix_len));
        self
    }
}

/// Names an interface of one host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceId(pub(crate) u32);

impl InterfaceId {
    /// The host itself: packets to own addresses never leave it.
    pub(crate) const LOOPBACK: Self = Self(0);

    /// A small number, unique within the host; also the scope of its link-local addresses.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "if{}", self.0)
    }
}
