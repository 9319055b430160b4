//! Data that is cheap to make and different everywhere.

use bytes::{Bytes, BytesMut};

/// An endless stream of octets that follows from a seed. Each eight of them depend on their place, so that data which is lost,
/// doubled or put in the wrong place does not look like what belongs there.
#[derive(Clone, Debug)]
pub struct Stream {
    word: u64,
}

impl Stream {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { word: seed }
    }

    /// The next `len` octets. A chunk whose length is no multiple of eight drops the rest of its last word.
    #[must_use]
    pub fn next_chunk(&mut self, len: usize) -> Bytes {
        let mut chunk = BytesMut::zeroed(len.next_multiple_of(8));
        for octets in chunk.chunks_exact_mut(8) {
            self.word = self.word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            // One round of mixing: neighbours differ in about half of their bits, which is all that a hash needs here.
            let mixed = (self.word ^ (self.word >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
            octets.copy_from_slice(&mixed.to_le_bytes());
        }
        chunk.truncate(len);
        chunk.freeze()
    }
}
