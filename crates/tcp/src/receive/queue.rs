//! Data in order, waiting for the application.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use sockeye_wire::Payload;

/// Pieces below this are copied together, so that a small payload never pins a large packet buffer.
const SMALL_PIECE: usize = 512;
/// Size of the buffer that small pieces are copied into.
const GATHER_BYTES: usize = 4_096;

/// Room for a batch of packets from the first one on.
const FIRST_PIECES: usize = 16;

/// A queue of shared slices. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(crate) struct ReadQueue {
    pieces: Option<Box<Pieces>>,
}

#[derive(Debug)]
struct Pieces {
    queue: VecDeque<Bytes>,
    /// Small pieces gathered behind `queue`.
    gathered: BytesMut,
    /// Octets in all.
    len: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { queue: VecDeque::with_capacity(FIRST_PIECES), gathered: BytesMut::new(), len: 0 }
    }
}

impl Pieces {
    fn push(&mut self, piece: Bytes) {
        if piece.len() < SMALL_PIECE {
            self.gather(&piece);
        } else {
            self.flush_gathered();
            self.queue.push_back(piece);
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
            self.queue.push_back(self.gathered.split().freeze());
        }
    }
}

impl ReadQueue {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.pieces.as_ref().map_or(0, |pieces| pieces.len)
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.pieces.is_none()
    }

    #[inline]
    pub(crate) fn push(&mut self, payload: Payload) {
        if payload.is_empty() {
            return;
        }
        let pieces = self.pieces.get_or_insert_default();
        pieces.len += payload.len();
        for piece in payload {
            pieces.push(piece);
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

    /// Copies what lies `skip` octets ahead to the front of `out`, and leaves it there; says how much.
    pub(crate) fn peek(&mut self, mut skip: usize, out: &mut [u8]) -> usize {
        let Some(pieces) = self.pieces.as_mut() else { return 0 };
        pieces.flush_gathered();
        let mut at = 0;
        for piece in &pieces.queue {
            let from = skip.min(piece.len());
            skip -= from;
            let count = (piece.len() - from).min(out.len() - at);
            out[at..at + count].copy_from_slice(&piece[from..from + count]);
            at += count;
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
        let pieces = self.pieces.as_mut()?;
        if pieces.queue.is_empty() {
            pieces.flush_gathered();
        }
        pieces.queue.front_mut()
    }

    /// `count` octets of the first piece were taken.
    fn consume(&mut self, count: usize) {
        let Some(pieces) = &mut self.pieces else { return };
        pieces.len -= count;
        if pieces.len == 0 {
            self.pieces = None;
            return;
        }
        if let Some(piece) = pieces.queue.front_mut() {
            if count < piece.len() {
                let _ = piece.split_to(count);
            } else {
                pieces.queue.pop_front();
            }
        }
    }
}
