//! CONFORMANCE.md is made here: each requirement, the code that does it, and the test or drill that shows it.
//!
//! What is required stands in two tables beside this crate, `requirements.tsv` (RFC 9293's numbered requirements) and
//! `documents.tsv` (the other RFCs). Code, tests and drills carry a requirement's name in a comment, `RFC 9293 MUST-34` or
//! `RFC 7323 §5.3`; a scan of the repository brings the two together. Where that is not enough the table gives the reason.
//!
//! | module | what it is |
//! |---|---|
//! | `table` | the two tables |
//! | `names` | the names that a comment mentions |
//! | `item` | what a comment belongs to |
//! | `scan` | all comments of the repository, as code or as proof |
//! | `report` | the page, and what is wrong with it |
#![forbid(unsafe_code)]

mod item;
mod names;
mod report;
mod scan;
mod table;
#[cfg(test)]
mod tests;

pub use report::Report;

use std::path::{Path, PathBuf};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a table has not the right columns.
    #[error("{table} line {line}: {what}")]
    Table {
        /// Which table.
        table: &'static str,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// The repository that this crate was built in.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads the tables and the repository under `root`.
///
/// # Errors
/// If a file cannot be read or a table is malformed.
pub fn examine(root: &Path) -> Result<Report, Error> {
    let requirements = table::parse("requirements.tsv", include_str!("../requirements.tsv"))?;
    let documents = table::parse("documents.tsv", include_str!("../documents.tsv"))?;
    let mentions = scan::repository(root)?;
    Ok(Report::new(requirements, documents, mentions))
}
