//! A connection, blocking.

use super::wait::wait;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// A connection, as [`std::net::TcpStream`]; [clones](Self::try_clone) are the same one, for other threads. Dropping the last closes
/// it, as [dropping](crate::TcpStream) the asynchronous one does.
#[derive(Clone, Debug)]
pub struct TcpStream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    stream: crate::TcpStream,
    read_timeout: Mutex<Option<Duration>>,
    write_timeout: Mutex<Option<Duration>>,
    /// Shut down for reading.
    is_deaf: AtomicBool,
}

impl From<crate::TcpStream> for TcpStream {
    /// Of any stack, also one that tokio serves.
    fn from(stream: crate::TcpStream) -> Self {
        Self {
            inner: Arc::new(Inner {
                stream,
                read_timeout: Mutex::new(None),
                write_timeout: Mutex::new(None),
                is_deaf: AtomicBool::new(false),
            }),
        }
    }
}

impl TcpStream {
    /// The stream as asynchronous code uses it: all its options, chunks without copying, trying without waiting.
    #[must_use]
    pub fn as_async(&self) -> &crate::TcpStream {
        &self.inner.stream
    }

    /// Another handle to the same connection.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    /// Our end.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.as_async().local_addr()
    }

    /// The other end.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.as_async().peer_addr()
    }

    /// Closes one direction or both, for all clones. After [`Shutdown::Read`] reading gives the end, also to who waits already.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Write {
            self.inner.is_deaf.store(true, Ordering::Release);
            self.as_async().stop_reading();
        }
        if how != Shutdown::Read {
            self.as_async().shutdown_write();
        }
        Ok(())
    }

    /// How long reading waits at most, of all clones; `None` is for ever.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(*self.inner.read_timeout.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// See [`read_timeout`](Self::read_timeout). Reading then fails with [`WouldBlock`](io::ErrorKind::WouldBlock), as on Linux.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        set(&self.inner.read_timeout, timeout)
    }

    /// How long writing waits at most, of all clones; `None` is for ever.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(*self.inner.write_timeout.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// See [`write_timeout`](Self::write_timeout). Writing then fails with [`WouldBlock`](io::ErrorKind::WouldBlock), as on Linux.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        set(&self.inner.write_timeout, timeout)
    }

    /// Reads and leaves what was read to be read again.
    ///
    /// # Errors
    /// As reading.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_deaf() {
            return Ok(0);
        }
        timed(self.read_timeout()?, self.as_async().peek(buf))
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    /// As [`crate::TcpStream::nodelay`].
    pub fn nodelay(&self) -> io::Result<bool> {
        self.as_async().nodelay()
    }

    /// See [`nodelay`](Self::nodelay).
    ///
    /// # Errors
    /// As [`crate::TcpStream::nodelay`].
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.as_async().set_nodelay(nodelay)
    }

    /// Time to live or hop limit of what is sent.
    ///
    /// # Errors
    /// As [`crate::TcpStream::ttl`].
    pub fn ttl(&self) -> io::Result<u32> {
        self.as_async().ttl()
    }

    /// See [`ttl`](Self::ttl).
    ///
    /// # Errors
    /// As [`crate::TcpStream::set_ttl`].
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.as_async().set_ttl(ttl)
    }

    /// Why the connection ended; see [`crate::TcpStream::take_error`].
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.as_async().take_error()
    }

    fn is_deaf(&self) -> bool {
        self.inner.is_deaf.load(Ordering::Acquire)
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let result = self.as_async().poll_read_shared(cx, buf);
        // Looked at after waiting began, so that no shutdown is missed.
        if result.is_pending() && self.is_deaf() { Poll::Ready(Ok(0)) } else { result }
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        timed(self.read_timeout()?, poll_fn(|cx| self.poll_read(cx, buf)))
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let writing = poll_fn(|cx| self.as_async().poll_write_shared(cx, slices));
        timed(self.write_timeout()?, writing)
    }

    /// What was written is on its way already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn set(slot: &Mutex<Option<Duration>>, timeout: Option<Duration>) -> io::Result<()> {
    if timeout == Some(Duration::ZERO) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
    }
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = timeout;
    Ok(())
}

fn timed<T>(limit: Option<Duration>, call: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    wait(limit, call).unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
}
