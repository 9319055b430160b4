//! A TCP segment where it lies, with what the IP header adds.

use crate::flow::Endpoint;
use sockeye_wire::tcp::{PROTOCOL, TcpView};
use sockeye_wire::{Checksum, ChecksumState, Packet};

/// What became of a checksum when it was verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChecksumFound {
    /// Right, or vouched for by who handed the packet over.
    Valid,
    /// Left to a device to fill in: the sender's host captured it before that. Not to be blamed.
    Offloaded,
    /// Wrong: the receiver will drop the segment.
    Bad,
    /// Not all bytes were captured.
    Unknown,
}

/// One TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// The header; what of the payload lies behind it may be cut.
    pub tcp: TcpView<'a>,
    /// Octets of payload by the IP length.
    pub payload_len: u32,
    /// State of the TCP checksum.
    pub checksum: ChecksumFound,
    /// Whether the IPv4 header's own checksum is right; true for IPv6.
    pub ip_checksum_ok: bool,
    /// The IPv4 identification; 0 for IPv6 and wherever the sender leaves it so (RFC 6864 §4).
    pub ip_id: u16,
}

/// What the IP layer knows of a TCP segment.
pub(super) struct IpInfo {
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    /// Octets of header and payload by the IP length.
    pub(super) len: usize,
    pub(super) ip_checksum_ok: bool,
    pub(super) ip_id: u16,
    pub(super) checksum: ChecksumState,
    /// A routing header changes the destination that the checksum covers (RFC 8200 §8.1).
    pub(super) pseudo_known: bool,
}

/// Reads the TCP header at the start of `bytes`; `rest` is the packet in whose front they lie, if it goes on behind them.
#[inline]
pub(super) fn read<'a>(
    mut info: IpInfo,
    bytes: &'a [u8],
    rest: Option<&Packet>,
) -> Option<Segment<'a>> {
    // A short snap length cuts the options of a SYN first; the packet is still one of its connection.
    let is_cut = rest.is_none() && bytes.len() < info.len;
    let parsed = if is_cut { TcpView::parse_cut(bytes) } else { TcpView::parse(bytes) };
    let tcp = parsed.ok()?;
    let payload_len = u32::try_from(info.len.checked_sub(tcp.header_len())?).ok()?;
    info.source.port = tcp.source_port();
    info.destination.port = tcp.destination_port();
    let checksum = match info.checksum {
        ChecksumState::Valid => ChecksumFound::Valid,
        ChecksumState::Partial => ChecksumFound::Offloaded,
        ChecksumState::Unverified => verify(&info, &tcp, bytes, rest),
    };
    Some(Segment {
        source: info.source,
        destination: info.destination,
        tcp,
        payload_len,
        checksum,
        ip_checksum_ok: info.ip_checksum_ok,
        ip_id: info.ip_id,
    })
}

fn verify(info: &IpInfo, tcp: &TcpView<'_>, bytes: &[u8], rest: Option<&Packet>) -> ChecksumFound {
    let later = rest.map_or(0, |packet| packet.len() - packet.front().len());
    let have = bytes.len() + later;
    if have < info.len || !info.pseudo_known {
        return ChecksumFound::Unknown;
    }
    let pseudo = |len| {
        let (source, destination) = (info.source.ip(), info.destination.ip());
        Checksum::pseudo_header(source, destination, PROTOCOL, len)
    };
    let full = pseudo(info.len as u32);
    let mut left = info.len.saturating_sub(bytes.len());
    let mut sum = full.with(&bytes[..bytes.len().min(info.len)]);
    for piece in rest.into_iter().flat_map(Packet::pieces).skip(1) {
        let piece = &piece[..piece.len().min(left)];
        left -= piece.len();
        sum = sum.with(piece);
    }
    if sum.is_valid() {
        return ChecksumFound::Valid;
    }
    // Before offload the field holds the pseudo-header's sum, with the length or (segmentation) without, or nothing.
    let field = tcp.checksum();
    if field == full.partial() || field == pseudo(0).partial() || field == 0 {
        return ChecksumFound::Offloaded;
    }
    ChecksumFound::Bad
}
