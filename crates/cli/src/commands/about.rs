//! `sockeye completions` and `sockeye man`: the program about itself.

use crate::{Arguments, Failure};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io;

/// Print a completion script for a shell.
///
/// For bash: `sockeye completions bash > ~/.local/share/bash-completion/completions/sockeye`
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "sockeye", &mut script);
        print(&script)
    }
}

/// Print the manual page.
///
/// `sockeye man | man -l -`
#[derive(Debug, clap::Args)]
pub(crate) struct Man {}

impl Man {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command())
            .render(&mut page)
            .map_err(|error| Failure::of_output(&error))?;
        print(&page)
    }
}

fn print(text: &[u8]) -> Result<(), Failure> {
    io::Write::write_all(&mut io::stdout().lock(), text).map_err(|error| Failure::of_output(&error))
}
