//! The wire format: bytes to headers and back, without allocation.
//!
//! Everything that both halves of Sockeye must agree on lives here: the TCP header and its options, sequence
//! arithmetic, checksums, the names of the states, and the [`Packet`] that links, hosts and captures exchange.
//!
//! | module | what it is |
//! |---|---|
//! | [`ethernet`], [`arp`] | frames with VLAN tags, and who has which address |
//! | [`ip`] | IPv4 and IPv6 headers under one face, extension headers walked |
//! | [`icmp`], [`ndp`] | echo, errors and what they quote; neighbour discovery |
//! | [`tcp`] | TCP header and options: parsed in place, built into a fixed array |
//! | [`seq`] | [`SeqNumber`], compared modulo 2³² |
//! | [`flags`] | [`Flags`], printed as people write them |
//! | [`state`] | the names of RFC 9293's eleven states |
//! | [`checksum`] | the Internet checksum over many pieces |
//! | [`packet`] | [`Packet`], [`Payload`] and [`Meta`]: what travels between link and host |
//! | [`time`] | [`Instant`], nanoseconds from an epoch that the caller chooses |
#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod flags;
pub mod icmp;
pub mod ip;
pub mod ndp;
pub mod packet;
pub mod payload;
pub mod seq;
pub mod state;
pub mod tcp;
pub mod time;

pub use checksum::Checksum;
pub use ethernet::MacAddr;
pub use flags::Flags;
pub use packet::{ChecksumState, Ecn, HeaderBytes, Meta, Packet};
pub use payload::Payload;
pub use seq::SeqNumber;
pub use state::StateName;
pub use time::Instant;
