//! `sockeye demo`.

use crate::Failure;

/// Watch two hosts shake hands, transfer data and part.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        Err(Failure::new("demo: not built yet"))
    }
}
