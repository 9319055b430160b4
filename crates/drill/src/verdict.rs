//! What came of a run.

use crate::settings::IpVersion;
use std::fmt;
use std::path::{Path, PathBuf};

/// What came of one script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The script.
    pub path: PathBuf,
    /// The version of IP that it ran over.
    pub version: IpVersion,
    /// What came of it.
    pub verdict: Verdict,
    /// What was not understood though the run went on: unknown settings and commands.
    pub warnings: Vec<String>,
    /// What its code printed.
    pub printed: Vec<String>,
    /// Every packet in the wire's numbers, super-segments whole, if [`Settings::trace`](crate::Settings::trace) asks for it.
    pub packets: Vec<String>,
}

/// Whether the stack did what a script expects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It did.
    Passed,
    /// It did not, or the script cannot be run.
    Failed(Failure),
    /// The script needs what is not part of a TCP: the reason.
    Skipped(String),
}

/// Where a script failed and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The event's line, from 1.
    pub line: u32,
    /// What went wrong.
    pub message: String,
    /// The packet that was expected, as a script writes it.
    pub expected: Option<String>,
    /// The packet that was there instead.
    pub actual: Option<String>,
}

impl Failure {
    pub(crate) fn new(line: u32, message: impl Into<String>) -> Self {
        Self { line, message: message.into(), expected: None, actual: None }
    }
}

impl Report {
    pub(crate) fn new(path: &Path, version: IpVersion, verdict: Verdict) -> Self {
        Self {
            path: path.to_owned(),
            version,
            verdict,
            warnings: Vec::new(),
            printed: Vec::new(),
            packets: Vec::new(),
        }
    }

    /// Whether the script passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
}

/// One line; of a failure also the two packets below each other.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.verdict {
            Verdict::Passed => write!(f, "pass {path}"),
            Verdict::Skipped(reason) => write!(f, "skip {path}: {reason}"),
            Verdict::Failed(failure) => {
                write!(f, "FAIL {path}:{}: {}", failure.line, failure.message)?;
                if failure.expected.is_some() || failure.actual.is_some() {
                    let shown = |packet: &Option<String>| {
                        packet.clone().unwrap_or_else(|| "no packet".into())
                    };
                    write!(f, "\n     expected {}", shown(&failure.expected))?;
                    write!(f, "\n     actual   {}", shown(&failure.actual))?;
                }
                Ok(())
            }
        }
    }
}
