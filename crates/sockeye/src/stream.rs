//! A connection as its application holds it.

use crate::core::Core;
use crate::error;
use crate::shared::Handle;
use crate::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::stack::Stack;
use crate::waiters::Interest;
use bytes::Bytes;
use sockeye_host::{ConnectionId, Endpoints};
use sockeye_tcp::{Error, Info, KeepAlive};
use sockeye_wire::{Instant, StateName};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection, as [`tokio::net::TcpStream`].
///
/// Reading and writing are safe to cancel: bytes are taken or given only by a call that returns their number.
///
/// Dropping it closes the connection in order: what was written is still sent. If something that arrived was not read, the peer gets a
/// reset instead, so that it does not believe otherwise (RFC 9293 SHLD-3), as on Linux.
pub struct TcpStream {
    handle: Handle,
    id: ConnectionId,
    endpoints: Endpoints,
}

impl TcpStream {
    pub(crate) fn new(
        handle: &Handle,
        core: &mut Core,
        id: ConnectionId,
        endpoints: Endpoints,
    ) -> Self {
        core.waiters.hold_connection(id);
        Self { handle: handle.clone(), id, endpoints }
    }

    /// Opens a connection; see [`Stack::connect`].
    ///
    /// # Errors
    /// As [`Stack::connect`].
    pub async fn connect(stack: &Stack, remote: SocketAddr) -> io::Result<Self> {
        stack.connect(remote).await
    }

    /// Our end.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.endpoints.local)
    }

    /// The other end.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.endpoints.remote)
    }

    /// The state of the connection.
    #[must_use]
    pub fn state(&self) -> StateName {
        let core = self.handle.lock();
        core.host.connection(self.id).map_or(StateName::Closed, |connection| connection.state())
    }

    /// The connection's inner life, as `TCP_INFO` shows it; none once the stack has ended.
    #[must_use]
    pub fn info(&self) -> Option<Info> {
        let core = self.handle.lock();
        core.host.connection(self.id).map(|connection| connection.info())
    }

    /// Why the connection ended, if it has and not in order. Unlike the standard library's, the error stays.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let core = self.handle.lock();
        let error = core.host.connection(self.id).and_then(|connection| connection.error());
        Ok(error.map(error::of_connection))
    }

    /// Whether small writes are sent at once, without Nagle's algorithm (RFC 9293 MUST-17).
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stack has ended.
    pub fn nodelay(&self) -> io::Result<bool> {
        let core = self.handle.lock();
        let config = core.host.connection_config(self.id).ok_or(io::ErrorKind::NotConnected)?;
        Ok(!config.nagle)
    }

    /// Sends small writes at once, or not.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.handle.call(|core, now| core.host.set_nagle(now, self.id, !nodelay));
        Ok(())
    }

    /// How dropping the stream treats data that has not been acknowledged: `None` goes on sending it for as long as it takes, zero
    /// resets the connection at once, another time does so when the peer has acknowledged nothing for that long.
    ///
    /// Dropping never blocks.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.handle.lock().waiters.set_linger(self.id, linger);
        Ok(())
    }

    /// See [`set_linger`](Self::set_linger).
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.handle.lock().waiters.linger(self.id))
    }

    /// Asks an idle peer now and then whether it is still there (RFC 9293 §3.8.4); `None` does not.
    pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) {
        self.handle.call(|core, now| core.host.set_keep_alive(now, self.id, keep_alive));
    }

    /// How long sent data may go unacknowledged before the connection fails; `None` leaves that to the number of retransmissions
    /// (RFC 9293 §3.8.3).
    pub fn set_user_timeout(&self, timeout: Option<Duration>) {
        self.handle.call(|core, now| core.host.set_user_timeout(now, self.id, timeout));
    }

    /// Resets the connection: nothing more is sent or received.
    pub fn abort(self) {
        self.handle.call(|core, now| core.host.abort(now, self.id));
    }

    /// Two halves for two tasks, which borrow the stream.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        split::split(self)
    }

    /// Two halves for two tasks. Dropping the writing one closes that direction.
    #[must_use]
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split::into_split(self)
    }

    /// What arrived next, without copying it: at most `max` octets; empty at the end of the peer's data.
    ///
    /// # Errors
    /// As reading.
    pub async fn read_chunk(&self, max: usize) -> io::Result<Bytes> {
        poll_fn(|cx| {
            self.poll(cx, Interest::Read, |core, now| core.host.read_chunk(now, self.id, max))
        })
        .await
    }

    /// Writes without copying: the bytes are shared until the peer has acknowledged them.
    ///
    /// # Errors
    /// As writing.
    pub async fn write_chunk(&self, chunk: Bytes) -> io::Result<()> {
        let write = |core: &mut Core, now| core.host.write_chunk(now, self.id, chunk.clone());
        poll_fn(|cx| self.poll(cx, Interest::Write, write)).await.map(|_whole| ())
    }

    pub(crate) fn poll_connected(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, Interest::Write, |core, _now| {
            let connection = core.host.connection(self.id).ok_or(Error::NotConnected)?;
            match connection.state() {
                StateName::SynSent | StateName::SynReceived => Err(Error::WouldBlock),
                StateName::Closed => Err(connection.error().unwrap_or(Error::Aborted)),
                _ => Ok(()),
            }
        })
    }

    pub(crate) fn poll_read_into(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let unfilled = buf.initialize_unfilled();
        let read = ready!(
            self.poll(cx, Interest::Read, |core, now| { core.host.read(now, self.id, unfilled) })
        )?;
        buf.advance(read);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_write_from(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::Write, |core, now| {
            let mut written = 0;
            for slice in slices {
                match core.host.write(now, self.id, slice) {
                    Ok(count) => {
                        written += count;
                        if count < slice.len() {
                            break;
                        }
                    }
                    Err(_) if written > 0 => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(written)
        })
    }

    /// Closes our direction: the peer reads the end once it has read everything.
    pub(crate) fn shutdown_write(&self) {
        self.handle.call(|core, now| core.host.shutdown(now, self.id));
    }

    /// Tries something, and waits for `interest` if it would block.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        attempt: impl FnOnce(&mut Core, Instant) -> Result<T, Error>,
    ) -> Poll<io::Result<T>> {
        let coop = ready!(tokio::task::coop::poll_proceed(cx));
        let result = self.handle.call(|core, now| match attempt(core, now) {
            _ if core.lifecycle.is_stopped && interest == Interest::Write => {
                Poll::Ready(Err(error::stopped()))
            }
            Ok(value) => Poll::Ready(Ok(value)),
            Err(Error::WouldBlock) if core.lifecycle.is_stopped => {
                Poll::Ready(Err(error::stopped()))
            }
            Err(Error::WouldBlock) => {
                core.waiters.wait(self.id, interest, cx, &mut core.wakes);
                Poll::Pending
            }
            Err(Error::Closing) => Poll::Ready(Err(error::of_connection(Error::Closing))),
            // The first call says why the connection ended, whichever it is; then writing says EPIPE, as on Linux.
            Err(_) if core.waiters.tell_end(self.id) && interest == Interest::Write => {
                Poll::Ready(Err(error::of_connection(Error::Closing)))
            }
            Err(error) => Poll::Ready(Err(error::of_connection(error))),
        });
        if result.is_ready() {
            coop.made_progress();
        }
        result
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_read_into(cx, buf)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_from(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_from(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What was written is on its way already.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shutdown_write();
        Poll::Ready(Ok(()))
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        self.handle.call(|core, now| core.release(now, self.id));
    }
}

impl std::fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Endpoints { local, remote } = self.endpoints;
        f.debug_struct("TcpStream")
            .field("local", &local)
            .field("remote", &remote)
            .finish_non_exhaustive()
    }
}
