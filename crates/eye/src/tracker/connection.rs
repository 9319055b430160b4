//! One connection and what each packet changes of it.

use super::end::{Behind, SynOptions};
use super::{End, Handshake, Reset, Side, Step};
use crate::config::Vantage;
use crate::decode::{ChecksumFound, IcmpError, Segment};
use crate::flow::{Endpoint, FlowKey};
use crate::judge::{self, Case, Violations};
use crate::observation::Marks;
use sockeye_wire::{Flags, Instant, SeqNumber};

/// An acknowledgement this far beyond what was seen is no gap of the capture but a number out of the blue.
const MAX_CAPTURE_GAP: i64 = 1 << 28;
/// A FIN this far from what was seen is not of this connection.
const MAX_FIN_DISTANCE: u64 = 1 << 30;

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
    ends: [End; 2],
    handshake: Handshake,
    reset: Option<Reset>,
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

    fn take_in(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, flags, arrival, .. } = *case;
        if flags.rst() {
            self.on_rst(case, touch);
            return;
        }
        self.contest_reset(side);
        if !flags.syn() && !self.end(side).spoke_beyond_syn {
            self.first_words(case, touch);
        }
        if flags.ack() {
            self.take_in_ack(case, touch);
        }
        let Some(seq) = case.seq else {
            return;
        };
        let start = seq + i64::from(flags.syn());
        let end = start + i64::from(case.segment.payload_len);
        let mut repeated = self.take_in_data(case, start, end, touch);
        let sender = &mut self.ends[side.index()];
        if flags.syn() && sender.isn == Some(case.segment.tcp.seq()) {
            if touch.marks.contains(Marks::SYN_AGAIN) {
                sender.counters.retransmitted_syn += 1;
                repeated = true;
            }
            sender.sequence.reach(end);
        }
        if flags.fin() && flags.ack() {
            repeated |= self.take_in_fin(side, end, arrival.number, touch);
        }
        if repeated {
            let sender = &mut self.ends[side.index()];
            sender.counters.retransmitted_packets += 1;
            sender.retries.again(seq, arrival.number);
            touch.marks |= Marks::RETRANSMISSION;
        }
    }

    #[inline]
    fn take_in_ack(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, flags, .. } = *case;
        let Some(ack) = case.ack else {
            return;
        };
        let established = self.is_synchronized(side);
        let [end, peer] = pair(&mut self.ends, side);
        end.acknowledges = true;
        let beyond = ack - peer.sequence.max_end();
        // What was acknowledged but never seen slipped past the capture, if the number is near enough to be true.
        let slipped = established
            && case.arrival.vantage == Vantage::Path
            && peer.fin_at.is_none()
            && beyond <= MAX_CAPTURE_GAP;
        if beyond <= 0 || slipped {
            if !peer.fin_acked() && peer.fin_at.is_some_and(|fin| ack > fin) {
                touch.marks |= Marks::ACKS_FIN;
            }
            let data_end = peer.data_end();
            peer.sequence.acknowledge(ack, data_end);
        }
        if let Some(scale) = if flags.syn() { Some(0) } else { scale(end, peer) } {
            let edge = ack + (i64::from(case.segment.tcp.window()) << scale);
            end.window_edge = Some(end.window_edge.map_or(edge, |before| before.max(edge)));
        }
    }

    /// The first segment that is neither SYN nor RST: from the client, it ends the handshake.
    fn first_words(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, segment, flags, arrival, .. } = *case;
        self.ends[side.index()].spoke_beyond_syn = flags.ack();
        if side == Side::Client && self.handshake.ack.is_none() {
            let server_sent = self.end(Side::Server).sequence.max_end();
            let ack = flags.ack().then(|| segment.tcp.ack());
            let step = Step::new(arrival.number, segment.tcp.seq(), ack, arrival.time);
            let server_sent = u32::try_from(server_sent).unwrap_or(u32::MAX);
            touch.marks |= self.handshake.on_answer(step, server_sent);
        }
    }

    /// Says whether the data were sent before.
    #[inline]
    fn take_in_data(&mut self, case: &Case<'_>, start: i64, end: i64, touch: &mut Touch) -> bool {
        let Case { side, segment, arrival, .. } = *case;
        let len = end - start;
        let sender = &self.ends[side.index()];
        // RFC 9293 §3.8.4: an octet before the window, to be acknowledged again.
        let probes = len <= 1
            && !case.flags.intersects(Flags::SYN | Flags::FIN)
            && start + 1 == sender.sequence.acked()
            && start + 1 == sender.sequence.max_end();
        if probes {
            self.ends[side.index()].counters.keep_alives += 1;
            self.ends[side.index()].retries.again(start, arrival.number);
            touch.marks |= Marks::KEEP_ALIVE;
            return false;
        }
        if len == 0 {
            return false;
        }
        let rtt = || self.handshake.rtt().map(|rtt| rtt.as_nanos() as u64);
        let sender = &mut self.ends[side.index()];
        let behind = start < sender.sequence.max_end();
        let inserted = sender.sequence.insert(start, end);
        let (number, ip_id, time) = (segment.tcp.seq(), segment.ip_id, arrival.time);
        if !behind {
            sender.sent_new(number, ip_id, time);
            if sender.sequence.has_hole() {
                touch.marks |= Marks::AFTER_HOLE;
            }
            return false;
        }
        match sender.sent_behind(number, ip_id, time, inserted.old, rtt()) {
            Behind::Copy => {
                sender.counters.duplicates += 1;
                touch.marks |= Marks::DUPLICATE;
                false
            }
            Behind::Late => {
                sender.counters.out_of_order += 1;
                touch.marks |= Marks::OUT_OF_ORDER;
                false
            }
            Behind::Retransmission => {
                let repeated = if inserted.old > 0 { inserted.old } else { len.unsigned_abs() };
                sender.counters.retransmitted_bytes += repeated;
                true
            }
        }
    }

    /// Says whether the FIN was sent before.
    fn take_in_fin(&mut self, side: Side, at: i64, packet: u64, touch: &mut Touch) -> bool {
        let [end, peer] = pair(&mut self.ends, side);
        if end.fin_at.is_some() {
            end.counters.retransmitted_fin += 1;
            return true;
        }
        if at.abs_diff(end.sequence.max_end()) > MAX_FIN_DISTANCE {
            return false;
        }
        end.fin_at = Some(at);
        end.fin_packet = packet;
        end.fin_after_peer = peer.fin_acked();
        end.sequence.reach(at + 1);
        touch.marks |= Marks::FIRST_FIN;
        false
    }

    fn on_rst(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, flags, arrival, .. } = *case;
        let synchronized = self.is_synchronized(side);
        let [end, peer] = pair(&mut self.ends, side);
        let accepted = match (case.seq, peer.isn.is_some() && end.isn.is_none()) {
            // In SYN-SENT a RST is believed if it acknowledges the SYN (RFC 9293 §3.5.3).
            (_, true) => match case.ack {
                Some(ack) => flags.ack() && ack >= 1 && ack <= peer.sequence.max_end(),
                None => false,
            },
            (Some(seq), false) => {
                seq <= end.sequence.max_end()
                    && seq >= end.sequence.acked().min(end.sequence.max_end())
            }
            // Nothing of its sender was seen before.
            (None, false) => true,
        };
        if accepted {
            touch.marks |= Marks::RESETS;
            if let (Some(ack), true) =
                (case.ack, case.ack.is_some_and(|ack| ack <= peer.sequence.max_end()))
            {
                let data_end = peer.data_end();
                peer.sequence.acknowledge(ack, data_end);
            }
        }
        if let Some(reset) = &mut self.reset {
            reset.answered |= accepted && reset.by != side;
            if reset.accepted || !accepted {
                return;
            }
        }
        let fins = self.ends.iter().filter(|end| end.fin_at.is_some()).count();
        let after_close = self.ends.iter().all(End::fin_acked);
        self.reset = Some(Reset {
            by: side,
            packet: arrival.number,
            accepted,
            contested: false,
            answered: false,
            after_close,
            after_fin: fins > 0,
            synchronized,
        });
    }

    /// A segment other than a RST, after one: whoever sent the RST would not send it, and whoever believed it neither. If
    /// both go on, the RST was somebody else's, and without effect.
    #[inline]
    fn contest_reset(&mut self, side: Side) {
        let Some(reset) = &mut self.reset else {
            return;
        };
        if reset.by == side {
            reset.contested = true;
            if !reset.accepted {
                self.reset = None;
            }
        } else if reset.contested {
            self.reset = None;
        }
    }
}

/// The shift count of an end's windows: its own if both offered one (RFC 7323 §2.2), unknown if a SYN is missing.
#[inline]
fn scale(end: &End, peer: &End) -> Option<u8> {
    if end.isn.is_none() || peer.isn.is_none() {
        return None;
    }
    let both = end.syn_options.window_scale.zip(peer.syn_options.window_scale);
    Some(both.map_or(0, |(shift, _)| shift))
}

/// The sender's end and the other one.
#[inline]
fn pair(ends: &mut [End; 2], side: Side) -> [&mut End; 2] {
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
