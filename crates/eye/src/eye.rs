//! The face: packets in, reports out.

use crate::config::Config;
use crate::decode::{self, Decoded, IcmpError, Reassembler, Segment};
use crate::flow::{FlowKey, FlowTable};
use crate::observation::Observation;
use crate::reader::{LinkType, Record};
use crate::report::{ConnectionReport, Summary};
use crate::tracker::{Arrival, Connection, Side, Touch, quotes};
use sockeye_wire::{Flags, Instant, Packet, SeqNumber};

/// Follows every TCP connection in the packets that it is shown.
///
/// Packets are to be shown in the order of their times; small steps back, as captures have them, do no harm.
pub struct Eye {
    config: Config,
    reassembler: Reassembler,
    flows: Flows,
}

struct Flows {
    table: FlowTable,
    finished: Vec<ConnectionReport>,
    summary: Summary,
    touched: Option<Touched>,
}

/// The packet shown last, if it was TCP.
struct Touched {
    slot: usize,
    touch: Touch,
    packet: u64,
    time: Instant,
    flags: Flags,
    seq: SeqNumber,
    ack: Option<SeqNumber>,
    payload_len: u32,
    window: u16,
}

impl Eye {
    /// An eye that has seen nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            reassembler: Reassembler::new(),
            flows: Flows {
                table: FlowTable::new(&config),
                finished: Vec::new(),
                summary: Summary::default(),
                touched: None,
            },
            config,
        }
    }

    /// Shows a captured record.
    #[inline]
    pub fn packet(&mut self, record: &Record<'_>) {
        let arrival = Arrival {
            number: record.number,
            time: record.time,
            wire_len: record.original_len,
            segment_len: None,
            vantage: self.config.vantage,
        };
        let decoded = decode::record(record, &mut self.reassembler);
        self.flows.take_in(&decoded, &arrival);
    }

    /// Shows a packet that begins with its IP header, as hosts exchange them; nothing is copied.
    ///
    /// All headers must lie in the packet's [front](Packet::front).
    #[inline]
    pub fn packet_ip(&mut self, number: u64, time: Instant, packet: &Packet) {
        self.packet_on(LinkType::RAW, number, time, packet);
    }

    /// Shows a packet of any link, such as Ethernet, as hosts exchange them; nothing is copied.
    ///
    /// All headers must lie in the packet's [front](Packet::front).
    #[inline]
    pub fn packet_on(&mut self, link_type: LinkType, number: u64, time: Instant, packet: &Packet) {
        let several = packet.meta.wire_segments > 1;
        let arrival = Arrival {
            number,
            time,
            wire_len: u32::try_from(packet.len()).unwrap_or(u32::MAX),
            segment_len: several.then_some(u32::from(packet.meta.gso_size)),
            vantage: self.config.vantage,
        };
        let decoded = decode::packet(packet, link_type, &mut self.reassembler);
        self.flows.take_in(&decoded, &arrival);
    }

    /// What the packet shown last was; `None` if it was no TCP segment.
    #[must_use]
    pub fn observation(&self) -> Option<Observation> {
        let touched = self.flows.touched.as_ref()?;
        let connection = self.flows.table.get(touched.slot)?;
        let touch = touched.touch;
        let scale = connection.window_scale(touch.side).filter(|_| !touched.flags.syn());
        Some(Observation {
            connection: connection.id(),
            packet: touched.packet,
            time: touched.time,
            first: connection.first(),
            from: touch.side,
            flags: touched.flags,
            seq: touched.seq,
            ack: touched.ack,
            relative_seq: touch.seq,
            relative_ack: touch.ack,
            payload_len: touched.payload_len,
            window: u32::from(touched.window) << scale.unwrap_or(0),
            client: connection.state(Side::Client),
            server: connection.state(Side::Server),
            marks: touch.marks,
        })
    }

    /// Connections that have finished since this was last asked, in the order in which they did.
    pub fn drain_finished(&mut self) -> impl Iterator<Item = ConnectionReport> {
        self.flows.finished.drain(..)
    }

    /// What has been counted so far; violations only of finished connections.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.flows.summary
    }

    /// Nothing more will be shown: the reports not yet drained, and the counts.
    #[must_use]
    pub fn finish(self) -> (Vec<ConnectionReport>, Summary) {
        let Flows { table, mut finished, mut summary, .. } = self.flows;
        let mut left: Vec<_> = table.into_connections().collect();
        // Those that have closed finished before those that have not.
        left.sort_by_key(|connection| {
            let closed = connection.is_closed();
            (!closed, closed.then(|| connection.last()), connection.id())
        });
        for connection in left {
            finish(&connection, &mut finished, &mut summary);
        }
        (finished, summary)
    }
}

impl Flows {
    #[inline]
    fn take_in(&mut self, decoded: &Decoded<'_>, arrival: &Arrival) {
        self.summary.packets += 1;
        self.touched = None;
        while let Some(expired) = self.table.next_expired(arrival.time) {
            finish(&expired, &mut self.finished, &mut self.summary);
        }
        match decoded {
            Decoded::Tcp(segment) => self.on_segment(segment, arrival),
            Decoded::Icmp(error) => self.on_icmp(error, arrival),
            Decoded::Fragment => self.summary.fragments += 1,
            Decoded::Other => self.summary.other_packets += 1,
            Decoded::Malformed => self.summary.malformed += 1,
        }
    }

    #[inline]
    fn on_segment(&mut self, segment: &Segment<'_>, arrival: &Arrival) {
        self.summary.tcp_packets += 1;
        let (key, source_is_low) = FlowKey::of(segment.source, segment.destination);
        let known = self.table.find(&key).filter(|&slot| {
            let connection = self.table.get(slot);
            connection.is_some_and(|known| !known.is_succeeded_by(segment, source_is_low))
        });
        let slot = known.unwrap_or_else(|| self.begin(key, segment, arrival.time));
        let Some(connection) = self.table.get_mut(slot) else {
            return;
        };
        let touch = connection.on_segment(segment, source_is_low, arrival);
        let id = connection.id();
        if touch.closed {
            self.table.closed(slot, id, arrival.time);
        }
        let tcp = &segment.tcp;
        self.touched = Some(Touched {
            slot,
            touch,
            packet: arrival.number,
            time: arrival.time,
            flags: tcp.flags(),
            seq: tcp.seq(),
            ack: tcp.flags().ack().then(|| tcp.ack()),
            payload_len: segment.payload_len,
            window: tcp.window(),
        });
    }

    fn begin(&mut self, key: FlowKey, segment: &Segment<'_>, now: Instant) -> usize {
        self.summary.connections += 1;
        let connection = Connection::new(self.summary.connections, segment, now);
        let (slot, before) = self.table.insert(key, connection, now);
        if let Some(before) = before {
            finish(&before, &mut self.finished, &mut self.summary);
        }
        slot
    }

    fn on_icmp(&mut self, error: &IcmpError, arrival: &Arrival) {
        self.summary.other_packets += 1;
        let (key, source_is_low) = FlowKey::of(error.source, error.destination);
        let slot = self.table.find(&key);
        let Some(connection) = slot.and_then(|slot| self.table.get_mut(slot)) else {
            return;
        };
        let side = connection.side_of(source_is_low);
        if quotes(connection.end(side), error.seq) {
            connection.on_icmp(*error, arrival.number, arrival.time);
        }
    }
}

fn finish(connection: &Connection, finished: &mut Vec<ConnectionReport>, summary: &mut Summary) {
    let report = connection.report();
    summary.violations += report.violations().count() as u64;
    finished.push(report);
}
