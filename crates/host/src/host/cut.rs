//! A super-segment cut where the link cannot: the connection decided and recorded once for many segments, and each of them costs
//! its octets' sum and a copy of the headers.

use crate::config::InterfaceId;
use crate::net::Hop;
use sockeye_tcp::Endpoints;
use sockeye_wire::ip::{IPV4_HEADER_BYTES, IpHeader, protocol};
use sockeye_wire::packet::append;
use sockeye_wire::{Checksum, ChecksumState, Flags, HeaderBytes, Meta, Packet, Payload};

/// Bits that belong to the last segment alone.
const LAST_ONLY: u8 = (Flags::FIN.bits() | Flags::PSH.bits()) as u8;

/// Offsets in the IP header.
const V4_LENGTH: usize = 2;
const V4_IDENTIFICATION: usize = 4;
const V4_CHECKSUM: usize = 10;
const V6_LENGTH: usize = 4;
/// Offsets in the TCP header.
const SEQUENCE: usize = 4;
const FLAGS: usize = 13;
const CHECKSUM: usize = 16;

/// What is left of a super-segment.
pub(super) struct Cut {
    pub(super) interface: InterfaceId,
    /// Where to, unless it leaves as it is.
    pub(super) hop: Option<Hop>,
    /// What all segments have in common; 0 where they differ.
    headers: HeaderBytes,
    ip_at: usize,
    tcp_at: usize,
    is_v4: bool,
    /// Sums of the common parts, pseudo-header included.
    ip_sum: Checksum,
    tcp_sum: Checksum,
    meta: Meta,
    seq: u32,
    identification: u16,
    last_flags: u8,
    size: usize,
    payload: Payload,
}

impl Cut {
    /// Cuts `packet`, whose headers are built, IP's at `ip_at`, into segments of `size` octets; `offload` if the link completes their
    /// checksums.
    pub(super) fn new(
        packet: &mut Packet,
        ip_at: usize,
        endpoints: &Endpoints,
        way: (InterfaceId, Option<Hop>),
        size: u16,
        offload: bool,
    ) -> Self {
        let mut headers = HeaderBytes::new();
        append(&mut headers, packet.front());
        let payload = packet.take_payload(headers.len());
        let (source, destination) = (endpoints.local.ip(), endpoints.remote.ip());
        let is_v4 = destination.is_ipv4();
        let tcp_at = ip_at + IpHeader::len_for(destination);
        let (_, ip_and_tcp) = headers.split_at_mut(ip_at);
        let (ip, tcp) = ip_and_tcp.split_at_mut(tcp_at - ip_at);
        let mut identification = 0;
        if is_v4 {
            identification = u16::from_be_bytes([ip[V4_IDENTIFICATION], ip[V4_IDENTIFICATION + 1]]);
            ip[V4_LENGTH..V4_IDENTIFICATION + 2].fill(0);
            ip[V4_CHECKSUM..V4_CHECKSUM + 2].fill(0);
        }
        let seq = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
        let last_flags = tcp[FLAGS] & LAST_ONLY;
        tcp[SEQUENCE..SEQUENCE + 4].fill(0);
        tcp[FLAGS] &= !LAST_ONLY;
        tcp[CHECKSUM..CHECKSUM + 2].fill(0);
        let pseudo = Checksum::pseudo_header(source, destination, protocol::TCP, 0);
        Self {
            interface: way.0,
            hop: way.1,
            ip_at,
            tcp_at,
            is_v4,
            ip_sum: Checksum::new().with(ip),
            tcp_sum: if offload { pseudo } else { pseudo.with(tcp) },
            meta: Meta {
                checksum: if offload { ChecksumState::Partial } else { ChecksumState::Valid },
                wire_segments: 1,
                gso_size: 0,
                ..packet.meta
            },
            seq,
            identification,
            last_flags,
            size: usize::from(size).max(1),
            payload,
            headers,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.payload.is_empty()
    }

    /// The next segment.
    #[inline]
    pub(super) fn next_into(&mut self, place: &mut Packet) {
        let payload = self.payload.split_to(self.size);
        let last = if self.payload.is_empty() { self.last_flags } else { 0 };
        let counted = self.headers.len() - self.tcp_at + payload.len();
        let seq = self.seq.to_be_bytes();
        let mut sum = self.tcp_sum.add_u16(counted as u16);
        let sum = if self.meta.checksum == ChecksumState::Partial {
            sum.partial()
        } else {
            sum = sum.with(&seq).add_u16(last.into());
            for piece in payload.pieces() {
                sum = sum.with(piece);
            }
            sum.finish()
        };
        self.seq = self.seq.wrapping_add(payload.len() as u32);
        place.build(self.meta, payload, |headers| append(headers, &self.headers));
        let (_, ip_and_tcp) = place.headers_mut().split_at_mut(self.ip_at);
        let (ip, tcp) = ip_and_tcp.split_at_mut(self.tcp_at - self.ip_at);
        if self.is_v4 {
            let length = (IPV4_HEADER_BYTES + counted) as u16;
            ip[V4_LENGTH..V4_LENGTH + 2].copy_from_slice(&length.to_be_bytes());
            ip[V4_IDENTIFICATION..V4_IDENTIFICATION + 2]
                .copy_from_slice(&self.identification.to_be_bytes());
            let sum = self.ip_sum.add_u16(length).add_u16(self.identification).finish();
            ip[V4_CHECKSUM..V4_CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
            self.identification = self.identification.wrapping_add(1);
        } else {
            ip[V6_LENGTH..V6_LENGTH + 2].copy_from_slice(&(counted as u16).to_be_bytes());
        }
        tcp[SEQUENCE..SEQUENCE + 4].copy_from_slice(&seq);
        tcp[FLAGS] |= last;
        tcp[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
    }
}
