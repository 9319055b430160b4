//! When to acknowledge (RFC 9293 §3.8.6.3, SHLD-18, RFC 5681 §4.2).

use core::time::Duration;
use sockeye_wire::Instant;

/// Segments acknowledged at once at the start of a connection, so that the peer's slow start is not held up.
const QUICK_ACKS: u8 = 16;
/// No acknowledgement waits longer, whatever is configured (RFC 9293 MUST-40: less than half a second).
const LONGEST_DELAY: Duration = Duration::from_millis(499);
/// A segment below this is not full, however small the others were.
const SMALLEST_FULL_SEGMENT: u16 = 536;
/// Bit of `quick`: the application answers what it receives, so that its reply, or its FIN, will carry the acknowledgement.
const PING_PONG: u8 = 0x80;
/// Duplicate ACKs owed at most: one batch never asks for more.
const MAX_DUPLICATES: u8 = 64;

/// Which acknowledgements are owed.
#[derive(Clone, Debug)]
pub(crate) struct AckPolicy {
    /// When a delayed acknowledgement is due; far in the future if none is.
    delayed: Instant,
    /// In-order octets not acknowledged yet.
    pending: u32,
    /// The largest segment seen: what the peer's full segments are, whatever options it subtracts.
    full_segment: u16,
    /// Segments still to be acknowledged at once, and [`PING_PONG`], which holds that up.
    quick: u8,
    /// ACKs to send now: one, or one for each out-of-order segment of a batch, because the peer counts them.
    owed: u8,
}

impl AckPolicy {
    pub(crate) fn new(own_mss: u16) -> Self {
        Self {
            delayed: Instant::FAR_FUTURE,
            pending: 0,
            full_segment: own_mss.min(SMALLEST_FULL_SEGMENT),
            quick: QUICK_ACKS,
            owed: 0,
        }
    }

    /// The largest segment seen.
    pub(crate) fn full_segment(&self) -> u16 {
        self.full_segment
    }

    /// In-order data arrived: more than one full segment is acknowledged at once, as on Linux and sooner than SHLD-19 asks, so that
    /// the end of a burst is not held back; anything less within `delay` (MUST-40).
    #[inline]
    pub(crate) fn on_data(
        &mut self,
        now: Instant,
        bytes: u32,
        wire_segments: u16,
        delay: Duration,
    ) {
        self.pending += bytes;
        let largest = bytes / u32::from(wire_segments.max(1));
        self.full_segment = self.full_segment.max(largest.min(u32::from(u16::MAX)) as u16);
        if (1..PING_PONG).contains(&self.quick) {
            self.quick -= 1;
            self.now();
        } else if self.pending > u32::from(self.full_segment) {
            self.now();
        } else {
            self.within(now, delay);
        }
    }

    /// An ACK is due within `delay`, if nothing carries it before.
    #[inline]
    pub(crate) fn within(&mut self, now: Instant, delay: Duration) {
        if self.delayed == Instant::FAR_FUTURE {
            self.delayed = now + delay.min(LONGEST_DELAY);
        }
    }

    /// An ACK is due now; several reasons in one batch share it (RFC 9293 MUST-58).
    #[inline]
    pub(crate) fn now(&mut self) {
        self.owed = self.owed.max(1);
    }

    /// Data left, or will at once, as a reply to what was received: acknowledgements wait for the next one (RFC 9293 SHLD-18), as
    /// long as the application keeps to that.
    #[inline]
    pub(crate) fn on_reply(&mut self) {
        self.quick |= PING_PONG;
    }

    pub(crate) const fn waits_for_reply(&self) -> bool {
        self.quick & PING_PONG != 0
    }

    /// Whether acknowledgements do not wait for a reply; what was waited with is owed now.
    pub(crate) fn at_once(&mut self, on: bool) {
        if !on {
            self.on_reply();
            return;
        }
        self.quick &= !PING_PONG;
        if self.delayed != Instant::FAR_FUTURE {
            self.now();
        }
    }

    /// One more duplicate ACK is due; a peer that repairs a loss is not kept waiting after it.
    pub(crate) fn duplicate(&mut self) {
        self.quick &= !PING_PONG;
        self.owed = (self.owed + 1).min(MAX_DUPLICATES);
    }

    #[inline]
    pub(crate) const fn is_owed(&self) -> bool {
        self.owed > 0
    }

    /// A segment with ACK left.
    #[inline]
    pub(crate) fn on_sent(&mut self) {
        self.owed = self.owed.saturating_sub(1);
        self.pending = 0;
        self.delayed = Instant::FAR_FUTURE;
    }

    /// A segment with data left: it acknowledges everything, but does not count as a duplicate ACK.
    #[inline]
    pub(crate) fn on_piggybacked(&mut self) {
        self.pending = 0;
        self.delayed = Instant::FAR_FUTURE;
        if self.owed == 1 {
            self.owed = 0;
        }
    }

    pub(crate) const fn deadline(&self) -> Instant {
        self.delayed
    }

    /// The timer may have run out.
    pub(crate) fn on_timer(&mut self, now: Instant) {
        if self.delayed <= now {
            self.delayed = Instant::FAR_FUTURE;
            // No reply came in time.
            self.quick &= !PING_PONG;
            self.now();
        }
    }
}
