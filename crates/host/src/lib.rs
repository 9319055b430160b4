//! Many TCP connections behind addresses: demultiplexing, listeners, timers, routes, neighbours, ICMP.
//!
//! A [`Host`] is a pure machine. Packets go in ([`Host::on_packet`]) and come out ([`Host::poll_transmit`]), time passes
//! when the caller says so ([`Host::on_timer`] at [`Host::deadline`]), the application calls [`Host::connect`],
//! [`Host::listen`], [`Host::write`] and the rest, and learns by [`Host::poll_event`] whom to wake. It reads no clock,
//! draws no random number and performs no I/O, so a whole network of hosts runs in one thread, the same way every time.
//!
//! | module | what it is |
//! |---|---|
//! | `host` | the face, and a segment's way in and out |
//! | `net` | the IP layer: interfaces, routes, source selection, neighbours, path MTU, fragments |
//! | `demux` | from a 4-tuple to its connection, by a keyed hash |
//! | [`Shard`] | several hosts that are one to the outside |
//! | `wheel` | timing wheels for everything that waits |
//! | `pages`, `slab` | the slabs that connections and small records live in |
//! | `budget` | what all connections hold, and every limit there is |
//! | [`Policy`] | what may be switched while it runs |
//! | `listener`, `ports` | who listens where; local ports (RFC 6056) |
//! | `incoming` | SYNs for any address, held until somebody has decided about them |
//! | `strays` | packets of other protocols, for whoever asks for them |
//! | [`trace`] | watching segments as they come and go |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod budget;
mod chunks;
mod config;
mod counters;
mod demux;
mod ends;
mod error;
mod events;
mod hash;
mod host;
mod ids;
mod incoming;
mod limiter;
mod listener;
mod monitor;
mod net;
mod pages;
mod policy;
mod ports;
mod record;
mod shard;
mod slab;
mod strays;
mod timer;
pub mod trace;
mod wheel;

pub use config::{HostConfig, InterfaceConfig, InterfaceId, Limits, Medium};
pub use counters::{Counters, Counts};
pub use error::HostError;
pub use events::Event;
pub use host::{Goal, Host, KeyOwner, Misplaced};
pub use ids::{ConnectionId, HeldId, ListenerId};
pub use incoming::IncomingConfig;
pub use listener::ListenOptions;
pub use monitor::{Milestone, Monitor};
pub use net::Route;
pub use policy::{CookiePolicy, FastOpenPolicy, Policy};
pub use shard::Shard;
pub use sockeye_tcp::auth::{self, Key, KeyError, KeyId, Pattern};
pub use sockeye_tcp::{Connection, Endpoints, Error, Events, FastOpenKeys};
pub use strays::StrayPacket;
pub use trace::{Direction, Observer, SegmentTrace};
