//! The stack as its users hold it.

use crate::builder::StackBuilder;
use crate::capture::{CaptureConfig, CaptureHandle, TapPoint};
use crate::core::Core;
use crate::error;
use crate::incoming::Incoming;
use crate::listener::TcpListener;
use crate::options::Options;
use crate::packets::Packets;
use crate::shared::{Shared, StackHandle, unlock};
use crate::stream::TcpStream;
use bytes::Bytes;
use sockeye_host::{Counters, Counts, IncomingConfig};
use sockeye_tcp::Config;
use std::future::poll_fn;
use std::io::{self, IoSlice, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Connections that may wait to be accepted at a listener, if nothing else is said.
pub(crate) const DEFAULT_BACKLOG: usize = 1_024;

/// A TCP stack of its own: addresses on links, and a task that serves them.
///
/// Clones are handles to the same stack. It lives as long as there is a handle, listener or stream; connections that were dropped
/// are then still closed in order, and the task ends.
#[derive(Clone)]
pub struct Stack {
    pub(crate) handle: StackHandle,
    /// The interfaces with their names, for captures.
    taps: Arc<[(String, Arc<TapPoint>)]>,
}

impl Stack {
    /// Puts a stack together.
    pub fn builder() -> StackBuilder {
        StackBuilder::new()
    }

    pub(crate) fn new(handle: StackHandle, taps: Arc<[(String, Arc<TapPoint>)]>) -> Self {
        Self { handle, taps }
    }

    /// Opens a connection.
    ///
    /// Cancelling the future abandons the attempt.
    ///
    /// # Errors
    /// Those of [`std::net::TcpStream::connect`]: refused, timed out, unreachable, no free port, …
    pub async fn connect(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        self.open(remote, None, &Options::default(), None).await
    }

    /// Opens a connection from a certain address or port; an unspecified address or port 0 leaves that to the stack.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) if the address is not the stack's, and
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if the same connection exists.
    pub async fn connect_from(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> io::Result<TcpStream> {
        self.open(remote, Some(local), &Options::default(), None).await
    }

    /// Opens a connection; `early` are data of which the SYN takes what it can.
    pub(crate) async fn open(
        &self,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        options: &Options,
        early: Option<&[u8]>,
    ) -> io::Result<TcpStream> {
        let opened = self.handle.connect(remote, local, |shard, core, now| {
            let (id, taken) = options.connect(core, now, remote, local, early)?;
            let endpoints = core.host.endpoints(id);
            let stream = endpoints.map(|endpoints| TcpStream::new(shard, core, id, endpoints));
            core.waiters.set_linger(id, options.linger);
            Ok(stream.map(|stream| (stream, taken)))
        })?;
        let (stream, taken) = opened.ok_or_else(error::stopped)?;
        poll_fn(|cx| stream.poll_connected(cx)).await?;
        let mut rest = early.and_then(|data| data.get(taken..)).unwrap_or_default();
        while !rest.is_empty() {
            let written = poll_fn(|cx| stream.poll_write_from(cx, &[IoSlice::new(rest)])).await?;
            rest = &rest[written..];
        }
        Ok(stream)
    }

    /// Settings of connections that bring none of their own.
    pub(crate) fn tcp_config(&self) -> Arc<Config> {
        Arc::clone(&self.handle.shards()[0].lock().host.config().tcp)
    }

    /// Listens at an address; see [`TcpListener::bind`].
    ///
    /// # Errors
    /// As [`TcpListener::bind`].
    pub fn listen(&self, local: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(self, local)
    }

    /// Gets the connections that no listener is for, whatever the address and port, and decides about each before it is answered. There
    /// is at most one such owner at a time.
    ///
    /// The stack sees those that its interfaces take: to its own addresses, and to all others where an interface takes
    /// [any address](crate::Interface::any_address). At most [`IncomingConfig::limit`] wait for their decision, each for
    /// [`IncomingConfig::patience`].
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if there is an [`Incoming`] already.
    pub fn incoming(&self, config: IncomingConfig) -> io::Result<Incoming> {
        Incoming::open(self, config)
    }

    /// Gets the packets to the stack that are not TCP and that it has no use for, of which at most `limit` wait. There is at most one
    /// such owner at a time.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if there is a [`Packets`] already.
    pub fn packets(&self, limit: usize) -> io::Result<Packets> {
        Packets::open(self, limit)
    }

    /// Sends an IP packet as it is, its checksums complete, by the route to its destination. Its source may be any address.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is not exactly one IP packet or larger than its link's MTU,
    /// [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable).
    pub fn send_packet(&self, packet: Bytes) -> io::Result<()> {
        self.handle.send_packet(packet)
    }

    /// What the stack holds at the moment. What each shard has of its own counts once for each: listeners and their ports, neighbours.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.handle.shards().iter().for_each(|shard| sum += shard.lock().host.counts());
        sum
    }

    /// What has become of packets so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.handle.shards().iter().for_each(|shard| sum += shard.lock().counters());
        sum
    }

    /// Hands what [`counters`](Self::counters) and [`counts`](Self::counts) say to the recorder of the `metrics` crate: each field of
    /// the former as the counter `sockeye_FIELD_total`, each of the latter as the gauge `sockeye_FIELD`. To be called when figures are
    /// wanted, such as before they are scraped. With several stacks in a program use the recorder's layers to tell them apart.
    ///
    /// What happens seldom is counted without this, as it happens: `sockeye_connections_opened_total`, `…_closed_total` (in order),
    /// `…_aborted_total` (by an error or a call) and `…_failed_total` (before they were open), each with the label `opening`, `active` or
    /// `passive`; `sockeye_listener_full_total`; `sockeye_link_failures_total`.
    #[cfg(feature = "metrics")]
    pub fn publish_metrics(&self) {
        crate::telemetry::publish(&self.counters(), &self.counts());
    }

    /// Records every packet of every interface from now on, both ways, as pcapng, until the [`CaptureHandle`] is stopped or dropped.
    /// Several captures may run at once.
    ///
    /// A thread of its own writes to `out`, which may be slow: the stack never waits for it. What finds no room in the buffer is not
    /// recorded, and counted.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread. Errors of `out` are told by [`CaptureHandle::stop`].
    pub fn capture(
        &self,
        out: impl Write + Send + 'static,
        config: CaptureConfig,
    ) -> io::Result<CaptureHandle> {
        let now = self.handle.shards()[0].lock().now();
        CaptureHandle::start(out, config, now, Arc::clone(&self.taps))
    }

    /// Waits until a link fails for good, and says why. The stack goes on without it.
    pub async fn link_failed(&self) -> io::Error {
        poll_fn(|cx| {
            for shard in self.handle.shards() {
                let lifecycle = &mut shard.lock().lifecycle;
                if let Some(error) = lifecycle.failures.pop() {
                    return Poll::Ready(error);
                }
                if !lifecycle.failure_waiters.iter().any(|waker| waker.will_wake(cx.waker())) {
                    lifecycle.failure_waiters.push(cx.waker().clone());
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Ends the stack: nothing new is opened or accepted, every connection sends what was written and closes, and what has not
    /// ended after `timeout` is reset. Says how many connections that were.
    ///
    /// A connection has ended when both directions are closed and what we sent is acknowledged; it then waits for nothing but late
    /// segments (TIME-WAIT), and the stack does not wait for that. [`Duration::ZERO`] resets all at once, [`Duration::MAX`] has no
    /// patience's end. Cancelling the future leaves the stack closing; it may be called again.
    ///
    /// ```
    /// # use sockeye::link::memory::{PairConfig, pair};
    /// # use sockeye::{Interface, Stack};
    /// # use std::time::Duration;
    /// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let (a, b) = pair(PairConfig::default());
    /// # let a = Stack::builder().interface(Interface::new(a).address([10, 0, 0, 1], 24)).spawn()?;
    /// # let b = Stack::builder().interface(Interface::new(b).address([10, 0, 0, 2], 24)).spawn()?;
    /// # let listener = b.listen(([10, 0, 0, 2], 80).into())?;
    /// # let mut client = a.connect(([10, 0, 0, 2], 80).into()).await?;
    /// # let (mut server, _) = listener.accept().await?;
    /// server.write_all(b"the last words").await?;
    /// let reader = tokio::spawn(async move {
    ///     let mut words = String::new();
    ///     client.read_to_string(&mut words).await.map(|_| words)
    /// });
    /// // The connection ends in order well before the deadline, as its peer closes too.
    /// assert_eq!(b.shutdown(Duration::from_secs(5)).await, 0);
    /// assert_eq!(reader.await.unwrap()?, "the last words");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Streams can be read until the peer closes; everything else fails with
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) or [`BrokenPipe`](io::ErrorKind::BrokenPipe).
    pub async fn shutdown(&self, timeout: Duration) -> usize {
        let shards = self.handle.shards();
        shards.iter().for_each(|shard| shard.call(|core, now| core.begin_shutdown(now)));
        // Whether it was in time shows in what is left to abort.
        let _in_time = tokio::time::timeout(timeout, poll_fn(|cx| self.poll_finished(cx))).await;
        let abort = |shard: &Shared| shard.call(|core, now| core.abort_unfinished(now));
        let aborted = shards.iter().map(abort).sum();
        shards.iter().for_each(|shard| shard.call(|core, _now| core.stop()));
        aborted
    }

    fn poll_finished(&self, cx: &Context<'_>) -> Poll<()> {
        for shard in self.handle.shards() {
            let mut core = shard.lock();
            if core.lifecycle.is_stopped || core.unfinished().next().is_none() {
                continue;
            }
            let Core { lifecycle, wakes, .. } = &mut *core;
            wakes.replace(&mut lifecycle.shutdown_waiter, cx.waker());
            unlock(core);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
