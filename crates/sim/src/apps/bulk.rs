//! One side sends, the other reads, both hash.

use super::Stream;
use bytes::Bytes;
use sockeye_host::{ConnectionId, Error, Host};
use sockeye_wire::Instant;
use xxhash_rust::xxh3::Xxh3;

/// Octets handed over in one call.
const CHUNK: usize = 64 * 1_024;

/// Writes a stream of known length as fast as the connection takes it.
pub struct BulkSender {
    connection: ConnectionId,
    stream: Stream,
    left: u64,
    hash: Box<Xxh3>,
}

impl BulkSender {
    /// Will write `bytes` octets of `stream`.
    #[must_use]
    pub fn new(connection: ConnectionId, stream: Stream, bytes: u64) -> Self {
        Self { connection, stream, left: bytes, hash: Box::default() }
    }

    /// The connection it writes to.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Writes what there is room for. Call once at the start, and whenever the connection is writable.
    ///
    /// # Errors
    /// What ended the connection.
    pub fn advance(&mut self, now: Instant, host: &mut Host) -> Result<(), Error> {
        while self.left > 0 {
            let connection = host.connection(self.connection).ok_or(Error::NotConnected)?;
            if connection.writable()? == 0 {
                host.want_room(now, self.connection);
                break;
            }
            let len = self.left.min(CHUNK as u64) as usize;
            let chunk: Bytes = self.stream.next_chunk(len);
            self.hash.update(&chunk);
            self.left -= len as u64;
            host.write_chunk(now, self.connection, chunk)?;
        }
        Ok(())
    }

    /// Whether everything was written, though perhaps not yet sent.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.left == 0
    }

    /// XXH3 of what was written.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.digest()
    }
}

/// Reads whatever arrives.
pub struct BulkReceiver {
    connection: ConnectionId,
    buffer: Box<[u8]>,
    bytes: u64,
    finished: bool,
    hash: Box<Xxh3>,
}

impl BulkReceiver {
    /// Will read from `connection`.
    #[must_use]
    pub fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            buffer: vec![0; CHUNK].into(),
            bytes: 0,
            finished: false,
            hash: Box::default(),
        }
    }

    /// The connection it reads from.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Reads what there is. Call once at the start, and whenever the connection is readable.
    ///
    /// # Errors
    /// What ended the connection, if not the peer's FIN.
    pub fn advance(&mut self, now: Instant, host: &mut Host) -> Result<(), Error> {
        while !self.finished {
            match host.read(now, self.connection, &mut self.buffer) {
                Ok(0) => self.finished = true,
                Ok(count) => {
                    self.bytes += count as u64;
                    self.hash.update(&self.buffer[..count]);
                }
                Err(Error::WouldBlock) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Octets read so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the peer's end of data was reached.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// XXH3 of what was read.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.digest()
    }
}
