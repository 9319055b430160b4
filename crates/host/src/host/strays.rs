//! Packets of other protocols: handed to whoever asked for them, and sent for them.

use super::egress::begin_headers;
use super::ingress::Datagram;
use super::{Announcement, Host};
use crate::error::HostError;
use crate::strays::{StrayPacket, Strays};
use alloc::boxed::Box;
use bytes::Bytes;
use sockeye_wire::ip::{IpHeader, IpView};
use sockeye_wire::{ChecksumState, HeaderBytes, Instant, Meta, Packet, Payload};

impl Host {
    /// Keeps from now on, up to `limit` at a time, every packet to the host that is not TCP and that the host has no use for: UDP, other
    /// protocols, ICMP messages but echo requests and those about TCP. Nothing answers it but whoever fetches it with
    /// [`next_stray`](Self::next_stray); what finds the queue full is dropped. `None` ends that, and senders are told again that nobody
    /// is there.
    ///
    /// Broadcasts, multicasts, packets to foreign addresses and those with a bad IP header are dropped before.
    pub fn set_strays(&mut self, limit: Option<usize>) {
        match (limit, &mut self.strays) {
            (Some(limit), Some(strays)) => strays.limit = limit,
            (Some(limit), none) => *none = Some(Box::new(Strays::new(limit))),
            (None, strays) => *strays = None,
        }
    }

    /// The next packet that was kept.
    pub fn next_stray(&mut self) -> Option<StrayPacket> {
        self.strays.as_mut()?.queue.pop_front()
    }

    /// Tells a packet's sender that nobody is there, as if no one had asked for it: by ICMP, within the limit on such errors.
    pub fn reject_stray(&mut self, now: Instant, stray: StrayPacket) {
        let StrayPacket { interface, mut packet } = stray;
        let bytes = packet.to_bytes();
        let Ok(ip) = IpView::parse(&bytes, bytes.len()) else { return };
        let (protocol, transport_at) = (ip.protocol, ip.header_len);
        let packet = &mut packet;
        self.reject(
            now,
            &Datagram { interface, ip, ip_at: Some(0), transport_at, packet, hearsay: false },
            protocol,
        );
    }

    /// Sends an IP packet as it is, its checksums complete, by the route to its destination. Its source may be any address: an answer
    /// to a stray packet comes from where that was sent to.
    ///
    /// # Errors
    /// [`HostError::BadPacket`] if it is not exactly one IP packet, [`HostError::PacketTooLarge`] if the link takes none that large,
    /// [`HostError::NetworkUnreachable`].
    pub fn send_packet(&mut self, now: Instant, packet: Bytes) -> Result<(), HostError> {
        let ip = IpView::parse(&packet, packet.len()).map_err(|_| HostError::BadPacket)?;
        if ip.total_len != packet.len() {
            return Err(HostError::BadPacket);
        }
        let unreachable = HostError::NetworkUnreachable(ip.destination);
        let hop = self.network.hop((ip.destination, 0).into()).ok_or(unreachable)?;
        let interface = self.network.interface(hop.interface).ok_or(unreachable)?;
        if packet.len() > usize::from(interface.mtu) {
            return Err(HostError::PacketTooLarge(interface.mtu));
        }
        let mut headers = HeaderBytes::new();
        begin_headers(interface, ip.destination, &mut headers);
        let meta = Meta { checksum: ChecksumState::Valid, ecn: ip.ecn, ..Meta::at(now) };
        let packet = Packet::new(meta, headers, Payload::from(packet));
        if let Some((interface, packet)) = self.pass_on(now, hop, packet) {
            self.post(interface, packet);
        }
        Ok(())
    }

    /// Keeps a datagram to us if somebody wants it; says whether that is so.
    pub(super) fn keep_stray(&mut self, datagram: &Datagram<'_>) -> bool {
        let Some(strays) = &mut self.strays else { return false };
        if strays.queue.len() >= strays.limit {
            self.counters.dropped_strays_full += 1;
            return true;
        }
        self.counters.strays += 1;
        strays
            .queue
            .push_back(StrayPacket { interface: datagram.interface, packet: whole(datagram) });
        if !core::mem::replace(&mut strays.announced, true) {
            self.events.push_back(Announcement::Strays);
        }
        true
    }
}

/// A datagram from its IP header on, which one that was put together from fragments has no more.
fn whole(datagram: &Datagram<'_>) -> Packet {
    let Datagram { ip, ip_at, transport_at, packet, .. } = datagram;
    if let Some(at) = ip_at {
        return Packet::from_bytes(packet.meta, packet.to_bytes().slice(*at..));
    }
    let data = packet.to_bytes().slice(*transport_at..);
    let header = IpHeader {
        hop_limit: ip.hop_limit,
        dscp: ip.dscp,
        ecn: ip.ecn,
        ..IpHeader::new(ip.source, ip.destination, ip.protocol, data.len())
    };
    let mut headers = HeaderBytes::new();
    header.emit(&mut headers);
    Packet::new(packet.meta, headers, Payload::from(data))
}
