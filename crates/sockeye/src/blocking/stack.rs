//! A stack with a thread of its own.

use super::listener::TcpListener;
use super::stream::TcpStream;
use super::wait::wait;
use crate::builder::StackBuilder;
use crate::socket::TcpSocket;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{self, Handle};

/// A TCP stack that a thread of its own serves; clones are handles to the same one.
///
/// It lives as long as there is a handle, listener or stream, and then until what was written is delivered. A program that ends takes
/// the stack with it: [`shutdown`](Self::shutdown) waits for what is still on its way.
#[derive(Clone, Debug)]
pub struct Stack {
    inner: crate::Stack,
    runtime: Handle,
}

impl Stack {
    /// Begins.
    ///
    /// # Errors
    /// Those of [`StackBuilder::spawn`], and what the operating system says when it gives no thread.
    pub fn start(builder: StackBuilder) -> io::Result<Self> {
        let (begun, outcome) = mpsc::sync_channel(1);
        let serve = move || match begin(builder) {
            Err(error) => drop(begun.send(Err(error))),
            Ok((runtime, inner, drivers)) => {
                let stack = Self { inner, runtime: runtime.handle().clone() };
                drop(begun.send(Ok(stack)));
                runtime.block_on(async {
                    for driver in drivers {
                        // A driver that panics has stopped its stack.
                        let _ = driver.await;
                    }
                });
            }
        };
        thread::Builder::new().name("sockeye".to_owned()).spawn(serve)?;
        outcome.recv().map_err(|_gone| io::Error::other("the stack's thread ended at once"))?
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// Those of [`std::net::TcpStream::connect`].
    pub fn connect(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        self.connect_within(None, TcpSocket::new(&self.inner), remote)
    }

    /// Opens a connection, and gives up after `timeout`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`TimedOut`](io::ErrorKind::TimedOut).
    pub fn connect_timeout(&self, remote: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        self.connect_within(Some(timeout), TcpSocket::new(&self.inner), remote)
    }

    /// Opens a connection with options; the socket is `TcpSocket::new(stack.as_async())`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_socket(&self, socket: TcpSocket, remote: SocketAddr) -> io::Result<TcpStream> {
        self.connect_within(None, socket, remote)
    }

    fn connect_within(
        &self,
        limit: Option<Duration>,
        socket: TcpSocket,
        remote: SocketAddr,
    ) -> io::Result<TcpStream> {
        match wait(limit, socket.connect(remote)) {
            Some(stream) => stream.map(TcpStream::from),
            None => Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out")),
        }
    }

    /// Listens at an address; an unspecified one stands for all of the family, and port 0 for any.
    ///
    /// # Errors
    /// As [`crate::TcpListener::bind`].
    pub fn listen(&self, local: SocketAddr) -> io::Result<TcpListener> {
        self.inner.listen(local).map(TcpListener::from)
    }

    /// Ends the stack as [`crate::Stack::shutdown`] does, and waits for it: says how many connections had to be reset.
    pub fn shutdown(&self, timeout: Duration) -> usize {
        let (done, outcome) = mpsc::sync_channel(1);
        let stack = self.inner.clone();
        self.runtime.spawn(async move { done.send(stack.shutdown(timeout).await) });
        // No answer: the stack had ended before.
        outcome.recv().unwrap_or(0)
    }

    /// The stack as asynchronous code uses it: counters, captures, options before opening.
    #[must_use]
    pub const fn as_async(&self) -> &crate::Stack {
        &self.inner
    }
}

type Begun = (runtime::Runtime, crate::Stack, Vec<tokio::task::JoinHandle<()>>);

fn begin(builder: StackBuilder) -> io::Result<Begun> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let (stack, drivers) = builder.build()?;
    let drivers = drivers.into_iter().map(tokio::spawn).collect();
    drop(entered);
    Ok((runtime, stack, drivers))
}
