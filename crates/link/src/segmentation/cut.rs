//! A super-segment cut into what goes over the wire.

use super::{Layout, is_unfinished};
use crate::Medium;
use bytes::Bytes;
use sockeye_wire::packet::append;
use sockeye_wire::{Checksum, ChecksumState, HeaderBytes, Meta, Packet, Payload};

/// Offset of a field in the IPv4 header.
mod ipv4 {
    pub(super) const TOTAL_LENGTH: usize = 2;
    pub(super) const IDENTIFICATION: usize = 4;
    pub(super) const CHECKSUM: usize = 10;
}
const IPV6_PAYLOAD_LENGTH: usize = 4;
/// Octets of the IPv6 header that its length field does not count.
const IPV6_UNCOUNTED_BYTES: usize = 40;
const TCP_SEQUENCE_NUMBER: usize = 4;
const TCP_FLAGS: usize = 13;
const TCP_CHECKSUM: usize = 16;
const FIN_AND_PSH: u8 = 0x09;

/// Cuts a super-segment into segments of [`Meta::gso_size`], completes the checksum of each, and hands them over in order; a single
/// segment with a [`Partial`](ChecksumState::Partial) checksum is completed. Payload is shared, not copied.
///
/// FIN and PSH stay on the last one. CWR stays on all: classic ECN's (RFC 3168 §6.1.2) never rides on a super-segment of ours, so that it
/// is a bit of Accurate ECN's counter (RFC 9768 §3.2.2). The IPv4 identification counts up.
///
/// A packet that is no TCP segment, or needs nothing done, is handed over as it is.
pub fn cut(packet: Packet, medium: Medium, mut each: impl FnMut(Packet)) {
    let Packet { meta, .. } = packet;
    if !is_unfinished(&packet) {
        return each(packet);
    }
    let segments = meta.wire_segments > 1 && meta.gso_size > 0;
    let Some(layout) = Layout::of(&packet, medium) else { return each(packet) };
    let mut headers = HeaderBytes::new();
    if layout.data_at > headers.capacity() {
        return each(packet);
    }
    append(&mut headers, &packet.front()[..layout.data_at]);
    headers[layout.tcp_at + TCP_CHECKSUM..][..2].fill(0);
    let end = layout.ip_at + layout.ip.total_len;
    let mut rest = Rest::new(packet.into_payload(layout.data_at, end));
    let size = if segments { usize::from(meta.gso_size) } else { rest.len };
    let meta = Meta { checksum: ChecksumState::Valid, wire_segments: 1, gso_size: 0, ..meta };
    let first = sequence_number(&headers, layout);
    for index in 0_u16.. {
        let payload = rest.take(size);
        let is_last = rest.len == 0;
        let mut own = headers.clone();
        let seq = first.wrapping_add(u32::from(index).wrapping_mul(size as u32));
        own[layout.tcp_at + TCP_SEQUENCE_NUMBER..][..4].copy_from_slice(&seq.to_be_bytes());
        if !is_last {
            own[layout.tcp_at + TCP_FLAGS] &= !FIN_AND_PSH;
        }
        write_ip_lengths(&mut own, layout, payload.len(), index);
        complete_checksum(&mut own, layout, &payload);
        each(Packet::new(meta, own, payload));
        if is_last {
            return;
        }
    }
}

fn sequence_number(headers: &HeaderBytes, layout: Layout) -> u32 {
    let mut octets = [0; 4];
    octets.copy_from_slice(&headers[layout.tcp_at + TCP_SEQUENCE_NUMBER..][..4]);
    u32::from_be_bytes(octets)
}

fn write_ip_lengths(headers: &mut HeaderBytes, layout: Layout, payload_len: usize, index: u16) {
    let total = layout.data_at - layout.ip_at + payload_len;
    let ip = &mut headers[layout.ip_at..layout.tcp_at];
    if !layout.ip.source.is_ipv4() {
        let counted = (total - IPV6_UNCOUNTED_BYTES) as u16;
        ip[IPV6_PAYLOAD_LENGTH..][..2].copy_from_slice(&counted.to_be_bytes());
        return;
    }
    let first = u16::from_be_bytes([ip[ipv4::IDENTIFICATION], ip[ipv4::IDENTIFICATION + 1]]);
    let identification = first.wrapping_add(index);
    ip[ipv4::TOTAL_LENGTH..][..2].copy_from_slice(&(total as u16).to_be_bytes());
    ip[ipv4::IDENTIFICATION..][..2].copy_from_slice(&identification.to_be_bytes());
    ip[ipv4::CHECKSUM..][..2].fill(0);
    let sum = Checksum::new().with(ip).finish();
    ip[ipv4::CHECKSUM..][..2].copy_from_slice(&sum.to_be_bytes());
}

fn complete_checksum(headers: &mut HeaderBytes, layout: Layout, payload: &Payload) {
    let tcp = &mut headers[layout.tcp_at..];
    let len = (tcp.len() + payload.len()) as u32;
    let ip = &layout.ip;
    let mut sum = Checksum::pseudo_header(ip.source, ip.destination, ip.protocol, len).with(tcp);
    for piece in payload.pieces() {
        sum = sum.with(piece);
    }
    tcp[TCP_CHECKSUM..][..2].copy_from_slice(&sum.finish().to_be_bytes());
}

/// Payload from which one takes the front again and again.
struct Rest {
    piece: Bytes,
    pieces: <Payload as IntoIterator>::IntoIter,
    len: usize,
}

impl Rest {
    fn new(payload: Payload) -> Self {
        let len = payload.len();
        Self { piece: Bytes::new(), pieces: payload.into_iter(), len }
    }

    /// The next `len` octets, or what is left.
    fn take(&mut self, len: usize) -> Payload {
        let mut taken = Payload::empty();
        while taken.len() < len {
            if self.piece.is_empty() {
                match self.pieces.next() {
                    Some(piece) => self.piece = piece,
                    None => break,
                }
            }
            let part = self.piece.len().min(len - taken.len());
            taken.push(self.piece.split_to(part));
        }
        self.len -= taken.len();
        taken
    }
}
