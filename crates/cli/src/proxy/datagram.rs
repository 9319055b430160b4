//! UDP (RFC 768), as far as a question and its answer need it.

use bytes::{BufMut, Bytes, BytesMut};
use sockeye::Packet;
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::{Checksum, ChecksumState, HeaderBytes};
use std::net::SocketAddr;

/// Octets of a UDP header.
pub(super) const HEADER_BYTES: usize = 8;

/// A datagram of a client's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Datagram {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) data: Bytes,
}

impl Datagram {
    /// `None` if it is another protocol or broken.
    pub(super) fn parse(packet: &Packet) -> Option<Self> {
        let bytes = packet.to_bytes();
        let ip = IpView::parse(&bytes, bytes.len()).ok()?;
        if ip.protocol != protocol::UDP {
            return None;
        }
        let datagram = bytes.get(ip.header_len..ip.total_len)?;
        let field = |at: usize| {
            datagram.get(at..at + 2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
        };
        let (from, to, len, sum) = (field(0)?, field(2)?, usize::from(field(4)?), field(6)?);
        let whole = datagram.get(..len).filter(|whole| whole.len() >= HEADER_BYTES)?;
        // None was computed (RFC 768; not so over IPv6, RFC 8200 §8.1), or the link answers for it.
        let is_unsummed = sum == 0 && ip.source.is_ipv4();
        if packet.meta.checksum == ChecksumState::Unverified && !is_unsummed {
            let pseudo =
                Checksum::pseudo_header(ip.source, ip.destination, protocol::UDP, len as u32);
            if !pseudo.with(whole).is_valid() {
                return None;
            }
        }
        Some(Self {
            source: SocketAddr::new(ip.source, from),
            destination: SocketAddr::new(ip.destination, to),
            data: bytes.slice(ip.header_len + HEADER_BYTES..ip.header_len + len),
        })
    }

    /// The packet that answers it with `data`.
    pub(super) fn answer(&self, data: &[u8]) -> Bytes {
        let len = HEADER_BYTES + data.len();
        let (from, to) = (self.destination, self.source);
        let mut datagram = BytesMut::with_capacity(len);
        datagram.put_u16(from.port());
        datagram.put_u16(to.port());
        datagram.put_u16(len as u16);
        datagram.put_u16(0);
        datagram.put_slice(data);
        let pseudo = Checksum::pseudo_header(from.ip(), to.ip(), protocol::UDP, len as u32);
        // A sum of zero is sent as its other form (RFC 768).
        let sum = match pseudo.with(&datagram).finish() {
            0 => 0xffff,
            sum => sum,
        };
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        let mut headers = HeaderBytes::new();
        IpHeader::new(from.ip(), to.ip(), protocol::UDP, len).emit(&mut headers);
        let mut packet = BytesMut::with_capacity(headers.len() + len);
        packet.put_slice(&headers);
        packet.put_slice(&datagram);
        packet.freeze()
    }

    /// The most data that an answer may carry over a link with this MTU.
    pub(super) fn room(&self, mtu: usize) -> usize {
        mtu.saturating_sub(IpHeader::len_for(self.source.ip()) + HEADER_BYTES)
    }
}
