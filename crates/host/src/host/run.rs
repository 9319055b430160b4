//! Segments of one connection that follow one another in a batch: only the first one's headers are read.

use super::Host;
use super::ingress::Datagram;
use super::tcp::sum_from;
use crate::budget::Pressure;
use crate::config::InterfaceId;
use crate::ids::ConnectionId;
use crate::trace::SegmentTrace;
use sockeye_tcp::{Continuation, Segment, Timestamps};
use sockeye_wire::ip::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, protocol};
use sockeye_wire::packet::append;
use sockeye_wire::{Checksum, ChecksumState, Ecn, Flags, HeaderBytes, Instant, Packet, SeqNumber};

/// Octets of a TCP header with nothing but timestamps, and of one without options.
const WITH_TIMESTAMPS: usize = 32;
const WITHOUT_OPTIONS: usize = 20;
/// Offset of the control bits in the TCP header.
const FLAGS: usize = 13;
const PSH: u8 = Flags::PSH.bits() as u8;

/// What the last segment was like.
pub(super) struct Run {
    index: u32,
    interface: InterfaceId,
    headers: HeaderBytes,
    ip_at: usize,
    tcp_at: usize,
    /// The pseudo-header without its length.
    pseudo: Checksum,
    next: SeqNumber,
    timestamps: Option<Timestamps>,
    /// What observers were told of the last one, if there are any.
    trace: Option<SegmentTrace>,
    /// The connection was told something that the host has not looked at.
    is_told: bool,
}

impl Run {
    /// What may follow `segment`, whose data begins at `data_at`; `None` if not every other field says the same each time.
    #[inline]
    pub(super) fn after(
        datagram: &Datagram<'_>,
        segment: &Segment,
        data_at: usize,
    ) -> Option<Self> {
        let (ip, ip_at) = (&datagram.ip, datagram.ip_at?);
        let is_plain = match data_at - datagram.transport_at {
            WITH_TIMESTAMPS => segment.options.timestamps.is_some(),
            len => len == WITHOUT_OPTIONS,
        };
        let ip_len = if ip.source.is_ipv4() { IPV4_HEADER_BYTES } else { IPV6_HEADER_BYTES };
        let front = datagram.packet.front().get(..data_at)?;
        let len = datagram.packet.len() - data_at;
        if !is_plain
            || segment.flags - Flags::PSH != Flags::ACK
            || ip.header_len != ip_len
            || ip.ecn == Ecn::Ce
            || len == 0
            || data_at > HeaderBytes::new_const().capacity()
        {
            return None;
        }
        let mut headers = HeaderBytes::new();
        append(&mut headers, front);
        Some(Self {
            index: u32::MAX,
            interface: datagram.interface,
            headers,
            ip_at,
            tcp_at: datagram.transport_at,
            pseudo: Checksum::pseudo_header(ip.source, ip.destination, protocol::TCP, 0),
            next: segment.seq + len as u32,
            timestamps: segment.options.timestamps,
            trace: None,
            is_told: false,
        })
    }

    /// The first sequence number after it.
    pub(super) fn end(&self) -> SeqNumber {
        self.next
    }

    /// Whether `packet` is the next one, undamaged.
    #[inline]
    fn continues(&self, interface: InterfaceId, packet: &Packet) -> bool {
        let (ip_at, tcp_at, data_at) = (self.ip_at, self.tcp_at, self.headers.len());
        let Some(front) = packet.front().get(..data_at) else { return false };
        let meta = &packet.meta;
        if interface != self.interface
            || meta.link_broadcast
            || meta.wire_segments != 1
            || packet.len() == data_at
            || front[..ip_at] != self.headers[..ip_at]
        {
            return false;
        }
        let (ip, known) = (&front[ip_at..tcp_at], &self.headers[ip_at..tcp_at]);
        let is_v4 = ip.len() == IPV4_HEADER_BYTES;
        let (counted, same) = if is_v4 {
            // All but length, identification and checksum.
            let same =
                ip[..2] == known[..2] && ip[6..10] == known[6..10] && ip[12..] == known[12..];
            (u16_at(ip, 2), same && Checksum::new().with(ip).is_valid())
        } else {
            (u16_at(ip, 4), ip[..4] == known[..4] && ip[6..] == known[6..])
        };
        let before_counted = if is_v4 { ip_at } else { tcp_at };
        if !same || before_counted + usize::from(counted) != packet.len() {
            return false;
        }
        let (tcp, known) = (&front[tcp_at..], &self.headers[tcp_at..]);
        let seq = self.next.0.to_be_bytes();
        tcp[..4] == known[..4]
            && tcp[4..8] == seq
            && tcp[8..13] == known[8..13]
            && tcp[FLAGS] | PSH == known[FLAGS] | PSH
            && tcp[14..16] == known[14..16]
            && tcp[18..] == known[18..]
            && (meta.checksum != ChecksumState::Unverified
                || sum_from(self.pseudo.add_u16((packet.len() - tcp_at) as u16), packet, tcp_at)
                    .is_valid())
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

impl Host {
    /// The connection at `index` has taken what `run` comes after.
    #[inline]
    pub(super) fn begin_run(&mut self, index: u32, run: Run, trace: Option<SegmentTrace>) {
        self.run = Some(Run { index, trace, ..run });
    }

    /// Takes `packet` if it is the next one of the run.
    #[inline]
    pub(super) fn follow_run(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        packet: &mut Packet,
    ) -> bool {
        let Some(run) = &mut self.run else { return false };
        if self.budget.pressure() != Pressure::None || !run.continues(interface, packet) {
            return false;
        }
        let Some(record) = self.connections.at_mut(run.index) else { return false };
        let data_at = run.headers.len();
        let len = (packet.len() - data_at) as u32;
        let next = Continuation {
            seq: run.next,
            len,
            arrival: packet.meta.arrival,
            timestamps: run.timestamps,
        };
        let flags = packet.front()[run.tcp_at + FLAGS];
        let before = record.connection.buffered();
        if !record.connection.take_next(now, &next, || packet.take_payload(data_at)) {
            return false;
        }
        self.budget.changed(before, record.connection.buffered());
        let (state, trace) = (record.connection.state(), run.trace);
        let connection = trace.and_then(|_| self.connections.key_at(run.index).map(ConnectionId));
        run.next += len;
        run.is_told = true;
        self.counters.received += 1;
        self.counters.segments_received += 1;
        if let Some(trace) = trace {
            let flags = if flags & PSH != 0 { Flags::ACK | Flags::PSH } else { Flags::ACK };
            let payload_len = len as usize;
            self.observe(|| SegmentTrace {
                time: now,
                connection,
                seq: next.seq,
                flags,
                payload_len,
                state,
                ..trace
            });
        }
        true
    }

    /// Something else comes, or nothing.
    #[inline]
    pub(super) fn end_run(&mut self, now: Instant) {
        if let Some(run) = self.run.take()
            && run.is_told
        {
            self.changed(now, run.index);
        }
    }
}
