//! What a call comes to: a result, or a token for the result to come.

use crate::abi::Fd;
use crate::errno::Errno;
use crate::message::Received;
use crate::readiness::{EpollEvent, PollFd};
use core::net::SocketAddr;

/// Names a call that waits. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Token(pub(crate) u64);

/// A call's result, if it has one yet.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub enum Outcome {
    /// It has.
    Ready(Result<Value, Errno>),
    /// On Linux the caller would sleep now. [`poll_completion`](crate::Sockets::poll_completion) tells the result.
    Pending(Token),
}

impl Outcome {
    /// The result; none if the call waits.
    #[must_use]
    pub fn ready(self) -> Option<Result<Value, Errno>> {
        match self {
            Self::Ready(result) => Some(result),
            Self::Pending(_) => None,
        }
    }

    /// The token; none if the call does not wait.
    #[must_use]
    pub const fn token(&self) -> Option<Token> {
        match self {
            Self::Ready(_) => None,
            Self::Pending(token) => Some(*token),
        }
    }
}

impl<T: Into<Value>> From<Result<T, Errno>> for Outcome {
    fn from(result: Result<T, Errno>) -> Self {
        Self::Ready(result.map(Into::into))
    }
}

/// What a call gave, whichever call it was.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Nothing: `connect`, `close`.
    Nothing,
    /// Octets taken: `write` and its kin, `splice`, `sendfile`.
    Count(usize),
    /// Octets received: `read` and its kin.
    Received(Received),
    /// A connection: `accept`.
    Accepted(Accepted),
    /// `poll`.
    Polled(Vec<PollFd>),
    /// `epoll_wait`.
    Epoll(Vec<EpollEvent>),
}

/// A connection that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Its descriptor.
    pub fd: Fd,
    /// The peer, in the form of the listener's domain.
    pub peer: SocketAddr,
}

impl Value {
    /// The number that the C function returns.
    #[must_use]
    pub fn returned(&self) -> i64 {
        match self {
            Self::Nothing => 0,
            Self::Count(count) => *count as i64,
            Self::Received(received) => received.returned as i64,
            Self::Accepted(accepted) => i64::from(accepted.fd),
            Self::Polled(fds) => fds.iter().filter(|fd| fd.revents != 0).count() as i64,
            Self::Epoll(events) => events.len() as i64,
        }
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl From<Received> for Value {
    fn from(received: Received) -> Self {
        Self::Received(received)
    }
}

impl From<Accepted> for Value {
    fn from(accepted: Accepted) -> Self {
        Self::Accepted(accepted)
    }
}

impl From<Vec<PollFd>> for Value {
    fn from(fds: Vec<PollFd>) -> Self {
        Self::Polled(fds)
    }
}

impl From<Vec<EpollEvent>> for Value {
    fn from(events: Vec<EpollEvent>) -> Self {
        Self::Epoll(events)
    }
}
