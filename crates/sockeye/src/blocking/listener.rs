//! Waiting for connections, blocking.

use super::stream::TcpStream;
use super::wait::wait;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A socket that waits for connections, as [`std::net::TcpListener`]. Several threads may accept at once.
#[derive(Debug)]
pub struct TcpListener {
    inner: crate::TcpListener,
}

impl From<crate::TcpListener> for TcpListener {
    /// Of any stack, also one that tokio serves.
    fn from(inner: crate::TcpListener) -> Self {
        Self { inner }
    }
}

impl TcpListener {
    /// The next connection, and who opened it.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once the stack is shut down.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept_within(None)
    }

    /// The next connection, if one comes within `timeout`.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if none does, and as [`accept`](Self::accept).
    pub fn accept_timeout(&self, timeout: Duration) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept_within(Some(timeout))
    }

    fn accept_within(&self, limit: Option<Duration>) -> io::Result<(TcpStream, SocketAddr)> {
        let accepted = wait(limit, self.inner.accept());
        let (stream, peer) = accepted.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
        Ok((stream.into(), peer))
    }

    /// All connections, one after the other; ends when the stack does.
    #[must_use]
    pub const fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Where it listens; the port is known even if any was asked for.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// The listener as asynchronous code uses it.
    #[must_use]
    pub const fn as_async(&self) -> &crate::TcpListener {
        &self.inner
    }
}

/// The connections of a listener; see [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.listener.accept() {
            Ok((stream, _peer)) => Some(Ok(stream)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => None,
            Err(error) => Some(Err(error)),
        }
    }
}
