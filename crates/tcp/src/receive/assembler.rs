//! Data that arrived out of order (RFC 9293 SHLD-31), and the SACK blocks that tell of it (RFC 2018).

use alloc::vec::Vec;
use arrayvec::ArrayVec;
use bytes::Bytes;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Payload, SeqNumber};

/// Separate ranges held at most; a segment that would make one more is dropped, which costs its sender a retransmission and
/// us nothing.
const MAX_RANGES: usize = 256;

/// Disjoint, non-adjacent ranges in sequence order.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    ranges: Vec<Range>,
    /// First octets of the ranges that changed last, newest first.
    recent: ArrayVec<SeqNumber, 4>,
    /// Where the peer's FIN stands.
    fin: Option<SeqNumber>,
    /// A duplicate that is still to be reported (RFC 2883).
    duplicate: Option<SackBlock>,
    /// Of all ranges.
    cost: usize,
}

/// Payloads below this are copied, so that a small one never pins a large packet buffer.
const SMALL_PAYLOAD: usize = 512;

/// What a piece costs beside its octets: its name, and the head of its allocation.
const PIECE_COST: usize = 128;

#[derive(Debug)]
struct Range {
    start: SeqNumber,
    payload: Payload,
}

impl Range {
    fn end(&self) -> SeqNumber {
        self.start + self.payload.len() as u32
    }

    fn cost(&self) -> usize {
        cost_of(&self.payload)
    }
}

fn cost_of(payload: &Payload) -> usize {
    payload.len() + payload.pieces().len() * PIECE_COST
}

/// The same octets without what else is in their buffers.
fn compact(payload: Payload) -> Payload {
    if payload.len() >= SMALL_PAYLOAD {
        return payload;
    }
    let octets: Vec<u8> = payload.pieces().iter().flatten().copied().collect();
    Payload::from(Bytes::from(octets))
}

impl Assembler {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.fin.is_none() && self.duplicate.is_none()
    }

    /// Whether data or a FIN waits behind a hole.
    pub(super) fn holds_any(&self) -> bool {
        !self.ranges.is_empty() || self.fin.is_some()
    }

    /// What all that is held costs, in octets.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// Octets arrived that were there already.
    pub(super) fn note_duplicate(&mut self, left: SeqNumber, right: SeqNumber) {
        self.duplicate = Some(SackBlock { left, right });
    }

    pub(super) fn fin(&self) -> Option<SeqNumber> {
        self.fin
    }

    /// Keeps `payload` at `seq`, beyond `nxt`; octets already held are not replaced.
    pub(super) fn insert(&mut self, nxt: SeqNumber, seq: SeqNumber, payload: Payload, fin: bool) {
        debug_assert!(seq.after(nxt));
        let end = seq + payload.len() as u32;
        if fin {
            self.fin = Some(end);
        }
        if payload.is_empty() {
            return;
        }
        // The ranges that touch seq..end: first with its end at or beyond seq, to the last with its start at or before end.
        let first = self.ranges.partition_point(|range| range.end().before(seq));
        let last = self.ranges.partition_point(|range| range.start.at_or_before(end));
        if first == last {
            if self.ranges.len() >= MAX_RANGES {
                return;
            }
            let range = Range { start: seq, payload: compact(payload) };
            self.cost += range.cost();
            self.ranges.insert(first, range);
            self.touch(seq);
            return;
        }
        if last == first + 1
            && self.ranges[first].start.at_or_before(seq)
            && self.ranges[first].end().at_or_after(end)
        {
            self.note_duplicate(seq, end);
            self.touch(self.ranges[first].start);
            return;
        }
        if last == first + 1 && self.ranges[first].end() == seq {
            let payload = compact(payload);
            self.cost += cost_of(&payload);
            append(&mut self.ranges[first].payload, payload);
            self.touch(self.ranges[first].start);
            return;
        }
        let before: usize = self.ranges[first..last].iter().map(Range::cost).sum();
        let merged = merge(self.ranges.drain(first..last), seq, compact(payload));
        self.cost = self.cost - before + merged.cost();
        self.touch(merged.start);
        self.ranges.insert(first, merged);
    }

    /// Notes that the range starting at `start` changed last.
    fn touch(&mut self, start: SeqNumber) {
        let ranges = &self.ranges;
        self.recent
            .retain(|other| *other != start && ranges.iter().any(|range| range.start == *other));
        if self.recent.is_full() {
            self.recent.pop();
        }
        self.recent.insert(0, start);
    }

    /// Takes the octets from `nxt` on, if they are held.
    pub(super) fn take_at(&mut self, nxt: SeqNumber) -> Option<Payload> {
        while let Some(first) = self.ranges.first() {
            if first.start.after(nxt) {
                return None;
            }
            let Range { start, mut payload } = self.ranges.remove(0);
            self.cost -= cost_of(&payload);
            self.recent.retain(|other| *other != start);
            payload.advance(nxt.since(start) as usize);
            if !payload.is_empty() {
                return Some(payload);
            }
        }
        None
    }

    /// The blocks to report: a duplicate first, once, followed by the range that holds it if there is one (RFC 2883 §4: or nobody could
    /// tell that it is a duplicate); then what is held, the range that changed last first (RFC 2018 §4). Where there is no `room` for two
    /// blocks, a duplicate within a range is not told.
    pub(super) fn take_sack_blocks(&mut self, room: usize) -> ArrayVec<SackBlock, 4> {
        let mut duplicate = self.duplicate.take();
        let around = duplicate.and_then(|duplicate| {
            self.ranges.iter().find(|range| {
                range.start.at_or_before(duplicate.left) && range.end().at_or_after(duplicate.right)
            })
        });
        let mut around = around.map(|range| range.start);
        if room < 2 && around.is_some() {
            (duplicate, around) = (None, None);
        }
        let recent = self.recent.iter().copied().filter(|start| Some(*start) != around);
        let held = around
            .into_iter()
            .chain(recent)
            .filter_map(|start| self.ranges.iter().find(|range| range.start == start))
            .map(|range| SackBlock { left: range.start, right: range.end() });
        duplicate.into_iter().chain(held).take(4).collect()
    }
}

/// Joins `payload` at `seq` with the ranges that it touches, in order.
fn merge(touched: impl Iterator<Item = Range>, seq: SeqNumber, mut payload: Payload) -> Range {
    let mut start = seq;
    let mut joined = Payload::empty();
    // Where the rest of `payload` begins.
    let mut next = seq;
    for range in touched {
        start = start.min(range.start);
        let gap = range.start.since(next);
        if gap > 0 {
            let mut piece = payload.clone();
            piece.truncate(gap as usize);
            append(&mut joined, piece);
            payload.advance(gap as usize);
            next += gap;
        }
        let covered = range.end().since(next);
        payload.advance(covered as usize);
        next += covered;
        append(&mut joined, range.payload);
    }
    append(&mut joined, payload);
    Range { start, payload: joined }
}

fn append(joined: &mut Payload, payload: Payload) {
    for piece in payload {
        joined.push(piece);
    }
}
