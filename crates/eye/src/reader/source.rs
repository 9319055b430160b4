//! Bytes from any reader, in blocks, with their place in the stream.

use std::io::{self, Read};

/// How much is asked of the reader at a time.
const BLOCK_BYTES: usize = 256 << 10;

pub(super) struct Source<'r> {
    input: Box<dyn Read + 'r>,
    buffer: Vec<u8>,
    /// Unread octets are `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Place of `buffer[start]` in the stream.
    offset: u64,
    /// Octets of the last [`take`](Self::take), which lie before `start`.
    taken: usize,
    at_end: bool,
}

impl<'r> Source<'r> {
    pub(super) fn new(input: impl Read + 'r) -> Self {
        Self {
            input: Box::new(input),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            taken: 0,
            at_end: false,
        }
    }

    /// Up to `len` unread octets, fewer only at the end of the stream. Nothing is taken.
    pub(super) fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        while self.end - self.start < len && !self.at_end {
            self.refill(len)?;
        }
        let have = len.min(self.end - self.start);
        Ok(&self.buffer[self.start..self.start + have])
    }

    /// Takes octets that were peeked at.
    pub(super) fn take(&mut self, len: usize) {
        self.start += len;
        self.offset += len as u64;
        self.taken = len;
    }

    /// `len` octets from `skip` on, of those that were last taken.
    pub(super) fn taken(&self, skip: usize, len: usize) -> &[u8] {
        let from = self.start - self.taken + skip;
        &self.buffer[from..from + len]
    }

    /// Place of the next octet in the stream.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// What was read ahead, and the reader.
    pub(super) fn into_parts(mut self) -> (Vec<u8>, Box<dyn Read + 'r>) {
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.start);
        (self.buffer, self.input)
    }

    fn refill(&mut self, len: usize) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.taken = 0;
        }
        // The buffer grows with what is really there, not with what a length field promises.
        let room = BLOCK_BYTES.max(self.end.saturating_mul(2).min(len));
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.at_end = true;
                    return Err(error);
                }
            }
            return Ok(());
        }
    }
}
