//! How a command ends otherwise than well.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// What is told on standard error, and the exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The job could not be done: exit code 1.
    Failed(String),
    /// The arguments make no sense together: exit code 2.
    Usage(String),
    /// The job failed, and standard output says how: exit code 1.
    Told,
    /// Whoever read our output has gone: nothing is told, exit code 0.
    OutputClosed,
}

impl Failure {
    /// `what`, where, and what to do about it.
    pub(crate) fn new(what: impl Display) -> Self {
        Self::Failed(what.to_string())
    }

    /// Wrong arguments.
    pub(crate) fn usage(what: impl Display) -> Self {
        Self::Usage(what.to_string())
    }

    /// An error while writing standard output.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::new(format_args!("cannot write to standard output: {error}"))
        }
    }

    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Told => ExitCode::FAILURE,
            Self::Failed(what) => {
                eprintln!("sockeye: {what}");
                ExitCode::FAILURE
            }
            Self::Usage(what) => {
                eprintln!("sockeye: {what}\nFor more information, try '--help'.");
                ExitCode::from(2)
            }
        }
    }
}
