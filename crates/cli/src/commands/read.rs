//! `sockeye read`.

use crate::Failure;

/// Tell the story of every connection in a capture.
#[derive(Debug, clap::Args)]
pub(crate) struct Read {}

impl Read {
    pub(crate) fn run(self) -> Result<(), Failure> {
        Err(Failure::new("read: not built yet"))
    }
}
