//! Packetdrill scripts, run against Sockeye's sockets in virtual time.
//!
//! | module | what it is |
//! |---|---|
//! | [`script`] | what a script says |
//! | `parse` | text to that |
//! | [`settings`] | how it is run: the `--option` lines |
//! | `command` | back-quoted shell commands, understood rather than executed |
//! | `code` | the Python between `%{` and `}%`, the part that scripts use |
//! | `packet` | packets built, read, compared and shown |
//! | `run` | the runner: clock, connections, system calls, kernel settings |
//! | `version` | which versions of IP a script is for |
//! | `suite` | many scripts in folders |
#![forbid(unsafe_code)]

mod code;
mod command;
mod error;
mod packet;
mod parse;
mod run;
pub mod script;
pub mod settings;
mod suite;
mod verdict;
mod version;

pub use error::ParseError;
pub use run::{run, run_text};
pub use script::Script;
pub use settings::{IpVersion, SettingError, Settings};
pub use suite::{Suite, SuiteError};
pub use verdict::{Failure, Report, Verdict};
