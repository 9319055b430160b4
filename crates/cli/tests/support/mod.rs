//! Runs the program as a user does.

use std::process::{Command, Output, Stdio};

/// What the program answered.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with these arguments, not yet run.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(arguments).stdin(Stdio::null()).env("COLUMNS", "100").env_remove("NO_COLOR");
    command.env_remove("CLICOLOR_FORCE");
    command
}

/// What it has answered.
pub(crate) fn answer(output: Output) -> Answer {
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Runs `sockeye` with these arguments.
pub(crate) fn sockeye(arguments: &[&str]) -> Answer {
    answer(command(arguments).output().expect("the program starts"))
}

/// Runs it, and demands success.
#[track_caller]
pub(crate) fn succeed(arguments: &[&str]) -> Answer {
    let answer = sockeye(arguments);
    assert_eq!(answer.code, Some(0), "{arguments:?}: {}{}", answer.stdout, answer.stderr);
    answer
}
