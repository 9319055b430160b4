//! The receiving direction: RCV.* of RFC 9293 §3.3.1.

mod ack_policy;
mod assembler;
mod autotune;
mod queue;
#[cfg(test)]
mod tests;

pub(crate) use ack_policy::AckPolicy;
pub(crate) use queue::ReadQueue;

use crate::config::ReceiveTuning;
use crate::options::{Negotiated, Timestamps};
use crate::{Config, Segment};
use alloc::boxed::Box;
use arrayvec::ArrayVec;
use assembler::Assembler;
use autotune::Autotune;
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, Payload, SeqNumber};

/// TS.Recent older than this says nothing any more (RFC 7323 §5.5).
const TIMESTAMP_LIFETIME: Duration = Duration::from_secs(24 * 24 * 3_600);

/// What data out of order may always cost, however small the buffer is.
const FIRST_PIECES_COST: usize = 64 * 1_024;

/// Everything that is known of the peer's direction.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// RCV.NXT.
    pub(crate) nxt: SeqNumber,
    /// RCV.NXT + RCV.WND as last advertised: it never moves left (RFC 9293 SHLD-14).
    edge: SeqNumber,
    /// Last.ACK.sent (RFC 7323 §4.3).
    last_ack_sent: SeqNumber,
    /// RCV.UP: the octet after the urgent data, while that lies ahead.
    pub(crate) urgent: Option<SeqNumber>,
    ts_recent: u32,
    ts_recent_at: Instant,
    /// Size of the buffer now.
    limit: u32,
    shift: u8,
    sack: bool,
    fin_received: bool,
    pub(crate) ack: AckPolicy,
    pub(crate) queue: ReadQueue,
    /// Present only while something arrived out of order.
    out_of_order: Option<Box<Assembler>>,
    /// Absent until data arrives, and if the buffer may not grow.
    autotune: Option<Box<Autotune>>,
    pub(crate) bytes_received: u64,
    /// When data last arrived.
    pub(crate) last_received: Instant,
}

/// What the text of a segment did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Delivery {
    /// Octets that became readable.
    pub(crate) delivered: u32,
    /// The peer's FIN was reached.
    pub(crate) finished: bool,
}

impl Receiver {
    /// A receiver that expects `nxt`; `edge` is what the handshake advertised.
    pub(crate) fn new(
        config: &Config,
        negotiated: &Negotiated,
        nxt: SeqNumber,
        window: u32,
        timestamps: Option<(u32, Instant)>,
    ) -> Self {
        let (ts_recent, ts_recent_at) = timestamps.unwrap_or_default();
        Self {
            nxt,
            edge: nxt + window,
            last_ack_sent: nxt,
            urgent: None,
            ts_recent,
            ts_recent_at,
            limit: config.initial_receive_buffer(),
            shift: negotiated.receive_shift,
            sack: negotiated.sack,
            fin_received: false,
            ack: AckPolicy::new(negotiated.own_mss),
            queue: ReadQueue::default(),
            out_of_order: None,
            autotune: None,
            bytes_received: 0,
            last_received: Instant::ZERO,
        }
    }

    /// RCV.WND.
    #[inline]
    pub(crate) fn window(&self) -> u32 {
        self.edge.since(self.nxt)
    }

    /// Whether the peer's FIN was received and everything before it.
    pub(crate) fn is_finished(&self) -> bool {
        self.fin_received
    }

    /// RFC 9293 §3.10.7.4, first step: is any octet of the segment inside the window?
    #[inline]
    pub(crate) fn is_acceptable(&self, seq: SeqNumber, len: u32) -> bool {
        acceptable(self.nxt, self.window(), seq, len)
    }

    /// PAWS (RFC 7323 §5.3): whether a segment with this TSval is a duplicate from an earlier turn of the sequence space.
    #[inline]
    pub(crate) fn is_old_duplicate(&self, now: Instant, timestamps: Timestamps) -> bool {
        timestamps.is_older_than(self.ts_recent)
            && now.since(self.ts_recent_at) < TIMESTAMP_LIFETIME
    }

    /// Takes over TSval of a segment that spans Last.ACK.sent (RFC 7323 §4.3).
    #[inline]
    pub(crate) fn update_timestamp(
        &mut self,
        now: Instant,
        seq: SeqNumber,
        timestamps: Timestamps,
    ) {
        if seq.at_or_before(self.last_ack_sent) && !self.is_old_duplicate(now, timestamps) {
            self.ts_recent = timestamps.value;
            self.ts_recent_at = now;
        }
    }

    /// New data leaves; within `delay` after data arrived it counts as a reply to that.
    #[inline]
    pub(crate) fn on_data_sent(&mut self, now: Instant, delay: Duration) {
        if self.bytes_received > 0 && now.since(self.last_received) < delay {
            self.ack.on_reply();
        }
    }

    /// A SYN-ACK acknowledged what came with the SYN (RFC 7413).
    pub(crate) fn on_syn_ack_sent(&mut self) {
        self.ack.on_sent();
        self.last_ack_sent = self.nxt;
    }

    /// TSval to echo.
    pub(crate) fn ts_recent(&self) -> u32 {
        self.ts_recent
    }

    /// Text and FIN of an acceptable segment (RFC 9293 §3.10.7.4, seventh and eighth step): trims it to the window, delivers
    /// what is next, holds the rest (SHLD-31), and decides how to acknowledge.
    pub(crate) fn on_text(
        &mut self,
        now: Instant,
        segment: &mut Segment,
        delay: Duration,
    ) -> Delivery {
        let mut payload = core::mem::take(&mut segment.payload);
        let mut seq = segment.seq + u32::from(segment.flags.syn());
        let mut fin = segment.flags.fin();
        if self.fin_received || (payload.is_empty() && !fin) {
            if segment.sequence_len() > 0 {
                self.ack.now();
            }
            return Delivery::default();
        }
        let already = self.nxt.since(seq);
        if already > 0 {
            self.note_duplicate(seq, already.min(payload.len() as u32));
            let (len, cut) = (payload.len() as u32, already.min(payload.len() as u32));
            payload.advance(cut as usize);
            seq += cut;
            if already > len || payload.is_empty() && !fin {
                self.ack.now();
                return Delivery::default();
            }
        }
        let room = self.edge.since(seq);
        if payload.len() as u32 > room {
            payload.truncate(room as usize);
            fin = false;
        }
        if payload.is_empty() && !fin {
            self.ack.now();
            return Delivery::default();
        }
        if seq != self.nxt {
            self.hold(seq, payload, fin);
            return Delivery::default();
        }
        let filled_hole = self.out_of_order.as_ref().is_some_and(|assembler| assembler.holds_any());
        let bytes = payload.len() as u32;
        let before = self.nxt;
        self.nxt += bytes;
        self.queue.push(payload);
        if filled_hole {
            fin |= self.deliver_held();
        }
        let delivered = self.nxt.since(before);
        self.bytes_received += u64::from(delivered);
        if fin {
            self.fin_received = true;
            self.nxt += 1;
            self.edge = self.edge.max(self.nxt);
            self.out_of_order = None;
        }
        if fin || filled_hole {
            self.ack.now();
        } else {
            self.ack.on_data(now, bytes, segment.wire_segments, delay);
        }
        Delivery { delivered, finished: fin }
    }

    /// Whether such text is next, fits, and nothing waits behind it.
    #[inline]
    pub(crate) fn is_next(&self, seq: SeqNumber, len: u32) -> bool {
        seq == self.nxt
            && len <= self.window()
            && self.out_of_order.is_none()
            && self.urgent.is_none()
            && !self.fin_received
    }

    /// [`on_text`](Self::on_text) of a single segment that [is next](Self::is_next).
    #[inline]
    pub(crate) fn take_next(&mut self, now: Instant, payload: Payload, delay: Duration) {
        let bytes = payload.len() as u32;
        self.nxt += bytes;
        self.bytes_received += u64::from(bytes);
        self.queue.push(payload);
        self.ack.on_data(now, bytes, 1, delay);
    }

    /// Out of order: kept, and answered at once with a duplicate ACK for each segment (RFC 5681 §4.2, RFC 9293 MAY-13).
    fn hold(&mut self, seq: SeqNumber, payload: Payload, fin: bool) {
        // What many small segments cost beside their octets would otherwise be bounded by nothing.
        let most = 2 * self.limit as usize + FIRST_PIECES_COST;
        let assembler = self.out_of_order.get_or_insert_default();
        if assembler.cost() + payload.len() <= most {
            assembler.insert(self.nxt, seq, payload, fin);
        }
        self.ack.duplicate();
    }

    /// Moves what has become contiguous to the read queue; says whether the FIN is part of it.
    fn deliver_held(&mut self) -> bool {
        let Some(assembler) = &mut self.out_of_order else { return false };
        while let Some(payload) = assembler.take_at(self.nxt) {
            self.nxt += payload.len() as u32;
            self.queue.push(payload);
        }
        let fin = assembler.fin() == Some(self.nxt);
        if assembler.is_empty() {
            self.out_of_order = None;
        }
        fin
    }

    /// The SACK blocks to report in a segment that takes `room` of them, most recent first (RFC 2018 §4); a duplicate is reported once.
    #[inline]
    pub(crate) fn take_sack_blocks(&mut self, room: usize) -> ArrayVec<SackBlock, 4> {
        let Some(assembler) = &mut self.out_of_order else { return ArrayVec::new() };
        let blocks = assembler.take_sack_blocks(room);
        if assembler.is_empty() {
            self.out_of_order = None;
        }
        blocks
    }

    /// Octets below RCV.NXT arrived again: the peer is told, so that it learns that its retransmission was not needed (RFC 2883).
    pub(crate) fn note_duplicate(&mut self, seq: SeqNumber, len: u32) {
        if self.sack && len > 0 {
            let right = (seq + len).min(self.nxt);
            if seq.before(right) {
                self.out_of_order.get_or_insert_default().note_duplicate(seq, right);
            }
        }
    }

    /// The window field for a segment about to be sent: moves the right edge only when that is worth it (silly window
    /// avoidance, RFC 9293 §3.8.6.2.2, MUST-39; it may stay closed for ever, MAY-8) and never to the left, rounding included (RFC 7323 §2.3).
    pub(crate) fn advertise(&mut self, full_segment: u32) -> u16 {
        let candidate = self.nxt + self.room();
        let gain = candidate.since(self.edge);
        if gain >= full_segment.min(self.limit / 2).max(1) {
            self.edge = candidate;
        }
        let unit = 1u32 << self.shift;
        let window = self.window();
        // Rounded up while the buffer allows, so that what is on the wire never ends before the edge already promised.
        let field = (window.div_ceil(unit)).min(u32::from(u16::MAX));
        self.edge = self.edge.max(self.nxt + field * unit);
        self.last_ack_sent = self.nxt;
        field as u16
    }

    /// Whether the application has read so much that the peer should hear of it without waiting for data.
    pub(crate) fn window_update_due(&self, full_segment: u32) -> bool {
        let gain = (self.nxt + self.room()).since(self.edge);
        let window = self.window();
        gain >= (self.limit / 2).min(2 * full_segment)
            && (window < self.limit / 2 || window < full_segment)
    }

    /// Buffer space that may be promised, in whole window units so that rounding never promises more than there is.
    fn room(&self) -> u32 {
        let room = self.limit.saturating_sub(self.queue.len() as u32);
        let room = room.min(u32::from(u16::MAX) << self.shift);
        room >> self.shift << self.shift
    }

    /// Sets RCV.UP (RFC 9293 §3.10.7.4, sixth step, MUST-30, MUST-62, RFC 6093); true if it advanced.
    pub(crate) fn on_urgent(&mut self, end: SeqNumber) -> bool {
        let ahead = end.after(self.nxt.back(self.queue.len() as u32));
        if !ahead || self.urgent.is_some_and(|urgent| end.at_or_before(urgent)) {
            return false;
        }
        self.urgent = Some(end);
        true
    }

    /// Urgent octets that the application has not read yet; 0 when it is past the mark (RFC 9293 MUST-33).
    pub(crate) fn urgent_ahead(&self) -> u32 {
        self.urgent.map_or(0, |urgent| urgent.since(self.read_to()))
    }

    /// Changes the buffer's size; what was promised stays promised.
    pub(crate) fn set_limit(&mut self, bytes: u32) {
        self.limit = bytes;
        self.autotune = None;
    }

    /// What is held behind a hole costs this much.
    #[inline]
    pub(crate) fn out_of_order_bytes(&self) -> usize {
        self.out_of_order.as_ref().map_or(0, |assembler| assembler.cost())
    }

    /// See [`Connection::hold_back`](crate::Connection::hold_back).
    pub(crate) fn hold_back(&mut self, bytes: Option<u32>) {
        self.autotune = None;
        if let Some(bytes) = bytes {
            self.limit = self.limit.min(bytes.max(1 << self.shift));
        }
    }

    /// See [`Connection::forget_out_of_order`](crate::Connection::forget_out_of_order).
    pub(crate) fn forget_out_of_order(&mut self) {
        self.out_of_order = None;
    }

    /// Data is about to be processed that answers what was sent at `echo`.
    #[inline]
    pub(crate) fn measure(
        &mut self,
        arrival: Instant,
        echo: Option<Instant>,
        mss: u16,
        tuning: ReceiveTuning,
    ) {
        self.last_received = arrival;
        if self.limit < tuning.most_bytes || tuning.always {
            let (nxt, window) = (self.nxt, self.window());
            let new = || Box::new(Autotune::new(arrival, nxt, window, mss));
            self.autotune.get_or_insert_with(new).on_data(arrival, nxt, window, echo);
        }
    }

    /// The application has read: the buffer grows if it keeps up with the sender, and never shrinks.
    #[inline]
    pub(crate) fn on_read(&mut self, now: Instant, mss: u16, tuning: ReceiveTuning) {
        let read_to = self.read_to();
        if let Some(autotune) = &mut self.autotune
            && let Some(wanted) = autotune.on_read(now, read_to, mss)
        {
            self.limit = self.limit.max(wanted.min(tuning.most_bytes));
            if self.limit >= tuning.most_bytes && !tuning.always {
                self.autotune = None;
            }
        }
    }

    /// The sequence number of the first octet that the application has not read.
    fn read_to(&self) -> SeqNumber {
        self.nxt.back(self.queue.len() as u32 + u32::from(self.fin_received))
    }

    /// The round trip as a receiver sees it, and the octets that the application reads in one, as far as they are measured.
    pub(crate) fn reading(&self) -> (Option<Duration>, u32) {
        self.autotune.as_deref().map_or((None, 0), Autotune::reading)
    }

    /// Size of the buffer, in octets.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }
}

/// The four cases of RFC 9293 §3.10.7.4, table 6.
#[inline]
pub(crate) fn acceptable(nxt: SeqNumber, window: u32, seq: SeqNumber, len: u32) -> bool {
    match (len, window) {
        (0, 0) => seq == nxt,
        (0, _) => seq.within(nxt, window),
        (_, 0) => false,
        // Any octet inside: the RFC's table asks for the first or the last, and so would refuse one that covers the whole window.
        _ => seq.before(nxt + window) && (seq + len).after(nxt),
    }
}
