//! The header fields that differ from one segment of a super-segment to the next.

use super::Layout;
use sockeye_wire::ip::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, IpView};
use sockeye_wire::{Checksum, HeaderBytes};

/// Offset of a field in the IPv4 header.
mod ipv4 {
    pub(super) const TOTAL_LENGTH: usize = 2;
    pub(super) const IDENTIFICATION: usize = 4;
    pub(super) const CHECKSUM: usize = 10;
}
const IPV6_PAYLOAD_LENGTH: usize = 4;

pub(super) const TCP_SEQUENCE_NUMBER: usize = 4;
pub(super) const TCP_FLAGS: usize = 13;
pub(super) const TCP_CHECKSUM: usize = 16;
pub(super) const FIN_AND_PSH: u8 = 0x09;
const PSH: u8 = 0x08;

/// Octets of an IP header without options or extensions.
pub(super) fn ip_header_bytes(ip: &IpView) -> usize {
    if ip.source.is_ipv4() { IPV4_HEADER_BYTES } else { IPV6_HEADER_BYTES }
}

pub(super) fn read_u32(headers: &HeaderBytes, at: usize) -> u32 {
    let mut octets = [0; 4];
    octets.copy_from_slice(&headers[at..at + 4]);
    u32::from_be_bytes(octets)
}

/// IPv4's identification; 0 in IPv6, which has none.
pub(super) fn identification(headers: &HeaderBytes, layout: &Layout) -> u16 {
    if !layout.ip.source.is_ipv4() {
        return 0;
    }
    let at = layout.ip_at + ipv4::IDENTIFICATION;
    u16::from_be_bytes([headers[at], headers[at + 1]])
}

/// Also completes IPv4's header checksum.
pub(super) fn write_ip_length(headers: &mut HeaderBytes, layout: &Layout, payload_len: usize) {
    let total = layout.data_at - layout.ip_at + payload_len;
    let ip = &mut headers[layout.ip_at..layout.tcp_at];
    if layout.ip.source.is_ipv4() {
        ip[ipv4::TOTAL_LENGTH..][..2].copy_from_slice(&(total as u16).to_be_bytes());
        ip[ipv4::CHECKSUM..][..2].fill(0);
        let sum = Checksum::new().with(ip).finish();
        ip[ipv4::CHECKSUM..][..2].copy_from_slice(&sum.to_be_bytes());
    } else {
        let counted = (total - IPV6_HEADER_BYTES) as u16;
        ip[IPV6_PAYLOAD_LENGTH..][..2].copy_from_slice(&counted.to_be_bytes());
    }
}

/// Call it before [`write_ip_length`]; nothing happens in IPv6.
pub(super) fn write_identification(headers: &mut HeaderBytes, layout: &Layout, value: u16) {
    if layout.ip.source.is_ipv4() {
        let at = layout.ip_at + ipv4::IDENTIFICATION;
        headers[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
}

/// Clears lengths, identification, sequence number, PSH and checksums.
pub(super) fn clear_counting(headers: &mut HeaderBytes, layout: &Layout) {
    let ip = &mut headers[layout.ip_at..];
    if layout.ip.source.is_ipv4() {
        ip[ipv4::TOTAL_LENGTH..][..2].fill(0);
        ip[ipv4::IDENTIFICATION..][..2].fill(0);
        ip[ipv4::CHECKSUM..][..2].fill(0);
    } else {
        ip[IPV6_PAYLOAD_LENGTH..][..2].fill(0);
    }
    let tcp = &mut headers[layout.tcp_at..];
    tcp[TCP_SEQUENCE_NUMBER..][..4].fill(0);
    tcp[TCP_FLAGS] &= !PSH;
    tcp[TCP_CHECKSUM..][..2].fill(0);
}
