//! The checksum that a sender left open, completed without cutting anything.

use super::ip_at;
use crate::Medium;
use bytes::Bytes;
use sockeye_wire::ip::{IpView, protocol};
use sockeye_wire::{ChecksumState, Meta, Packet};
use std::borrow::Cow;

/// The packet with a [`Partial`](ChecksumState::Partial) checksum completed, of TCP or UDP, in a copy of its own; any other as it is.
///
/// A super-segment stays one, so that its checksum is that of the whole: what a capture shows.
#[must_use]
pub fn complete(packet: &Packet, medium: Medium) -> Cow<'_, Packet> {
    if packet.meta.checksum != ChecksumState::Partial {
        return Cow::Borrowed(packet);
    }
    let mut octets = vec![0; packet.len()];
    packet.copy_to(&mut octets);
    if write_checksum(&mut octets, ip_at(medium)).is_none() {
        return Cow::Borrowed(packet);
    }
    let meta = Meta { checksum: ChecksumState::Valid, ..packet.meta };
    Cow::Owned(Packet::from_bytes(meta, Bytes::from(octets)))
}

fn write_checksum(packet: &mut [u8], ip_at: usize) -> Option<()> {
    let available = packet.len().checked_sub(ip_at)?;
    let ip = IpView::parse(&packet[ip_at..], available).ok()?;
    let offset = match ip.protocol {
        protocol::TCP => 16,
        protocol::UDP => 6,
        _ => return None,
    };
    let transport = &mut packet[ip_at + ip.header_len..ip_at + ip.total_len];
    transport.get_mut(offset..offset + 2)?.fill(0);
    let sum = ip.pseudo_header().with(transport).finish();
    // RFC 768: a sum of zero would say that there is none.
    let sum = if sum == 0 && ip.protocol == protocol::UDP { 0xffff } else { sum };
    transport[offset..offset + 2].copy_from_slice(&sum.to_be_bytes());
    Some(())
}
