//! From the bytes of a packet to the TCP segment in it, or to an ICMP error about one.
//!
//! Lengths come from the IP header: Ethernet's padding is cut off by it, and a snap length that cut the data does not
//! shorten the segment. Only a segment that offload hands over with an IP length of 0 takes its length from the capture.

mod fragments;
mod icmp;
mod ip;
mod link;
mod segment;
#[cfg(test)]
mod tests;

pub use fragments::Reassembler;
pub use icmp::{IcmpError, IcmpKind};
pub use segment::{ChecksumFound, Segment};

use crate::reader::{LinkType, Record};
use sockeye_wire::{ChecksumState, Packet};

/// What a packet is to the eye.
#[derive(Clone, Copy, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// An ICMP error that quotes a TCP segment.
    Icmp(IcmpError),
    /// A fragment of a datagram that is not complete yet.
    Fragment,
    /// Neither TCP nor about it.
    Other,
    /// Said to be TCP or IP, but not readable as such: cut too short, or nonsense.
    Malformed,
}

/// Decodes a captured record; `reassembler` keeps what fragments need.
#[must_use]
pub fn record<'a>(record: &Record<'a>, reassembler: &'a mut Reassembler) -> Decoded<'a> {
    let Some((ip, link::Network::Ip)) = link::strip(record.link_type, record.bytes) else {
        return Decoded::Other;
    };
    let before = record.bytes.len() - ip.len();
    let original = (record.original_len as usize).saturating_sub(before).max(ip.len());
    ip::decode(ip, original, record.time, ChecksumState::Unverified, None, reassembler)
}

/// Decodes a packet that may lie in pieces.
///
/// All headers must lie in the packet's [front](Packet::front).
#[must_use]
pub fn packet<'a>(
    packet: &'a Packet,
    link_type: LinkType,
    reassembler: &'a mut Reassembler,
) -> Decoded<'a> {
    let front = packet.front();
    let Some((ip, link::Network::Ip)) = link::strip(link_type, front) else {
        return Decoded::Other;
    };
    let len = packet.len() - (front.len() - ip.len());
    ip::decode(ip, len, packet.meta.arrival, packet.meta.checksum, Some(packet), reassembler)
}
