//! One connection, both ends: what each must have sent, known and been.
//!
//! Everything is derived from facts that only grow (a SYN seen, a number acknowledged, a FIN sent), so that packets may be
//! seen in any order and more than once.

mod close;
mod connection;
mod end;
mod handshake;
mod intake;
mod sequence;
mod states;
#[cfg(test)]
mod tests;

pub(crate) use close::Reset;
pub(crate) use connection::{Arrival, Connection, Touch, quotes};
pub(crate) use end::End;
pub(crate) use handshake::{Handshake, Step};

use serde::Serialize;

/// One of the two ends of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The sender of the first SYN, or judged to be it.
    Client,
    /// The other one.
    Server,
}

impl Side {
    /// The other end.
    #[inline]
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// `client` or `server`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
