//! Rules about sequence numbers and windows.

use super::{Case, Rule, Violations};
use crate::config::Vantage;
use crate::tracker::Connection;

pub(super) fn inspect_rst(connection: &Connection, case: &Case<'_>, out: &mut Violations) {
    let end = connection.end(case.side);
    let beyond = case.seq.is_some_and(|seq| seq > end.sequence.max_end());
    // Unless it is synchronized, an end takes the number of a RST from what it refuses (RFC 9293 §3.10.7.1).
    if case.arrival.vantage == Vantage::Senders
        && beyond
        && connection.is_synchronized(case.side)
        && !connection.is_closed()
    {
        out.add(Rule::ResetBeyond, case);
    }
}

#[inline]
pub(super) fn inspect(connection: &Connection, case: &Case<'_>, out: &mut Violations) {
    let Some(seq) = case.seq else {
        return;
    };
    let start = seq + i64::from(case.flags.syn());
    let end = start + i64::from(case.segment.payload_len);
    fin(connection, case, (start, end), out);
    window(connection, case, (start, end), out);
    if case.arrival.vantage == Vantage::Senders {
        as_sent(connection, case, seq, out);
    }
}

#[inline]
fn fin(connection: &Connection, case: &Case<'_>, (start, end): (i64, i64), out: &mut Violations) {
    let sender = connection.end(case.side);
    let has_fin = case.flags.fin() && case.flags.ack();
    match sender.fin_at {
        Some(fin) if end > fin && end > start => out.add(Rule::AfterFin, case),
        Some(fin) if has_fin && end != fin => out.add(Rule::FinMoved, case),
        None if has_fin && end < sender.sequence.max_end() => {
            out.add(Rule::FinMoved, case);
        }
        _ => {}
    }
}

/// Every window that the sender can know of has been seen, so the furthest edge of all bounds it. A FIN or a single octet
/// beyond it may probe (RFC 9293 §3.8.6.1).
#[inline]
fn window(
    connection: &Connection,
    case: &Case<'_>,
    (start, end): (i64, i64),
    out: &mut Violations,
) {
    let (sender, receiver) = (connection.end(case.side), connection.end(case.side.other()));
    let Some(edge) = receiver.window_edge else {
        return;
    };
    let known = sender.isn.is_some() && receiver.isn.is_some();
    if known && end > edge && end > start && !(end == start + 1 && start <= edge) {
        out.add(Rule::BeyondWindow, case);
    }
}

/// What an end's own sending must obey, exact where every packet was taken as it was sent.
#[inline]
fn as_sent(connection: &Connection, case: &Case<'_>, seq: i64, out: &mut Violations) {
    let (sender, receiver) = (connection.end(case.side), connection.end(case.side.other()));
    if !case.segment.ip_checksum_ok {
        out.add(Rule::BadIpChecksum, case);
    }
    if connection.reset().is_some_and(|reset| reset.by == case.side && reset.synchronized) {
        out.add(Rule::AfterReset, case);
    }
    if sender.isn.is_some() && seq > sender.sequence.max_end() {
        out.add(Rule::Gap, case);
    }
    let Some(ack) = case.ack else {
        return;
    };
    if receiver.isn.is_some() && ack > receiver.sequence.max_end() {
        out.add(Rule::AckOfUnsent, case);
        return;
    }
    if sender.acknowledges && ack < receiver.sequence.acked() {
        out.add(Rule::AckWentBack, case);
    }
    if let (Some(edge), false) = (sender.window_edge, case.flags.syn()) {
        let shift = connection.window_scale(case.side).unwrap_or(0);
        let now = ack + (i64::from(case.segment.tcp.window()) << shift);
        // RFC 7323 §2.4: rounding to the scale may take away less than one unit.
        if now + (1 << shift) <= edge {
            out.add(Rule::WindowShrunk, case);
        }
    }
}
