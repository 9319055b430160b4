//! A table of connections, for people.

use crate::report::ConnectionReport;
use std::io::{self, Write};

/// Headings, and whether a column is one of numbers.
const COLUMNS: [(&str, bool); 10] = [
    ("id", true),
    ("client", false),
    ("server", false),
    ("handshake", false),
    ("rtt ms", true),
    ("→ bytes", true),
    ("← bytes", true),
    ("retr", true),
    ("close", false),
    ("findings", false),
];

/// Writes the reports as one table, a line each; columns are as wide as they need to be.
///
/// # Errors
/// What the writer says.
pub fn table(out: &mut impl Write, reports: &[ConnectionReport]) -> io::Result<()> {
    let rows: Vec<[String; COLUMNS.len()]> = reports.iter().map(row).collect();
    let mut widths = COLUMNS.map(|(name, _)| name.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    line(out, &COLUMNS.map(|(name, _)| name.to_owned()), &widths)?;
    for row in &rows {
        line(out, row, &widths)?;
    }
    Ok(())
}

fn line(
    out: &mut impl Write,
    cells: &[String; COLUMNS.len()],
    widths: &[usize; COLUMNS.len()],
) -> io::Result<()> {
    let mut text = String::new();
    for ((cell, &width), (_, number)) in cells.iter().zip(widths).zip(COLUMNS) {
        let padded = if number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
        text.push_str(&padded);
    }
    writeln!(out, "{}", text.trim_end())
}

fn row(report: &ConnectionReport) -> [String; COLUMNS.len()] {
    let retransmitted =
        report.to_server.retransmitted.packets + report.to_client.retransmitted.packets;
    let close = match report.close.by {
        Some(by) => format!("{} by {}", report.close.how.as_str(), by.as_str()),
        None => report.close.how.as_str().to_owned(),
    };
    let mut codes: Vec<&str> = Vec::new();
    for finding in &report.findings {
        if !codes.contains(&finding.code.as_str()) {
            codes.push(finding.code.as_str());
        }
    }
    let rtt = report.handshake.rtt_s.map_or("-".to_owned(), |rtt| format!("{:.3}", rtt * 1e3));
    [
        report.id.to_string(),
        report.client.to_string(),
        report.server.to_string(),
        report.handshake.outcome.as_str().to_owned(),
        rtt,
        report.to_server.unique_bytes.to_string(),
        report.to_client.unique_bytes.to_string(),
        retransmitted.to_string(),
        close,
        codes.join(" "),
    ]
}
