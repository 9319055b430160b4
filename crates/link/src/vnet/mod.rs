//! The virtio-net header (virtio 1.2 §5.1.6): what a packet's sender left to be done, or its receiver need not check.
//!
//! Linux puts it before each packet of a TUN device or a packet socket that asks for it, in the machine's byte order.

#[cfg(test)]
mod tests;

use crate::Medium;
use sockeye_wire::ip::protocol;
use sockeye_wire::{ChecksumState, Flags, Instant, Meta, Packet, ethernet};

/// Octets of the header.
pub const HEADER_BYTES: usize = 10;

/// A virtio-net header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VnetHeader {
    /// [`NEEDS_CHECKSUM`] and [`DATA_VALID`].
    pub flags: u8,
    /// What kind of super-segment this is, such as [`GSO_TCPV4`], with [`GSO_ECN`]; 0 for an ordinary packet.
    pub gso_type: u8,
    /// Octets of all headers; a hint.
    pub header_len: u16,
    /// Payload octets of each segment.
    pub gso_size: u16,
    /// Where the checksum begins to count.
    pub checksum_start: u16,
    /// Where the checksum stands, from there.
    pub checksum_offset: u16,
}

/// The transport checksum is that of the pseudo-header only.
pub const NEEDS_CHECKSUM: u8 = 1;
/// The transport checksum was verified.
pub const DATA_VALID: u8 = 2;
/// A super-segment of TCP over IPv4.
pub const GSO_TCPV4: u8 = 1;
/// A super-segment of TCP over IPv6.
pub const GSO_TCPV6: u8 = 4;
/// Bit of the kind: CWR is set, and belongs to the first segment only (RFC 3168 §6.1.2).
pub const GSO_ECN: u8 = 0x80;

/// Where the checksum stands in a TCP header.
const TCP_CHECKSUM: u16 = 16;
/// Where it stands in UDP's.
const UDP_CHECKSUM: u16 = 6;

impl VnetHeader {
    /// Reads a header.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        let [flags, gso_type, h0, h1, g0, g1, s0, s1, o0, o1] = bytes;
        Self {
            flags,
            gso_type,
            header_len: u16::from_ne_bytes([h0, h1]),
            gso_size: u16::from_ne_bytes([g0, g1]),
            checksum_start: u16::from_ne_bytes([s0, s1]),
            checksum_offset: u16::from_ne_bytes([o0, o1]),
        }
    }

    /// Writes the header.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [h0, h1] = self.header_len.to_ne_bytes();
        let [g0, g1] = self.gso_size.to_ne_bytes();
        let [s0, s1] = self.checksum_start.to_ne_bytes();
        let [o0, o1] = self.checksum_offset.to_ne_bytes();
        [self.flags, self.gso_type, h0, h1, g0, g1, s0, s1, o0, o1]
    }

    /// What the header says of `packet`, the octets that follow it.
    ///
    /// A super-segment of another kind than TCP's, or one that contradicts itself, counts as one packet.
    #[must_use]
    pub fn meta(&self, arrival: Instant, packet: &[u8]) -> Meta {
        let checksum = if self.flags & NEEDS_CHECKSUM != 0 {
            ChecksumState::Partial
        } else if self.flags & DATA_VALID != 0 {
            ChecksumState::Valid
        } else {
            ChecksumState::Unverified
        };
        let mut meta = Meta { checksum, ..Meta::at(arrival) };
        if let Some(wire_segments) = self.wire_segments(packet) {
            meta.wire_segments = wire_segments;
            meta.gso_size = self.gso_size;
        }
        meta
    }

    /// How many segments a TCP super-segment stands for; `None` if it is none, or of a single one.
    fn wire_segments(&self, packet: &[u8]) -> Option<u16> {
        if !matches!(self.gso_type & !GSO_ECN, GSO_TCPV4 | GSO_TCPV6) || self.gso_size == 0 {
            return None;
        }
        // Linux leaves the checksum of every super-segment open, and so says where the TCP header begins; its length field
        // says where the payload does, of which `header_len` is only a hint.
        let tcp = packet.get(usize::from(self.checksum_start)..)?;
        let payload = tcp.len().checked_sub(usize::from(tcp.get(12)? >> 4) * 4)?;
        let segments = payload.div_ceil(usize::from(self.gso_size));
        u16::try_from(segments).ok().filter(|segments| *segments > 1)
    }

    /// What the link is to do with a packet of ours: complete its checksum if that is
    /// [`Partial`](ChecksumState::Partial), cut it if it is a super-segment.
    ///
    /// `None` if it is not for the link to do that: the packet is neither TCP nor UDP, or its headers lie in several pieces, or it is a
    /// super-segment of which Linux would clear a bit that belongs to all segments (Accurate ECN, RFC 9768 §3.2.2).
    #[must_use]
    pub fn of_packet(packet: &Packet, medium: Medium) -> Option<Self> {
        if packet.meta.checksum != ChecksumState::Partial {
            return Some(Self::default());
        }
        let ip_at = match medium {
            Medium::Ip => 0,
            Medium::Ethernet(_) => ethernet::HEADER_BYTES,
        };
        let ip = packet.front().get(ip_at..)?;
        let (ip_len, gso_type, carried) = match ip.first()? >> 4 {
            4 => (usize::from(ip[0] & 0xf) * 4, GSO_TCPV4, *ip.get(9)?),
            6 => (40, GSO_TCPV6, *ip.get(6)?),
            _ => return None,
        };
        let transport = ip.get(ip_len..)?;
        let checksum_start = (ip_at + ip_len) as u16;
        let partial = Self { flags: NEEDS_CHECKSUM, checksum_start, ..Self::default() };
        let is_super_segment = packet.meta.wire_segments > 1;
        if carried == protocol::UDP && !is_super_segment {
            return Some(Self { checksum_offset: UDP_CHECKSUM, ..partial });
        }
        let (offset, flags) = (*transport.get(12)?, *transport.get(13)?);
        if carried != protocol::TCP {
            return None;
        }
        let header_len = checksum_start + u16::from(offset >> 4) * 4;
        let mut header = Self { header_len, checksum_offset: TCP_CHECKSUM, ..partial };
        if is_super_segment {
            if Flags::from_bits(u16::from(flags)).contains(Flags::CWR) {
                return None;
            }
            header.gso_type = gso_type;
            header.gso_size = packet.meta.gso_size;
        }
        Some(header)
    }
}
