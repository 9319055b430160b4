//! A client and its upstream.

use super::Proxy;
use super::stats::{Open, Stats};
use super::upstream::{DialError, Dialled};
use bytes::BytesMut;
use sockeye::{Request, TcpStream, WriteHalf};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{sleep, timeout};

/// What is moved at once.
const BUFFER_BYTES: usize = 1 << 16;
/// What is less than this is copied, so that it keeps no whole buffer in memory.
const WORTH_A_BUFFER_BYTES: usize = BUFFER_BYTES / 4;

/// Dials for a client, lets its handshake go on or refuses it, and moves what there is to move.
pub(super) async fn serve(proxy: &Proxy, request: Request) {
    let (target, client) = (request.local_addr(), request.peer_addr());
    let open = Open::begin(&proxy.stats);
    let dialling = timeout(proxy.limits.connect_time, proxy.upstream.dial(target)).await;
    let dialled = dialling.unwrap_or_else(|_| Err(DialError::Target("no answer in time".into())));
    let Dialled { stream: upstream, early } = match dialled {
        Ok(dialled) => dialled,
        Err(error) => {
            proxy.stats.refused.fetch_add(1, Ordering::Relaxed);
            proxy.complain(&error, format_args!("{client} to {target}: refused, {error}"));
            request.refuse();
            return;
        }
    };
    let Ok(mut client) = request.complete().await else {
        // It has reset the connection; so do we.
        let _result = upstream.set_zero_linger();
        return;
    };
    open.established();
    let moved = AtomicU64::new(0);
    let ended = async {
        let _infallible = client.set_nodelay(true);
        client.write_all(&early).await?;
        moved.fetch_add(early.len() as u64, Ordering::Relaxed);
        proxy.stats.received.fetch_add(early.len() as u64, Ordering::Relaxed);
        move_all(&mut client, upstream, &proxy.stats, &moved, proxy.limits.idle_time).await
    };
    match ended.await {
        Ok(()) => proxy.stats.closed.fetch_add(1, Ordering::Relaxed),
        Err(_) => proxy.stats.broken.fetch_add(1, Ordering::Relaxed),
    };
}

impl Proxy {
    /// Tells what failed: of the proxy's own troubles the first one always, for it will be every connection's.
    pub(super) fn complain(&self, error: &DialError, line: std::fmt::Arguments<'_>) {
        if matches!(error, DialError::Proxy(_))
            && !self.stats.has_complained.swap(true, Ordering::Relaxed)
        {
            eprintln!("sockeye: {error}");
        }
        (self.tell)(line.to_string());
    }
}

/// Both ways, each until its end, which is passed on as such. What breaks one off resets the other.
async fn move_all(
    client: &mut TcpStream,
    upstream: tokio::net::TcpStream,
    stats: &Stats,
    moved: &AtomicU64,
    idle_time: Duration,
) -> io::Result<()> {
    let (mut from_upstream, mut to_upstream) = upstream.into_split();
    let (from_client, mut to_client) = client.split();
    let outcome = tokio::select! {
        outcome = async {
            tokio::try_join!(
                out(from_client.as_ref(), &mut to_upstream, stats, moved),
                back(&mut from_upstream, &mut to_client, stats, moved),
            )
        } => outcome.map(|_both| ()),
        () = idle(moved, idle_time) => Err(io::ErrorKind::TimedOut.into()),
    };
    if outcome.is_err() {
        let _infallible = client.set_linger(Some(Duration::ZERO));
        if let Ok(upstream) = from_upstream.reunite(to_upstream) {
            // Without it the end is an orderly one, which is the worst that can come of it.
            let _result = upstream.set_zero_linger();
        }
    }
    outcome
}

/// From the client, without copying.
async fn out(
    client: &TcpStream,
    upstream: &mut OwnedWriteHalf,
    stats: &Stats,
    moved: &AtomicU64,
) -> io::Result<()> {
    loop {
        let chunk = client.read_chunk(BUFFER_BYTES).await?;
        if chunk.is_empty() {
            return upstream.shutdown().await;
        }
        upstream.write_all(&chunk).await?;
        moved.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        stats.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }
}

/// To the client: what fills a good part of a buffer goes with it.
async fn back(
    upstream: &mut OwnedReadHalf,
    client: &mut WriteHalf<'_>,
    stats: &Stats,
    moved: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        upstream.readable().await?;
        buffer.reserve(BUFFER_BYTES);
        let read = upstream.read_buf(&mut buffer).await?;
        if read == 0 {
            return client.shutdown().await;
        }
        let chunk = buffer.split().freeze();
        if read < WORTH_A_BUFFER_BYTES {
            client.write_all(&chunk).await?;
        } else {
            client.as_ref().write_chunk(chunk).await?;
        }
        moved.fetch_add(read as u64, Ordering::Relaxed);
        stats.received.fetch_add(read as u64, Ordering::Relaxed);
    }
}

/// Waits until nothing has moved for that long.
async fn idle(moved: &AtomicU64, idle_time: Duration) {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        sleep(idle_time).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}
