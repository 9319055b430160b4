//! What the eye says, which saw nothing but packets.

use crate::terminal::{BAD, GOOD, HEADING, styled};
use crate::units;
use sockeye_eye::report::{HandshakeReport, StepReport};
use sockeye_eye::{ConnectionReport, Side};
use sockeye_sim::Outcome;
use std::io::{self, Write};

pub(super) fn write(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    writeln!(
        out,
        "\n{}",
        styled(HEADING, &format!("The eye, from {}", units::counted(outcome.packets, "packet")))
    )?;
    for report in &outcome.reports {
        write_connection(out, report)?;
    }
    let connections = units::counted(outcome.summary.connections, "connection");
    let violations = units::counted(outcome.summary.violations, "violation");
    let style = if outcome.summary.violations == 0 { GOOD } else { BAD };
    writeln!(out, "eye: {connections}, {}\n", styled(style, &violations))
}

fn write_connection(out: &mut impl Write, report: &ConnectionReport) -> io::Result<()> {
    writeln!(out, "  client {}, server {}", report.client, report.server)?;
    writeln!(
        out,
        "  handshake {}: {}",
        report.handshake.outcome.as_str(),
        handshake(&report.handshake)
    )?;
    for side in [Side::Client, Side::Server] {
        let sent = report.sent_by(side);
        writeln!(
            out,
            "  {} sent {}, delivered {}, {}",
            side.as_str(),
            units::counted(sent.packets, "packet"),
            units::counted(sent.unique_bytes, "octet"),
            units::counted(sent.retransmitted.packets, "retransmission"),
        )?;
    }
    let by = report.close.by.map_or("nobody", Side::as_str);
    let packet = report.close.packet.map_or(String::new(), |packet| format!(" (packet {packet})"));
    let state =
        |state: Option<sockeye_wire::StateName>| state.map_or("unknown", |state| state.as_str());
    writeln!(
        out,
        "  close {}: begun by the {by}{packet}; client is left in {}, server in {}",
        report.close.how.as_str(),
        state(report.state.client),
        state(report.state.server),
    )?;
    for finding in &report.findings {
        writeln!(out, "  {:?} ({:?}): {}", finding.severity, finding.by, finding.text)?;
    }
    Ok(())
}

fn handshake(report: &HandshakeReport) -> String {
    let packet = |step: &StepReport| format!("packet {}", step.packet);
    let mark = |check: Option<bool>| match check {
        Some(true) => styled(GOOD, "✓"),
        Some(false) => styled(BAD, "✗"),
        None => "?".to_owned(),
    };
    let mut parts = Vec::new();
    if let Some(syn) = &report.syn {
        parts.push(format!("SYN {} ({})", syn.seq, packet(syn)));
    }
    if let Some(syn_ack) = &report.syn_ack {
        let right = mark(report.checks.syn_ack_acks_syn);
        parts.push(format!(
            "SYN,ACK {} ({}) acknowledges the SYN {right}",
            syn_ack.seq,
            packet(syn_ack)
        ));
    }
    if let Some(ack) = &report.ack {
        let right = mark(report.checks.ack_acks_syn_ack);
        parts.push(format!("ACK ({}) acknowledges the SYN,ACK {right}", packet(ack)));
    }
    parts.join(", ")
}
