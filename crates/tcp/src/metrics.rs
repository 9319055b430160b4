//! What a connection learned of its path, for those that come after it (RFC 9040).

use core::time::Duration;

/// Taken when a connection closes, and given to one that opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PathMetrics {
    /// Smoothed round-trip time and its variation (RFC 6298), if measured.
    pub round_trip: Option<(Duration, Duration)>,
    /// Slow-start threshold in octets, if congestion was met.
    pub slow_start_threshold: Option<u32>,
}
