//! Buffers that packets are read into.
//!
//! Packets are cut one after the other from a chunk, each owning its part. A used-up chunk is kept and used again once all its
//! packets are gone, the one last put away first, as it is likeliest to be in the cache still.

use bytes::{Bytes, BytesMut};
use std::os::fd::AsFd;

pub(crate) struct Buffers {
    current: BytesMut,
    resting: Vec<BytesMut>,
    read_bytes: usize,
    chunk_bytes: usize,
}

impl Buffers {
    /// Buffers for packets that come in reads of at most `read_bytes`.
    pub(crate) fn new(read_bytes: usize) -> Self {
        let mut buffers =
            Self { current: BytesMut::new(), resting: Vec::new(), read_bytes: 0, chunk_bytes: 0 };
        buffers.set_read_bytes(read_bytes);
        buffers
    }

    pub(crate) fn set_read_bytes(&mut self, read_bytes: usize) {
        self.read_bytes = read_bytes;
        self.chunk_bytes = MIN_CHUNK_BYTES.max(4 * read_bytes);
    }

    /// Reads one packet; at most `read_bytes` of it.
    pub(crate) fn read(&mut self, device: impl AsFd) -> rustix::io::Result<Bytes> {
        if self.current.capacity() < self.read_bytes {
            self.next_chunk();
        }
        let room = &mut self.current.spare_capacity_mut()[..self.read_bytes];
        let (read, _) = rustix::io::read(device, room)?;
        let len = read.len();
        // SAFETY: `current` is empty, and `read` says that the kernel has written the first `len` octets of its spare capacity.
        unsafe { self.current.set_len(len) };
        Ok(self.current.split().freeze())
    }

    /// A copy of a packet of at most `read_bytes` octets.
    pub(crate) fn copy(&mut self, packet: &[u8]) -> Bytes {
        if self.current.capacity() < packet.len() {
            self.next_chunk();
        }
        self.current.extend_from_slice(packet);
        self.current.split().freeze()
    }

    fn next_chunk(&mut self) {
        let used_up = std::mem::take(&mut self.current);
        if self.resting.len() == MAX_RESTING {
            self.resting.remove(0);
        }
        let free = self.resting.iter_mut().rposition(|chunk| chunk.try_reclaim(self.chunk_bytes));
        self.current = match free {
            Some(index) => self.resting.remove(index),
            None => BytesMut::with_capacity(self.chunk_bytes),
        };
        if used_up.capacity() > 0 {
            self.resting.push(used_up);
        }
    }
}

const MIN_CHUNK_BYTES: usize = 64 * 1024;

/// Chunks that may wait for their packets to go; beyond, the one that waits longest is left to its packets.
const MAX_RESTING: usize = 32;
