//! Which rules of the RFCs a segment breaks, and which end is to blame.
//!
//! A rule that a lossy or reordering path, or a capture with gaps, could make look broken is only applied to packets taken
//! at their senders ([`Vantage::Senders`]). What is left holds anywhere.

mod flags;
mod options;
mod rules;
mod sequence;
#[cfg(test)]
mod tests;

pub use rules::Rule;
pub(crate) use rules::{Violation, Violations};

use crate::config::Vantage;
use crate::decode::Segment;
use crate::tracker::{Arrival, Connection, Side};
use sockeye_wire::Flags;

/// A segment before the judge, its numbers found.
pub(crate) struct Case<'a> {
    pub(crate) side: Side,
    pub(crate) segment: &'a Segment<'a>,
    pub(crate) flags: Flags,
    pub(crate) arrival: &'a Arrival,
    /// Position of its sequence number.
    pub(crate) seq: Option<i64>,
    /// Position of its acknowledgement number, if ACK is set.
    pub(crate) ack: Option<i64>,
}

/// What the judge found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) broken: bool,
    /// The segment's timestamp value, where it was looked at.
    pub(crate) timestamp: Option<u32>,
}

/// Judges a segment by what was known before it.
#[inline]
pub(crate) fn inspect(connection: &Connection, case: &Case<'_>, out: &mut Violations) -> Verdict {
    if let Some(rule) = flags::broken(case) {
        out.add(rule, case);
        return Verdict { broken: true, timestamp: None };
    }
    let before = out.total();
    let mut timestamp = None;
    if case.flags.rst() {
        sequence::inspect_rst(connection, case, out);
    } else {
        sequence::inspect(connection, case, out);
        if case.arrival.vantage == Vantage::Senders {
            timestamp = options::inspect(connection, case, out);
        }
    }
    Verdict { broken: out.total() > before, timestamp }
}

/// A segment whose checksum is wrong: its sender's fault only if nothing can have changed it since.
pub(crate) fn bad_checksum(out: &mut Violations, side: Side, arrival: &Arrival) {
    if arrival.vantage == Vantage::Senders {
        out.add_for(Rule::BadChecksum, side, arrival.number);
    }
}
