//! A super-segment cut into what goes over the wire.

use super::fields::{self, FIN_AND_PSH, TCP_CHECKSUM, TCP_FLAGS, TCP_SEQUENCE_NUMBER};
use super::{Layout, is_unfinished};
use crate::Medium;
use bytes::Bytes;
use sockeye_wire::packet::append;
use sockeye_wire::{Checksum, ChecksumState, HeaderBytes, Meta, Packet, Payload};

/// Segmentation offload in software: cuts a super-segment into segments of [`Meta::gso_size`], completes the checksum of each, and hands them over in order; a single
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
    let first = fields::read_u32(&headers, layout.tcp_at + TCP_SEQUENCE_NUMBER);
    let identification = fields::identification(&headers, &layout);
    for index in 0_u16.. {
        let payload = rest.take(size);
        let is_last = rest.len == 0;
        let mut own = headers.clone();
        let seq = first.wrapping_add(u32::from(index).wrapping_mul(size as u32));
        own[layout.tcp_at + TCP_SEQUENCE_NUMBER..][..4].copy_from_slice(&seq.to_be_bytes());
        if !is_last {
            own[layout.tcp_at + TCP_FLAGS] &= !FIN_AND_PSH;
        }
        fields::write_identification(&mut own, &layout, identification.wrapping_add(index));
        fields::write_ip_length(&mut own, &layout, payload.len());
        complete_checksum(&mut own, layout, &payload);
        each(Packet::new(meta, own, payload));
        if is_last {
            return;
        }
    }
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
