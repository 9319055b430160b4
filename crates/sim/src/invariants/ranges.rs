//! A set of numbers, as ranges.

use std::collections::BTreeMap;
use std::ops::Range;

/// Disjoint ranges that do not touch each other, by where they begin.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    pub(super) fn insert(&mut self, range: Range<i64>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        while let Some((&from, &to)) = self.0.range(..=end).next_back() {
            if to < start {
                break;
            }
            self.0.remove(&from);
            start = start.min(from);
            end = end.max(to);
        }
        self.0.insert(start, end);
    }

    /// Whether all of it is in the set; nothing at all always is.
    pub(super) fn holds(&self, range: &Range<i64>) -> bool {
        range.is_empty() || self.end_from(range.start).is_some_and(|end| end >= range.end)
    }

    /// Where the range that holds `place` ends.
    pub(super) fn end_from(&self, place: i64) -> Option<i64> {
        let (_, &end) = self.0.range(..=place).next_back()?;
        (end > place).then_some(end)
    }
}
