//! Connections to any address and port, each decided about before it is answered.

use crate::error;
use crate::everywhere::Turn;
use crate::shared::{Handle, StackHandle};
use crate::stack::Stack;
use crate::stream::TcpStream;
use sockeye_host::{Endpoints, HeldId, IncomingConfig};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// Clients that open a connection to where no listener is, whatever the address and port; see [`Stack::incoming`]. Dropping it
/// refuses what nobody has decided about.
///
/// A proxy behind a TUN device is told where the client wants to go, dials, and only then lets the handshake go on, so that the client
/// sees a refusal as one:
///
/// ```
/// # use sockeye::link::memory::{PairConfig, pair};
/// # use std::net::Ipv4Addr;
/// use sockeye::{IncomingConfig, Interface, Stack};
/// # use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (device, link) = pair(PairConfig::default());
/// # let client = Interface::new(link).address(Ipv4Addr::new(10, 0, 0, 1), 24).default_route();
/// # let client = Stack::builder().interface(client).spawn()?;
/// let interface = Interface::new(device).any_address().default_route();
/// let stack = Stack::builder().interface(interface).spawn()?;
/// let incoming = stack.incoming(IncomingConfig::default())?;
///
/// # tokio::spawn(async move {
/// #     let mut open = client.connect(([203, 0, 113, 9], 80).into()).await.unwrap();
/// #     open.read_to_end(&mut Vec::new()).await.unwrap();
/// #     assert!(client.connect(([203, 0, 113, 9], 81).into()).await.is_err());
/// # });
/// # for _ in 0..2 {
/// let request = incoming.accept().await?;
/// if request.local_addr().port() == 80 {
///     // Here a proxy would dial.
///     let stream = request.complete().await?;
///     assert_eq!(stream.local_addr()?, ([203, 0, 113, 9], 80).into());
/// } else {
///     request.refuse();
/// }
/// # }
/// # Ok(())
/// # }
/// ```
pub struct Incoming {
    handle: StackHandle,
    turn: Turn,
}

impl Incoming {
    pub(crate) fn open(stack: &Stack, mut config: IncomingConfig) -> io::Result<Self> {
        let handle = stack.handle.clone();
        config.limit = config.limit.div_ceil(handle.shards().len());
        handle.set_up(|core, now| {
            if !core.waiters.incoming.take() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            core.host.set_incoming(now, Some(config.clone()));
            Ok(())
        })?;
        Ok(Self { handle, turn: Turn::default() })
    }

    /// The next client. Cancelling the future loses none.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once the stack is shut down.
    pub async fn accept(&self) -> io::Result<Request> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// [`accept`](Self::accept) for those who poll. All tasks that wait are woken.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Request>> {
        self.handle.poll_each(
            &self.turn,
            cx,
            |shard, _index, core| {
                let (id, endpoints) = core.host.next_held()?;
                Some(Request { handle: shard.clone(), id, endpoints, is_decided: false })
            },
            |core, _index, cx| core.waiters.incoming.wait(cx),
        )
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        for shard in self.handle.shards() {
            shard.call(|core, now| {
                core.waiters.incoming.give_back(&mut core.wakes);
                core.host.set_incoming(now, None);
            });
        }
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

/// A client whose SYN is held: nothing has answered it yet. Dropping it [refuses](Self::refuse).
#[must_use = "dropping a request refuses it"]
pub struct Request {
    handle: Handle,
    id: HeldId,
    endpoints: Endpoints,
    is_decided: bool,
}

impl Request {
    /// Where the client wants to connect to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.endpoints.local
    }

    /// The client.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.endpoints.remote
    }

    /// Whether the SYN is still held: its client may have begun anew, or [`IncomingConfig::patience`] may have run out.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.handle.lock().host.is_held(self.id)
    }

    /// Answers the SYN, and waits until the client acknowledges.
    ///
    /// Cancelling the future resets the connection.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) if the client did not wait,
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) if it did not want the connection any more,
    /// [`TimedOut`](io::ErrorKind::TimedOut) if it did not acknowledge,
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) if the stack has no room, and the client is refused.
    pub async fn complete(mut self) -> io::Result<TcpStream> {
        let stream = self.handle.call(|core, now| {
            let id = core.host.complete(now, self.id).map_err(error::of_host)?;
            Ok::<_, io::Error>(TcpStream::new(&self.handle, core, id, self.endpoints))
        })?;
        self.is_decided = true;
        poll_fn(|cx| stream.poll_connected(cx)).await?;
        Ok(stream)
    }

    /// Answers as a closed port does: the client sees that the connection was refused.
    pub fn refuse(self) {
        // As dropping does.
    }

    /// Answers nothing, as if the SYN had been lost. A client that sends it again asks anew.
    pub fn ignore(mut self) {
        self.is_decided = true;
        self.handle.call(|core, _now| core.host.forget_held(self.id));
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.is_decided {
            self.handle.call(|core, now| core.host.refuse(now, self.id));
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}
