//! A segment's way out.

use super::Host;
use super::cut::Cut;
use super::path::refresh_mtu;
use crate::config::{InterfaceId, Medium};
use crate::demux::Target;
use crate::ids::ConnectionId;
use crate::net::{Hop, Interface, Resolution};
use crate::record::PathState;
use crate::timer::TimerOwner;
use crate::trace::{Direction, SegmentTrace};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use sockeye_tcp::{Endpoints, Transmit};
use sockeye_wire::ethernet::{self, EthernetHeader, ether_type};
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::packet::append;
use sockeye_wire::tcp::MAX_HEADER_BYTES;
use sockeye_wire::{
    Checksum, ChecksumState, HeaderBytes, Instant, MacAddr, Meta, Packet, Payload, StateName,
};

/// Where the checksum stands in a TCP header (RFC 9293 MUST-2).
const CHECKSUM: core::ops::Range<usize> = 16..18;

/// What waits to be sent.
#[derive(Default)]
pub(super) struct Egress {
    /// Answers that belong to no connection: resets, SYN-ACKs, ICMP, ARP.
    pub(super) outbox: VecDeque<(InterfaceId, Packet)>,
    /// Packets to the host itself.
    pub(super) loopback: VecDeque<Packet>,
    /// Connections that may have something to send, each once.
    pub(super) ready: VecDeque<u32>,
    /// Whose turn it is, and how many octets it may still send before the next one's.
    turn: Option<(u32, usize)>,
    /// The super-segment that is being cut.
    cut: Option<Cut>,
}

impl Host {
    /// The next packet to send, and where. Call until `None` after every batch of packets, calls or timers: connections take
    /// turns, and acknowledge what came in the batch as a whole (RFC 9293 MUST-58, MUST-59).
    pub fn poll_transmit(&mut self, now: Instant) -> Option<(InterfaceId, Packet)> {
        let mut packet = Packet::empty();
        self.poll_into(now, &mut packet).map(|interface| (interface, packet))
    }

    /// [`poll_transmit`](Self::poll_transmit) to where the packet stays.
    fn poll_into(&mut self, now: Instant, place: &mut Packet) -> Option<InterfaceId> {
        loop {
            if self.egress.cut.is_some() {
                if let Some(interface) = self.take_cut(now, place) {
                    self.counters.sent += 1;
                    return Some(interface);
                }
                continue;
            }
            if let Some((interface, packet)) = self.egress.outbox.pop_front() {
                *place = packet;
                self.counters.sent += 1;
                return Some(interface);
            }
            if let Some((index, left)) = self.egress.turn {
                if let Some(interface) = self.take_turn(now, index, left, place) {
                    self.counters.sent += 1;
                    return Some(interface);
                }
            } else if let Some(index) = self.egress.ready.pop_front() {
                // A slow connection's turn is short, so that it never queues more than its rate asks for.
                let record = self.connections.at(index);
                let limit = record.map_or(0, |record| record.connection.small_queue_bytes());
                let most = self.config.limits.turn_bytes;
                self.egress.turn = Some((index, limit.min(most).max(1)));
            } else if let Some(packet) = self.egress.loopback.pop_front() {
                self.counters.sent += 1;
                self.on_packet(now, InterfaceId::LOOPBACK, packet);
            } else {
                return None;
            }
        }
    }

    /// Appends at most `max` packets to `out`, as [`poll_transmit`](Self::poll_transmit) gives them one by one; says how many.
    pub fn poll_batch(
        &mut self,
        now: Instant,
        out: &mut Vec<(InterfaceId, Packet)>,
        max: usize,
    ) -> usize {
        let before = out.len();
        while out.len() - before < max {
            out.push((InterfaceId::LOOPBACK, Packet::empty()));
            let sent = out.last_mut().and_then(|(interface, place)| {
                *interface = self.poll_into(now, place)?;
                Some(())
            });
            if sent.is_none() {
                out.pop();
                break;
            }
        }
        out.len() - before
    }

    /// One item of the connection whose turn it is; `None` if it had none that leaves the host now.
    #[inline]
    fn take_turn(
        &mut self,
        now: Instant,
        index: u32,
        left: usize,
        place: &mut Packet,
    ) -> Option<InterfaceId> {
        let Some(record) = self.connections.at_mut(index) else {
            self.egress.turn = None;
            return None;
        };
        let routed = record.path.refresh(&self.network, &record.ends);
        if record.path.mtu_until <= now {
            refresh_mtu(now, &mut self.network, record);
        }
        let interface = self.network.interface(record.path.interface);
        // Signed segments differ from one to the next, so that no link can cut them.
        let interface = interface.filter(|_| record.auth.is_none());
        // Those that are paced would leave in bursts, which nothing is won by that the link does not win.
        let interface =
            interface.filter(|known| known.gso_max_bytes > 0 || !record.connection.is_paced());
        let max_payload =
            interface.map_or(0, |interface| max_payload(interface, record.ends.remote_ip()));
        // By reference from here on: a segment is large to move.
        let mut polled = record.connection.poll_transmit(now, max_payload);
        let Some(transmit) = &mut polled else {
            record.ready = false;
            self.egress.turn = None;
            let owner = TimerOwner::Connection(index).into();
            self.timers.arm(&mut record.timer, owner, record.connection.deadline());
            self.finish(index);
            return None;
        };
        // A bare acknowledgement costs its turn something too.
        self.egress.turn = match left.saturating_sub(transmit.payload.len().max(64)) {
            0 => {
                self.egress.ready.push_back(index);
                None
            }
            left => Some((index, left)),
        };
        let endpoints = record.ends.get();
        let signed = record.auth.is_some();
        if self.observer.is_some() {
            let state = record.connection.state();
            let id = self.connections.key_at(index).map(ConnectionId);
            self.observe_out(now, id, &endpoints, transmit, state);
        }
        if !routed {
            self.counters.dropped_no_route += 1;
            return None;
        }
        if signed && !self.sign_for(Target::Connection(index), &endpoints, transmit) {
            return None;
        }
        let record = self.connections.at_mut(index)?;
        let segments = transmit.wire_segments.max(1);
        self.counters.segments_sent += u64::from(segments);
        let interface = self.network.interface(record.path.interface)?;
        build_segment(now, interface, &endpoints, &record.path, transmit, place);
        record.path.identification = record.path.identification.wrapping_add(segments);
        let is_plain = interface.is_plain();
        if segments > 1 && interface.gso_max_bytes == 0 {
            let ip_at = if interface.mac().is_some() { ethernet::HEADER_BYTES } else { 0 };
            let hop = (!is_plain).then(|| record.path.hop(endpoints.remote.ip()));
            let (way, size) = ((record.path.interface, hop), transmit.gso_size);
            let offload = interface.checksum_offload;
            self.egress.cut = Some(Cut::new(place, ip_at, &endpoints, way, size, offload));
            return self.take_cut(now, place);
        }
        if is_plain {
            return Some(record.path.interface);
        }
        let hop = record.path.hop(endpoints.remote.ip());
        self.pass_on_from(now, hop, place)
    }

    /// The next segment of what is being cut; `None` if it does not leave now.
    #[inline]
    fn take_cut(&mut self, now: Instant, place: &mut Packet) -> Option<InterfaceId> {
        let cut = self.egress.cut.as_mut()?;
        cut.next_into(place);
        let (interface, hop) = (cut.interface, cut.hop);
        if cut.is_over() {
            self.egress.cut = None;
        }
        match hop {
            None => Some(interface),
            Some(hop) => self.pass_on_from(now, hop, place),
        }
    }

    pub(super) fn observe_out(
        &mut self,
        now: Instant,
        connection: Option<ConnectionId>,
        endpoints: &Endpoints,
        transmit: &Transmit,
        state: StateName,
    ) {
        self.observe(|| SegmentTrace {
            time: now,
            connection,
            endpoints: *endpoints,
            direction: Direction::Out,
            seq: transmit.header.seq,
            ack: transmit.header.ack,
            flags: transmit.header.flags,
            window: transmit.header.window,
            payload_len: transmit.payload.len(),
            state,
        });
    }

    /// Puts headers before a segment and passes it on.
    pub(super) fn segment_out(
        &mut self,
        now: Instant,
        endpoints: &Endpoints,
        path: &PathState,
        transmit: &mut Transmit,
        place: &mut Packet,
    ) -> Option<InterfaceId> {
        self.counters.segments_sent += u64::from(transmit.wire_segments.max(1));
        let interface = self.network.interface(path.interface)?;
        build_segment(now, interface, endpoints, path, transmit, place);
        self.pass_on_from(now, path.hop(endpoints.remote.ip()), place)
    }

    /// [`pass_on`](Self::pass_on) of a packet that stays where it is if it leaves now.
    fn pass_on_from(&mut self, now: Instant, hop: Hop, place: &mut Packet) -> Option<InterfaceId> {
        let packet = core::mem::replace(place, Packet::empty());
        let (interface, packet) = self.pass_on(now, hop, packet)?;
        *place = packet;
        Some(interface)
    }

    /// A packet whose headers are built goes to the host itself, to the link, or waits for its neighbour's address.
    pub(super) fn pass_on(
        &mut self,
        now: Instant,
        hop: Hop,
        mut packet: Packet,
    ) -> Option<(InterfaceId, Packet)> {
        if hop.interface == InterfaceId::LOOPBACK {
            self.loop_back(packet);
            return None;
        }
        if self.network.interface(hop.interface)?.medium == Medium::Ip {
            return Some((hop.interface, packet));
        }
        match self.hardware_address(now, hop) {
            Resolution::Known(mac) => {
                packet.headers_mut()[..6].copy_from_slice(&mac.0);
                Some((hop.interface, packet))
            }
            Resolution::Wait(entry, question) => {
                if self.network.neighbours.enqueue(entry, packet).is_some() {
                    self.counters.dropped_neighbour += 1;
                }
                if let Some(question) = question {
                    self.solicit(now, question);
                }
                None
            }
            Resolution::Full => {
                self.counters.dropped_neighbour += 1;
                None
            }
        }
    }

    fn hardware_address(&mut self, now: Instant, hop: Hop) -> Resolution {
        match hop.next {
            IpAddr::V4(group) if group.is_multicast() => {
                Resolution::Known(MacAddr::for_ipv4_group(group))
            }
            IpAddr::V6(group) if group.is_multicast() => {
                Resolution::Known(MacAddr::for_ipv6_group(group))
            }
            next => self.network.neighbours.resolve(now, &mut self.timers, hop.interface, next),
        }
    }

    /// Puts a packet that belongs to no connection where the next poll finds it.
    pub(super) fn post(&mut self, interface: InterfaceId, packet: Packet) {
        if self.egress.outbox.len() < self.config.limits.outbox {
            self.egress.outbox.push_back((interface, packet));
        } else {
            self.counters.dropped_queue_full += 1;
        }
    }
}

/// The most data that one item may carry over this interface; 0 where nobody cuts super-segments.
fn max_payload(interface: &Interface, remote: IpAddr) -> usize {
    let ip = IpHeader::len_for(remote);
    // IPv4's length field counts the header, so that 65,535 octets in all suit both versions.
    let whole = match interface.gso_max_bytes {
        0 if interface.segmentation => usize::from(u16::MAX),
        most => most.min(u32::from(u16::MAX)) as usize,
    };
    whole.saturating_sub(ip + MAX_HEADER_BYTES)
}

/// The link header of a packet whose destination is filled in when it is known.
#[inline]
pub(super) fn begin_headers(interface: &Interface, destination: IpAddr, headers: &mut HeaderBytes) {
    if let Some(source) = interface.mac() {
        let kind = if destination.is_ipv4() { ether_type::IPV4 } else { ether_type::IPV6 };
        EthernetHeader::new(MacAddr::default(), source, kind).emit(headers);
        debug_assert_eq!(headers.len(), ethernet::HEADER_BYTES);
    }
}

#[inline]
fn build_segment(
    now: Instant,
    interface: &Interface,
    endpoints: &Endpoints,
    path: &PathState,
    transmit: &mut Transmit,
    place: &mut Packet,
) {
    let Transmit { header, payload, gso_size, wire_segments, ecn } = transmit;
    let (gso_size, wire_segments, ecn) = (*gso_size, *wire_segments, *ecn);
    let payload = core::mem::take(payload);
    header.source_port = endpoints.local.port();
    header.destination_port = endpoints.remote.port();
    let (source, destination) = (endpoints.local.ip(), endpoints.remote.ip());

    let mut tcp = [0; MAX_HEADER_BYTES];
    let tcp_len = header.emit(&mut tcp);
    let len = tcp_len + payload.len();
    let pseudo = Checksum::pseudo_header(source, destination, protocol::TCP, len as u32);
    let partial = interface.checksum_offload || gso_size != 0;
    let sum = if partial {
        pseudo.partial()
    } else {
        whole_checksum(pseudo.with(&tcp[..tcp_len]), &payload)
    };
    tcp[CHECKSUM].copy_from_slice(&sum.to_be_bytes());

    let ip = IpHeader {
        dscp: path.dscp,
        ecn,
        hop_limit: path.hop_limit,
        dont_fragment: !path.may_fragment,
        identification: path.identification,
        flow_label: path.flow_label,
        ..IpHeader::new(source, destination, protocol::TCP, len)
    };
    let meta = Meta {
        checksum: if partial { ChecksumState::Partial } else { ChecksumState::Valid },
        wire_segments: wire_segments.max(1),
        gso_size,
        ecn,
        ..Meta::at(now)
    };
    place.build(meta, payload, |headers| {
        begin_headers(interface, destination, headers);
        ip.emit(headers);
        append(headers, &tcp[..tcp_len]);
    });
}

fn whole_checksum(mut sum: Checksum, payload: &Payload) -> u16 {
    for piece in payload.pieces() {
        sum = sum.with(piece);
    }
    sum.finish()
}
