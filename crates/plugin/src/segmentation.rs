//! What the device makes of a packet: complete checksums, and of a super-segment as many packets as it stands for. packetdrill sees
//! them behind the device, as it sees Linux's.

use sockeye_wire::ip::{IpView, protocol};
use sockeye_wire::{Checksum, ChecksumState, Flags, Packet};

/// Places in a TCP header.
const SEQ: usize = 4;
const FLAGS: usize = 13;
const CHECKSUM: usize = 16;
const LEAST_HEADER_BYTES: usize = 20;

/// The packets that leave.
pub(crate) fn wire_packets(packet: &Packet) -> Vec<Vec<u8>> {
    let bytes = packet.to_bytes().to_vec();
    let meta = packet.meta;
    let size = if meta.wire_segments > 1 { usize::from(meta.gso_size) } else { 0 };
    if size == 0 && meta.checksum != ChecksumState::Partial {
        return vec![bytes];
    }
    cut(&bytes, size).unwrap_or_else(|| vec![bytes])
}

/// Octets of data in a packet of TCP's; none if it is not one.
pub(crate) fn payload_len(bytes: &[u8]) -> Option<usize> {
    let ip = IpView::parse(bytes, bytes.len()).ok()?;
    headers_len(&ip, bytes).and_then(|headers| ip.total_len.checked_sub(headers))
}

fn headers_len(ip: &IpView, bytes: &[u8]) -> Option<usize> {
    let tcp = ip.header_len;
    let is_tcp = ip.protocol == protocol::TCP && bytes.len() >= tcp + LEAST_HEADER_BYTES;
    is_tcp.then(|| tcp + usize::from(bytes[tcp + 12] >> 4) * 4)
}

/// The packet in pieces of `size` octets of payload each, 0 for all in one; none if it is not one of TCP's.
fn cut(bytes: &[u8], size: usize) -> Option<Vec<Vec<u8>>> {
    let ip = IpView::parse(bytes, bytes.len()).ok()?;
    let tcp = ip.header_len;
    let (headers, payload) = bytes.split_at_checked(headers_len(&ip, bytes)?)?;
    let size = if size == 0 { payload.len() } else { size };
    let count = payload.len().div_ceil(size.max(1)).max(1);
    let piece = |index: usize| {
        let from = index * size;
        let payload = &payload[from..(from + size).min(payload.len())];
        let mut piece = [headers, payload].concat();
        fit_ip_header(&mut piece, index as u16);
        let segment = &mut piece[tcp..];
        add(&mut segment[SEQ..SEQ + 4], from as u32);
        // PSH and FIN are the last one's, CWR the first one's (RFC 3168 §6.1.2).
        if index + 1 < count {
            segment[FLAGS] &= !(Flags::PSH | Flags::FIN).bits() as u8;
        }
        if index > 0 {
            segment[FLAGS] &= !Flags::CWR.bits() as u8;
        }
        segment[CHECKSUM..CHECKSUM + 2].fill(0);
        let sum = pseudo_header(&ip, segment.len() as u32).with(segment).finish();
        segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
        piece
    };
    Some((0..count).map(piece).collect())
}

fn pseudo_header(ip: &IpView, len: u32) -> Checksum {
    Checksum::pseudo_header(ip.source, ip.destination, ip.protocol, len)
}

/// Length, identification and checksum of the IP header.
fn fit_ip_header(packet: &mut [u8], index: u16) {
    let len = packet.len() as u16;
    if packet[0] >> 4 == 6 {
        packet[4..6].copy_from_slice(&(len - 40).to_be_bytes());
        return;
    }
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    let id = u16::from_be_bytes([packet[4], packet[5]]).wrapping_add(index);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[10..12].fill(0);
    let header = usize::from(packet[0] & 15) * 4;
    let sum = Checksum::new().with(&packet[..header]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn add(field: &mut [u8], count: u32) {
    if let Some(number) = field.first_chunk_mut::<4>() {
        *number = u32::from_be_bytes(*number).wrapping_add(count).to_be_bytes();
    }
}
