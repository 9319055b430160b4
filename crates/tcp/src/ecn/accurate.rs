//! RFC 9768: how many packets, and how many octets, arrived with which codepoint.

use super::handshake::{ace, ace_flags};
use crate::Segment;
use crate::options::AccEcnCounters;
use sockeye_wire::{Ecn as Codepoint, Flags};

/// Initial value of the packet counters, so that none looks like zero at first (RFC 9768 §3.2.1).
const FIRST_PACKETS: u32 = 5;
/// Marks of data after which an acknowledgement is due, and of segments without (RFC 9768 §3.2.2.5.1).
const MARKS_OF_DATA: u8 = 2;
const MARKS: u8 = 3;
/// SYN-ACK or acknowledgements that carry the option whatever it says, so that the peer learns whether it gets through
/// (RFC 9768 §3.2.3.2.1).
const OPENING_OPTIONS: u8 = 2;

/// Both halves of accurate feedback.
#[derive(Clone, Debug)]
pub(crate) struct Accurate {
    /// What arrived here: r.cep, r.e0b, r.ceb, r.e1b.
    arrived: Counters,
    /// What the peer said that arrived there: s.cep and the octets.
    told: Counters,
    /// Octet counters as the peer heard them last.
    reported: [u32; 3],
    /// The codepoint of the last data segment that arrived.
    last: Codepoint,
    /// Marks not acknowledged yet.
    unacknowledged_marks: u8,
    /// This end answered the SYN.
    is_server: bool,
    /// The code that the first bare acknowledgement carries in place of the counter (client).
    handshake_code: Option<u8>,
    /// The peer's first ACE field is still to come (§3.2.2.4).
    first_feedback: bool,
    /// The path changes the field, or clears it: we never send ECN-capable packets, and ignore what is fed back.
    tampered: bool,
    /// The option is sent at all.
    option: bool,
    /// Options that are sent without news.
    opening_options: u8,
}

/// The octet counters: with ECT(0), CE, ECT(1), modulo 2^24.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Octets {
    /// Of what arrived here.
    pub(crate) arrived: [u32; 3],
    /// Of what arrived at the peer, as far as it told.
    pub(crate) told: [u32; 3],
}

impl Octets {
    /// The counters are this wide.
    pub(crate) const MASK: u32 = 0x00ff_ffff;
}

#[derive(Clone, Copy, Debug)]
struct Counters {
    /// Packets marked.
    marked: u32,
    /// Octets with ECT(0), CE, ECT(1), modulo 2^24.
    octets: [u32; 3],
}

impl Counters {
    const FIRST: Self = Self { marked: FIRST_PACKETS, octets: [1, 0, 1] };
}

/// All counters at their first values.
pub(super) fn opening_option() -> AccEcnCounters {
    let mut counters = AccEcnCounters::new(false);
    for octets in Counters::FIRST.octets {
        counters.push(octets);
    }
    counters
}

impl Accurate {
    fn new(option: bool) -> Self {
        Self {
            arrived: Counters::FIRST,
            told: Counters::FIRST,
            reported: Counters::FIRST.octets,
            last: Codepoint::NotEct,
            unacknowledged_marks: 0,
            is_server: false,
            handshake_code: None,
            first_feedback: true,
            tampered: false,
            option,
            opening_options: OPENING_OPTIONS,
        }
    }

    /// The end that sent the SYN; `code` is what it feeds back of the SYN-ACK.
    pub(super) fn client(option: bool, code: u8, marked: bool, tampered: bool) -> Self {
        let mut client = Self::new(option);
        client.handshake_code = Some(code);
        client.arrived.marked += u32::from(marked);
        Self { tampered, ..client }
    }

    /// The end that answered it; `cleared` if the answer that got through asked for nothing (RFC 9768 §3.1.5).
    pub(super) fn server(option: bool, cleared: bool) -> Self {
        Self {
            is_server: true,
            tampered: cleared,
            opening_options: OPENING_OPTIONS - 1,
            ..Self::new(option)
        }
    }

    /// Counts an acceptable segment (RFC 9768 §3.2.1); true if it must be acknowledged at once (§3.2.2.5).
    pub(super) fn on_received(&mut self, segment: &Segment) -> bool {
        let octets = segment.payload.len() as u32;
        let place = match segment.ecn {
            Codepoint::NotEct => None,
            Codepoint::Ect0 => Some(0),
            Codepoint::Ce => Some(1),
            Codepoint::Ect1 => Some(2),
        };
        if let Some(counter) = place.and_then(|place| self.arrived.octets.get_mut(place)) {
            *counter = counter.wrapping_add(octets) & Octets::MASK;
        }
        if segment.ecn == Codepoint::Ce {
            let packets = u32::from(segment.wire_segments);
            self.arrived.marked = self.arrived.marked.wrapping_add(packets);
            let marks = packets.min(u32::from(MARKS)) as u8;
            self.unacknowledged_marks = self.unacknowledged_marks.saturating_add(marks);
        }
        if octets == 0 {
            return self.unacknowledged_marks >= MARKS;
        }
        let changed = core::mem::replace(&mut self.last, segment.ecn) != segment.ecn;
        changed || self.unacknowledged_marks >= MARKS_OF_DATA
    }

    /// The ACE field and the option of an acknowledgement of `acked_segments` new segments; true if more packets were marked.
    pub(super) fn on_feedback(&mut self, segment: &Segment, acked_segments: u32) -> bool {
        if segment.flags.syn() {
            return false;
        }
        let field = ace(segment.flags);
        if core::mem::take(&mut self.first_feedback) && self.is_first_odd(segment, field) {
            return false;
        }
        if self.tampered {
            return false;
        }
        let told = segment.options.acc_ecn.map_or([None; 3], |counters| counters.octets());
        let new_octets =
            told[1].map(|octets| octets.wrapping_sub(self.told.octets[1]) & Octets::MASK);
        if acked_segments == 0 && new_octets.is_none_or(|octets| octets == 0) {
            // Without progress a field may be older than the last one.
            return false;
        }
        let mut marked = (u32::from(field)).wrapping_sub(self.told.marked) & 7;
        if new_octets.is_none() && acked_segments > 7 {
            // The field may have gone round: the most that it can mean (§3.2.2.5.2).
            marked = acked_segments - (acked_segments.wrapping_sub(marked) & 7);
        }
        self.told.marked = self.told.marked.wrapping_add(marked);
        for (known, octets) in self.told.octets.iter_mut().zip(told) {
            *known = octets.unwrap_or(*known);
        }
        marked > 0 || new_octets.is_some_and(|octets| octets > 0 && octets < Octets::MASK / 2)
    }

    /// The first field after the handshake may be its code, and says whether the path lets it through (RFC 9768 §3.2.2.1, §3.2.2.4).
    /// True if it is no counter.
    fn is_first_odd(&mut self, segment: &Segment, field: u8) -> bool {
        let is_code = self.is_server && segment.payload.is_empty() && !segment.flags.fin();
        match field {
            0 => self.tampered = true,
            0b010 if is_code => {}
            // Our SYN-ACK was not ECN-capable.
            0b011 | 0b100 | 0b110 if is_code => self.tampered = true,
            _ => return false,
        }
        true
    }

    pub(super) fn may_send_capable(&self) -> bool {
        !self.tampered
    }

    pub(super) fn flags(&mut self, fresh: bool) -> Flags {
        self.unacknowledged_marks = 0;
        let code = if fresh { None } else { self.handshake_code };
        self.handshake_code = None;
        ace_flags(code.unwrap_or((self.arrived.marked & 7) as u8))
    }

    /// The counters up to the last that changed since the peer heard of them, in the order that makes the option shorter
    /// (RFC 9768 §3.2.3).
    pub(super) fn take_option(&mut self, room: usize) -> Option<AccEcnCounters> {
        let changed = |place: usize| self.arrived.octets[place] != self.reported[place];
        let forced = self.opening_options > 0;
        if !self.option || !forced && !(0..3).any(changed) {
            return None;
        }
        let e1_first = changed(2) && !changed(0);
        let order = if e1_first { [2, 1, 0] } else { [0, 1, 2] };
        let count = if forced {
            3
        } else {
            order.iter().rposition(|place| changed(*place)).map_or(0, |last| last + 1)
        };
        let count = count.min(room.saturating_sub(2) / 3);
        if count == 0 {
            return None;
        }
        let mut counters = AccEcnCounters::new(e1_first);
        for place in &order[..count] {
            counters.push(self.arrived.octets[*place]);
            self.reported[*place] = self.arrived.octets[*place];
        }
        self.opening_options = self.opening_options.saturating_sub(1);
        Some(counters)
    }

    pub(super) fn octets(&self) -> Octets {
        Octets { arrived: self.arrived.octets, told: self.told.octets }
    }

    pub(super) fn is_tampered(&self) -> bool {
        self.tampered
    }

    pub(super) fn marks(&self) -> (u32, u32) {
        let first = FIRST_PACKETS;
        (self.told.marked.wrapping_sub(first), self.arrived.marked.wrapping_sub(first))
    }
}
