//! Segments that follow one another in a batch, put together.

use super::{Layout, fields};
use crate::Medium;
use arrayvec::ArrayVec;
use sockeye_wire::packet::append;
use sockeye_wire::{Checksum, ChecksumState, Flags, HeaderBytes, Meta, Packet, Payload};

/// Connections whose segments are being put together at a time.
const MAX_FLOWS: usize = 8;
/// The largest IPv4 packet.
const MAX_BYTES: usize = 65_535;
/// What a segment may have set to be put together with others.
const HARMLESS: u16 = 0x1d8;
const _: () = assert!(
    HARMLESS
        == Flags::ACK.bits()
            | Flags::PSH.bits()
            | Flags::ECE.bits()
            | Flags::CWR.bits()
            | Flags::AE.bits()
);

/// Puts together what arrives (receive coalescing); keeps its memory between batches.
#[derive(Debug)]
pub struct Merger {
    medium: Medium,
    arrived: Vec<Packet>,
}

impl Merger {
    /// For packets of such a link.
    #[must_use]
    pub const fn new(medium: Medium) -> Self {
        Self { medium, arrived: Vec::new() }
    }

    /// Puts together the packets of `batch` from index `from` on, and leaves what remains in its order.
    ///
    /// Only segments become one that [`cut`](super::cut) would give back octet for octet: same connection, consecutive sequence numbers,
    /// the same header but for what counts along, equal sizes but for a shorter last one; a PSH ends it. Checksums are verified
    /// before; a segment whose checksum is wrong is left alone. What was put together counts its segments in its
    /// [`Meta`], and has the arrival time of the first.
    pub fn merge(&mut self, batch: &mut Vec<Packet>, from: usize) {
        let mut flows = ArrayVec::<Flow, MAX_FLOWS>::new();
        self.arrived.extend(batch.drain(from..));
        for mut packet in self.arrived.drain(..) {
            let Some(layout) = Layout::of(&packet, self.medium) else {
                batch.push(packet);
                continue;
            };
            let known = flows.iter().position(|flow| flow.is_of(layout, &packet));
            if !is_candidate(&mut packet, layout) {
                if let Some(known) = known {
                    flows.swap_remove(known).finish(batch);
                }
                batch.push(packet);
                continue;
            }
            let segment = Flow::begin(&packet, layout, batch.len());
            if let Some(known) = known {
                if flows[known].takes(&segment) {
                    if !flows[known].append(segment, packet) {
                        flows.swap_remove(known).finish(batch);
                    }
                    continue;
                }
                flows.swap_remove(known).finish(batch);
            } else if flows.is_full() {
                flows.swap_remove(0).finish(batch);
            }
            if !segment.is_pushed() {
                flows.push(segment);
            }
            batch.push(packet);
        }
        for flow in flows {
            flow.finish(batch);
        }
    }
}

/// Whether a segment may be put together with others; verifies its checksum if nobody did.
fn is_candidate(packet: &mut Packet, layout: Layout) -> bool {
    let tcp = &packet.front()[layout.tcp_at..];
    let flags = u16::from_be_bytes([tcp[12], tcp[13]]) & 0x1ff;
    let data = layout.ip_at + layout.ip.total_len - layout.data_at;
    let has_plain_headers = layout.data_at <= HeaderBytes::new().capacity()
        && layout.ip.header_len == fields::ip_header_bytes(&layout.ip);
    if flags & !HARMLESS != 0
        || flags & Flags::ACK.bits() == 0
        || data == 0
        || packet.meta.wire_segments > 1
        || !has_plain_headers
    {
        return false;
    }
    match packet.meta.checksum {
        ChecksumState::Valid => true,
        // What comes after would have to be told apart from what is verified.
        ChecksumState::Partial => false,
        ChecksumState::Unverified => {
            let end = layout.ip_at + layout.ip.total_len;
            let is_valid = sum_of(packet, layout.tcp_at, end, layout.ip.pseudo_header()).is_valid();
            if is_valid {
                packet.meta.checksum = ChecksumState::Valid;
            }
            is_valid
        }
    }
}

fn sum_of(packet: &Packet, from: usize, to: usize, mut sum: Checksum) -> Checksum {
    let mut at = 0;
    for piece in packet.pieces() {
        let (begin, end) = (from.clamp(at, at + piece.len()), to.clamp(at, at + piece.len()));
        sum = sum.with(&piece[begin - at..end - at]);
        at += piece.len();
    }
    sum
}

/// Segments of one connection that follow one another.
#[derive(Debug)]
struct Flow {
    /// Where the first one stands in the batch.
    index: usize,
    layout: Layout,
    /// The headers of the first one, with PSH if the last one has it.
    headers: HeaderBytes,
    next_seq: u32,
    next_identification: u16,
    /// Payload octets of each.
    size: usize,
    /// Payload octets of all.
    len: usize,
    segments: u16,
    /// Payload of the second and those after it.
    rest: Payload,
}

impl Flow {
    fn begin(packet: &Packet, layout: Layout, index: usize) -> Self {
        let mut headers = HeaderBytes::new();
        append(&mut headers, &packet.front()[..layout.data_at]);
        let size = layout.ip_at + layout.ip.total_len - layout.data_at;
        let seq = fields::read_u32(&headers, layout.tcp_at + fields::TCP_SEQUENCE_NUMBER);
        let identification = fields::identification(&headers, &layout);
        Self {
            index,
            layout,
            headers,
            next_seq: seq.wrapping_add(size as u32),
            next_identification: identification.wrapping_add(counts_up(&layout)),
            size,
            len: size,
            segments: 1,
            rest: Payload::empty(),
        }
    }

    /// Whether a segment belongs to the same direction of the same connection.
    fn is_of(&self, layout: Layout, packet: &Packet) -> bool {
        let ports = self.layout.tcp_at..self.layout.tcp_at + 4;
        let same_ports = || self.headers[ports] == packet.front()[layout.tcp_at..layout.tcp_at + 4];
        self.layout.ip.source == layout.ip.source
            && self.layout.ip.destination == layout.ip.destination
            && same_ports()
    }

    fn is_pushed(&self) -> bool {
        self.headers[self.layout.tcp_at + fields::TCP_FLAGS] & Flags::PSH.bits() as u8 != 0
    }

    /// Whether `next`, a segment alone, continues this.
    fn takes(&self, next: &Self) -> bool {
        let seq = next.next_seq.wrapping_sub(next.size as u32);
        let identification = next.next_identification.wrapping_sub(counts_up(&next.layout));
        seq == self.next_seq
            && next.size <= self.size
            && self.layout.data_at - self.layout.ip_at + self.len + next.size <= MAX_BYTES
            && identification == self.next_identification
            && self.common() == next.common()
    }

    /// The headers without what differs from one segment to the next.
    fn common(&self) -> HeaderBytes {
        let mut common = self.headers.clone();
        fields::clear_counting(&mut common, &self.layout);
        common
    }

    /// Says whether still more may follow.
    fn append(&mut self, next: Self, packet: Packet) -> bool {
        let end = next.layout.ip_at + next.layout.ip.total_len;
        for piece in packet.into_payload(next.layout.data_at, end) {
            self.rest.push(piece);
        }
        let is_pushed = next.is_pushed();
        if is_pushed {
            self.headers[self.layout.tcp_at + fields::TCP_FLAGS] |= Flags::PSH.bits() as u8;
        }
        self.next_seq = next.next_seq;
        self.next_identification = next.next_identification;
        self.len += next.size;
        self.segments += 1;
        next.size == self.size && !is_pushed
    }

    /// Puts what was put together in the first segment's place.
    fn finish(self, batch: &mut [Packet]) {
        if self.segments == 1 {
            return;
        }
        let Self { mut headers, layout, .. } = self;
        let first = &mut batch[self.index];
        let mut payload = first.take_payload(layout.data_at);
        payload.truncate(self.size);
        for piece in self.rest {
            payload.push(piece);
        }
        fields::write_ip_length(&mut headers, &layout, self.len);
        let tcp_len = layout.data_at - layout.tcp_at + self.len;
        let ip = &layout.ip;
        let sum = Checksum::pseudo_header(ip.source, ip.destination, ip.protocol, tcp_len as u32);
        let at = layout.tcp_at + fields::TCP_CHECKSUM;
        headers[at..at + 2].copy_from_slice(&sum.partial().to_be_bytes());
        let meta = Meta {
            // Each was verified; together they have none until somebody cuts them.
            checksum: ChecksumState::Partial,
            wire_segments: self.segments,
            gso_size: self.size as u16,
            ..first.meta
        };
        *first = Packet::new(meta, headers, payload);
    }
}

/// By how much IPv4's identification differs from one segment to the next.
fn counts_up(layout: &Layout) -> u16 {
    u16::from(layout.ip.source.is_ipv4())
}
