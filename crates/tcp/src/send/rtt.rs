//! Round-trip time and retransmission timeout (RFC 6298, RFC 9293 MUST-18).

use crate::Config;
use core::time::Duration;

/// Clock granularity G.
const GRANULARITY: Duration = Duration::from_millis(1);

/// SRTT, RTTVAR and the timeout that follows from them.
#[derive(Clone, Debug)]
pub(crate) struct RttEstimator {
    /// SRTT and RTTVAR in microseconds; SRTT is meaningless before the first sample.
    smoothed: u32,
    variation: u32,
    sampled: bool,
    /// The configured bounds in milliseconds.
    initial_rto: u16,
    min_rto: u16,
    /// In seconds.
    max_rto: u16,
}

fn millis(duration: Duration) -> u16 {
    u16::try_from(duration.as_millis()).unwrap_or(u16::MAX)
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

impl RttEstimator {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            smoothed: 0,
            variation: 0,
            sampled: false,
            initial_rto: millis(config.initial_rto),
            min_rto: millis(config.min_rto),
            max_rto: u16::try_from(config.max_rto.as_secs()).unwrap_or(u16::MAX).max(1),
        }
    }

    /// A round trip was measured on a segment that was sent once (Karn's rule).
    pub(crate) fn sample(&mut self, rtt: Duration) {
        let rtt = micros(rtt);
        if self.sampled {
            let error = self.smoothed.abs_diff(rtt);
            self.variation = self.variation - self.variation / 4 + error / 4;
            self.smoothed = self.smoothed - self.smoothed / 8 + rtt / 8;
        } else {
            self.smoothed = rtt;
            self.variation = rtt / 2;
            self.sampled = true;
        }
    }

    /// A timeout came too early, and `rtt` is what the round trip really takes: from here on a delay as long does not cause another
    /// (RFC 4015 §3.4, with [`before`](Self) as it was when the timer expired).
    pub(crate) fn after_spurious_timeout(&mut self, before: &Self, rtt: Duration) {
        let rtt = micros(rtt);
        self.smoothed = before.smoothed.max(rtt);
        self.variation = before.variation.max(rtt / 2);
        self.sampled = true;
    }

    /// After a SYN timed out and no sample could be taken, data starts with 3 s (RFC 6298 §5.7).
    pub(crate) fn distrust(&mut self) {
        if !self.sampled {
            self.initial_rto = self.initial_rto.max(3_000);
        }
    }

    /// Earlier connections' values, until there is a sample of this one.
    pub(crate) fn seed(&mut self, rtt: Duration, variation: Duration) {
        if !self.sampled {
            self.smoothed = micros(rtt);
            self.variation = micros(variation);
            self.sampled = true;
        }
    }

    /// SRTT.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.sampled.then(|| Duration::from_micros(u64::from(self.smoothed)))
    }

    /// RTTVAR.
    pub(crate) fn variation(&self) -> Duration {
        Duration::from_micros(u64::from(self.variation))
    }

    /// RTO after `backoff` doublings. The minimum bounds the margin above SRTT rather than the sum, as on Linux, so that a peer's
    /// delayed ACK never looks like a loss on a long path.
    pub(crate) fn timeout(&self, backoff: u8) -> Duration {
        let base = if self.sampled {
            let margin = (4 * u64::from(self.variation))
                .max(u64::from(micros(GRANULARITY)))
                .max(u64::from(self.min_rto) * 1_000);
            u64::from(self.smoothed) + margin
        } else {
            u64::from(self.initial_rto) * 1_000
        };
        let doubled = base.saturating_mul(1u64 << backoff.min(31));
        Duration::from_micros(doubled.min(u64::from(self.max_rto) * 1_000_000))
    }
}
