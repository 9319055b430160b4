//! One transmission on the scoreboard.

use super::rate::SnapshotId;
use sockeye_wire::{Instant, SeqNumber};

/// Where a transmission is believed to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In the network.
    Sent,
    /// At the peer, above a hole. Neighbouring records in this place are one.
    Sacked,
    /// Nowhere: to be sent again.
    Lost,
}

/// One segment, or super-segment, that was sent and not yet acknowledged; or a run of those that the peer holds.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) start: SeqNumber,
    /// Sequence numbers it takes, FIN included.
    pub(super) len: u32,
    pub(super) sent_at: Instant,
    /// How things stood when it was sent.
    pub(super) snapshot: SnapshotId,
    pub(super) marks: Marks,
    pub(super) place: Place,
    /// Octets of the full segments, counted from its start, in which it was sent; 1 if those began elsewhere.
    pub(super) segment: u16,
}

/// Yes or no, in a bit each: there are many records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks(pub(super) u8);

impl Marks {
    pub(super) const RETRANSMITTED: u8 = 1;
    pub(super) const PUSHED: u8 = 2;
    /// Wire segments of a held run, counted up to what these bits take: three tell of a loss.
    const HELD: u8 = 0xf0;
}

impl Record {
    /// Whether it was sent more than once.
    #[inline]
    pub(super) fn is_retransmitted(&self) -> bool {
        self.marks.0 & Marks::RETRANSMITTED != 0
    }

    /// Whether its last octet goes with PSH, however often it is sent.
    pub(super) fn is_pushed(&self) -> bool {
        self.marks.0 & Marks::PUSHED != 0
    }

    /// The first `len` sequence numbers are no longer part of it.
    pub(super) fn cut_front(&mut self, len: u32) {
        if !len.is_multiple_of(self.segment.into()) {
            self.segment = 1;
        }
        self.start += len;
        self.len -= len;
    }

    /// `next` follows it, and is held like it.
    pub(super) fn take_in(&mut self, next: &Self) {
        self.len += next.len;
        self.marks.0 |= next.marks.0 & Marks::RETRANSMITTED;
        self.set_held(self.held().saturating_add(next.held()));
    }

    /// Wire segments that it takes; `mss` if it does not know its own, `fin` if it ends with that.
    pub(super) fn segments(&self, mss: u16, fin: bool) -> u8 {
        let full = if self.segment > 1 { self.segment } else { mss.max(1) };
        let data = self.len - u32::from(fin);
        data.div_ceil(u32::from(full)).clamp(1, u32::from(u8::MAX)) as u8
    }

    /// Wire segments that the peer holds of it.
    pub(super) fn held(&self) -> u8 {
        self.marks.0 >> Marks::HELD.trailing_zeros()
    }

    pub(super) fn set_held(&mut self, segments: u8) {
        let (shift, most) = (Marks::HELD.trailing_zeros(), u8::MAX >> Marks::HELD.count_zeros());
        self.marks.0 = self.marks.0 & !Marks::HELD | segments.min(most) << shift;
    }

    pub(super) fn end(&self) -> SeqNumber {
        self.start + self.len
    }
}
