//! A connection as its application holds it.

mod options;
mod ready;

pub(crate) use options::{checked_buffer, checked_dscp, checked_hop_limit};

use crate::core::Core;
use crate::error;
use crate::shared::Handle;
use crate::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::stack::Stack;
use crate::waiters::Interest;
use sockeye_host::{ConnectionId, Endpoints};
use sockeye_tcp::{Error, Info as TcpInfo};
use sockeye_wire::{Instant, StateName};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
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
    pub fn info(&self) -> Option<TcpInfo> {
        let core = self.handle.lock();
        core.host.connection(self.id).map(|connection| connection.info())
    }

    /// Why the connection ended, if it has, not in order, and no call has told yet. Reading says it again.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let mut core = self.handle.lock();
        let error = core.host.connection(self.id).and_then(|connection| connection.error());
        Ok(error.filter(|_| !core.waiters.tell_end(self.id)).map(error::of_connection))
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
        let read = ready!(self.poll_read_bytes(cx, buf.initialize_unfilled()))?;
        buf.advance(read);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_read_bytes(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::Read, |core, now| core.host.read(now, self.id, buf))
    }

    /// As [`poll_read_bytes`](Self::poll_read_bytes), for one of several who may read at once.
    pub(crate) fn poll_read_shared(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_shared(cx, Interest::Read, |core, now| core.host.read(now, self.id, buf))
    }

    /// As [`poll_write_from`](Self::poll_write_from), for one of several who may write at once.
    pub(crate) fn poll_write_shared(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_shared(cx, Interest::Write, |core, now| write_all_of(core, now, self.id, slices))
    }

    /// Nobody reads any more: whoever waits to is woken, and once our direction is closed too, arriving data is answered by a reset.
    pub(crate) fn stop_reading(&self) {
        self.handle.call(|core, now| {
            core.host.stop_reading(now, self.id);
            core.waiters.wake(self.id, Interest::Read, &mut core.wakes);
        });
    }

    pub(crate) fn poll_write_from(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::Write, |core, now| write_all_of(core, now, self.id, slices))
    }

    /// Closes our direction: the peer reads the end once it has read everything.
    pub(crate) fn shutdown_write(&self) {
        self.handle.call(|core, now| core.host.shutdown(now, self.id));
    }

    /// Tries something, and waits for `interest` if it would block. Only the last task that did so is woken, as with any `poll`
    /// function.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        attempt: impl FnOnce(&mut Core, Instant) -> Result<T, Error>,
    ) -> Poll<io::Result<T>> {
        self.poll_or(cx, interest, attempt, |core, cx| {
            core.waiters.wait(self.id, interest, cx, &mut core.wakes);
        })
    }

    /// [`poll`](Self::poll) for what several tasks may do at once: all are woken.
    fn poll_shared<T>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        attempt: impl FnOnce(&mut Core, Instant) -> Result<T, Error>,
    ) -> Poll<io::Result<T>> {
        self.poll_or(cx, interest, attempt, |core, cx| {
            core.waiters.wait_shared(self.id, interest, cx);
        })
    }

    fn poll_or<T>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        attempt: impl FnOnce(&mut Core, Instant) -> Result<T, Error>,
        wait: impl FnOnce(&mut Core, &mut Context<'_>),
    ) -> Poll<io::Result<T>> {
        let coop = ready!(tokio::task::coop::poll_proceed(cx));
        let result = self.attempt(interest, attempt, |core| wait(core, cx));
        settled(result.inspect(|_| coop.made_progress()))
    }

    /// Tries something once; `None` and a call of `on_block` if it would block.
    fn attempt<T>(
        &self,
        interest: Interest,
        attempt: impl FnOnce(&mut Core, Instant) -> Result<T, Error>,
        on_block: impl FnOnce(&mut Core),
    ) -> Option<io::Result<T>> {
        self.handle.call(|core, now| match attempt(core, now) {
            _ if core.lifecycle.is_stopped && interest == Interest::Write => {
                Some(Err(error::stopped()))
            }
            Ok(value) => Some(Ok(value)),
            Err(Error::WouldBlock) if core.lifecycle.is_stopped => Some(Err(error::stopped())),
            Err(Error::WouldBlock) => {
                on_block(core);
                None
            }
            Err(Error::Closing) => Some(Err(error::of_connection(Error::Closing))),
            // The first call says why the connection ended, whichever it is; then writing says EPIPE, as on Linux.
            Err(_) if core.waiters.tell_end(self.id) && interest == Interest::Write => {
                Some(Err(error::of_connection(Error::Closing)))
            }
            Err(error) => Some(Err(error::of_connection(error))),
        })
    }
}

/// Writes as much of `slices` as there is room for.
fn write_all_of(
    core: &mut Core,
    now: Instant,
    id: ConnectionId,
    slices: &[IoSlice<'_>],
) -> Result<usize, Error> {
    let mut written = 0;
    for slice in slices {
        match core.host.write(now, id, slice) {
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
}

fn settled<T>(result: Option<T>) -> Poll<T> {
    result.map_or(Poll::Pending, Poll::Ready)
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
