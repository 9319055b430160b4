//! Parts of a file (RFC 9110 §14).

use std::ops::Range;

/// What part of a file is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// These octets, at least one.
    Of(Range<u64>),
    /// Octets that the file does not have.
    Unsatisfiable,
}

impl Part {
    /// From a `Range` field, for a file of `len` octets. What is not understood, and several ranges at once, is answered with
    /// the whole file, as §14.2 allows.
    pub(crate) fn parse(field: &str, len: u64) -> Self {
        let Some(set) = strip_unit(field.trim()) else { return Self::Whole };
        let Some((first, last)) = set.trim().split_once('-') else { return Self::Whole };
        let (first, last) = (Bound::parse(first), Bound::parse(last));
        let range = match (first, last) {
            // The last octets.
            (Bound::Absent, Bound::At(suffix)) => len.saturating_sub(suffix)..len,
            (Bound::At(first), Bound::Absent) => first..len,
            (Bound::At(first), Bound::At(last)) if first <= last => {
                first..len.min(last.saturating_add(1))
            }
            _ => return Self::Whole,
        };
        if range.is_empty() { Self::Unsatisfiable } else { Self::Of(range) }
    }
}

fn strip_unit(field: &str) -> Option<&str> {
    let (unit, set) = field.split_once('=')?;
    unit.eq_ignore_ascii_case("bytes").then_some(set)
}

enum Bound {
    Absent,
    At(u64),
    Malformed,
}

impl Bound {
    fn parse(text: &str) -> Self {
        if text.is_empty() {
            Self::Absent
        } else if text.bytes().all(|octet| octet.is_ascii_digit()) {
            // More digits than fit are beyond every file.
            Self::At(text.parse().unwrap_or(u64::MAX))
        } else {
            Self::Malformed
        }
    }
}
