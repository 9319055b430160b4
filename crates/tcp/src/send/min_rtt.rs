//! The least round trip of late (RFC 8985 §6.2: RACK.min_RTT should be that of a window of time, for a path may become longer).

use core::time::Duration;
use sockeye_wire::Instant;

/// Half of the window, which is Linux's 300 s.
const INTERVAL_MILLIS: u64 = 150_000;
/// No interval has begun.
const NONE: u32 = u32::MAX;

/// The least of the interval that lasts and of the one before it: of 150 s at least and 300 s at most.
#[derive(Clone, Debug)]
pub(super) struct MinRtt {
    /// Microseconds; 0 if nothing was measured.
    current: u32,
    previous: u32,
    /// Number of the interval since time began.
    interval: u32,
}

impl MinRtt {
    /// The handshake's round trip, if it was measured, is the first.
    pub(super) fn new(handshake: Option<Duration>) -> Self {
        let micros = handshake.map_or(0, |rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX));
        Self { current: micros, previous: micros, interval: NONE }
    }

    /// Zero if nothing was measured.
    #[inline]
    pub(super) fn micros(&self) -> u32 {
        match self.previous {
            0 => self.current,
            previous => previous.min(self.current),
        }
    }

    /// A round trip was measured; none at all is too little to measure.
    #[inline]
    pub(super) fn observe(&mut self, now: Instant, micros: u32) {
        if micros == 0 {
            return;
        }
        let interval = (now.as_millis() / INTERVAL_MILLIS) as u32;
        if interval != self.interval {
            let follows = self.interval == NONE || interval == self.interval.wrapping_add(1);
            self.previous = if follows { self.current } else { 0 };
            self.current = micros;
            self.interval = interval;
        }
        self.current = if self.current == 0 { micros } else { self.current.min(micros) };
    }
}
