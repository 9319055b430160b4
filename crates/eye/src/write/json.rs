//! One object a line.

use crate::report::ConnectionReport;
use std::io::{self, Write};

/// Writes a report as one line.
///
/// # Errors
/// What the writer says.
pub fn json_line(out: &mut impl Write, report: &ConnectionReport) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    out.write_all(b"\n")
}
