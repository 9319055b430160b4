//! Packets on the wire: read from the stack, built for it, compared with what a script expects, and shown.

mod actual;
mod build;
mod compare;
mod icmp;
mod segmentation;
mod show;
mod sign;
#[cfg(test)]
mod tests;

pub(crate) use actual::{Actual, Sent, read};
pub(crate) use build::{Addresses, tcp_packet};
pub(crate) use compare::{compare, continues, join};
pub(crate) use icmp::icmp_packet;
pub(crate) use segmentation::segment;
pub(crate) use show::{show_actual, show_spec};
pub(crate) use sign::{Algorithm, AoKey, Isns, Keys, sign, verify};
