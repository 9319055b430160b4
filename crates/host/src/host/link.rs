//! Finding neighbours: ARP (RFC 826) and neighbour discovery (RFC 4861) received and sent.

use super::Host;
use super::ingress::Datagram;
use super::open::endpoints_of;
use crate::config::InterfaceId;
use crate::net::{Evidence, Expiry, Solicit};
use alloc::collections::VecDeque;
use core::net::{IpAddr, Ipv6Addr};
use sockeye_wire::arp::{ArpOperation, ArpPacket};
use sockeye_wire::ethernet::{self, EthernetHeader, ether_type};
use sockeye_wire::icmp::Quoted;
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::ndp::{self, NdpMessage, solicited_node};
use sockeye_wire::{ChecksumState, HeaderBytes, Instant, MacAddr, Meta, Packet, Payload};

impl Host {
    pub(super) fn on_arp(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        at: usize,
        packet: &Packet,
        hearsay: bool,
    ) {
        let bytes = packet.to_bytes();
        let Some(arp) = bytes.get(at..).and_then(ArpPacket::parse) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        let Some((own_mac, for_us)) = self
            .network
            .interface(interface)
            .and_then(|known| Some((known.mac()?, known.has(arp.target.into()))))
        else {
            return;
        };
        if !arp.sender_mac.is_unicast() {
            self.counters.dropped_malformed += 1;
            return;
        }
        let asks = arp.operation == ArpOperation::Request;
        // RFC 5227 §2.1.1: a probe comes from nobody yet.
        if !arp.sender.is_unspecified() {
            if !self.network.is_valid_source(interface, arp.sender.into()) {
                self.counters.dropped_source += 1;
                return;
            }
            let evidence = Evidence {
                // Sent to us alone, so it answers us.
                solicited: !asks && for_us && !packet.meta.link_broadcast,
                overrides: true,
                worth_an_entry: asks && for_us,
            };
            self.learn(now, interface, arp.sender.into(), arp.sender_mac, evidence);
        }
        if hearsay {
            return;
        }
        self.spread_arp(interface, at, packet);
        if asks && for_us {
            let reply = ArpPacket {
                operation: ArpOperation::Reply,
                sender_mac: own_mac,
                sender: arp.target,
                target_mac: arp.sender_mac,
                target: arp.sender,
            };
            self.send_arp(now, interface, arp.sender_mac, &reply);
        }
    }

    pub(super) fn on_ndp(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        kind: u8,
        code: u8,
        body: &[u8],
    ) {
        let (IpAddr::V6(source), IpAddr::V6(destination)) =
            (datagram.ip.source, datagram.ip.destination)
        else {
            return;
        };
        let message =
            NdpMessage::parse(kind, code, body).filter(|_| datagram.ip.hop_limit == ndp::HOP_LIMIT);
        let Some(message) = message else {
            self.counters.dropped_malformed += 1;
            return;
        };
        let interface = datagram.interface;
        let Some(own_mac) = self.network.interface(interface).and_then(|known| known.mac()) else {
            self.counters.dropped_unwanted += 1;
            return;
        };
        self.spread_datagram(datagram);
        match message {
            NdpMessage::Solicitation { target, source_mac } => {
                let has = |address: Ipv6Addr| {
                    self.network.interface(interface).is_some_and(|known| known.has(address.into()))
                };
                let to_us = has(destination) || destination == solicited_node(target);
                if !has(target) || !to_us {
                    self.counters.dropped_not_ours += 1;
                    return;
                }
                let probe = source.is_unspecified();
                if let Some(mac) = source_mac.filter(|mac| !probe && mac.is_unicast()) {
                    let evidence =
                        Evidence { solicited: false, overrides: true, worth_an_entry: true };
                    self.learn(now, interface, source.into(), mac, evidence);
                }
                if datagram.hearsay {
                    return;
                }
                // RFC 4861 §7.2.4: the answer to duplicate address detection goes to everyone.
                let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
                let to = if probe { all_nodes } else { source };
                let mac = if probe {
                    MacAddr::for_ipv6_group(all_nodes)
                } else {
                    source_mac.unwrap_or(MacAddr::BROADCAST)
                };
                let answer = NdpMessage::Advertisement {
                    target,
                    router: false,
                    solicited: !probe,
                    overrides: true,
                    target_mac: Some(own_mac),
                };
                self.send_ndp(now, interface, (target, to), mac, &answer);
            }
            NdpMessage::Advertisement { target, solicited, overrides, target_mac, .. } => {
                if solicited && destination.is_multicast() {
                    self.counters.dropped_malformed += 1;
                    return;
                }
                if let Some(mac) = target_mac.filter(|mac| mac.is_unicast()) {
                    let evidence = Evidence { solicited, overrides, worth_an_entry: false };
                    self.learn(now, interface, target.into(), mac, evidence);
                }
            }
        }
    }

    fn learn(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        address: IpAddr,
        mac: MacAddr,
        evidence: Evidence,
    ) {
        let neighbours = &mut self.network.neighbours;
        let learned = neighbours.learn(now, &mut self.timers, (interface, address), mac, evidence);
        let Some((mac, waiting)) = learned else { return };
        for mut packet in waiting {
            packet.headers_mut()[..6].copy_from_slice(&mac.0);
            self.post(interface, packet);
        }
    }

    /// Asks for a neighbour's hardware address.
    pub(super) fn solicit(&mut self, now: Instant, question: Solicit) {
        let Solicit { interface, address, to } = question;
        let Some(known) = self.network.interface(interface) else { return };
        let Some(own_mac) = known.mac() else { return };
        match (self.network.asking_address(known, address), address) {
            (Some(IpAddr::V4(own)), IpAddr::V4(target)) => {
                let request = ArpPacket {
                    operation: ArpOperation::Request,
                    sender_mac: own_mac,
                    sender: own,
                    target_mac: MacAddr::default(),
                    target,
                };
                self.send_arp(now, interface, to.unwrap_or(MacAddr::BROADCAST), &request);
            }
            (Some(IpAddr::V6(own)), IpAddr::V6(target)) => {
                let group = solicited_node(target);
                let (to, mac) =
                    to.map_or((group, MacAddr::for_ipv6_group(group)), |mac| (target, mac));
                let question = NdpMessage::Solicitation { target, source_mac: Some(own_mac) };
                self.send_ndp(now, interface, (own, to), mac, &question);
            }
            _ => {}
        }
    }

    pub(super) fn on_neighbour_timer(&mut self, now: Instant, index: u32) {
        match self.network.neighbours.on_timer(now, &mut self.timers, index) {
            Expiry::Nothing => {}
            Expiry::Solicit(question) => self.solicit(now, question),
            Expiry::Failed(interface, waiting) => {
                self.on_neighbour_failed(now, interface, waiting);
            }
        }
    }

    /// Nobody has the address. Connections that are opening learn it at once; for others it is one more lost packet.
    fn on_neighbour_failed(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        waiting: VecDeque<Packet>,
    ) {
        for packet in waiting {
            self.counters.dropped_neighbour += 1;
            let ip = packet.front().get(ethernet::HEADER_BYTES..);
            let Some(quoted) = ip.and_then(Quoted::parse).filter(Quoted::is_tcp) else { continue };
            let endpoints = endpoints_of(
                interface,
                (quoted.source, quoted.source_port),
                (quoted.destination, quoted.destination_port),
            );
            self.fail_opening(now, &endpoints);
        }
    }

    fn fail_opening(&mut self, now: Instant, endpoints: &sockeye_tcp::Endpoints) {
        let hash = self.demux.hash(endpoints);
        if let Some(crate::demux::Target::Connection(index)) = self.find(hash, endpoints) {
            // Unlike a router's word, our own is final.
            let unreachable = sockeye_tcp::Error::HostUnreachable;
            self.counted(index, |record| record.connection.on_unreachable(unreachable));
            self.changed(now, index);
        }
    }

    fn send_arp(&mut self, now: Instant, interface: InterfaceId, to: MacAddr, arp: &ArpPacket) {
        let mut headers = HeaderBytes::new();
        EthernetHeader::new(to, arp.sender_mac, ether_type::ARP).emit(&mut headers);
        arp.emit(&mut headers);
        self.post(interface, Packet::new(Meta::at(now), headers, Payload::empty()));
    }

    fn send_ndp(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        to: MacAddr,
        message: &NdpMessage,
    ) {
        let Some(own_mac) = self.network.interface(interface).and_then(|known| known.mac()) else {
            return;
        };
        let mut headers = HeaderBytes::new();
        EthernetHeader::new(to, own_mac, ether_type::IPV6).emit(&mut headers);
        let len = ndp::MESSAGE_BYTES;
        let ip = IpHeader::new(source.into(), destination.into(), protocol::ICMPV6, len);
        IpHeader { hop_limit: ndp::HOP_LIMIT, ..ip }.emit(&mut headers);
        message.emit(source, destination, &mut headers);
        let meta = Meta { checksum: ChecksumState::Valid, ..Meta::at(now) };
        self.post(interface, Packet::new(meta, headers, Payload::empty()));
    }
}
