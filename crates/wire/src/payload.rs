//! A segment's data as a few shared slices.

use bytes::{Buf, Bytes};
use core::fmt;
use smallvec::SmallVec;

/// Bytes in order, in a few reference-counted pieces; cloning and cutting copy nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    pieces: SmallVec<[Bytes; 1]>,
    len: usize,
}

impl Payload {
    /// No data.
    #[inline]
    #[must_use]
    pub fn empty() -> Self {
        Self { pieces: SmallVec::new(), len: 0 }
    }

    /// Octets in all pieces.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no data.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces in order, none of them empty.
    #[inline]
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Puts a piece at the end.
    #[inline]
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push(piece);
        }
    }

    /// Drops the first `count` octets, or all if there are fewer.
    #[inline]
    pub fn advance(&mut self, mut count: usize) {
        if count == 0 {
            return;
        }
        if count >= self.len {
            *self = Self::empty();
            return;
        }
        self.len -= count;
        let mut whole = 0;
        for piece in &mut self.pieces {
            if count < piece.len() {
                piece.advance(count);
                break;
            }
            count -= piece.len();
            whole += 1;
        }
        if whole > 0 {
            self.pieces.drain(..whole);
        }
    }

    /// Takes the first `len` octets away, or all if there are fewer, sharing the buffers.
    #[inline]
    #[must_use]
    pub fn split_to(&mut self, len: usize) -> Self {
        if let [piece, ..] = &mut self.pieces[..]
            && len > 0
            && len < piece.len()
        {
            self.len -= len;
            return piece.split_to(len).into();
        }
        let mut front = self.clone();
        front.truncate(len);
        self.advance(len);
        front
    }

    /// Keeps the first `len` octets, or all if there are fewer.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.len = len;
        let mut rest = len;
        let mut keep = 0;
        for piece in &mut self.pieces {
            if rest == 0 {
                break;
            }
            piece.truncate(rest);
            rest -= piece.len();
            keep += 1;
        }
        self.pieces.truncate(keep);
    }

    /// Copies everything to the front of `out`.
    ///
    /// # Panics
    /// If `out` is shorter than [`len`](Self::len).
    pub fn copy_to(&self, out: &mut [u8]) {
        let mut at = 0;
        for piece in &self.pieces {
            out[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        }
    }
}

impl From<Bytes> for Payload {
    #[inline]
    fn from(piece: Bytes) -> Self {
        let mut payload = Self::empty();
        payload.push(piece);
        payload
    }
}

impl IntoIterator for Payload {
    type Item = Bytes;
    type IntoIter = smallvec::IntoIter<[Bytes; 1]>;
    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes in {} pieces)", self.len, self.pieces.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn flat(payload: &Payload) -> Vec<u8> {
        let mut out = std::vec![0; payload.len()];
        payload.copy_to(&mut out);
        out
    }

    proptest! {
        #[test]
        fn cutting_keeps_the_right_octets(pieces: Vec<Vec<u8>>, from: usize, to: usize) {
            let whole: Vec<u8> = pieces.concat();
            let mut payload = Payload::empty();
            for piece in pieces {
                payload.push(Bytes::from(piece));
            }
            let from = from % (whole.len() + 2);
            let to = to % (whole.len() + 2);
            let mut back = payload.clone();
            let front = back.split_to(from);
            prop_assert_eq!([flat(&front), flat(&back)].concat(), &whole[..]);
            prop_assert_eq!(front.len(), from.min(whole.len()));
            payload.truncate(to);
            payload.advance(from);
            let to = to.min(whole.len());
            let expected = if from < to { &whole[from..to] } else { &[] };
            prop_assert_eq!(flat(&payload), expected);
            prop_assert!(payload.pieces().iter().all(|piece| !piece.is_empty()));
        }
    }
}
