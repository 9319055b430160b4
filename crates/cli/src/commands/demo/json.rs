//! The demonstration as one object.

use serde::Serialize;
use sockeye_sim::story::told_once;
use sockeye_sim::{Outcome, Step, StepKind};
use std::io::{self, Write};

#[derive(Serialize)]
struct Report {
    handshake: Vec<Entry>,
    bytes: u64,
    intact: bool,
    retransmissions: u64,
    throughput_bps: u64,
    virtual_s: f64,
    close: Vec<Entry>,
    eye: EyeReport,
    seed: u64,
}

#[derive(Serialize)]
struct EyeReport {
    connections: u64,
    violations: u64,
}

#[derive(Serialize)]
struct Entry {
    from: &'static str,
    to: Option<&'static str>,
    flags: String,
    seq: Option<u32>,
    ack: Option<u32>,
    state: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    received: bool,
    #[serde(skip_serializing_if = "is_false")]
    retransmission: bool,
    #[serde(skip_serializing_if = "is_false")]
    lost: bool,
}

pub(super) fn write(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let report = Report {
        handshake: told_once(&outcome.handshake).map(entry).collect(),
        bytes: outcome.bytes,
        intact: outcome.is_intact(),
        retransmissions: outcome.retransmissions,
        throughput_bps: outcome.throughput_bps() as u64,
        virtual_s: outcome.virtual_time.as_secs_f64(),
        close: told_once(&outcome.close).map(entry).collect(),
        eye: EyeReport {
            connections: outcome.summary.connections,
            violations: outcome.summary.violations,
        },
        seed: outcome.seed,
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn entry(step: &Step) -> Entry {
    let own = super::narrator::name(step.node);
    let other = super::narrator::other(step.node);
    let received = matches!(step.kind, StepKind::Received { .. });
    let (from, to) = if received { (other, Some(own)) } else { (own, Some(other)) };
    let header = step.header();
    let flags = header.map(|header| header.flags);
    Entry {
        from,
        // Nothing is sent when TIME-WAIT is over.
        to: to.filter(|_| header.is_some()),
        flags: flags.map(|flags| flags.names().collect::<Vec<_>>().join(",")).unwrap_or_default(),
        seq: header.map(|header| header.seq.0),
        ack: header.filter(|header| header.flags.ack()).map(|header| header.ack.0),
        state: step.after.as_str(),
        received,
        retransmission: step.is_retransmission(),
        lost: matches!(step.kind, StepKind::Sent { copies: 0, .. }),
    }
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}
