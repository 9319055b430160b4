//! `sockeye listen`.

use crate::Failure;

/// Wait for a connection, like netcat.
#[derive(Debug, clap::Args)]
pub(crate) struct Listen {}

impl Listen {
    pub(crate) fn run(self) -> Result<(), Failure> {
        Err(Failure::new("listen: not built yet"))
    }
}
