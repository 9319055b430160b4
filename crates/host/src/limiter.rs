//! A token bucket: how much of something may be sent in answer to others.

use core::time::Duration;
use sockeye_wire::Instant;

/// At most `rate` a second, `burst` at once.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    interval: Duration,
    burst: u32,
    tokens: u32,
    /// Tokens are counted up to here.
    counted: Instant,
}

impl Limiter {
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        Self { interval, burst, tokens: burst, counted: Instant::ZERO }
    }

    /// Whether one more may be sent now.
    pub(crate) fn permit(&mut self, now: Instant) -> bool {
        let earned = now.since(self.counted).as_nanos() / self.interval.as_nanos().max(1);
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(earned);
        if self.tokens >= self.burst {
            self.tokens = self.burst;
            self.counted = now;
        } else {
            self.counted += self.interval.saturating_mul(earned);
        }
        let allowed = self.tokens > 0;
        self.tokens -= u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_rate() {
        let mut limiter = Limiter::new(10, 3);
        let passed = |limiter: &mut Limiter, from: u64, to: u64| {
            (from..to).filter(|milli| limiter.permit(Instant::from_millis(*milli))).count()
        };
        assert_eq!(passed(&mut limiter, 0, 50), 3);
        assert_eq!(passed(&mut limiter, 50, 1050), 10);
        assert_eq!(passed(&mut limiter, 60_000, 60_010), 3);
    }
}
