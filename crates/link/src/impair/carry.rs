//! Does to a packet what was decided.

use super::Delivery;
use crate::Medium;
use bytes::BytesMut;
use sockeye_wire::{Checksum, ChecksumState, Ecn, Packet};

/// The packet as it arrives; shares the buffers of one that arrives unharmed.
///
/// A congestion mark is set only where the sender declared ECN support (RFC 3168 §5); where a router would drop instead, this
/// leaves the packet alone. `medium` says where the IP header begins.
#[must_use]
pub fn carry(packet: &Packet, delivery: &Delivery, medium: Medium) -> Packet {
    let mut arrived = if delivery.corrupt_bit.is_none() && !delivery.mark_ce {
        packet.clone()
    } else {
        let mut bytes = BytesMut::zeroed(packet.len());
        packet.copy_to(&mut bytes);
        let mut meta = packet.meta;
        if delivery.mark_ce
            && let Some(ecn) = mark_ce(&mut bytes, medium)
        {
            meta.ecn = ecn;
        }
        if let Some(bit) = delivery.corrupt_bit
            && let Some(octet) = bytes.get_mut(bit / 8)
        {
            *octet ^= 0x80 >> (bit % 8);
            // Whatever was known of the checksum holds no more.
            meta.checksum = ChecksumState::Unverified;
        }
        Packet::from_bytes(meta, bytes.freeze())
    };
    arrived.meta.arrival = delivery.deliver_at;
    arrived
}

/// Sets the ECN field of an IPv4 or IPv6 packet to CE where it says that the transport is ECN-capable.
fn mark_ce(frame: &mut [u8], medium: Medium) -> Option<Ecn> {
    let start = match medium {
        Medium::Ip => 0,
        Medium::Ethernet(_) => 14,
    };
    let ip = frame.get_mut(start..)?;
    match ip.first()? >> 4 {
        4 => {
            let header_len = usize::from(ip[0] & 0x0f) * 4;
            let header = ip.get_mut(..header_len).filter(|header| header.len() >= 20)?;
            if Ecn::from_bits(header[1]) == Ecn::NotEct {
                return None;
            }
            header[1] |= Ecn::Ce.bits();
            header[10..12].fill(0);
            let sum = Checksum::new().with(header).finish();
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        6 => {
            // The traffic class straddles the first two octets (RFC 8200 §3).
            let octet = ip.get_mut(1)?;
            if Ecn::from_bits(*octet >> 4) == Ecn::NotEct {
                return None;
            }
            *octet |= Ecn::Ce.bits() << 4;
        }
        _ => return None,
    }
    Some(Ecn::Ce)
}
