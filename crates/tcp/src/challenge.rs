//! The throttle on challenge ACKs (RFC 5961 §7).

use core::num::NonZeroU32;
use sockeye_wire::Instant;

/// Two ACKs in answer to bad segments must lie this far apart, as Linux's `tcp_invalid_ratelimit`. Per connection, so that no
/// shared counter tells an attacker anything (CVE-2016-5696).
const INTERVAL_MILLIS: u32 = 500;

/// When the last answer to an unacceptable segment was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChallengeThrottle {
    /// In milliseconds modulo 2^32, the lowest bit always set.
    last: Option<NonZeroU32>,
}

impl ChallengeThrottle {
    /// Whether an answer may be sent now; if so, the next one must wait.
    pub(crate) fn permit(&mut self, now: Instant) -> bool {
        let millis = now.as_millis() as u32 | 1;
        let permitted =
            self.last.is_none_or(|last| millis.wrapping_sub(last.get()) >= INTERVAL_MILLIS);
        if permitted {
            self.last = NonZeroU32::new(millis);
        }
        permitted
    }
}
