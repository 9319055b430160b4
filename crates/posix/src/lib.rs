//! The BSD socket calls over a [`Host`](sockeye_host::Host), as Linux has them.
//!
//! [`Sockets`] is a process's table of descriptors and a host behind it. Calls have Linux's names, arguments, results and
//! error numbers. None ever blocks: where Linux would put the caller to sleep the [`Outcome`] is `Pending` with a [`Token`],
//! and [`Sockets::poll_completion`] tells the result when there is one. As everywhere below the links `now` is an argument:
//! packets come in by [`Sockets::on_packet`], leave by [`Sockets::poll_transmit`], and time passes by [`Sockets::on_timer`]
//! at [`Sockets::deadline`].
//!
//! ```
//! use sockeye_host::{Host, HostConfig};
//! use sockeye_posix::{Address, Outcome, Sockets, Value, abi::*};
//! use sockeye_wire::Instant;
//!
//! // Both ends of a connection through the loopback.
//! let (mut sockets, now) = (Sockets::new(Host::new(HostConfig::new([7; 32]))), Instant::from_millis(1));
//! let here = |port| Address::Inet(([127, 0, 0, 1], port).into());
//! let listener = sockets.socket(AF_INET, SOCK_STREAM, 0)?;
//! sockets.bind(now, listener, here(80))?;
//! sockets.listen(now, listener, 1)?;
//! let Outcome::Pending(token) = sockets.accept(now, listener) else { panic!("nobody is there yet") };
//!
//! let client = sockets.socket(AF_INET, SOCK_STREAM, 0)?;
//! assert_eq!(sockets.connect(now, client, here(80)), Outcome::Ready(Ok(Value::Nothing)));
//! let Some((done, Ok(Value::Accepted(accepted)))) = sockets.poll_completion() else { panic!("accepted") };
//! assert_eq!((done, accepted.fd), (token, 5));
//!
//! assert_eq!(sockets.write(now, client, b"hello".into()), Outcome::Ready(Ok(Value::Count(5))));
//! let Some(Ok(Value::Received(received))) = sockets.read(now, accepted.fd, 100.into()).ready() else { panic!() };
//! assert_eq!(received.data, b"hello");
//! # Ok::<(), sockeye_posix::Errno>(())
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`abi`] | Linux's constants |
//! | [`option`] | the table of socket options |
//! | `sockets` | the calls |
//! | `socket` | what a socket keeps beside its connection |
//! | `send_queue` | how full a send buffer is, counted as Linux counts |
//! | `operation` | calls that wait |
//! | `files` | descriptors |
//! | `sysctl` | Linux's kernel settings by name |
#![forbid(unsafe_code)]

pub mod abi;
mod address;
mod bindings;
mod config;
mod epoll;
mod errno;
mod files;
mod message;
mod operation;
pub mod option;
mod outcome;
mod pipe;
mod readiness;
mod send_queue;
mod socket;
mod sockets;
mod sysctl;
pub mod tcp_info;
#[cfg(test)]
mod tests;

pub use abi::Fd;
pub use address::Address;
pub use config::{BufferSizes, SocketsConfig};
pub use errno::Errno;
pub use message::{ControlMessage, Input, Received, Room};
pub use option::{Linger, SocketOption};
pub use outcome::{Accepted, Outcome, Token, Value};
pub use readiness::{EpollEvent, PollFd};
pub use sockets::Sockets;
pub use sysctl::{SysctlError, Sysctls};
pub use tcp_info::TcpInfo;
