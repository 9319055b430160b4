//! Buffers that packets are read into.
//!
//! One that is filled for the most part moves on with its packet, and is used again once that is gone, the one last put away first,
//! as it is likeliest to be in the cache still. A small packet is copied out of it into memory of its own size: whoever keeps a little
//! data must not keep a large buffer for it, or a peer could fill the memory with single octets.

#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};
use std::os::fd::AsFd;

pub(crate) struct Buffers {
    current: BytesMut,
    resting: Vec<BytesMut>,
    read_bytes: usize,
}

impl Buffers {
    /// Buffers for packets that come in reads of at most `read_bytes`.
    pub(crate) fn new(read_bytes: usize) -> Self {
        Self { current: BytesMut::new(), resting: Vec::new(), read_bytes }
    }

    pub(crate) const fn set_read_bytes(&mut self, read_bytes: usize) {
        self.read_bytes = read_bytes;
    }

    /// Reads one packet; at most `read_bytes` of it.
    pub(crate) fn read(&mut self, device: impl AsFd) -> rustix::io::Result<Bytes> {
        if self.current.capacity() < self.read_bytes {
            self.next();
        }
        let room = &mut self.current.spare_capacity_mut()[..self.read_bytes];
        let (read, _) = rustix::io::read(device, room)?;
        if read.len() < SMALL_BYTES {
            return Ok(Bytes::copy_from_slice(read));
        }
        let len = read.len();
        // SAFETY: `current` is empty, and `read` says that the kernel has written the first `len` octets of its spare capacity.
        unsafe { self.current.set_len(len) };
        Ok(self.current.split().freeze())
    }

    fn next(&mut self) {
        let used_up = std::mem::take(&mut self.current);
        if self.resting.len() == MAX_RESTING {
            self.resting.remove(0);
        }
        let free = self.resting.iter_mut().rposition(|buffer| buffer.try_reclaim(self.read_bytes));
        self.current = match free {
            Some(index) => self.resting.remove(index),
            None => BytesMut::with_capacity(self.read_bytes),
        };
        if used_up.capacity() > 0 {
            self.resting.push(used_up);
        }
    }
}

/// Packets below this are copied, while they are in the fastest cache; from here on, at most three quarters of a buffer lie idle.
const SMALL_BYTES: usize = 16 * 1024;

/// Buffers that may wait for their packets to go: a batch and more; beyond, the one that waits longest is left to its packet.
const MAX_RESTING: usize = 96;
