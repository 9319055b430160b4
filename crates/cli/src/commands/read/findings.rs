//! What is remarkable, in sentences below the table.

use sockeye_eye::{ConnectionReport, Severity};
use std::io::{self, Write};

pub(super) fn write(out: &mut impl Write, reports: &[ConnectionReport]) -> io::Result<()> {
    let mut begun = false;
    for report in reports {
        for finding in report.findings.iter().filter(|finding| finding.severity > Severity::Info) {
            if !std::mem::replace(&mut begun, true) {
                writeln!(out)?;
            }
            let severity = match finding.severity {
                Severity::Info => "info",
                Severity::Note => "note",
                Severity::Warn => "warning",
                Severity::Error => "error",
            };
            let packets: Vec<_> = finding.packets.iter().map(u64::to_string).collect();
            writeln!(
                out,
                "connection {}: {severity}: {}: {} ({} {})",
                report.id,
                finding.code.as_str(),
                finding.text,
                if packets.len() == 1 { "packet" } else { "packets" },
                packets.join(", "),
            )?;
        }
    }
    Ok(())
}
