//! Reading and writing in other ways than through traits: without waiting, without copying, without taking.

use super::{TcpStream, write_all_of};
use crate::waiters::Interest;
use bytes::{BufMut, Bytes};
use sockeye_host::Host;
use sockeye_tcp::Error;
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll};
use tokio::io::{ReadBuf, Ready};

impl TcpStream {
    /// What arrived next, without copying it: at most `max` octets; empty at the end of the peer's data.
    ///
    /// The bytes are those of the packet, or of several that arrived as one. Several tasks may wait.
    ///
    /// # Errors
    /// As reading.
    pub async fn read_chunk(&self, max: usize) -> io::Result<Bytes> {
        poll_fn(|cx| {
            self.poll_shared(cx, Interest::Read, |core, now| {
                core.host.read_chunk(now, self.id, max)
            })
        })
        .await
    }

    /// [`read_chunk`](Self::read_chunk) if there is something.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing, and as reading.
    pub fn try_read_chunk(&self, max: usize) -> io::Result<Bytes> {
        self.attempt(Interest::Read, |core, now| core.host.read_chunk(now, self.id, max), |_| ())
            .unwrap_or_else(would_block)
    }

    /// Writes without copying: the bytes are shared until the peer has acknowledged them. Taken whole as soon as there is any room,
    /// so that the send buffer holds up to one chunk more than its size.
    ///
    /// # Errors
    /// As writing.
    pub async fn write_chunk(&self, chunk: Bytes) -> io::Result<()> {
        poll_fn(|cx| {
            self.poll_shared(cx, Interest::Write, |core, now| {
                core.host.write_chunk(now, self.id, chunk.clone())
            })
        })
        .await
        .map(|_whole| ())
    }

    /// [`write_chunk`](Self::write_chunk) if there is room.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none, and as writing.
    pub fn try_write_chunk(&self, chunk: Bytes) -> io::Result<()> {
        self.attempt(
            Interest::Write,
            |core, now| core.host.write_chunk(now, self.id, chunk),
            |_| (),
        )
        .unwrap_or_else(would_block)
        .map(|_whole| ())
    }

    /// Reads if there is something.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing, and as reading.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.attempt(Interest::Read, |core, now| core.host.read(now, self.id, buf), |_| ())
            .unwrap_or_else(would_block)
    }

    /// [`try_read`](Self::try_read) into several buffers, one after the other.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.attempt(
            Interest::Read,
            |core, now| read_into(bufs, |buf| core.host.read(now, self.id, buf)),
            |_| (),
        )
        .unwrap_or_else(would_block)
    }

    /// [`try_read`](Self::try_read) to the end of a buffer, and advances it.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        if !buf.has_remaining_mut() {
            return Ok(0);
        }
        let chunk = self.try_read_chunk(buf.remaining_mut())?;
        buf.put_slice(&chunk);
        Ok(chunk.len())
    }

    /// Writes as much as there is room for.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none, and as writing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    /// [`try_write`](Self::try_write) from several buffers, one after the other.
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let write = |core: &mut crate::core::Core, now| write_all_of(core, now, self.id, slices);
        self.attempt(Interest::Write, write, |_| ()).unwrap_or_else(would_block)
    }

    /// Reads and leaves what was read to be read again: waits until there is something; 0 is the end of the peer's data. Several
    /// tasks may wait.
    ///
    /// # Errors
    /// As reading.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| {
            self.poll_shared(cx, Interest::Read, |core, now| {
                peek(&mut core.host, now, self.id, buf)
            })
        })
        .await
    }

    /// [`peek`](Self::peek) for those who poll.
    ///
    /// # Errors
    /// As reading.
    pub fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let unfilled = buf.initialize_unfilled();
        let peeked =
            self.poll(cx, Interest::Read, |core, now| peek(&mut core.host, now, self.id, unfilled));
        if let Poll::Ready(Ok(count)) = peeked {
            buf.advance(count);
        }
        peeked
    }

    /// Waits until reading would not wait: there is something, the end, or an error. Several tasks may wait.
    ///
    /// # Errors
    /// None so far; errors are what reading says.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_ready(cx, Interest::Read, true)).await;
        Ok(())
    }

    /// Waits until writing would not wait: there is room, or an error. Several tasks may wait.
    ///
    /// # Errors
    /// None so far; errors are what writing says.
    pub async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_ready(cx, Interest::Write, true)).await;
        Ok(())
    }

    /// [`readable`](Self::readable) for those who poll; the last task that asked is woken.
    ///
    /// # Errors
    /// As [`readable`](Self::readable).
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx, Interest::Read, false).map(Ok)
    }

    /// [`writable`](Self::writable) for those who poll; the last task that asked is woken.
    ///
    /// # Errors
    /// As [`writable`](Self::writable).
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx, Interest::Write, false).map(Ok)
    }

    /// Waits for any of `interest`, and says what is there.
    ///
    /// # Errors
    /// None so far.
    pub async fn ready(&self, interest: tokio::io::Interest) -> io::Result<Ready> {
        let ready = poll_fn(|cx| {
            let mut ready = Ready::EMPTY;
            if interest.is_readable() && self.poll_ready(cx, Interest::Read, true).is_ready() {
                ready |= Ready::READABLE;
            }
            if interest.is_writable() && self.poll_ready(cx, Interest::Write, true).is_ready() {
                ready |= Ready::WRITABLE;
            }
            if ready.is_empty() { Poll::Pending } else { Poll::Ready(ready) }
        });
        Ok(ready.await)
    }

    fn poll_ready(&self, cx: &mut Context<'_>, interest: Interest, is_shared: bool) -> Poll<()> {
        self.handle.call(|core, now| {
            let is_ready = core.lifecycle.is_stopped
                || core.host.connection(self.id).is_none_or(|connection| match interest {
                    Interest::Read => connection.readable() > 0 || connection.is_read_closed(),
                    Interest::Write => connection.writable() != Ok(0),
                });
            if is_ready {
                return Poll::Ready(());
            }
            if interest == Interest::Write {
                core.host.want_room(now, self.id);
            }
            if is_shared {
                core.waiters.wait_shared(self.id, interest, cx);
            } else {
                core.waiters.wait(self.id, interest, cx, &mut core.wakes);
            }
            Poll::Pending
        })
    }
}

fn would_block<T>() -> io::Result<T> {
    Err(crate::error::of_connection(Error::WouldBlock))
}

/// Fills the buffers in turn until one is not full.
pub(super) fn read_into(
    bufs: &mut [IoSliceMut<'_>],
    mut read: impl FnMut(&mut [u8]) -> Result<usize, Error>,
) -> Result<usize, Error> {
    let mut total = 0;
    for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
        match read(buf) {
            Ok(count) => {
                total += count;
                if count < buf.len() {
                    break;
                }
            }
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

fn peek(
    host: &mut Host,
    now: sockeye_wire::Instant,
    id: sockeye_host::ConnectionId,
    buf: &mut [u8],
) -> Result<usize, Error> {
    match host.peek(id, 0, buf) {
        // Nothing is there: reading takes nothing, and says whether that is the end.
        0 if !buf.is_empty() => host.read(now, id, buf),
        count => Ok(count),
    }
}
