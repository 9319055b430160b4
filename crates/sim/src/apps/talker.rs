//! One end of a conversation: writes, reads and compares, pauses, and closes or aborts as it was told.

use super::Pattern;
use sockeye_host::{ConnectionId, Error, Host};
use sockeye_wire::{Instant, StateName};
use std::time::Duration;

/// Octets read in one call at most.
const READ_BYTES: usize = 64 * 1_024;

/// What one end is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// Octets to write.
    pub bytes: u64,
    /// Octets of a write.
    pub write_bytes: usize,
    /// Time between writes.
    pub write_pause: Duration,
    /// Octets of a read at most.
    pub read_bytes: usize,
    /// Time between reads.
    pub read_pause: Duration,
    /// After so many octets nothing is read for so long.
    pub stall: Option<(u64, Duration)>,
    /// How it ends.
    pub ending: Ending,
    /// Nagle's rule.
    pub nagle: bool,
}

impl Default for Talk {
    /// Nothing to write, reads at once, closes when the peer has.
    fn default() -> Self {
        Self {
            bytes: 0,
            write_bytes: READ_BYTES,
            write_pause: Duration::ZERO,
            read_bytes: READ_BYTES,
            read_pause: Duration::ZERO,
            stall: None,
            ending: Ending::AfterPeer,
            nagle: true,
        }
    }
}

/// How an end closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its direction as soon as everything is written: half-close.
    WhenWritten,
    /// Its direction once everything is written and the peer's direction is closed.
    AfterPeer,
    /// Its direction once everything is written, at this moment or later.
    At(Instant),
    /// By a reset, after this many octets read and written.
    Abort(u64),
    /// Lets go after this many octets read and written, whether or not there is something left to read.
    Abandon(u64),
}

/// Why what was read is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    /// Another octet than the peer's at this place of its data.
    Octet(u64),
    /// The end of data after so many octets, although the peer wrote more.
    EarlyEnd(u64),
    /// More octets than the peer wrote.
    Excess(u64),
}

/// An end at work.
#[derive(Debug)]
pub struct Talker {
    connection: ConnectionId,
    talk: Talk,
    writes: Pattern,
    reads: Pattern,
    /// What the peer will write.
    peer_bytes: u64,
    written: u64,
    read: u64,
    next_write: Instant,
    next_read: Instant,
    is_open: bool,
    is_shut: bool,
    is_finished: bool,
    is_over: bool,
    error: Option<Error>,
    misread: Option<Misread>,
    buffer: Vec<u8>,
}

impl Talker {
    /// Talks over `connection`: writes the first pattern, expects `peer_bytes` octets of the second.
    #[must_use]
    pub fn new(
        connection: ConnectionId,
        talk: Talk,
        patterns: [Pattern; 2],
        peer_bytes: u64,
    ) -> Self {
        let [writes, reads] = patterns;
        let buffer = vec![0; talk.read_bytes.clamp(1, READ_BYTES)];
        Self {
            connection,
            talk,
            writes,
            reads,
            peer_bytes,
            written: 0,
            read: 0,
            next_write: Instant::ZERO,
            next_read: Instant::ZERO,
            is_open: false,
            is_shut: false,
            is_finished: false,
            is_over: false,
            error: None,
            misread: None,
            buffer,
        }
    }

    /// The same talker when so many octets were handed over as the connection was opened (RFC 7413).
    #[must_use]
    pub const fn begun(mut self, taken: usize) -> Self {
        self.written = taken as u64;
        self
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Does what can be done now. Call at the start, when the connection has news, and at [`deadline`](Self::deadline).
    pub fn advance(&mut self, now: Instant, host: &mut Host) {
        if self.is_over || self.is_opening(host) {
            return;
        }
        self.is_open = true;
        self.read(now, host);
        self.write(now, host);
        self.end(now, host);
    }

    /// When it wants to go on by itself.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.is_over || !self.is_open {
            return None;
        }
        let closing = match self.talk.ending {
            Ending::At(at) if !self.is_shut && self.is_written() => Some(at),
            _ => None,
        };
        let writing = (!self.is_written()).then_some(self.next_write);
        let reading = (!self.is_finished).then_some(self.next_read);
        // A moment that has passed needs an event to come true, not time.
        [closing, writing, reading].into_iter().flatten().filter(|at| *at > Instant::ZERO).min()
    }

    /// Octets written and read so far.
    #[must_use]
    pub const fn octets(&self) -> (u64, u64) {
        (self.written, self.read)
    }

    /// Whether the application has nothing more to do with the connection.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether all was written, all was read and the peer's end was seen.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_written() && self.is_finished && self.read == self.peer_bytes
    }

    /// What the application was told, if not by an orderly end.
    #[must_use]
    pub const fn error(&self) -> Option<Error> {
        self.error
    }

    /// What was wrong with what it read.
    #[must_use]
    pub const fn misread(&self) -> Option<Misread> {
        self.misread
    }

    const fn is_written(&self) -> bool {
        self.written == self.talk.bytes
    }

    /// Until the handshake is done there is nothing to do but to wait, unless it has failed.
    fn is_opening(&self, host: &mut Host) -> bool {
        host.connection(self.connection).is_some_and(|known| match known.state() {
            StateName::SynSent => true,
            // A server whose client showed a cookie talks before the handshake is complete (RFC 7413 §4.2.2).
            StateName::SynReceived => !known.info().open_early,
            _ => false,
        })
    }

    fn write(&mut self, now: Instant, host: &mut Host) {
        while !self.is_written() && !self.is_shut && self.next_write <= now {
            let len = self.talk.write_bytes.min((self.talk.bytes - self.written) as usize);
            let octets = self.writes.octets(self.written, len);
            match host.write(now, self.connection, &octets) {
                Ok(count) => {
                    self.written += count as u64;
                    if self.talk.write_pause > Duration::ZERO {
                        self.next_write = now + self.talk.write_pause;
                    }
                    if count < len {
                        break;
                    }
                }
                Err(Error::WouldBlock) => {
                    // From here on an event says when to go on.
                    self.next_write = Instant::ZERO;
                    break;
                }
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
        }
    }

    fn read(&mut self, now: Instant, host: &mut Host) {
        while !self.is_finished && self.next_read <= now {
            match host.read(now, self.connection, &mut self.buffer) {
                Ok(0) => {
                    self.is_finished = true;
                    if self.read < self.peer_bytes {
                        self.misread.get_or_insert(Misread::EarlyEnd(self.read));
                    }
                }
                Ok(count) => self.take(now, count),
                Err(Error::WouldBlock) => {
                    self.next_read = Instant::ZERO;
                    break;
                }
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
        }
    }

    fn take(&mut self, now: Instant, count: usize) {
        if let Some(place) = self.reads.first_difference(self.read, &self.buffer[..count]) {
            self.misread.get_or_insert(Misread::Octet(place));
        }
        let before = self.read;
        self.read += count as u64;
        if self.read > self.peer_bytes {
            self.misread.get_or_insert(Misread::Excess(self.read));
        }
        let mut pause = self.talk.read_pause;
        if let Some((after, long)) = self.talk.stall
            && before < after
            && after <= self.read
        {
            pause = pause.max(long);
        }
        if pause > Duration::ZERO {
            self.next_read = now + pause;
        }
    }

    fn end(&mut self, now: Instant, host: &mut Host) {
        let dead = host.connection(self.connection).map(|known| known.error());
        if let Some(Some(error)) = dead {
            self.fail(error);
        }
        let done = self.written + self.read;
        let shut = match self.talk.ending {
            Ending::WhenWritten => self.is_written(),
            Ending::AfterPeer => self.is_written() && self.is_finished,
            Ending::At(at) => self.is_written() && at <= now,
            Ending::Abort(after) if done >= after => {
                host.abort(now, self.connection);
                self.let_go(now, host);
                return;
            }
            Ending::Abandon(after) if done >= after => {
                self.let_go(now, host);
                return;
            }
            Ending::Abort(_) | Ending::Abandon(_) => self.is_written() && self.is_finished,
        };
        if shut && !self.is_shut {
            self.is_shut = true;
            host.shutdown(now, self.connection);
        }
        if dead.is_none() || self.error.is_some() || self.is_shut && self.is_finished {
            self.let_go(now, host);
        }
    }

    fn let_go(&mut self, now: Instant, host: &mut Host) {
        host.close(now, self.connection);
        self.is_over = true;
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}
