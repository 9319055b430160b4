//! Waiting for connections.

use crate::everywhere::{ListenerIds, Turn};
use crate::options::Options;
use crate::shared::StackHandle;
use crate::stack::{DEFAULT_BACKLOG, Stack};
use crate::stream::{TcpStream, checked_hop_limit};
use sockeye_host::ListenOptions;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

/// A socket that waits for connections, as [`tokio::net::TcpListener`]. Dropping it stops listening, and resets what was not accepted.
pub struct TcpListener {
    handle: StackHandle,
    /// One for each shard.
    ids: ListenerIds,
    turn: Turn,
    local: SocketAddr,
    /// How its streams linger at first.
    linger: Option<Duration>,
}

impl TcpListener {
    /// Listens at an address; an unspecified one stands for all of the family, and port 0 for any.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if someone listens exactly there, and
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) if the address is not the stack's.
    pub fn bind(stack: &Stack, local: SocketAddr) -> io::Result<Self> {
        Self::bind_with_backlog(stack, local, DEFAULT_BACKLOG)
    }

    /// [`bind`](Self::bind) with a bound on the connections that wait to be accepted.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_with_backlog(stack: &Stack, local: SocketAddr, backlog: usize) -> io::Result<Self> {
        Self::open(stack, local, backlog, Options::default())
    }

    pub(crate) fn open(
        stack: &Stack,
        local: SocketAddr,
        backlog: usize,
        options: Options,
    ) -> io::Result<Self> {
        let handle = stack.handle.clone();
        let (ids, local) = handle
            .listen(local, backlog, |core, local, backlog| options.listen(core, local, backlog))?;
        Ok(Self { handle, ids, turn: Turn::default(), local, linger: options.linger })
    }

    /// The next connection, and who opened it. Cancelling the future loses none.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once the stack is shut down.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// [`accept`](Self::accept) for those who poll. All tasks that wait are woken.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.handle.poll_each(
            &self.turn,
            cx,
            |shard, index, core| {
                let (id, endpoints) = core.host.accept(self.ids[index])?;
                let stream = TcpStream::new(shard, core, id, endpoints);
                core.waiters.set_linger(id, self.linger);
                Some((stream, endpoints.remote))
            },
            |core, index, cx| core.waiters.wait_to_accept(self.ids[index], cx),
        )
    }

    /// Where it listens; the port is known even if any was asked for.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// Time to live or hop limit of connections to come; see [`TcpSocket::set_hop_limit`](crate::TcpSocket::set_hop_limit).
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stack is shut down.
    pub fn ttl(&self) -> io::Result<u32> {
        let default = self.handle.shards()[0].lock().host.config().hop_limit;
        self.options(|options| options.hop_limit.unwrap_or(default).into())
    }

    /// See [`ttl`](Self::ttl).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) unless it is 1 to 255;
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stack is shut down.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let hop_limit = checked_hop_limit(ttl)?;
        self.options(|options| options.hop_limit = Some(hop_limit))
    }

    /// On every shard; the answer is the last one's.
    fn options<T>(&self, use_options: impl Fn(&mut ListenOptions) -> T) -> io::Result<T> {
        let mut result = Err(io::ErrorKind::NotConnected.into());
        for (shard, id) in self.handle.shards().iter().zip(&self.ids) {
            result = shard.call(|core, _now| {
                let options = core.host.listen_options_mut(*id);
                options.map(&use_options).ok_or_else(|| io::ErrorKind::NotConnected.into())
            });
        }
        result
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        self.handle.close_listeners(&self.ids);
    }
}

impl std::fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.local).finish_non_exhaustive()
    }
}
