//! The socket options that Linux programs use: one table of names, levels, numbers and kinds of value.

pub(crate) mod keys;
mod values;

pub use values::{Linger, decode_int, decode_timeval, encode_timeval};

/// Options of the socket itself.
pub const SOL_SOCKET: i32 = 1;
/// Options of IPv4.
pub const SOL_IP: i32 = 0;
/// Options of TCP.
pub const SOL_TCP: i32 = 6;
/// Options of IPv6.
pub const SOL_IPV6: i32 = 41;

/// What an option's value looks like in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A C `int`, or `unsigned int`.
    Int,
    /// A `struct linger`.
    Linger,
    /// A `struct timeval`.
    Time,
    /// Text, such as the name of a congestion control.
    Text,
    /// A structure or octets.
    Bytes,
}

macro_rules! options {
    ($($(#[$doc:meta])* $variant:ident = $level:ident, $number:literal, $name:literal, $kind:ident;)+) => {
        /// A socket option.
        ///
        /// Which of them work is told by [`Sockets::setsockopt`](crate::Sockets::setsockopt): what the stack does not do is
        /// refused with `ENOPROTOOPT` or `EOPNOTSUPP`, never taken in silence.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum SocketOption { $($(#[$doc])* $variant,)+ }

        impl SocketOption {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The option that a level and a number mean.
            #[must_use]
            pub fn find(level: i32, number: i32) -> Option<Self> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|option| option.level() == level && option.number() == number)
            }

            /// The option of a name such as `TCP_NODELAY`.
            #[must_use]
            pub fn by_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// Its level.
            #[must_use]
            pub const fn level(self) -> i32 {
                match self { $(Self::$variant => $level,)+ }
            }

            /// Its number.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What its value looks like.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }
        }
    };
}

options! {
    /// Records debugging information; a flag without effect.
    Debug = SOL_SOCKET, 1, "SO_DEBUG", Int;
    /// Several sockets may be bound to one address, and one with connections left may be bound again.
    ReuseAddress = SOL_SOCKET, 2, "SO_REUSEADDR", Int;
    /// Type of the socket.
    Type = SOL_SOCKET, 3, "SO_TYPE", Int;
    /// The error that waits, and takes it.
    Error = SOL_SOCKET, 4, "SO_ERROR", Int;
    /// No gateway; nothing to TCP.
    DontRoute = SOL_SOCKET, 5, "SO_DONTROUTE", Int;
    /// Nothing to TCP.
    Broadcast = SOL_SOCKET, 6, "SO_BROADCAST", Int;
    /// Size of the send buffer; Linux doubles what is set, for its own overhead.
    SendBuffer = SOL_SOCKET, 7, "SO_SNDBUF", Int;
    /// Size of the receive buffer, doubled likewise.
    ReceiveBuffer = SOL_SOCKET, 8, "SO_RCVBUF", Int;
    /// Keep-alive probes.
    KeepAlive = SOL_SOCKET, 9, "SO_KEEPALIVE", Int;
    /// Urgent data stays in the stream.
    OobInline = SOL_SOCKET, 10, "SO_OOBINLINE", Int;
    /// Priority in queues; kept, without effect.
    Priority = SOL_SOCKET, 12, "SO_PRIORITY", Int;
    /// What close does with unsent data.
    Linger = SOL_SOCKET, 13, "SO_LINGER", Linger;
    /// Several listeners share one address.
    ReusePort = SOL_SOCKET, 15, "SO_REUSEPORT", Int;
    /// Least octets that make a socket readable.
    ReceiveLowWater = SOL_SOCKET, 18, "SO_RCVLOWAT", Int;
    /// Always 1, cannot be set.
    SendLowWater = SOL_SOCKET, 19, "SO_SNDLOWAT", Int;
    /// Longest wait for data.
    ReceiveTimeout = SOL_SOCKET, 20, "SO_RCVTIMEO", Time;
    /// Longest wait for room, and for `connect`.
    SendTimeout = SOL_SOCKET, 21, "SO_SNDTIMEO", Time;
    /// Sends and receives on one interface only; empty for all.
    BindToDevice = SOL_SOCKET, 25, "SO_BINDTODEVICE", Text;
    /// When packets arrived, as ancillary data.
    Timestamp = SOL_SOCKET, 29, "SO_TIMESTAMP", Int;
    /// Whether the socket listens.
    AcceptConnections = SOL_SOCKET, 30, "SO_ACCEPTCONN", Int;
    /// As `SO_SNDBUF`, beyond the limit.
    SendBufferForce = SOL_SOCKET, 32, "SO_SNDBUFFORCE", Int;
    /// As `SO_RCVBUF`, beyond the limit.
    ReceiveBufferForce = SOL_SOCKET, 33, "SO_RCVBUFFORCE", Int;
    /// Mark for routing; kept, without effect.
    Mark = SOL_SOCKET, 36, "SO_MARK", Int;
    /// When packets were sent and received.
    Timestamping = SOL_SOCKET, 37, "SO_TIMESTAMPING", Int;
    /// Protocol of the socket.
    Protocol = SOL_SOCKET, 38, "SO_PROTOCOL", Int;
    /// Domain of the socket.
    Domain = SOL_SOCKET, 39, "SO_DOMAIN", Int;
    /// Busy polling; nothing here.
    BusyPoll = SOL_SOCKET, 46, "SO_BUSY_POLL", Int;
    /// Octets a second at most.
    MaxPacingRate = SOL_SOCKET, 47, "SO_MAX_PACING_RATE", Int;
    /// Processor that handles the connection.
    IncomingCpu = SOL_SOCKET, 49, "SO_INCOMING_CPU", Int;
    /// Queue of the device that it comes from.
    IncomingNapiId = SOL_SOCKET, 56, "SO_INCOMING_NAPI_ID", Int;
    /// How full the buffers are.
    MemoryInfo = SOL_SOCKET, 55, "SO_MEMINFO", Bytes;
    /// `MSG_ZEROCOPY` is allowed.
    ZeroCopy = SOL_SOCKET, 60, "SO_ZEROCOPY", Int;

    /// Type of service; the two ECN bits are the stack's.
    Tos = SOL_IP, 1, "IP_TOS", Int;
    /// Time to live; -1 for the default.
    Ttl = SOL_IP, 2, "IP_TTL", Int;
    /// Path MTU discovery.
    MtuDiscover = SOL_IP, 10, "IP_MTU_DISCOVER", Int;
    /// Every ICMP error is told at once.
    RecvErr = SOL_IP, 11, "IP_RECVERR", Int;
    /// Path MTU of a connection.
    Mtu = SOL_IP, 14, "IP_MTU", Int;
    /// May be bound to an address that is not there.
    FreeBind = SOL_IP, 15, "IP_FREEBIND", Int;
    /// Smallest TTL that is accepted.
    MinTtl = SOL_IP, 21, "IP_MINTTL", Int;
    /// Port is chosen at connect.
    BindAddressNoPort = SOL_IP, 24, "IP_BIND_ADDRESS_NO_PORT", Int;

    /// Hop limit; -1 for the default.
    UnicastHops = SOL_IPV6, 16, "IPV6_UNICAST_HOPS", Int;
    /// Path MTU discovery.
    V6MtuDiscover = SOL_IPV6, 23, "IPV6_MTU_DISCOVER", Int;
    /// Path MTU of a connection.
    V6Mtu = SOL_IPV6, 24, "IPV6_MTU", Int;
    /// Every ICMP error is told at once.
    V6RecvErr = SOL_IPV6, 25, "IPV6_RECVERR", Int;
    /// No IPv4 by mapped addresses.
    V6Only = SOL_IPV6, 26, "IPV6_V6ONLY", Int;
    /// Traffic class; the two ECN bits are the stack's.
    TrafficClass = SOL_IPV6, 67, "IPV6_TCLASS", Int;

    /// No waiting for small segments to fill.
    NoDelay = SOL_TCP, 1, "TCP_NODELAY", Int;
    /// Largest segment to announce and to send.
    MaxSegment = SOL_TCP, 2, "TCP_MAXSEG", Int;
    /// Partial segments wait.
    Cork = SOL_TCP, 3, "TCP_CORK", Int;
    /// Silence before keep-alive, seconds.
    KeepIdle = SOL_TCP, 4, "TCP_KEEPIDLE", Int;
    /// Between probes, seconds.
    KeepInterval = SOL_TCP, 5, "TCP_KEEPINTVL", Int;
    /// Unanswered probes before the end.
    KeepCount = SOL_TCP, 6, "TCP_KEEPCNT", Int;
    /// Retransmissions of a SYN.
    SynCount = SOL_TCP, 7, "TCP_SYNCNT", Int;
    /// How long FIN-WAIT-2 lasts after close, seconds.
    Linger2 = SOL_TCP, 8, "TCP_LINGER2", Int;
    /// Accept when data is there, seconds.
    DeferAccept = SOL_TCP, 9, "TCP_DEFER_ACCEPT", Int;
    /// Largest window to offer.
    WindowClamp = SOL_TCP, 10, "TCP_WINDOW_CLAMP", Int;
    /// [`TcpInfo`](crate::TcpInfo).
    Info = SOL_TCP, 11, "TCP_INFO", Bytes;
    /// No delayed acknowledgements.
    QuickAck = SOL_TCP, 12, "TCP_QUICKACK", Int;
    /// Congestion control by name.
    Congestion = SOL_TCP, 13, "TCP_CONGESTION", Text;
    /// A key of RFC 2385.
    Md5Signature = SOL_TCP, 14, "TCP_MD5SIG", Bytes;
    /// Timeouts of thin streams that are not doubled; there are none here.
    ThinLinearTimeouts = SOL_TCP, 16, "TCP_THIN_LINEAR_TIMEOUTS", Int;
    /// Longest wait for an acknowledgement, milliseconds.
    UserTimeout = SOL_TCP, 18, "TCP_USER_TIMEOUT", Int;
    /// Checkpointing; there is none here.
    Repair = SOL_TCP, 19, "TCP_REPAIR", Int;
    /// Fast Open of a listener (RFC 7413): length of its queue.
    FastOpen = SOL_TCP, 23, "TCP_FASTOPEN", Int;
    /// Offset of the timestamp clock.
    Timestamps = SOL_TCP, 24, "TCP_TIMESTAMP", Int;
    /// Octets not sent that make a socket unwritable.
    NotSentLowWater = SOL_TCP, 25, "TCP_NOTSENT_LOWAT", Int;
    /// What the congestion control knows.
    CongestionInfo = SOL_TCP, 26, "TCP_CC_INFO", Bytes;
    /// Keeps the peer's SYN.
    SaveSyn = SOL_TCP, 27, "TCP_SAVE_SYN", Int;
    /// The peer's SYN.
    SavedSyn = SOL_TCP, 28, "TCP_SAVED_SYN", Bytes;
    /// A key of RFC 2385 for all peers with a prefix.
    Md5SignatureExtended = SOL_TCP, 32, "TCP_MD5SIG_EXT", Bytes;
    /// Fast Open of a client: `connect` waits for the first `write`.
    FastOpenConnect = SOL_TCP, 30, "TCP_FASTOPEN_CONNECT", Int;
    /// Upper layer protocol by name; there is none here.
    Ulp = SOL_TCP, 31, "TCP_ULP", Text;
    /// Keys of Fast Open cookies.
    FastOpenKey = SOL_TCP, 33, "TCP_FASTOPEN_KEY", Bytes;
    /// Fast Open without cookies.
    FastOpenNoCookie = SOL_TCP, 34, "TCP_FASTOPEN_NO_COOKIE", Int;
    /// Receives by mapping pages.
    ZeroCopyReceive = SOL_TCP, 35, "TCP_ZEROCOPY_RECEIVE", Bytes;
    /// Octets left to read come with each `recvmsg`.
    Inq = SOL_TCP, 36, "TCP_INQ", Int;
    /// When a packet is to leave.
    TxDelay = SOL_TCP, 37, "TCP_TX_DELAY", Int;
    /// Adds a key of TCP-AO (RFC 5925).
    AoAddKey = SOL_TCP, 38, "TCP_AO_ADD_KEY", Bytes;
    /// Deletes one.
    AoDeleteKey = SOL_TCP, 39, "TCP_AO_DEL_KEY", Bytes;
    /// State of TCP-AO.
    AoInfo = SOL_TCP, 40, "TCP_AO_INFO", Bytes;
    /// Keys of TCP-AO.
    AoGetKeys = SOL_TCP, 41, "TCP_AO_GET_KEYS", Bytes;
}
