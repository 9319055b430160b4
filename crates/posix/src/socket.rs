//! What a socket keeps beside its connection.

use crate::address::Address;
use crate::config::SocketsConfig;
use crate::errno::Errno;
use crate::option::Linger;
use crate::send_queue::SendQueue;
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_host::{ConnectionId, FastOpenKeys, Key, ListenerId};
use sockeye_tcp::KeepAlive;
use sockeye_tcp::congestion::Algorithm;

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) ipv6: bool,
    pub(crate) options: Options,
    /// As the host knows it: a mapped address is an IPv4 one.
    pub(crate) bound: Option<SocketAddr>,
    pub(crate) phase: Phase,
    /// Connected as far as the program knows: the SYN waits for data to take along (`TCP_FASTOPEN_CONNECT`).
    pub(crate) deferred: Option<Address>,
}

/// Linux's `sock->state` and `sk->sk_state`, as far as they are not the connection's own.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Neither listening nor connected.
    Idle,
    /// One listener, or two if it takes IPv4 connections by mapped addresses.
    Listening(Vec<ListenerId>),
    /// It has, or had, a connection.
    Linked(Link),
}

/// A socket's relation to its connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: ConnectionId,
    /// No `connect` has told the program yet that it succeeded.
    pub(crate) connecting: bool,
    pub(crate) shut_read: bool,
    pub(crate) shut_write: bool,
    /// The error that ended the connection was told.
    pub(crate) error_told: bool,
    /// With `IP_RECVERR`: an ICMP error that nobody was told yet.
    pub(crate) reported: Option<Errno>,
    /// The soft error that was told last.
    pub(crate) soft_error_told: Option<sockeye_tcp::Error>,
    /// The urgent octet was read out of band.
    pub(crate) urgent_read: bool,
    pub(crate) send: SendQueue,
    /// Somebody was told that there is no room (Linux's `SOCK_NOSPACE`).
    pub(crate) starved: bool,
}

impl Link {
    pub(crate) fn new(id: ConnectionId, connecting: bool) -> Self {
        Self {
            id,
            connecting,
            shut_read: false,
            shut_write: false,
            error_told: false,
            reported: None,
            soft_error_told: None,
            urgent_read: false,
            send: SendQueue::default(),
            starved: false,
        }
    }
}

/// What was set by `setsockopt`; a listener's are the beginning of its connections'.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) keep_alive: bool,
    pub(crate) oob_inline: bool,
    pub(crate) linger: Linger,
    pub(crate) receive_low_water: i32,
    pub(crate) receive_timeout: Option<Duration>,
    pub(crate) send_timeout: Option<Duration>,
    /// As Linux counts, with overhead.
    pub(crate) send_buffer: u32,
    /// Set by the program: it no longer grows by itself.
    pub(crate) send_buffer_locked: bool,
    pub(crate) receive_buffer: u32,
    pub(crate) receive_buffer_locked: bool,
    pub(crate) free_bind: bool,
    pub(crate) v6_only: bool,
    pub(crate) tos: u8,
    pub(crate) traffic_class: u8,
    /// None: the host's.
    pub(crate) hop_limit: Option<u8>,
    /// `IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`: as it was set.
    pub(crate) mtu_discovery: MtuDiscovery,
    pub(crate) v6_mtu_discovery: MtuDiscovery,
    pub(crate) no_delay: bool,
    pub(crate) cork: bool,
    pub(crate) keep: KeepAlive,
    pub(crate) syn_retries: Option<u8>,
    /// Zero: no FIN-WAIT-2 without a reader.
    pub(crate) linger2: Option<Duration>,
    pub(crate) window_clamp: Option<u32>,
    /// What was asked for last; the connection knows how it is.
    pub(crate) quick_ack: bool,
    /// As `listen` had it.
    pub(crate) backlog: u32,
    pub(crate) user_timeout: Option<Duration>,
    pub(crate) notsent_low_water: Option<u32>,
    pub(crate) congestion: Option<Algorithm>,
    /// Octets a second.
    pub(crate) max_pacing_rate: Option<u64>,
    pub(crate) inq: bool,
    pub(crate) zero_copy: bool,
    pub(crate) max_segment_size: Option<u16>,
    /// How many connections a listener may have open before their handshake is complete; none: by the host's policy.
    pub(crate) fast_open: Option<usize>,
    pub(crate) fast_open_connect: bool,
    pub(crate) fast_open_no_cookie: bool,
    pub(crate) fast_open_keys: Option<FastOpenKeys>,
    /// In retransmissions of the SYN-ACK.
    pub(crate) defer_accept: u8,
    /// Keys for connections to come.
    pub(crate) keys: Vec<Key>,
    /// Kept and given back, without effect here: flags that concern other layers.
    pub(crate) priority: i32,
    pub(crate) mark: i32,
    pub(crate) broadcast: bool,
    pub(crate) dont_route: bool,
    pub(crate) debug: bool,
    pub(crate) receive_errors: bool,
    pub(crate) bind_no_port: bool,
}

/// Whether IPv4 packets forbid routers to cut them up; those of IPv6 always do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MtuDiscovery {
    /// `IP_PMTUDISC_DONT`: they do not.
    Dont = 0,
    /// `IP_PMTUDISC_WANT`.
    Want = 1,
    /// `IP_PMTUDISC_DO`: to a stream the same.
    Do = 2,
}

impl MtuDiscovery {
    /// # Errors
    /// [`Errno::EOPNOTSUPP`] if Linux knows the value, otherwise [`Errno::EINVAL`].
    pub(crate) const fn new(value: i32) -> Result<Self, Errno> {
        match value {
            0 => Ok(Self::Dont),
            1 => Ok(Self::Want),
            2 => Ok(Self::Do),
            3..=5 => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Options {
    /// Whether routers may cut IPv4 packets up.
    pub(crate) fn may_fragment(&self) -> bool {
        self.mtu_discovery == MtuDiscovery::Dont
    }

    pub(crate) fn new(config: &SocketsConfig) -> Self {
        Self {
            reuse_address: false,
            reuse_port: false,
            keep_alive: false,
            oob_inline: false,
            linger: Linger::default(),
            receive_low_water: 1,
            receive_timeout: None,
            send_timeout: None,
            send_buffer: config.send_buffer.default,
            send_buffer_locked: false,
            receive_buffer: config.receive_buffer.default,
            receive_buffer_locked: false,
            free_bind: false,
            v6_only: config.v6_only,
            tos: 0,
            traffic_class: 0,
            hop_limit: None,
            mtu_discovery: MtuDiscovery::Want,
            v6_mtu_discovery: MtuDiscovery::Want,
            no_delay: false,
            cork: false,
            keep: KeepAlive::default(),
            syn_retries: None,
            linger2: None,
            window_clamp: None,
            quick_ack: true,
            backlog: 0,
            user_timeout: None,
            notsent_low_water: None,
            congestion: None,
            max_pacing_rate: None,
            inq: false,
            zero_copy: false,
            max_segment_size: None,
            fast_open: None,
            fast_open_connect: false,
            fast_open_no_cookie: false,
            fast_open_keys: None,
            defer_accept: 0,
            keys: Vec::new(),
            priority: 0,
            mark: 0,
            broadcast: false,
            dont_route: false,
            debug: false,
            receive_errors: false,
            bind_no_port: false,
        }
    }
}
