//! Memory for large writes, used again and again: a fresh chunk costs a page fault for each of its pages.

use alloc::collections::VecDeque;
use bytes::BytesMut;
use core::time::Duration;
use sockeye_wire::Instant;

/// Octets of a chunk, the largest that a send buffer asks for.
const CHUNK_BYTES: usize = 64 << 10;
/// A smaller write gets memory of its own, so that it never holds much more than it needs.
const LEAST_BYTES: usize = CHUNK_BYTES / 2;
/// Chunks kept, in use or not: 4 MiB.
const MAX_CHUNKS: usize = 64;
/// How long they are kept without use, at least.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// Chunks that were given out, and are given out again once nobody has any part of them: a send buffer until it is acknowledged, a
/// link until it is sent.
pub(crate) struct Chunks {
    /// Empty handles to each chunk's memory, those first that were given out first.
    given: VecDeque<BytesMut>,
    used_at: Instant,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { given: VecDeque::new(), used_at: Instant::ZERO }
    }
}

impl Chunks {
    /// Room for at least `bytes`.
    pub(crate) fn take(&mut self, now: Instant, bytes: usize) -> BytesMut {
        if !(LEAST_BYTES..=CHUNK_BYTES).contains(&bytes) {
            return BytesMut::with_capacity(bytes);
        }
        self.used_at = now;
        let mut kept = BytesMut::new();
        if let Some(mut oldest) = self.given.pop_front() {
            if oldest.try_reclaim(CHUNK_BYTES) {
                kept = oldest;
            } else if self.given.len() + 1 < MAX_CHUNKS {
                // In use, and so are most of the others. A full house forgets it: whoever holds it frees it.
                self.given.push_front(oldest);
            }
        }
        kept.reserve(CHUNK_BYTES);
        let chunk = kept.split_off(0);
        self.given.push_back(kept);
        chunk
    }

    /// Gives the memory back, what is in use as soon as it no longer is.
    pub(crate) fn forget(&mut self) {
        self.given = VecDeque::new();
    }

    /// [`forget`](Self::forget) if there was no use for them lately.
    #[inline]
    pub(crate) fn expire(&mut self, now: Instant) {
        if !self.given.is_empty() && now.since(self.used_at) > KEPT_FOR {
            self.forget();
        }
    }

    /// Chunks that are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.given.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_BYTES, Chunks, LEAST_BYTES, MAX_CHUNKS};
    use alloc::vec::Vec;
    use core::time::Duration;
    use sockeye_wire::Instant;

    const NOW: Instant = Instant::ZERO;

    #[test]
    fn memory_comes_back_when_the_last_part_is_let_go() {
        let mut chunks = Chunks::default();
        let mut first = chunks.take(NOW, CHUNK_BYTES);
        first.extend_from_slice(&[1; CHUNK_BYTES]);
        let address = first.as_ptr();
        let whole = first.freeze();
        let part = whole.slice(10..20);
        drop(whole);
        let second = chunks.take(NOW, CHUNK_BYTES);
        assert_ne!(second.as_ptr(), address, "a part is in use");
        drop(part);
        let third = chunks.take(NOW, LEAST_BYTES);
        assert_eq!((third.as_ptr(), third.capacity()), (address, CHUNK_BYTES));
        assert_eq!(chunks.len(), 2);
    }

    #[test]
    fn no_more_are_kept_than_the_limit_says_and_none_for_small_writes() {
        let mut chunks = Chunks::default();
        assert!(chunks.take(NOW, 100).capacity() < LEAST_BYTES);
        assert_eq!(chunks.len(), 0);
        let in_use: Vec<_> = (0..2 * MAX_CHUNKS).map(|_| chunks.take(NOW, CHUNK_BYTES)).collect();
        assert_eq!(chunks.len(), MAX_CHUNKS);
        drop(in_use);
        chunks.expire(NOW + Duration::from_secs(1));
        assert_eq!(chunks.len(), MAX_CHUNKS);
        chunks.expire(NOW + Duration::from_secs(2));
        assert_eq!(chunks.len(), 0);
    }
}
