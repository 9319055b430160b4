//! Whether a segment is the one that a script expects.

use super::actual::Actual;
use super::show::show_option;
use crate::script::{IpInfo, OptionSpec, TcpSpec, TosCheck};
use sockeye_wire::Flags;
use std::fmt;

/// A field that is not as expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Difference {
    pub(crate) field: &'static str,
    pub(crate) expected: String,
    pub(crate) actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, actual {}", self.field, self.expected, self.actual)
    }
}

/// Allowed distance of a timestamp value from the script's, in ticks; none if values are not checked.
pub(crate) type TimestampTolerance = Option<u32>;

/// All fields that differ. `actual` is in the script's numbers.
pub(crate) fn compare(
    ip: IpInfo,
    tcp: &TcpSpec,
    actual: &Actual,
    timestamps: TimestampTolerance,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut check = |field, expected: String, found: String| {
        if expected != found {
            differences.push(Difference { field, expected, actual: found });
        }
    };
    match ip.tos {
        TosCheck::None => {}
        TosCheck::Ecn(bits) => check("ECN bits", bits.to_string(), (actual.tos & 3).to_string()),
        TosCheck::Ect01 if matches!(actual.tos & 3, 1 | 2) => {}
        TosCheck::Ect01 => check("ECN bits", "1 or 2".into(), (actual.tos & 3).to_string()),
        TosCheck::Tos(tos) => check("TOS", format!("{tos:#x}"), format!("{:#x}", actual.tos)),
    }
    if ip.ttl != 0 {
        check("TTL", ip.ttl.to_string(), actual.ttl.to_string());
    }
    let found = &actual.tcp;
    check("flags", tcp.flags.compact().to_string(), found.flags.compact().to_string());
    check("reserved bits", "0".into(), actual.reserved.to_string());
    check("seq", tcp.seq.to_string(), found.seq.to_string());
    check("payload length", tcp.len.to_string(), found.len.to_string());
    check("ack", tcp.ack.to_string(), found.ack.to_string());
    if let (Some(window), Some(found)) = (tcp.window, found.window) {
        check("window", window.to_string(), found.to_string());
    }
    check("urgent pointer", tcp.urgent.to_string(), found.urgent.to_string());
    if let (Some(expected), Some(found)) = (&tcp.options, &found.options) {
        compare_options(expected, found, timestamps, &mut check);
    }
    if actual.payload.iter().any(|octet| *octet != 0) {
        check("payload", "zeros".into(), "something else".into());
    }
    differences
}

fn compare_options(
    expected: &[OptionSpec],
    found: &[OptionSpec],
    timestamps: TimestampTolerance,
    check: &mut impl FnMut(&'static str, String, String),
) {
    let list = |options: &[OptionSpec]| {
        format!("<{}>", options.iter().map(show_option).collect::<Vec<_>>().join(","))
    };
    let same = expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| match (expected, found) {
            (
                OptionSpec::Timestamps { val, ecr },
                OptionSpec::Timestamps { val: found, ecr: echoed },
            ) => {
                let distance = found.wrapping_sub(*val).cast_signed().unsigned_abs();
                timestamps.is_none_or(|tolerance| distance <= tolerance) && ecr == echoed
            }
            _ => expected == found,
        });
    if !same {
        check("options", list(expected), list(found));
    }
}

/// Whether `next` goes on where `before` ended, so that both may be one packet of the script: nothing but FIN, PSH, CWR,
/// length and place may differ, and neither is without data.
pub(crate) fn continues(before: &Actual, next: &Actual) -> bool {
    let vague = Flags::FIN | Flags::PSH | Flags::CWR;
    let (a, b) = (&before.tcp, &next.tcp);
    (before.source, before.destination, before.tos, before.ttl)
        == (next.source, next.destination, next.tos, next.ttl)
        && before.reserved == next.reserved
        && (a.len > 0 && b.len > 0)
        && a.flags - vague == b.flags - vague
        && a.seq.wrapping_add(u32::from(a.len)) == b.seq
        && (a.ack, a.window, a.urgent) == (b.ack, b.window, b.urgent)
        && options_len(a) == options_len(b)
}

fn options_len(tcp: &TcpSpec) -> usize {
    tcp.options.iter().flatten().map(OptionSpec::len).sum()
}

/// Segments that [`continues`] holds for as the one packet they could have been.
pub(crate) fn join(parts: &[Actual]) -> Option<Actual> {
    let (first, last) = (parts.first()?, parts.last()?);
    let mut whole = last.clone();
    whole.tcp.seq = first.tcp.seq;
    whole.tcp.flags = (last.tcp.flags - Flags::CWR)
        | Flags::from_bits(first.tcp.flags.bits() & Flags::CWR.bits());
    whole.payload = parts.iter().flat_map(|part| part.payload.iter().copied()).collect();
    whole.tcp.len = u16::try_from(whole.payload.len()).ok()?;
    Some(whole)
}
