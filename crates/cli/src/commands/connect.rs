//! `sockeye connect`.

use crate::Failure;

/// Open a connection, like netcat.
#[derive(Debug, clap::Args)]
pub(crate) struct Connect {}

impl Connect {
    pub(crate) fn run(self) -> Result<(), Failure> {
        Err(Failure::new("connect: not built yet"))
    }
}
