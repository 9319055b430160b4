//! When events happen, and whether they happened in time.

use crate::script::{EventTime, Micros};
use crate::settings::Settings;

/// An event's time, from the script's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Due {
    pub(super) at: Micros,
    /// End of a range.
    pub(super) until: Option<Micros>,
    /// Any time will do.
    pub(super) any: bool,
    /// What a relative time counts from; 0 if it is absolute.
    pub(super) offset: Micros,
}

impl Due {
    /// `now` is what relative times count from.
    pub(super) fn new(time: EventTime, now: Micros) -> Self {
        let due = |at, until, any, offset| Self { at, until, any, offset };
        match time {
            EventTime::Absolute(at) => due(at, None, false, 0),
            EventTime::AbsoluteRange(at, until) => due(at, Some(until), false, 0),
            EventTime::Relative(delay) => due(now + delay, None, false, now),
            EventTime::RelativeRange(from, to) => due(now + from, Some(now + to), false, now),
            EventTime::Any => due(now, None, true, now),
        }
    }

    /// The last moment, without tolerance.
    pub(super) fn latest(&self) -> Micros {
        self.until.unwrap_or(self.at)
    }

    /// Whether `actual` is near enough; `before` is the time of the event before.
    ///
    /// # Errors
    /// A message that tells both times.
    pub(super) fn check(
        &self,
        what: &str,
        actual: Micros,
        before: Option<Micros>,
        settings: &Settings,
    ) -> Result<(), String> {
        let gap = before.map_or(0, |before| self.at - before);
        let tolerance = tolerance(gap, settings);
        if self.any || (self.at - tolerance..=self.latest() + tolerance).contains(&actual) {
            return Ok(());
        }
        let expected = match self.until {
            None => format!("at {} s", seconds(self.at)),
            Some(until) => format!("between {} s and {} s", seconds(self.at), seconds(until)),
        };
        Err(format!(
            "time: expected {what} {expected}, actual at {} s (tolerance {} s)",
            seconds(actual),
            seconds(tolerance)
        ))
    }
}

/// Allowed distance from a time that lies `gap` after the one that it is measured from.
pub(super) fn tolerance(gap: Micros, settings: &Settings) -> Micros {
    let share = settings.tolerance_percent / 100.0 * gap as f64;
    settings.tolerance_usecs.max(share as Micros)
}

/// Microseconds as people write seconds.
pub(super) fn seconds(micros: Micros) -> String {
    format!(
        "{}{}.{:06}",
        if micros < 0 { "-" } else { "" },
        micros.abs() / 1_000_000,
        micros.abs() % 1_000_000
    )
}
