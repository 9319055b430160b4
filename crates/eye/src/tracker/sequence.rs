//! One direction's sequence space: what was seen of it and what was acknowledged.

use smallvec::SmallVec;
use sockeye_wire::SeqNumber;

/// Ranges above a hole that are kept; beyond that the lowest hole is given up as never to be filled.
const MAX_RANGES: usize = 4096;

/// Positions are counted from the SYN, which has 0, so that data begins at 1 as in every tool; without a SYN the first
/// number seen has 1. They are 64 bits wide and do not wrap.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// The number at position 0, once anything is known.
    base: Option<SeqNumber>,
    /// Everything before it has been seen or is given up.
    next: i64,
    /// Seen above `next`, disjoint and in order.
    above: SmallVec<[(i64, i64); 1]>,
    /// After the last position seen, FIN included.
    max_end: i64,
    /// Acknowledged by the peer up to here.
    acked: i64,
    /// Acknowledged but never seen.
    not_captured: u64,
}

/// What a range of positions turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Inserted {
    /// Octets not seen before.
    pub(crate) new: u64,
    /// Octets seen before.
    pub(crate) old: u64,
}

impl Sequence {
    /// Begins the space with a SYN. Anything assumed before is forgotten.
    pub(crate) fn begin_at_syn(&mut self, isn: SeqNumber) {
        *self = Self { base: Some(isn), next: 1, max_end: 1, ..Self::default() };
    }

    /// Begins the space in mid-stream, the octet at `seq` having position 1.
    pub(crate) fn begin_at(&mut self, seq: SeqNumber) {
        if self.base.is_none() {
            *self = Self { base: Some(seq.back(1)), next: 1, max_end: 1, ..Self::default() };
        }
    }

    #[inline]
    pub(crate) const fn base(&self) -> Option<SeqNumber> {
        self.base
    }

    /// The position of a number, the one nearest to what was last seen.
    #[inline]
    pub(crate) fn position(&self, seq: SeqNumber) -> Option<i64> {
        let newest = self.base? + self.max_end as u32;
        Some(self.max_end + i64::from(newest.distance_to(seq)))
    }

    #[inline]
    pub(crate) const fn max_end(&self) -> i64 {
        self.max_end
    }

    #[inline]
    pub(crate) const fn acked(&self) -> i64 {
        self.acked
    }

    pub(crate) const fn not_captured(&self) -> u64 {
        self.not_captured
    }

    /// Whether nothing is missing below the last position seen.
    pub(crate) fn has_hole(&self) -> bool {
        !self.above.is_empty()
    }

    /// Octets seen at least once.
    pub(crate) fn seen(&self) -> u64 {
        let above: i64 = self.above.iter().map(|(from, to)| to - from).sum();
        let below = self.next - 1 - self.not_captured.cast_signed();
        u64::try_from(below + above).unwrap_or(0)
    }

    /// Notes that the FIN or SYN before `end` was seen.
    #[inline]
    pub(crate) fn reach(&mut self, end: i64) {
        self.max_end = self.max_end.max(end);
    }

    /// Notes that data `start..end` was seen.
    #[inline]
    pub(crate) fn insert(&mut self, start: i64, end: i64) -> Inserted {
        self.reach(end);
        if self.above.is_empty() && start == self.next {
            self.next = end;
            return Inserted { new: (end - start).unsigned_abs(), old: 0 };
        }
        self.insert_apart(start, end)
    }

    fn insert_apart(&mut self, start: i64, end: i64) -> Inserted {
        let len = (end - start).unsigned_abs();
        let from = start.max(self.next);
        if from >= end {
            return Inserted { new: 0, old: len };
        }
        let first = self.above.partition_point(|&(_, to)| to < from);
        let last = self.above.partition_point(|&(left, _)| left <= end);
        let mut merged = (from, end);
        let mut old = 0;
        for &(left, right) in &self.above[first..last] {
            old += (right.min(end) - left.max(from)).max(0).unsigned_abs();
            merged = (merged.0.min(left), merged.1.max(right));
        }
        let new = (end - from).unsigned_abs() - old;
        if first == last {
            self.above.insert(first, merged);
        } else {
            self.above[first] = merged;
            self.above.drain(first + 1..last);
        }
        if self.above.len() > MAX_RANGES {
            self.next = self.above[0].0;
        }
        self.absorb();
        Inserted { new, old: len - new }
    }

    /// Ranges that `next` has reached become part of what lies below it.
    fn absorb(&mut self) {
        let reached = self.above.iter().take_while(|(from, _)| *from <= self.next).count();
        for (_, to) in self.above.drain(..reached) {
            self.next = self.next.max(to);
        }
    }

    /// Notes that the peer acknowledged everything before `ack`, of which data ends at `data_end` at the latest.
    ///
    /// What was acknowledged without having been seen passed by the capture.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: i64, data_end: i64) {
        if ack <= self.acked {
            return;
        }
        self.acked = ack;
        self.reach(ack);
        let ack = ack.min(data_end);
        if ack > self.next {
            self.give_up_holes(ack);
        }
    }

    fn give_up_holes(&mut self, ack: i64) {
        while self.next < ack {
            let hole_end = self.above.first().map_or(ack, |range| range.0.min(ack));
            self.not_captured += (hole_end - self.next).unsigned_abs();
            self.next = hole_end;
            self.absorb();
        }
    }
}
