//! Names for connections, listeners and held SYNs.

use crate::pages::Key;
use core::fmt;

/// Names a connection; never names another one after it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) Key);

/// Names a listener; never names another one after it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub(crate) Key);

/// Names a SYN that is held; never names another one after it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeldId(pub(crate) Key);

impl ConnectionId {
    /// A small number, unique among the connections that exist now: an index for whoever keeps something per connection.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0.index as usize
    }
}

impl ListenerId {
    /// A small number, unique among the listeners that exist now.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0.index as usize
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {:?}", self.0)
    }
}

impl fmt::Debug for HeldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held {:?}", self.0)
    }
}

impl fmt::Debug for ListenerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listener {:?}", self.0)
    }
}
