//! Open and close between two ends over a bad channel: every order of events is tried.
//!
//! The ends are `sockeye-tcp`'s own: [`Connection`](sockeye_tcp::Connection), [`HalfOpen`](sockeye_tcp::HalfOpen) and what they
//! become, fed segments and time as a host feeds them. Nothing of TCP is written down a second time here but what must hold:
//! the [rules](Rule). [`stateright`] walks through every order in which segments are delivered, lost, repeated and overtaken,
//! time-outs strike, and the two applications call, within the bounds that a [`Scenario`] sets.
//!
//! A connection is not copied to branch off: a [`Moment`] remembers what happened since the beginning, and the ends are brought
//! there again. Two moments are the same if everything about the ends (their whole `Debug` output), the channel and what is
//! left of the bounds is.
//!
//! | module | what it is |
//! |---|---|
//! | [`scenario`] | who opens, what the applications do, how bad the channel may be, how it has to end |
//! | `world` | both ends, the channel between them, and what can happen next |
//! | `end` | one end and its application |
//! | `packet` | a segment in the channel |
//! | `rules` | what must hold |
//! | `checked` | the world as `stateright` sees it |
//! | [`fault`] | ends and channels that break a rule on purpose, to show that it would be found |
#![forbid(unsafe_code)]

mod checked;
mod end;
pub mod fault;
mod packet;
mod rules;
pub mod scenario;
mod world;

pub use checked::{Moment, OpenAndClose, Visit};
pub use fault::Fault;
pub use packet::{Packet, Side};
pub use rules::Rule;
pub use scenario::{Call, Ending, Scenario, Start};
pub use world::Action;
