//! `sockeye serve`.

use crate::Failure;

/// Serve a folder by HTTP on Sockeye's own TCP behind a TUN device.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        Err(Failure::new("serve: not built yet"))
    }
}
