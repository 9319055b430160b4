//! Output, colour, progress bars.

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufWriter, StdoutLock};

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Standard output; colour codes are dropped where nobody would see them as colours.
pub(crate) fn stdout() -> AutoStream<StdoutLock<'static>> {
    anstream::stdout().lock()
}

/// Standard output for much data without colour.
pub(crate) fn plain_stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Text in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A bar over `bytes` on standard error; invisible unless that is a terminal.
pub(crate) fn byte_bar(bytes: u64) -> ProgressBar {
    bar(bytes, "  {bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}")
}

/// A bar over `count` things on standard error; invisible unless that is a terminal.
pub(crate) fn count_bar(count: u64) -> ProgressBar {
    bar(count, "  {bar:40} {human_pos}/{human_len} {per_sec} {eta}")
}

fn bar(len: u64, template: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(len);
    // The template is a constant; one that does not parse would only be less pretty.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
