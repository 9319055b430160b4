//! What all connections hold of data, against the host's limit, and what is done as it nears it.
//!
//! | limit | what happens at it | what is never done |
//! |---|---|---|
//! | `Config::send_buffer_bytes`, of a connection | a write takes less, or says that it would block | what was taken is never dropped |
//! | `Config::receive_buffer_bytes`, of a connection | the window closes | its right edge never moves left; acknowledged data is never dropped |
//! | twice that, for what arrived behind a hole, and 256 holes | more is dropped, the peer sends it again | – |
//! | a listener's backlog: half-open | SYN cookies, without those SYNs are dropped | an established connection is never touched |
//! | a listener's backlog: to be accepted | SYNs and last steps of handshakes are dropped, or reset by policy | one that waits is never dropped |
//! | [`Limits::half_open`](crate::Limits::half_open) | as the listener's | as the listener's |
//! | [`Limits::time_wait`](crate::Limits::time_wait) | the connection is forgotten at once | a record that is there is never dropped for another |
//! | [`Limits::connections`](crate::Limits::connections) | opening fails; SYNs and last steps of handshakes are dropped | as the listener's |
//! | half of [`Limits::buffered_bytes`](crate::Limits::buffered_bytes) | buffers stop growing | |
//! | three quarters of it | windows are told small, writes are taken up to [`LEAST_BYTES`] a connection | as for the connection's limits |
//! | seven eighths of it | data behind holes is dropped, opening fails, SYNs are dropped | acknowledged data is never dropped |
//! | all of it | data in order is dropped unacknowledged, where a connection holds [`LEAST_BYTES`] already | acknowledged data is never dropped |
//!
//! What a connection may hold whatever the others do keeps every one of them going: so all can hold at most the limit and
//! `2 × LEAST_BYTES` for each connection.

use sockeye_tcp::Buffered;

/// What a connection may hold in each direction however short memory is, as the first number of Linux's `tcp_rmem`.
pub(crate) const LEAST_BYTES: usize = 4_096;

/// How short memory is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Pressure {
    #[default]
    None,
    /// Buffers stop growing.
    Growth,
    /// Windows and writes are small.
    Windows,
    /// Nothing new is begun, and nothing kept that the peer still has.
    Scarce,
    /// Nothing is left.
    Full,
}

/// What is held, by kind, and how that stands to the limit.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) held: Buffered,
    /// Kept beside the sums, so that a packet costs one look at it.
    pressure: Pressure,
    limit: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { held: Buffered::default(), pressure: Pressure::None, limit }
    }

    #[inline]
    pub(crate) const fn pressure(&self) -> Pressure {
        self.pressure
    }

    /// A connection held `before` and now holds `after`.
    #[inline]
    pub(crate) fn changed(&mut self, before: Buffered, after: Buffered) {
        if before == after {
            return;
        }
        let moved = |sum: &mut usize, before: usize, after: usize| {
            *sum = sum.wrapping_sub(before).wrapping_add(after);
        };
        moved(&mut self.held.send_bytes, before.send_bytes, after.send_bytes);
        moved(&mut self.held.receive_bytes, before.receive_bytes, after.receive_bytes);
        moved(
            &mut self.held.out_of_order_bytes,
            before.out_of_order_bytes,
            after.out_of_order_bytes,
        );
        let (total, limit) = (self.held.total(), self.limit);
        self.pressure = if total < limit / 2 {
            Pressure::None
        } else if total < limit / 4 * 3 {
            Pressure::Growth
        } else if total < limit / 8 * 7 {
            Pressure::Windows
        } else if total < limit {
            Pressure::Scarce
        } else {
            Pressure::Full
        };
    }
}
