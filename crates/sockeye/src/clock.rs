//! Real time as the host wants it: nanoseconds since the stack began.

use sockeye_wire::Instant;
use std::time::Duration;

/// Tokio's clock, so that a test that pauses it pauses the stack as well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    pub(crate) fn now(self) -> Instant {
        let nanos = self.start.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// When tokio's clock will show `at`; `None` for beyond what it can show.
    pub(crate) fn when(self, at: Instant) -> Option<tokio::time::Instant> {
        self.start.checked_add(Duration::from_nanos(at.as_nanos()))
    }
}
