//! RFC 3339 with nanoseconds.

use serde::Serializer;
use sockeye_wire::Instant;
use std::fmt;

pub(super) fn rfc3339<S: Serializer>(time: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Rfc3339(*time))
}

/// A point in time since the Unix epoch, in UTC.
struct Rfc3339(Instant);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let seconds = nanos / 1_000_000_000;
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
            second / 3600,
            second / 60 % 60,
            second % 60,
            nanos % 1_000_000_000,
        )
    }
}

/// The Gregorian date, `days` after 1 January 1970. Counted in years that begin in March, so that a leap day is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    // 1 March of the year 0 lies 719,468 days before the epoch.
    let days = days + 719_468;
    let (cycle, day) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / (DAYS_IN_400_YEARS - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + later, month, date)
}

#[cfg(test)]
mod tests {
    use super::Rfc3339;
    use sockeye_wire::Instant;

    #[test]
    fn dates_are_right() {
        let show =
            |seconds: u64| Rfc3339(Instant::from_nanos(seconds * 1_000_000_000 + 7)).to_string();
        assert_eq!(show(0), "1970-01-01T00:00:00.000000007Z");
        assert_eq!(show(951_782_400), "2000-02-29T00:00:00.000000007Z");
        assert_eq!(show(1_709_251_199), "2024-02-29T23:59:59.000000007Z");
        assert_eq!(show(4_107_542_400), "2100-03-01T00:00:00.000000007Z");
    }
}
