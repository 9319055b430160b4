//! Sequence number extension (RFC 5925 §6.2): which of the 2^32 rounds a number belongs to, so that an old segment's signature is
//! not right again after a wrap.

use sockeye_wire::SeqNumber;

/// One direction's latest number, in 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extension(u64);

impl Extension {
    /// The round of the initial sequence number is 0.
    pub(super) const fn new(isn: SeqNumber) -> Self {
        Self(isn.0 as u64)
    }

    fn extended(self, seq: SeqNumber) -> u64 {
        let ahead = seq.0.wrapping_sub(self.0 as u32) as i32;
        self.0.wrapping_add_signed(i64::from(ahead))
    }

    /// The SNE of a number less than 2^31 away.
    pub(super) fn of(self, seq: SeqNumber) -> u32 {
        (self.extended(seq) >> 32) as u32
    }

    /// A segment with this number was sent, or arrived and was verified.
    pub(super) fn advance(&mut self, seq: SeqNumber) {
        self.0 = self.0.max(self.extended(seq));
    }
}
