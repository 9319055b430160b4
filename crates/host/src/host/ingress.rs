//! A packet's way in: link header, IP header, fragments, and whom it is for.

use super::Host;
use crate::config::{InterfaceId, Medium};
use crate::net::{Cast, Outcome};
use bytes::Bytes;
use core::borrow::BorrowMut;
use core::net::IpAddr;
use sockeye_wire::ethernet::{EthernetHeader, ether_type};
use sockeye_wire::icmp::ErrorKind;
use sockeye_wire::ip::{Fragment, IpError, IpView, protocol, walk_extensions};
use sockeye_wire::{ChecksumState, Instant, Meta, Packet};

/// A packet whose IP header was read.
pub(super) struct Datagram<'p> {
    pub(super) interface: InterfaceId,
    pub(super) ip: IpView,
    /// Where the IP header begins; none if the datagram was put together from fragments.
    pub(super) ip_at: Option<usize>,
    /// Where the transport header begins.
    pub(super) transport_at: usize,
    /// Moving a packet would copy its header array.
    pub(super) packet: &'p mut Packet,
    /// It arrived at another shard.
    pub(super) hearsay: bool,
}

impl Datagram<'_> {
    /// The transport header and data in one piece.
    pub(super) fn transport(&self) -> Bytes {
        self.packet.to_bytes().slice(self.transport_at..)
    }
}

impl Host {
    /// A packet arrived on an interface. Anything may be in it; what is of no use is dropped and counted.
    pub fn on_packet(&mut self, now: Instant, interface: InterfaceId, mut packet: Packet) {
        self.receive(now, interface, &mut packet);
    }

    #[inline]
    fn receive(&mut self, now: Instant, interface: InterfaceId, packet: &mut Packet) {
        self.counters.received += 1;
        match self.network.interface(interface).map(|interface| interface.medium) {
            Some(Medium::Ip) => self.on_ip(now, interface, 0, packet),
            Some(Medium::Ethernet(_)) => self.on_frame(now, interface, packet),
            None => self.counters.dropped_frame += 1,
        }
    }

    /// A batch arrived. The same as one by one, except that acknowledgements are sent after the whole batch as long as
    /// [`poll_transmit`](Self::poll_transmit) is called after it. Packets by reference are left without what was in them.
    pub fn on_batch(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        packets: impl IntoIterator<Item: BorrowMut<Packet>>,
    ) {
        self.is_in_batch = true;
        for mut packet in packets {
            let packet = packet.borrow_mut();
            if !self.follow_run(now, interface, packet) {
                self.end_run(now);
                self.receive(now, interface, packet);
            }
        }
        self.end_run(now);
        self.is_in_batch = false;
    }

    fn on_frame(&mut self, now: Instant, interface: InterfaceId, packet: &mut Packet) {
        let Some(own) = self.network.interface(interface).and_then(|known| known.mac()) else {
            return;
        };
        let header = match EthernetHeader::parse(packet.front()) {
            Ok(header) if header.vlan.is_none() => header,
            _ => {
                self.counters.dropped_frame += 1;
                return;
            }
        };
        if header.destination != own && !header.destination.is_group() {
            self.counters.dropped_frame += 1;
            return;
        }
        packet.meta.link_broadcast |= header.destination.is_group();
        match header.ether_type {
            ether_type::IPV4 | ether_type::IPV6 => {
                self.on_ip(now, interface, header.header_len, packet);
            }
            ether_type::ARP => self.on_arp(now, interface, header.header_len, packet, false),
            _ => self.counters.dropped_frame += 1,
        }
    }

    #[inline]
    fn on_ip(&mut self, now: Instant, interface: InterfaceId, ip_at: usize, packet: &mut Packet) {
        let front = packet.front();
        let available = packet.len() - ip_at.min(packet.len());
        let parsed = IpView::parse(front.get(ip_at..).unwrap_or(&[]), available);
        let ip = match parsed {
            Ok(ip) => ip,
            Err(IpError::Truncated { .. }) if front.len() < packet.len() => {
                // The headers are spread over pieces, as no link of ours does it.
                *packet = Packet::from_bytes(packet.meta, packet.to_bytes());
                return self.on_ip(now, interface, ip_at, packet);
            }
            Err(_) => {
                self.counters.dropped_ip_header += 1;
                return;
            }
        };
        if ip.source_routed {
            self.counters.dropped_source_routed += 1;
            return;
        }
        // Ethernet pads short frames.
        if packet.len() > ip_at + ip.total_len {
            packet.truncate(ip_at + ip.total_len);
        }
        packet.meta.ecn = ip.ecn;
        let transport_at = ip_at + ip.header_len;
        if let Some(fragment) = ip.fragment {
            if self.misplace_piece(interface, (&ip, fragment), transport_at, packet) {
                return;
            }
            let data = packet.to_bytes().slice(transport_at..);
            self.on_fragment(now, interface, ip, fragment, packet.meta, &data);
            return;
        }
        let (ip_at, hearsay) = (Some(ip_at), false);
        self.on_datagram(now, Datagram { interface, ip, ip_at, transport_at, packet, hearsay });
    }

    pub(super) fn on_fragment(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        mut ip: IpView,
        fragment: Fragment,
        meta: Meta,
        data: &Bytes,
    ) {
        // Nothing is kept for what would be dropped when whole.
        if self.network.cast(interface, ip.destination) != Cast::Own {
            self.counters.dropped_not_ours += 1;
            return;
        }
        if !self.network.is_valid_source(interface, ip.source) {
            self.counters.dropped_source += 1;
            return;
        }
        let outcome = self.network.reassembly.insert(now, &ip, fragment, data);
        self.timers.set(self.reassembly_timer, self.network.reassembly.deadline());
        let (whole, next, ecn) = match outcome {
            Outcome::Waiting => return,
            Outcome::Dropped => {
                self.counters.dropped_fragment += 1;
                return;
            }
            Outcome::Whole(whole, next, ecn) => (whole, next, ecn),
        };
        self.counters.reassembled += 1;
        let mut transport_at = 0;
        ip.protocol = next;
        if ip.source.is_ipv6() {
            // Extension headers behind the fragment header; no second fragment header.
            match walk_extensions(next, &whole) {
                Ok(at) if at.fragment.is_none() && !at.source_routed => {
                    (ip.protocol, transport_at) = (at.protocol, at.len);
                }
                _ => {
                    self.counters.dropped_ip_header += 1;
                    return;
                }
            }
        }
        ip.fragment = None;
        ip.ecn = ecn;
        ip.header_len = transport_at;
        ip.total_len = whole.len();
        let meta = Meta { checksum: ChecksumState::Unverified, ecn, ..meta };
        let packet = &mut Packet::from_bytes(meta, whole);
        let (ip_at, hearsay) = (None, false);
        self.on_datagram(now, Datagram { interface, ip, ip_at, transport_at, packet, hearsay });
    }

    #[inline]
    pub(super) fn on_datagram(&mut self, now: Instant, mut datagram: Datagram<'_>) {
        match datagram.ip.protocol {
            protocol::TCP => self.on_tcp(now, datagram),
            protocol::ICMP if datagram.ip.source.is_ipv4() => self.on_icmp_v4(now, &mut datagram),
            protocol::ICMPV6 if datagram.ip.source.is_ipv6() => self.on_icmp_v6(now, &mut datagram),
            other => self.on_unwanted(now, &datagram, other),
        }
    }

    /// A protocol that nobody here speaks: its sender is told, unless it spoke to many.
    fn on_unwanted(&mut self, now: Instant, datagram: &Datagram<'_>, protocol: u8) {
        if !self.is_for_us(datagram) || self.keep_stray(datagram) {
            return;
        }
        self.counters.dropped_unwanted += 1;
        self.reject(now, datagram, protocol);
    }

    /// Tells the sender that nobody here speaks that protocol. ICMP is not answered by errors (RFC 1122 §3.2.2).
    pub(super) fn reject(&mut self, now: Instant, datagram: &Datagram<'_>, protocol: u8) {
        let kind = match protocol {
            protocol::UDP => ErrorKind::PortUnreachable,
            protocol::NO_NEXT_HEADER | protocol::ICMP | protocol::ICMPV6 => return,
            _ => ErrorKind::ProtocolUnreachable,
        };
        self.send_icmp_error(now, datagram, kind);
    }

    /// Whether a datagram without a connection came from a possible sender to one of our addresses; counts it if not.
    pub(super) fn is_for_us(&mut self, datagram: &Datagram<'_>) -> bool {
        let Datagram { interface, ip, packet, .. } = datagram;
        let dropped = match self.network.cast(*interface, ip.destination) {
            Cast::Other => &mut self.counters.dropped_not_ours,
            Cast::Multicast | Cast::Broadcast => &mut self.counters.dropped_broadcast,
            // Link broadcast with our address inside: RFC 1122 §3.3.6.
            Cast::Own if packet.meta.link_broadcast => &mut self.counters.dropped_broadcast,
            Cast::Own
                if self.network.is_valid_source(*interface, ip.source)
                    && is_reachable(*interface, ip.destination) =>
            {
                return true;
            }
            Cast::Own => &mut self.counters.dropped_source,
        };
        *dropped += 1;
        false
    }
}

/// The loopback's addresses are reached over the loopback only (RFC 1122 §3.2.1.3 (g)).
fn is_reachable(interface: InterfaceId, destination: IpAddr) -> bool {
    interface == InterfaceId::LOOPBACK || !destination.is_loopback()
}
