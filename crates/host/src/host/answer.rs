//! Packets that belong to no connection's turn: resets, handshake answers, ICMP.

use super::Host;
use super::egress::begin_headers;
use super::ingress::Datagram;
use crate::demux::Target;
use crate::record::PathState;
use bytes::Bytes;
use core::hash::{BuildHasher, Hasher};
use core::net::IpAddr;
use sockeye_tcp::auth::Authenticator;
use sockeye_tcp::{Endpoints, Reset, Transmit};
use sockeye_wire::icmp::{ErrorKind, HEADER_BYTES, IcmpHeader};
use sockeye_wire::ip::{IPV4_HEADER_BYTES, IPV6_MIN_MTU, IpHeader, protocol};
use sockeye_wire::{ChecksumState, HeaderBytes, Instant, Meta, Packet, Payload};

/// RFC 1812 §4.3.2.3: as much of the packet as fits into 576 octets.
const IPV4_ERROR_BYTES: usize = 576;

impl Host {
    /// A reset for a segment that belongs nowhere (RFC 9293 §3.5.2), within the rate limit; signed if `signer` has keys.
    pub(super) fn send_reset(
        &mut self,
        now: Instant,
        endpoints: &Endpoints,
        reset: Reset,
        signer: Option<Target>,
    ) {
        if self.may_reset(now) {
            let transmit = reset.into_transmit();
            self.observe_out(now, None, endpoints, &transmit, sockeye_wire::StateName::Closed);
            self.send_segment(now, endpoints, transmit, signer);
        }
    }

    /// A reset for a verified segment of a stranger's.
    pub(super) fn send_signed_reset(
        &mut self,
        now: Instant,
        endpoints: &Endpoints,
        reset: Reset,
        auth: &mut Authenticator,
    ) {
        if self.may_reset(now) {
            let mut transmit = reset.into_transmit();
            self.observe_out(now, None, endpoints, &transmit, sockeye_wire::StateName::Closed);
            if auth.sign(endpoints, &mut transmit) {
                self.send_segment(now, endpoints, transmit, None);
            } else {
                self.counters.dropped_auth_unsigned += 1;
            }
        }
    }

    fn may_reset(&mut self, now: Instant) -> bool {
        let permitted = self.reset_limiter.permit(now);
        *(if permitted {
            &mut self.counters.resets_sent
        } else {
            &mut self.counters.resets_limited
        }) += 1;
        permitted
    }

    /// A segment that no connection's turn brings out; signed if `signer` has keys.
    pub(super) fn send_segment(
        &mut self,
        now: Instant,
        endpoints: &Endpoints,
        mut transmit: Transmit,
        signer: Option<Target>,
    ) {
        if signer.is_some_and(|signer| !self.sign_for(signer, endpoints, &mut transmit)) {
            return;
        }
        let Some(hop) = self.network.hop(endpoints.remote) else {
            self.counters.dropped_no_route += 1;
            return;
        };
        let mut hasher = self.flow_key.build_hasher();
        crate::demux::hash_endpoints(&mut hasher, endpoints);
        let random = hasher.finish();
        let listener = match signer {
            Some(Target::HalfOpen(index)) => self.half_open.at(index).map(|record| record.listener),
            _ => None,
        };
        // The same flow label as the connection's own segments bear.
        let (remote, generation) = (endpoints.remote.ip(), self.network.generation());
        let mut path = PathState::new(hop, remote, generation, random);
        ((path.dscp, path.hop_limit), path.may_fragment) = match signer {
            Some(Target::Connection(index)) => {
                let path = self.connections.at(index).map(|record| &record.path);
                path.map_or(((0, self.config.hop_limit), false), |path| {
                    ((path.dscp, path.hop_limit), path.may_fragment)
                })
            }
            _ => (self.marks_of(listener), self.may_fragment(listener)),
        };
        let mut packet = Packet::empty();
        let sent = self.segment_out(now, endpoints, &path, &mut transmit, &mut packet);
        if let Some(interface) = sent {
            self.post(interface, packet);
        }
    }

    /// Tells the sender of `datagram` that it could not be used (RFC 1122 §3.2.2, RFC 4443 §2.4), unless that is not done:
    /// for fragments, and beyond the rate limit. Whom it was sent to, and by whom, the caller has checked.
    pub(super) fn send_icmp_error(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        kind: ErrorKind,
    ) {
        let Some(ip_at) = datagram.ip_at else { return };
        let to = datagram.ip.source;
        let Some(header) = IcmpHeader::error(to, kind) else { return };
        if !self.icmp_limiter.permit(now) {
            self.counters.icmp_errors_limited += 1;
            return;
        }
        self.counters.icmp_errors_sent += 1;
        let room = if to.is_ipv4() {
            IPV4_ERROR_BYTES - IPV4_HEADER_BYTES - HEADER_BYTES
        } else {
            usize::from(IPV6_MIN_MTU) - IpHeader::len_for(to) - HEADER_BYTES
        };
        let whole = datagram.packet.to_bytes().slice(ip_at..);
        let quote = whole.slice(..whole.len().min(room));
        self.send_icmp(now, datagram, header, quote);
    }

    /// An ICMP message back to the sender of `datagram`.
    pub(super) fn send_icmp(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        header: IcmpHeader,
        data: Bytes,
    ) {
        let (own, to) = (datagram.ip.destination, datagram.ip.source);
        let remote = super::open::scoped((to, 0).into(), datagram.interface);
        let Some(hop) = self.network.hop(remote) else {
            self.counters.dropped_no_route += 1;
            return;
        };
        let Some(interface) = self.network.interface(hop.interface) else { return };
        let data = Payload::from(data);
        let mut headers = HeaderBytes::new();
        begin_headers(interface, to, &mut headers);
        let len = HEADER_BYTES + data.len();
        let kind = match to {
            IpAddr::V4(_) => protocol::ICMP,
            IpAddr::V6(_) => protocol::ICMPV6,
        };
        let ip = IpHeader { hop_limit: self.config.hop_limit, ..IpHeader::new(own, to, kind, len) };
        ip.emit(&mut headers);
        header.emit(own, to, &data, &mut headers);
        let meta = Meta { checksum: ChecksumState::Valid, ..Meta::at(now) };
        if let Some((interface, packet)) = self.pass_on(now, hop, Packet::new(meta, headers, data))
        {
            self.post(interface, packet);
        }
    }
}
