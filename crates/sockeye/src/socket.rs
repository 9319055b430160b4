//! A socket before it is a stream or a listener.

use crate::listener::TcpListener;
use crate::options::Options;
use crate::stack::Stack;
use crate::stream::{TcpStream, checked_buffer, checked_dscp, checked_hop_limit};
use sockeye_tcp::congestion::Algorithm;
use sockeye_tcp::{Config, KeepAlive};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A socket that is not connected yet and does not listen yet, as [`tokio::net::TcpSocket`]: the place for options that must hold from
/// the first packet on.
///
/// Options of a socket that [listens](Self::listen) are those of the connections that it accepts.
///
/// ```
/// # use sockeye::link::memory::{PairConfig, pair};
/// # use sockeye::{CongestionControl, Interface, Stack, TcpSocket};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (a, b) = pair(PairConfig::default());
/// # let a = Stack::builder().interface(Interface::new(a).address([10, 0, 0, 1], 24)).spawn()?;
/// # let b = Stack::builder().interface(Interface::new(b).address([10, 0, 0, 2], 24)).spawn()?;
/// let socket = TcpSocket::new(&b);
/// socket.set_nodelay(true)?;
/// socket.set_recv_buffer_size(64 * 1024)?;
/// socket.bind(([10, 0, 0, 2], 80).into())?;
/// let listener = socket.listen(128)?;
///
/// let socket = TcpSocket::new(&a);
/// socket.set_congestion_control(CongestionControl::Bbr)?;
/// socket.set_dscp(46)?;
/// let client = socket.connect(([10, 0, 0, 2], 80).into()).await?;
/// assert_eq!(client.congestion_control()?, CongestionControl::Bbr);
///
/// let (server, _peer) = listener.accept().await?;
/// assert!(server.nodelay()?);
/// # Ok(())
/// # }
/// ```
pub struct TcpSocket {
    stack: Stack,
    settings: Mutex<Settings>,
}

struct Settings {
    local: Option<SocketAddr>,
    tcp: Arc<Config>,
    rest: Options,
}

impl TcpSocket {
    /// A socket with the stack's own settings, for either family.
    #[must_use]
    pub fn new(stack: &Stack) -> Self {
        let settings = Settings { local: None, tcp: stack.tcp_config(), rest: Options::default() };
        Self { stack: stack.clone(), settings: Mutex::new(settings) }
    }

    /// Notes the address to connect from or to listen at; an unspecified address or port 0 leaves that to the stack.
    ///
    /// Whether it is free shows when the socket connects or listens.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the socket is bound already.
    pub fn bind(&self, local: SocketAddr) -> io::Result<()> {
        let mut settings = self.lock();
        if settings.local.is_some() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket is bound already"));
        }
        settings.local = Some(local);
        Ok(())
    }

    /// The address it was bound to, or the unspecified one.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.lock().local.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into()))
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// As [`Stack::connect_from`].
    pub async fn connect(self, remote: SocketAddr) -> io::Result<TcpStream> {
        let (stack, Settings { local, tcp, rest }) = self.into_parts();
        stack.open(remote, local, &Options { tcp: Some(tcp), ..rest }, None).await
    }

    /// Opens a connection whose SYN carries the front of `data` (Fast Open, RFC 7413), and writes the rest. The future ends when the
    /// handshake is complete and everything is in the send buffer.
    ///
    /// Without a cookie from an earlier connection to the same address the SYN asks for one, and all data follows the handshake.
    /// **The peer's application may see data on a SYN twice** (RFC 7413 §2.1): only for requests that may be repeated.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`Unsupported`](io::ErrorKind::Unsupported) if
    /// [`Policy::fast_open`](crate::Policy::fast_open) forbids it.
    pub async fn connect_fast_open(self, remote: SocketAddr, data: &[u8]) -> io::Result<TcpStream> {
        let (stack, Settings { local, tcp, rest }) = self.into_parts();
        let options = Options { tcp: Some(tcp), ..rest };
        stack.open(remote, local, &options, Some(data)).await
    }

    /// Listens, with room for `backlog` connections that wait to be accepted; every accepted stream has this socket's options.
    ///
    /// # Errors
    /// As [`TcpListener::bind`]; [`InvalidInput`](io::ErrorKind::InvalidInput) if the socket is not [bound](Self::bind).
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let (stack, Settings { local, tcp, rest }) = self.into_parts();
        let local = local.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the socket is not bound to an address")
        })?;
        let options = Options { tcp: Some(tcp), ..rest };
        TcpListener::open(&stack, local, backlog as usize, options)
    }

    /// Whether small writes are sent at once, without Nagle's algorithm (RFC 9293 MUST-17). Off at first.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(!self.lock().tcp.nagle)
    }

    /// See [`nodelay`](Self::nodelay).
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.configure(|tcp| tcp.nagle = !nodelay);
        Ok(())
    }

    /// Whether an idle peer is asked now and then whether it is still there (RFC 9293 §3.8.4). Off at first.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn keepalive(&self) -> io::Result<bool> {
        Ok(self.lock().tcp.keep_alive.is_some())
    }

    /// Keep-alive with its default times, or off; [`set_keep_alive`](Self::set_keep_alive) sets the times.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.set_keep_alive(keepalive.then(KeepAlive::default))
    }

    /// Keep-alive with these times; `None` switches it off.
    ///
    /// # Errors
    /// None so far.
    pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) -> io::Result<()> {
        self.configure(|tcp| tcp.keep_alive = keep_alive);
        Ok(())
    }

    /// How long sent data may go unacknowledged before the connection fails; see [`TcpStream::set_user_timeout`].
    ///
    /// # Errors
    /// None so far.
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.configure(|tcp| tcp.user_timeout = timeout);
        Ok(())
    }

    /// Most unread octets held.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        Ok(self.lock().tcp.receive_buffer_bytes)
    }

    /// Octets of the receive buffer, which then does not grow by itself; at least 2,304. Set here, the window scale fits it, which it
    /// may not if it is set on a connection (RFC 7323 §2.3).
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        let size = checked_buffer(size);
        self.configure(|tcp| {
            tcp.receive_buffer_bytes = size;
            tcp.initial_receive_buffer_bytes = size;
        });
        Ok(())
    }

    /// Most octets held that the peer has not acknowledged.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        Ok(self.lock().tcp.send_buffer_bytes)
    }

    /// Octets of the send buffer, which then does not grow by itself; at least 2,304.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        let size = checked_buffer(size);
        self.configure(|tcp| {
            tcp.send_buffer_bytes = size;
            tcp.initial_send_buffer_bytes = size;
        });
        Ok(())
    }

    /// The congestion control of its connections.
    ///
    /// # Errors
    /// None so far.
    pub fn congestion_control(&self) -> io::Result<Algorithm> {
        Ok(self.lock().tcp.congestion)
    }

    /// Chooses the congestion control.
    ///
    /// # Errors
    /// None so far.
    pub fn set_congestion_control(&self, algorithm: Algorithm) -> io::Result<()> {
        self.configure(|tcp| tcp.congestion = algorithm);
        Ok(())
    }

    /// See [`TcpStream::set_linger`].
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.lock().rest.linger)
    }

    /// See [`TcpStream::set_linger`].
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.lock().rest.linger = linger;
        Ok(())
    }

    /// Dropping a stream resets its connection; see [`TcpStream::set_zero_linger`].
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// Time to live (IPv4) or hop limit (IPv6) of all packets, the SYN included (RFC 9293 MUST-49).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for 0.
    pub fn set_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        self.lock().rest.hop_limit = Some(checked_hop_limit(hop_limit.into())?);
        Ok(())
    }

    /// Differentiated services code point of all packets, the SYN included (RFC 9293 MUST-48): 6 bits.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for 64 and above.
    pub fn set_dscp(&self, dscp: u8) -> io::Result<()> {
        self.lock().rest.dscp = checked_dscp(dscp)?;
        Ok(())
    }

    /// Lets up to `pending` connections of the listener exist before their handshake is complete, because their SYN brought data
    /// and a cookie (RFC 7413 §5.1, Linux's `TCP_FASTOPEN`). 0 forbids it; unset it is as
    /// [`Policy::fast_open`](crate::Policy::fast_open) says, which is never by default.
    ///
    /// # Errors
    /// None so far.
    pub fn set_fast_open(&self, pending: u32) -> io::Result<()> {
        self.lock().rest.fast_open_backlog = Some(pending as usize);
        Ok(())
    }

    /// [`connect_fast_open`](Self::connect_fast_open) puts data on the SYN though no cookie is known, for servers that ask for none
    /// (Linux's `TCP_FASTOPEN_NO_COOKIE`). Off at first.
    ///
    /// # Errors
    /// None so far.
    pub fn set_fast_open_without_cookie(&self, without_cookie: bool) -> io::Result<()> {
        self.lock().rest.without_cookie = without_cookie;
        Ok(())
    }

    /// Changes any other setting of the connections to be.
    pub fn configure(&self, change: impl FnOnce(&mut Config)) {
        change(Arc::make_mut(&mut self.lock().tcp));
    }

    fn into_parts(self) -> (Stack, Settings) {
        (self.stack, self.settings.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpSocket").field("local", &self.lock().local).finish_non_exhaustive()
    }
}
