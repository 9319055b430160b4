//! What `poll` and `epoll_wait` ask and answer.

use crate::abi::Fd;

/// `struct pollfd`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollFd {
    /// The descriptor; a negative one is skipped.
    pub fd: Fd,
    /// `POLLIN` and so on that are waited for.
    pub events: i16,
    /// What was found.
    pub revents: i16,
}

impl PollFd {
    /// Waits for `events` of `fd`.
    #[must_use]
    pub const fn new(fd: Fd, events: i16) -> Self {
        Self { fd, events, revents: 0 }
    }
}

/// `struct epoll_event`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpollEvent {
    /// `EPOLLIN` and so on.
    pub events: u32,
    /// The program's own.
    pub data: u64,
}
