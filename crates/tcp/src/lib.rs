//! ONE TCP connection: the RFC 9293 machine, pure and deterministic.
//!
//! Nothing here reads a clock, draws a random number or performs I/O: `now` is an argument and secrets are configuration.
//! A [`Connection`] is fed segments ([`Connection::on_segment`]), time ([`Connection::on_timer`]) and the application's
//! calls, and is asked for what to send ([`Connection::poll_transmit`]) and when to be woken ([`Connection::deadline`]).
//!
//! | module | what it is |
//! |---|---|
//! | [`connection`] | the face: every call an application or host makes |
//! | `state` | the eleven states, each owning the data that is valid in it |
//! | `opening`, [`half_open`] | SYN-SENT and SYN-RECEIVED: the handshake from either side |
//! | [`fast_open`] | data on the SYN (RFC 7413) |
//! | `segment_arrives` | RFC 9293 §3.10.7.4 in its own order, for the synchronized states |
//! | `send` | send buffer, in-flight records, RTT and RTO, recovery, Nagle, window probes |
//! | `ecn` | explicit congestion notification, classic and accurate |
//! | `receive` | reassembly, window, acknowledgement policy |
//! | [`congestion`] | the congestion-control trait and its implementations |
//! | `tally` | counters for people, if wanted |
//! | `user_timeout` | the User Timeout option (RFC 5482) |
//! | [`time_wait`] | the small record that a closed connection leaves behind |
//! | [`isn`] | initial sequence numbers (RFC 6528) |
//! | [`cookie`] | SYN cookies (RFC 4987) |
//! | [`auth`] | signed segments: TCP-AO (RFC 5925) and MD5 (RFC 2385) |
//! | `challenge` | the throttle of RFC 5961 |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod auth;
mod challenge;
pub mod config;
pub mod congestion;
pub mod connection;
pub mod cookie;
mod ecn;
mod error;
mod events;
pub mod fast_open;
pub mod half_open;
mod info;
pub mod isn;
pub(crate) mod metrics;
mod opening;
mod options;
mod receive;
mod segment;
mod segment_arrives;
mod send;
mod state;
mod tally;
pub mod time_wait;
mod user_timeout;

pub use config::{Config, KeepAlive, MtuProbing};
pub use connection::{Buffered, Connection, Endpoints, IcmpError};
pub use cookie::SynCookies;
pub use ecn::{EcnConfig, EcnMode};
pub use error::Error;
pub use events::Events;
pub use fast_open::{FastOpenCookie, FastOpenFailure, FastOpenKeys, FastOpenOption, FastOpenStart};
pub use half_open::{HalfOpen, HalfOpenEvent};
pub use info::Info;
pub use isn::IsnGenerator;
pub use metrics::PathMetrics;
pub use options::{AccEcnCounters, Opening, SegmentOptions, Timestamps};
pub use segment::{Reset, Segment, Transmit};
pub use segment_arrives::Continuation;
pub use send::{Activity, Limit, Phase, TimerKind};
pub use tally::{AccEcnOption, EcnOctets, Tally};
pub use time_wait::{TimeWait, TimeWaitEvent};
