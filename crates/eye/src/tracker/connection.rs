//! One connection and what each packet changes of it.

use super::end::SynOptions;
use super::{End, Handshake, Reset, Side, Step};
use crate::config::Vantage;
use crate::decode::{ChecksumFound, IcmpError, Segment};
use crate::flow::{Endpoint, FlowKey};
use crate::judge::{self, Case, Violations};
use crate::observation::Marks;
use sockeye_wire::{Flags, Instant, SeqNumber};

/// The circumstances of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) number: u64,
    pub(crate) time: Instant,
    /// Octets of the original frame.
    pub(crate) wire_len: u32,
    /// Payload octets of each wire segment, where one packet stands for several.
    pub(crate) segment_len: Option<u32>,
    pub(crate) vantage: Vantage,
}

/// What a packet was found to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub(crate) side: Side,
    pub(crate) marks: Marks,
    /// Positions of the first octet and of the acknowledgement.
    pub(crate) seq: Option<i64>,
    pub(crate) ack: Option<i64>,
    /// The connection has just closed.
    pub(crate) closed: bool,
}

/// An ICMP error about a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IcmpSeen {
    pub(crate) error: IcmpError,
    pub(crate) packet: u64,
}

/// A connection being followed.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    key: FlowKey,
    client_is_low: bool,
    roles_inferred: bool,
    first: Instant,
    last: Instant,
    pub(super) ends: [End; 2],
    pub(super) handshake: Handshake,
    pub(super) reset: Option<Reset>,
    closed: bool,
    icmp: Option<Box<IcmpSeen>>,
    violations: Violations,
}

impl Connection {
    /// A connection whose first packet is `segment`; it is not yet counted.
    pub(crate) fn new(id: u64, segment: &Segment<'_>, time: Instant) -> Self {
        let (key, source_is_low) = FlowKey::of(segment.source, segment.destination);
        let flags = segment.tcp.flags();
        // Without a SYN that a TCP could have sent, the end with the lower port is taken for the server.
        let opens = flags.syn() && !flags.intersects(Flags::FIN | Flags::RST);
        let source_is_client = match (opens, flags.ack()) {
            (true, acks) => !acks,
            (false, _) => segment.source.port >= segment.destination.port,
        };
        Self {
            id,
            key,
            client_is_low: source_is_low == source_is_client,
            roles_inferred: !opens,
            first: time,
            last: time,
            ends: [End::default(), End::default()],
            handshake: Handshake::default(),
            reset: None,
            closed: false,
            icmp: None,
            violations: Violations::default(),
        }
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) const fn key(&self) -> &FlowKey {
        &self.key
    }

    pub(crate) const fn first(&self) -> Instant {
        self.first
    }

    pub(crate) const fn last(&self) -> Instant {
        self.last
    }

    pub(crate) const fn roles_inferred(&self) -> bool {
        self.roles_inferred
    }

    #[inline]
    pub(crate) const fn end(&self, side: Side) -> &End {
        &self.ends[side.index()]
    }

    pub(crate) const fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    #[inline]
    pub(crate) const fn reset(&self) -> Option<Reset> {
        self.reset
    }

    pub(crate) fn icmp(&self) -> Option<&IcmpSeen> {
        self.icmp.as_deref()
    }

    pub(crate) const fn violations(&self) -> &Violations {
        &self.violations
    }

    /// Address and port of an end.
    pub(crate) const fn endpoint(&self, side: Side) -> Endpoint {
        let (low, high) = self.key.ends();
        match (side, self.client_is_low) {
            (Side::Client, true) | (Side::Server, false) => low,
            _ => high,
        }
    }

    /// The shift count of an end's windows, if it is known.
    pub(crate) fn window_scale(&self, side: Side) -> Option<u8> {
        scale(self.end(side), self.end(side.other()))
    }

    /// Whether it was never established.
    pub(crate) fn is_attempt(&self) -> bool {
        !(self.is_synchronized(Side::Client) && self.is_synchronized(Side::Server))
    }

    /// Whether a segment on the same ends is the beginning of another connection: a SYN without ACK and with another
    /// initial sequence number.
    #[inline]
    pub(crate) fn is_succeeded_by(&self, segment: &Segment<'_>, source_is_low: bool) -> bool {
        let flags = segment.tcp.flags();
        if !flags.syn() || flags.ack() {
            return false;
        }
        let end = self.end(self.side_of(source_is_low));
        match end.isn {
            Some(isn) => isn != segment.tcp.seq(),
            None => self.closed || end.counters.packets > 0,
        }
    }

    #[inline]
    pub(crate) fn side_of(&self, source_is_low: bool) -> Side {
        if source_is_low == self.client_is_low { Side::Client } else { Side::Server }
    }

    /// Takes in a segment.
    #[inline]
    pub(crate) fn on_segment(
        &mut self,
        segment: &Segment<'_>,
        source_is_low: bool,
        arrival: &Arrival,
    ) -> Touch {
        let side = self.side_of(source_is_low);
        self.last = self.last.max(arrival.time);
        let flags = segment.tcp.flags();
        self.count(side, segment, flags, arrival);
        let mut touch = Touch { side, marks: Marks::NONE, seq: None, ack: None, closed: false };
        if segment.checksum == ChecksumFound::Bad {
            // Its receiver drops it (RFC 9293 MUST-3), so it tells nothing of the connection.
            self.ends[side.index()].counters.checksum_bad += 1;
            touch.marks |= Marks::BAD_CHECKSUM;
            judge::bad_checksum(&mut self.violations, side, arrival);
            return touch;
        }
        if flags.syn() {
            touch.marks |= self.on_syn(side, segment, flags, arrival);
            if self.end(side).isn != Some(segment.tcp.seq()) {
                // The answer to a SYN that came back from the dead: it is not of this connection's sequence space.
                touch.marks |= Marks::STRAY;
                return touch;
            }
        }
        self.ends[side.other().index()].retries.unanswered = 0;
        self.place(side, segment, flags, &mut touch);
        let case = Case { side, segment, flags, arrival, seq: touch.seq, ack: touch.ack };
        let mut violations = std::mem::take(&mut self.violations);
        let verdict = judge::inspect(self, &case, &mut violations);
        self.violations = violations;
        if verdict.broken {
            touch.marks |= Marks::VIOLATION;
        }
        if let Some(value) = verdict.timestamp {
            let newest = &mut self.ends[side.index()].timestamp;
            let newer = newest.is_none_or(|newest| SeqNumber(newest).before(SeqNumber(value)));
            if newer {
                *newest = Some(value);
            }
        }
        self.take_in(&case, &mut touch);
        if !self.closed && self.is_closed() {
            self.closed = true;
            touch.closed = true;
        }
        touch
    }

    /// Notes an ICMP error about a segment of this connection.
    pub(crate) fn on_icmp(&mut self, error: IcmpError, packet: u64, time: Instant) {
        self.last = self.last.max(time);
        if self.icmp.is_none() {
            self.icmp = Some(Box::new(IcmpSeen { error, packet }));
        }
    }

    #[inline]
    fn count(&mut self, side: Side, segment: &Segment<'_>, flags: Flags, arrival: &Arrival) {
        let counters = &mut self.ends[side.index()].counters;
        counters.packets += 1;
        counters.wire_bytes += u64::from(arrival.wire_len);
        counters.payload_bytes += u64::from(segment.payload_len);
        counters.push += u64::from(flags.psh());
        counters.urgent += u32::from(flags.urg());
    }

    fn on_syn(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        flags: Flags,
        arrival: &Arrival,
    ) -> Marks {
        let seq = segment.tcp.seq();
        let ack = flags.ack().then(|| segment.tcp.ack());
        let step = Step::new(arrival.number, seq, ack, arrival.time);
        let synchronized = self.is_synchronized(side);
        let end = &mut self.ends[side.index()];
        // A SYN+ACK with another number is a new attempt of a server that has forgotten the first one.
        let begins = end.isn != Some(seq) && (end.isn.is_none() || !synchronized);
        if begins {
            end.isn = Some(seq);
            end.sequence.begin_at_syn(seq);
            end.syn_options = SynOptions::read(segment.tcp.options());
        } else if end.isn != Some(seq) {
            return Marks::NONE;
        }
        match (side, flags.ack()) {
            (Side::Client, false) => self.handshake.on_syn(step, segment.payload_len),
            (Side::Server, true) => self.handshake.on_syn_ack(step),
            (Side::Server, false) => {
                self.handshake.simultaneous = self.handshake.syn.is_some();
                Marks::NONE
            }
            (Side::Client, true) => Marks::NONE,
        }
    }

    /// Finds the positions of a segment's numbers, beginning the spaces in mid-stream if need be.
    #[inline]
    fn place(&mut self, side: Side, segment: &Segment<'_>, flags: Flags, touch: &mut Touch) {
        let [end, peer] = pair(&mut self.ends, side);
        let (seq, ack) = (segment.tcp.seq(), segment.tcp.ack());
        // The numbers of a RST may be anything.
        if !flags.rst() {
            if end.sequence.base().is_none() {
                end.sequence.begin_at(seq);
            }
            if flags.ack() && peer.sequence.base().is_none() {
                peer.sequence.begin_at(ack);
            }
        }
        touch.seq = end.sequence.position(seq);
        touch.ack = if flags.ack() { peer.sequence.position(ack) } else { None };
    }
}

/// The shift count of an end's windows: its own if both offered one (RFC 7323 §2.2), unknown if a SYN is missing.
#[inline]
pub(super) fn scale(end: &End, peer: &End) -> Option<u8> {
    if end.isn.is_none() || peer.isn.is_none() {
        return None;
    }
    let both = end.syn_options.window_scale.zip(peer.syn_options.window_scale);
    Some(both.map_or(0, |(shift, _)| shift))
}

/// The sender's end and the other one.
#[inline]
pub(super) fn pair(ends: &mut [End; 2], side: Side) -> [&mut End; 2] {
    let [client, server] = ends;
    match side {
        Side::Client => [client, server],
        Side::Server => [server, client],
    }
}

/// Whether `seq` may still belong to a sequence space; used for what ICMP errors quote.
pub(crate) fn quotes(end: &End, seq: SeqNumber) -> bool {
    end.sequence.position(seq).is_some_and(|at| at >= 0 && at <= end.sequence.max_end())
}
