//! Data that is known everywhere: whoever reads an octet can tell whether it is the one that belongs there.

use bytes::{Bytes, BytesMut};

/// Octets of a longest piece looked at in one go.
const WORD: usize = 8;

/// Endless data that follows from a seed; each eight octets depend on their place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pattern {
    seed: u64,
}

impl Pattern {
    /// The pattern of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// `len` octets from place `offset` on.
    #[must_use]
    pub fn octets(&self, offset: u64, len: usize) -> Bytes {
        let skip = (offset % WORD as u64) as usize;
        let mut octets = BytesMut::zeroed((skip + len).next_multiple_of(WORD));
        let first = offset / WORD as u64;
        for (place, word) in (first..).zip(octets.chunks_exact_mut(WORD)) {
            word.copy_from_slice(&self.word(place));
        }
        let mut octets = octets.freeze().split_off(skip);
        octets.truncate(len);
        octets
    }

    /// The first place, from `offset` on, at which `octets` are not those of the pattern.
    #[must_use]
    pub fn first_difference(&self, offset: u64, octets: &[u8]) -> Option<u64> {
        (offset..).zip(octets).find_map(|(place, octet)| {
            let word = self.word(place / WORD as u64);
            (word[(place % WORD as u64) as usize] != *octet).then_some(place)
        })
    }

    fn word(self, place: u64) -> [u8; WORD] {
        let word = self.seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // One round of mixing: neighbours differ in about half of their bits, which is all that is needed to tell them apart.
        (word ^ (word >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93).to_le_bytes()
    }
}
