//! Linux's numbers for domains, types, flags and requests, as they are on x86-64 and aarch64.
//!
//! Socket options have a table of their own: [`crate::option`].

/// A program's number for an open file; `-1` is none.
pub type Fd = i32;

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $value:expr;)+) => {
        $($(#[$doc])* pub const $name: $kind = $value;)+

        /// The constants of this module by their names, for programs written as text.
        ///
        /// ```
        /// assert_eq!(sockeye_posix::abi::by_name("MSG_DONTWAIT"), Some(0x40));
        /// ```
        #[must_use]
        pub fn by_name(name: &str) -> Option<i64> {
            match name {
                $(stringify!($name) => Some($name as i64),)+
                _ => None,
            }
        }
    };
}

constants! {
    /// No family: [`connect`](crate::Sockets::connect) to it dissolves the association.
    AF_UNSPEC: i32 = 0;
    /// IPv4.
    AF_INET: i32 = 2;
    /// IPv6, and IPv4 as mapped addresses.
    AF_INET6: i32 = 10;
    /// The same as [`AF_UNSPEC`].
    PF_UNSPEC: i32 = 0;
    /// The same as [`AF_INET`].
    PF_INET: i32 = 2;
    /// The same as [`AF_INET6`].
    PF_INET6: i32 = 10;

    /// A stream of octets.
    SOCK_STREAM: i32 = 1;
    /// Datagrams; there are none here.
    SOCK_DGRAM: i32 = 2;
    /// Raw packets; there are none here.
    SOCK_RAW: i32 = 3;
    /// Or-ed to the type: [`O_NONBLOCK`] from the start.
    SOCK_NONBLOCK: i32 = 0o4000;
    /// Or-ed to the type: closed on `exec`, of which there is none here.
    SOCK_CLOEXEC: i32 = 0o2_000_000;

    /// Any protocol of the type.
    IPPROTO_IP: i32 = 0;
    /// TCP.
    IPPROTO_TCP: i32 = 6;
    /// UDP; there is none here.
    IPPROTO_UDP: i32 = 17;
    /// IPv6, as a level of options.
    IPPROTO_IPV6: i32 = 41;
    /// MPTCP; there is none here.
    IPPROTO_MPTCP: i32 = 262;

    /// Urgent data.
    MSG_OOB: i32 = 0x1;
    /// What is read stays.
    MSG_PEEK: i32 = 0x2;
    /// No routing; nothing to TCP.
    MSG_DONTROUTE: i32 = 0x4;
    /// Of a received message: control data did not fit.
    MSG_CTRUNC: i32 = 0x8;
    /// The data is skipped, not copied.
    MSG_TRUNC: i32 = 0x20;
    /// This call does not wait.
    MSG_DONTWAIT: i32 = 0x40;
    /// A record ends here.
    MSG_EOR: i32 = 0x80;
    /// Waits for all that was asked for.
    MSG_WAITALL: i32 = 0x100;
    /// No `SIGPIPE`, of which there is none here.
    MSG_NOSIGNAL: i32 = 0x4000;
    /// Reads the error queue.
    MSG_ERRQUEUE: i32 = 0x2000;
    /// More will follow: a partial segment waits.
    MSG_MORE: i32 = 0x8000;
    /// Sends from the program's own memory.
    MSG_ZEROCOPY: i32 = 0x400_0000;
    /// Connects and sends (RFC 7413).
    MSG_FASTOPEN: i32 = 0x2000_0000;

    /// Reading is over.
    SHUT_RD: i32 = 0;
    /// Writing is over.
    SHUT_WR: i32 = 1;
    /// Both are over.
    SHUT_RDWR: i32 = 2;

    /// Opened for reading.
    O_RDONLY: i32 = 0;
    /// Opened for writing.
    O_WRONLY: i32 = 1;
    /// Opened for both.
    O_RDWR: i32 = 2;
    /// Appends.
    O_APPEND: i32 = 0o2000;
    /// Calls do not wait.
    O_NONBLOCK: i32 = 0o4000;
    /// The same as [`O_NONBLOCK`].
    O_NDELAY: i32 = 0o4000;
    /// Closed on `exec`.
    O_CLOEXEC: i32 = 0o2_000_000;
    /// Copies a descriptor.
    F_DUPFD: i32 = 0;
    /// Reads the descriptor's flags.
    F_GETFD: i32 = 1;
    /// Sets the descriptor's flags.
    F_SETFD: i32 = 2;
    /// Reads the file's flags.
    F_GETFL: i32 = 3;
    /// Sets the file's flags.
    F_SETFL: i32 = 4;
    /// A descriptor's flag: closed on `exec`.
    FD_CLOEXEC: i32 = 1;

    /// Octets that can be read.
    FIONREAD: u64 = 0x541b;
    /// The same as [`FIONREAD`].
    SIOCINQ: u64 = 0x541b;
    /// [`O_NONBLOCK`] on or off.
    FIONBIO: u64 = 0x5421;
    /// Octets that the peer has not acknowledged.
    SIOCOUTQ: u64 = 0x5411;
    /// Octets not sent yet.
    SIOCOUTQNSD: u64 = 0x894b;
    /// Whether the next octet is the one after the urgent data.
    SIOCATMARK: u64 = 0x8905;

    /// There is something to read, or to accept, or the end of it.
    POLLIN: i16 = 0x1;
    /// There is urgent data.
    POLLPRI: i16 = 0x2;
    /// There is room to write.
    POLLOUT: i16 = 0x4;
    /// An error waits to be told.
    POLLERR: i16 = 0x8;
    /// Both directions are over.
    POLLHUP: i16 = 0x10;
    /// No such descriptor.
    POLLNVAL: i16 = 0x20;
    /// As [`POLLIN`].
    POLLRDNORM: i16 = 0x40;
    /// Nothing to TCP.
    POLLRDBAND: i16 = 0x80;
    /// As [`POLLOUT`].
    POLLWRNORM: i16 = 0x100;
    /// Nothing to TCP.
    POLLWRBAND: i16 = 0x200;
    /// The peer's direction is over.
    POLLRDHUP: i16 = 0x2000;

    /// As [`POLLIN`].
    EPOLLIN: u32 = 0x1;
    /// As [`POLLPRI`].
    EPOLLPRI: u32 = 0x2;
    /// As [`POLLOUT`].
    EPOLLOUT: u32 = 0x4;
    /// As [`POLLERR`].
    EPOLLERR: u32 = 0x8;
    /// As [`POLLHUP`].
    EPOLLHUP: u32 = 0x10;
    /// As [`POLLRDNORM`].
    EPOLLRDNORM: u32 = 0x40;
    /// As [`POLLRDBAND`].
    EPOLLRDBAND: u32 = 0x80;
    /// As [`POLLWRNORM`].
    EPOLLWRNORM: u32 = 0x100;
    /// As [`POLLWRBAND`].
    EPOLLWRBAND: u32 = 0x200;
    /// As [`POLLRDHUP`].
    EPOLLRDHUP: u32 = 0x2000;
    /// Of several waiters one is woken.
    EPOLLEXCLUSIVE: u32 = 1 << 28;
    /// Keeps the machine awake; nothing here.
    EPOLLWAKEUP: u32 = 1 << 29;
    /// Tells once, then is silent until it is set again.
    EPOLLONESHOT: u32 = 1 << 30;
    /// Tells of news, not of states.
    EPOLLET: u32 = 1 << 31;
    /// Adds a descriptor.
    EPOLL_CTL_ADD: i32 = 1;
    /// Removes a descriptor.
    EPOLL_CTL_DEL: i32 = 2;
    /// Changes what is waited for.
    EPOLL_CTL_MOD: i32 = 3;

    /// Octets left to read, as ancillary data (with `TCP_INQ`).
    TCP_CM_INQ: i32 = 36;
    /// Does not wait.
    SPLICE_F_NONBLOCK: u32 = 2;
}
