//! A link on the way that takes only smaller packets (RFC 1191, RFC 8201).

use sockeye_wire::icmp::{ErrorKind, IcmpHeader};
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::{HeaderBytes, Instant, Meta, Packet, Payload};
use std::net::IpAddr;

/// What a router quotes at most: as much as fits into the smallest packet that IPv6 hosts must take (RFC 4443 §2.4 (c)).
const MAX_MESSAGE_BYTES: usize = 1_280;
/// RFC 1812 §4.3.2.3: IPv4 routers keep within the 576 octets that every host takes.
const MAX_V4_MESSAGE_BYTES: usize = 576;

/// The largest packet that a channel takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathMtu {
    /// In octets, IP header included.
    pub bytes: u16,
    /// The router before it, which tells senders of what it drops; a black hole if `None`.
    pub router: Option<IpAddr>,
}

impl PathMtu {
    /// The message to the sender of a packet that was dropped here, if there is a router to send it.
    pub(super) fn message(&self, now: Instant, dropped: &Packet) -> Option<Packet> {
        let router = self.router?;
        let sender = IpView::parse(dropped.front(), dropped.len()).ok()?.source;
        let kind = ErrorKind::PacketTooBig { mtu: u32::from(self.bytes) };
        let icmp = IcmpHeader::error(sender, kind)?;
        let (number, limit) = match sender {
            IpAddr::V4(_) => (protocol::ICMP, MAX_V4_MESSAGE_BYTES),
            IpAddr::V6(_) => (protocol::ICMPV6, MAX_MESSAGE_BYTES),
        };
        let room = limit - IpHeader::len_for(sender) - sockeye_wire::icmp::HEADER_BYTES;
        let mut quote = dropped.to_bytes();
        quote.truncate(room);
        let mut data = Payload::empty();
        data.push(quote);
        let mut headers = HeaderBytes::new();
        let len = sockeye_wire::icmp::HEADER_BYTES + data.len();
        IpHeader::new(router, sender, number, len).emit(&mut headers);
        icmp.emit(router, sender, &data, &mut headers);
        Some(Packet::new(Meta::at(now), headers, data))
    }
}
