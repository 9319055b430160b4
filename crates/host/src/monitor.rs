//! Watching connections as wholes: when they open and end, and why.

use core::net::SocketAddr;
use sockeye_tcp::{Endpoints, Error};

/// What has become of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Milestone {
    /// The handshake is complete.
    Opened,
    /// It was open and has ended: in order, or by the error.
    Closed(Option<Error>),
    /// It has ended before it was open.
    Failed(Option<Error>),
}

/// Told of connections, never of single packets.
pub trait Monitor: Send {
    /// Something became of a connection; `is_passive` if a listener's or [`Incoming`](crate::IncomingConfig)'s.
    fn milestone(&mut self, endpoints: &Endpoints, is_passive: bool, milestone: Milestone);

    /// As many connections wait to be accepted at `listener` as there may: those who come now are left to try again.
    fn listener_full(&mut self, listener: SocketAddr);
}
