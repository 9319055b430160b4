//! What the host tells those who wait.

use crate::ids::{ConnectionId, ListenerId};
use sockeye_tcp::Events;

/// Someone may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Something happened to a connection; all that happened since its last event, in one.
    Connection {
        /// Which.
        id: ConnectionId,
        /// What: `CONNECTED`, `READABLE`, `WRITABLE`, `CLOSED`, `URGENT`, `PATH_SUSPECT`,
        /// `SOFT_ERROR`.
        events: Events,
    },
    /// A listener got connections to accept since it was last announced: accept until there is none.
    Listener {
        /// Which.
        id: ListenerId,
    },
    /// SYNs are held since that was last announced: call [`Host::next_held`](crate::Host::next_held) until there is none.
    Incoming,
    /// There are packets since that was last announced: call [`Host::next_stray`](crate::Host::next_stray) until there is none.
    Strays,
}

/// The part of a connection's news that is the application's; the rest is for the IP layer. That nothing comes back is for both
/// (RFC 9293 SHLD-9).
pub(crate) fn for_application(events: Events) -> Events {
    [
        Events::CONNECTED,
        Events::READABLE,
        Events::WRITABLE,
        Events::CLOSED,
        Events::URGENT,
        Events::PATH_SUSPECT,
        Events::SOFT_ERROR,
    ]
    .into_iter()
    .filter(|event| events.intersects(*event))
    .fold(Events::NONE, |all, event| all | event)
}
