//! Bytes written and not yet acknowledged: a queue of shared chunks.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes, BytesMut};
use sockeye_wire::{Payload, SeqNumber};

/// Smallest chunk for the first write into an empty buffer, and for the ones after it.
const FIRST_CHUNK: usize = 2 * 1_024;
const CHUNK: usize = 16 * 1_024;
/// Largest chunk: that of a super-segment.
const MAX_CHUNK: usize = 64 * 1_024;

/// The send buffer. Small writes fill up the last chunk; what is sent shares the chunks and copies nothing. Empty, it owns no
/// memory.
#[derive(Debug, Default)]
pub(crate) struct SendBuffer(Option<Box<Chunks>>);

#[derive(Debug, Default)]
struct Chunks {
    /// Chunks in order, none empty; no one writes into them any more.
    chunks: VecDeque<Bytes>,
    /// The chunk that small writes fill up.
    tail: BytesMut,
    len: usize,
    /// A chunk and the offset at which it begins: where the last slice ended, so that new data is found without a walk.
    cursor: (usize, usize),
    /// Octets released so far, as a number in a stream, and where in that stream records end.
    released: SeqNumber,
    record_ends: VecDeque<SeqNumber>,
}

impl SendBuffer {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |chunks| chunks.len)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Copies `data` to the end, into chunks that `allocate` makes.
    pub(crate) fn append(&mut self, data: &[u8], allocate: &mut dyn FnMut(usize) -> BytesMut) {
        if !data.is_empty() {
            self.0.get_or_insert_default().append(data, allocate);
        }
    }

    /// Puts a chunk of the application's own at the end, without copying.
    pub(crate) fn append_chunk(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.0.get_or_insert_default().append_chunk(chunk);
        }
    }

    /// What was written so far ends a record: no segment has octets from both sides of its end.
    pub(crate) fn end_record(&mut self) {
        if let Some(chunks) = &mut self.0 {
            chunks.end_record();
        }
    }

    /// Octets from `offset` to the end of its record, or of the buffer.
    #[inline]
    pub(crate) fn rest_of_record(&self, offset: usize) -> usize {
        self.0.as_ref().map_or(0, |chunks| chunks.rest_of_record(offset))
    }

    /// Octets `offset..offset + len`, shared. Bounds beyond the end are cut to it.
    #[inline]
    pub(crate) fn slice(&mut self, offset: usize, len: usize) -> Payload {
        self.0.as_mut().map_or_else(Payload::empty, |chunks| chunks.slice(offset, len))
    }

    /// Drops the first `count` octets: they were acknowledged.
    #[inline]
    pub(crate) fn release(&mut self, count: usize) {
        match &mut self.0 {
            Some(chunks) if count < chunks.len => chunks.release(count),
            _ => self.0 = None,
        }
    }
}

impl Chunks {
    fn append(&mut self, mut data: &[u8], allocate: &mut dyn FnMut(usize) -> BytesMut) {
        while !data.is_empty() {
            if self.tail.len() == self.tail.capacity() {
                self.seal();
                let least = if self.len == 0 { FIRST_CHUNK } else { CHUNK };
                self.tail = allocate(data.len().clamp(least, MAX_CHUNK));
            }
            let room = self.tail.capacity() - self.tail.len();
            let (now, rest) = data.split_at(data.len().min(room));
            self.tail.extend_from_slice(now);
            self.len += now.len();
            data = rest;
        }
    }

    fn append_chunk(&mut self, chunk: Bytes) {
        self.seal();
        self.len += chunk.len();
        self.chunks.push_back(chunk);
    }

    fn end_record(&mut self) {
        let end = self.released + self.len as u32;
        if self.record_ends.back() != Some(&end) {
            self.record_ends.push_back(end);
        }
    }

    fn rest_of_record(&self, offset: usize) -> usize {
        let rest = self.len.saturating_sub(offset);
        if self.record_ends.is_empty() {
            return rest;
        }
        let at = self.released + offset as u32;
        let next = self.record_ends.partition_point(|end| end.at_or_before(at));
        self.record_ends.get(next).map_or(rest, |end| end.since(at) as usize)
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
    }

    fn slice(&mut self, offset: usize, len: usize) -> Payload {
        let len = len.min(self.len.saturating_sub(offset));
        if offset + len > self.len - self.tail.len() {
            self.seal();
        }
        let mut payload = Payload::empty();
        let (mut index, mut start) = if offset >= self.cursor.1 { self.cursor } else { (0, 0) };
        while payload.len() < len {
            let Some(chunk) = self.chunks.get(index) else { break };
            let from = (offset + payload.len()).saturating_sub(start);
            if from >= chunk.len() {
                start += chunk.len();
                index += 1;
                continue;
            }
            let to = chunk.len().min(from + len - payload.len());
            payload.push(chunk.slice(from..to));
        }
        self.cursor = (index, start);
        payload
    }

    /// `count` is less than all there is.
    fn release(&mut self, count: usize) {
        let mut rest = count;
        self.len -= rest;
        self.released += count as u32;
        while self.record_ends.front().is_some_and(|end| end.at_or_before(self.released)) {
            self.record_ends.pop_front();
        }
        self.cursor.1 = self.cursor.1.saturating_sub(rest);
        while rest > 0 {
            let Some(chunk) = self.chunks.front_mut() else {
                self.tail.advance(rest);
                break;
            };
            if rest < chunk.len() {
                chunk.advance(rest);
                break;
            }
            rest -= chunk.len();
            self.chunks.pop_front();
            self.cursor.0 = self.cursor.0.saturating_sub(1);
        }
        if self.cursor.0 == 0 {
            self.cursor.1 = 0;
        }
    }
}
