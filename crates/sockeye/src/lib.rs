//! TCP in user space, on tokio.
//!
//! A [`Stack`] has addresses of its own on links of its own: a TUN device, an in-memory pair, anything that implements
//! [`Link`](link::Link). [`TcpListener`] and [`TcpStream`] then work as those of tokio do, so that whatever runs over
//! `AsyncRead + AsyncWrite` (hyper, rustls, …) runs over it unchanged.
//!
//! ```
//! use sockeye::link::memory::{PairConfig, pair};
//! use sockeye::{Interface, Stack};
//! use std::net::Ipv4Addr;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (a, b) = pair(PairConfig::default());
//! let a = Stack::builder().interface(Interface::new(a).address(Ipv4Addr::new(10, 0, 0, 1), 24)).spawn()?;
//! let b = Stack::builder().interface(Interface::new(b).address(Ipv4Addr::new(10, 0, 0, 2), 24)).spawn()?;
//!
//! let listener = b.listen(([10, 0, 0, 2], 80).into())?;
//! let mut client = a.connect(([10, 0, 0, 2], 80).into()).await?;
//! let (mut server, peer) = listener.accept().await?;
//! assert_eq!(peer, client.local_addr()?);
//!
//! client.write_all(b"hello").await?;
//! client.shutdown().await?;
//! let mut heard = String::new();
//! server.read_to_string(&mut heard).await?;
//! assert_eq!(heard, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # How it runs
//!
//! The connections and links of a stack stand behind one lock. A call such as a write runs the protocol in its own thread, down to the
//! system call that sends the packet; a task (the driver) does what no call does: arriving packets, in batches, and timers.
//!
//! [`StackBuilder::shards`] cuts a stack into several, each with its connections, its lock, its queue of every link and its task, so that
//! several threads serve it without anything in common on a packet's way.
//!
//! | module | what it is |
//! |---|---|
//! | `stack`, `builder` | [`Stack`], and how one is put together |
//! | `socket`, `listener`, `stream`, `split` | the sockets |
//! | [`blocking`] | the same for programs without tokio |
//! | `capture` | recording packets as pcapng while the stack runs |
//! | `incoming`, `packets` | connections to any address, decided about before they are answered; packets that are not TCP |
//! | `core` | what the lock guards: host, links, waiting tasks |
//! | `driver` | the task |
//! | `everywhere`, `handover` | what concerns all shards; packets that arrive at another one |
//!
//! # Cargo features
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `futures-io` | `AsyncRead` and `AsyncWrite` of `futures-io`, beside tokio's |
//! | `tracing` | events with the target `sockeye`: connections opened and closed (debug), failed or ended by an error (info), a listener that is full (warn), a link that failed (error) |
//! | `metrics` | counters of the same, and `Stack::publish_metrics` for those of the host |
//!
//! Events are told while a lock of the stack is held: a subscriber must not call the stack.
#![forbid(unsafe_code)]

pub mod blocking;
mod builder;
mod capture;
mod clock;
mod core;
mod driver;
mod error;
mod everywhere;
#[cfg(feature = "futures-io")]
mod futures_io;
mod handover;
mod hook;
mod incoming;
mod listener;
mod options;
mod packets;
mod shared;
mod socket;
mod split;
mod stack;
mod stream;
mod telemetry;
#[cfg(test)]
mod tests;
mod waiters;

pub use builder::{Interface, StackBuilder};
pub use capture::{CaptureConfig, CaptureHandle, CaptureStats};
pub use incoming::{Incoming, Request};
pub use listener::TcpListener;
pub use packets::Packets;
pub use socket::TcpSocket;
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
pub use stack::Stack;
pub use stream::TcpStream;

pub use sockeye_host::{
    CookiePolicy, Counters, Counts, Direction, Endpoints, FastOpenPolicy, HostConfig,
    IncomingConfig, InterfaceId, Limits, Observer, Policy, SegmentTrace, StrayPacket,
};
pub use sockeye_link as link;
pub use sockeye_tcp::congestion::Algorithm as CongestionControl;
pub use sockeye_tcp::{
    Activity, Config, EcnConfig, EcnMode, FastOpenFailure, Info as TcpInfo, KeepAlive, Limit,
    MtuProbing, Phase, TimerKind,
};
pub use sockeye_wire::{Flags, Instant, Packet, SeqNumber, StateName};
