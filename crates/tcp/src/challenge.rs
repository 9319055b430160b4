//! The throttle on challenge ACKs (RFC 5961 §7).

use core::time::Duration;
use sockeye_wire::Instant;

/// Two ACKs in answer to bad segments must lie this far apart, as Linux's `tcp_invalid_ratelimit`. Per connection, so that no
/// shared counter tells an attacker anything (CVE-2016-5696).
const INTERVAL: Duration = Duration::from_millis(500);

/// When the last answer to an unacceptable segment was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChallengeThrottle {
    next: Instant,
}

impl ChallengeThrottle {
    /// Whether an answer may be sent now; if so, the next one must wait.
    pub(crate) fn permit(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now + INTERVAL;
        true
    }
}
