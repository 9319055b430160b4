//! Rules about options, for packets taken as they were sent.

use super::{Case, Rule, Violations};
use crate::tracker::Connection;
use sockeye_wire::SeqNumber;
use sockeye_wire::tcp::TcpOption;

/// RFC 9293 MUST-15: what may be sent to a peer that has named no MSS.
const DEFAULT_MSS_V4: u16 = 536;
const DEFAULT_MSS_V6: u16 = 1220;

/// Says what the segment's timestamp is.
#[inline]
pub(super) fn inspect(
    connection: &Connection,
    case: &Case<'_>,
    out: &mut Violations,
) -> Option<u32> {
    let (sender, receiver) = (connection.end(case.side), connection.end(case.side.other()));
    let both_known = sender.isn.is_some() && receiver.isn.is_some();
    let (own, theirs) = (sender.syn_options, receiver.syn_options);
    let mut timestamps = None;
    for option in case.segment.tcp.options() {
        match option {
            Ok(TcpOption::Timestamps { value, echo }) => timestamps = Some((value, echo)),
            Ok(TcpOption::Sack(blocks)) if both_known => {
                if !theirs.sack_permitted {
                    out.add(Rule::SackUninvited, case);
                }
                let unsent = blocks.iter().any(|block| {
                    let right = receiver.sequence.position(block.right);
                    !block.left.before(block.right)
                        || right.is_some_and(|right| right > receiver.sequence.max_end())
                });
                if unsent {
                    out.add(Rule::SackOfUnsent, case);
                }
            }
            Ok(_) => {}
            Err(_) => out.add(Rule::MalformedOption, case),
        }
    }
    if both_known && !case.flags.syn() {
        match (timestamps, own.timestamps && theirs.timestamps) {
            (None, true) => out.add(Rule::TimestampMissing, case),
            (Some(_), false) => out.add(Rule::TimestampUninvited, case),
            _ => {}
        }
        segment_size(case, theirs.mss, out);
    }
    let (value, echo) = timestamps?;
    if sender.timestamp.is_some_and(|newest| SeqNumber(value).before(SeqNumber(newest))) {
        out.add(Rule::TimestampWentBack, case);
    }
    let unsent = |newest| SeqNumber(newest).before(SeqNumber(echo));
    if case.flags.ack() && receiver.timestamp.is_some_and(unsent) {
        out.add(Rule::TimestampEchoUnsent, case);
    }
    Some(value)
}

/// RFC 9293 §3.7.1: the MSS counts the options of the segment as well, though not its fixed header.
#[inline]
fn segment_size(case: &Case<'_>, mss: Option<u16>, out: &mut Violations) {
    let default = if case.segment.source.ip().is_ipv6() { DEFAULT_MSS_V6 } else { DEFAULT_MSS_V4 };
    let options_len = case.segment.tcp.option_bytes().len() as u32;
    let len = case.arrival.segment_len.unwrap_or(case.segment.payload_len);
    if len > 0 && len + options_len > u32::from(mss.unwrap_or(default)) {
        out.add(Rule::AboveMss, case);
    }
}
