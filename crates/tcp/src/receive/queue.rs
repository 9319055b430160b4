//! Data in order, waiting for the application.

use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use sockeye_wire::Payload;

/// Pieces below this are copied together, so that a small payload never pins a large packet buffer.
const SMALL_PIECE: usize = 512;
/// Size of the buffer that small pieces are copied into.
const GATHER_BYTES: usize = 4_096;

/// A queue of shared slices.
#[derive(Debug, Default)]
pub(crate) struct ReadQueue {
    pieces: VecDeque<Bytes>,
    /// Small pieces gathered behind `pieces`.
    gathered: BytesMut,
    len: usize,
}

impl ReadQueue {
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn push(&mut self, payload: Payload) {
        self.len += payload.len();
        for piece in payload {
            if piece.len() < SMALL_PIECE {
                self.gather(&piece);
            } else {
                self.flush_gathered();
                self.pieces.push_back(piece);
            }
        }
    }

    fn gather(&mut self, piece: &[u8]) {
        if self.gathered.capacity() - self.gathered.len() < piece.len() {
            self.flush_gathered();
            self.gathered = BytesMut::with_capacity(GATHER_BYTES);
        }
        self.gathered.extend_from_slice(piece);
    }

    fn flush_gathered(&mut self) {
        if !self.gathered.is_empty() {
            self.pieces.push_back(self.gathered.split().freeze());
        }
    }

    /// Copies to the front of `out`; says how much.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        let mut at = 0;
        while at < out.len() {
            let Some(piece) = self.front() else { break };
            let count = piece.len().min(out.len() - at);
            out[at..at + count].copy_from_slice(&piece[..count]);
            at += count;
            self.consume(count);
        }
        at
    }

    /// Takes the first slice, at most `max` octets of it, without copying.
    pub(crate) fn read_chunk(&mut self, max: usize) -> Option<Bytes> {
        let piece = self.front()?;
        let count = piece.len().min(max);
        let chunk = piece.slice(..count);
        self.consume(count);
        Some(chunk)
    }

    fn front(&mut self) -> Option<&mut Bytes> {
        if self.pieces.is_empty() {
            self.flush_gathered();
        }
        self.pieces.front_mut()
    }

    /// `count` octets of the first piece were taken. An empty queue gives its memory back: idle connections hold no buffers.
    fn consume(&mut self, count: usize) {
        self.len -= count;
        if let Some(piece) = self.pieces.front_mut() {
            if count < piece.len() {
                let _ = piece.split_to(count);
            } else {
                self.pieces.pop_front();
            }
        }
        if self.len == 0 {
            self.gathered = BytesMut::new();
        }
    }
}
