//! The throttle on challenge ACKs (RFC 5961 §7).

use core::num::NonZeroU32;
use core::time::Duration;
use sockeye_wire::Instant;

/// Linux's `tcp_invalid_ratelimit`.
pub(crate) const DEFAULT_INTERVAL: Duration = Duration::from_millis(500);

/// When the last answer to an unacceptable segment was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChallengeThrottle {
    /// In milliseconds modulo 2^32, the lowest bit always set.
    last: Option<NonZeroU32>,
}

impl ChallengeThrottle {
    /// Whether an answer may be sent now; if so, the next one must wait for `interval`.
    pub(crate) fn permit(&mut self, now: Instant, interval: Duration) -> bool {
        let millis = now.as_millis() as u32 | 1;
        let since = |last: NonZeroU32| u128::from(millis.wrapping_sub(last.get()));
        let permitted = self.last.is_none_or(|last| since(last) >= interval.as_millis());
        if permitted {
            self.last = NonZeroU32::new(millis);
        }
        permitted
    }
}
