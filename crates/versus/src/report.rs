//! The table on the terminal, and BENCHMARKS.md.

use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// What a figure should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    /// So many times the other stack's.
    Times(f64),
    /// No less than this part of a figure of ours.
    Part(f64, f64),
    /// At most so much.
    AtMost(f64),
    /// At most the other stack's.
    NoMore,
    /// Just told.
    None,
}

/// One measurement.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// Sockeye's figure.
    pub ours: f64,
    /// The other stack's, if it was measured.
    pub theirs: Option<f64>,
    /// What was aimed at.
    pub target: Target,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.theirs.filter(|theirs| *theirs > 0.0).map(|theirs| self.ours / theirs)
    }

    /// Whether the figure is what it should be; `None` if nothing was aimed at.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        match self.target {
            Target::Times(times) => self.ratio().map(|ratio| ratio >= times),
            Target::Part(part, of) => Some(self.ours >= part * of),
            Target::AtMost(most) => Some(self.ours <= most),
            Target::NoMore => self.theirs.map(|theirs| self.ours <= theirs),
            Target::None => None,
        }
    }

    fn cells(&self) -> [String; 6] {
        let target = match self.target {
            Target::Times(times) => format!("≥ {times} ×"),
            Target::Part(part, of) => format!("≥ {}", number(part * of)),
            Target::AtMost(most) => format!("≤ {}", number(most)),
            Target::NoMore => "≤ 1 ×".to_owned(),
            Target::None => String::new(),
        };
        let met = match self.is_met() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        [
            format!("{}, {}", self.what, self.unit),
            number(self.ours),
            self.theirs.map_or_else(String::new, number),
            self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            target,
            met.to_owned(),
        ]
    }
}

/// Three significant digits, thousands apart.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.*}", if value < 10.0 { 2 } else { 1 });
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The rows as a table, beside smoltcp.
#[must_use]
pub fn table(rows: &[Row]) -> Table {
    table_beside("smoltcp", rows)
}

/// The rows as a table, beside another stack.
#[must_use]
pub fn table_beside(other: &str, rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["", "Sockeye", other, "ratio", "aim", "met"]);
    table.add_rows(rows.iter().map(Row::cells));
    table
}

/// What the figures were measured on.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = read("/proc/sys/kernel/osrelease");
    // What follows the dash is whose build it is.
    let kernel = kernel.trim().split('-').next().unwrap_or_default();
    format!("{model}, {count} of its threads; Linux {kernel}")
}

/// Puts a section of figures into the document at `path`, in place of the one of the same name; other sections stay.
///
/// # Errors
/// As the file system says.
pub fn write_section(path: &Path, name: &str, text: &str) -> io::Result<()> {
    const HEAD: &str = "# Benchmarks\n\nWritten by `crates/versus`; do not edit. Ratios hold, absolute figures drift with the machine and with what else \
        it does.\n";
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let mut document = fs::read_to_string(path).unwrap_or_else(|_| HEAD.to_owned());
    let section = format!("{begin}\n{text}\n{end}");
    match (document.find(&begin), document.find(&end)) {
        (Some(from), Some(to)) if from < to => {
            document.replace_range(from..to + end.len(), &section);
        }
        _ => {
            let _ = write!(document, "\n{section}\n");
        }
    }
    fs::write(path, document)
}

/// A section: the table beside smoltcp, and how it came about.
#[must_use]
pub fn section(title: &str, command: &str, rows: &[Row], notes: &[String]) -> String {
    section_beside("smoltcp", title, command, rows, notes)
}

/// As [`section`], beside another stack.
#[must_use]
pub fn section_beside(
    other: &str,
    title: &str,
    command: &str,
    rows: &[Row],
    notes: &[String],
) -> String {
    let table = table_beside(other, rows);
    let mut text = format!("{}\n{}\n", heading(title, command), table.trim_fmt());
    for note in notes {
        let _ = write!(text, "\n- {note}");
    }
    text
}

/// What a section begins with: when and where it was measured, and by which commands.
#[must_use]
pub fn heading(title: &str, command: &str) -> String {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    format!("## {title}\n\n{date}, {}.\n\n```sh\n{command}\n```\n", machine())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, theirs: Option<f64>, target: Target) -> Row {
        Row { what: "what".into(), unit: "B", ours, theirs, target }
    }

    #[test]
    fn aims_are_judged() {
        assert_eq!(row(3.0, Some(1.0), Target::Times(3.0)).is_met(), Some(true));
        assert_eq!(row(2.9, Some(1.0), Target::Times(3.0)).is_met(), Some(false));
        assert_eq!(row(2.9, None, Target::Times(3.0)).is_met(), None);
        assert_eq!(row(80.0, None, Target::Part(0.8, 100.0)).is_met(), Some(true));
        assert_eq!(row(513.0, None, Target::AtMost(512.0)).is_met(), Some(false));
        assert_eq!(row(1.0, None, Target::None).is_met(), None);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.5, 21.53, 425_000.0, 1_234_567.0].map(number);
        assert_eq!(shown, ["0.50", "21.5", "425,000", "1,234,567"]);
    }

    #[test]
    fn a_section_replaces_its_own_and_no_other() {
        let path = std::env::temp_dir().join(format!("versus-{}.md", std::process::id()));
        for (name, text) in [("memory", "first"), ("linux", "kept"), ("memory", "second")] {
            write_section(&path, name, text).unwrap();
        }
        let document = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!document.contains("first") && document.contains("kept"));
        assert_eq!(document.matches("second").count(), 1);
        assert!(document.starts_with("# Benchmarks"));
    }
}
