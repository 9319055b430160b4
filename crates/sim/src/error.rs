//! Why a simulation could not be carried through.

use crate::story::Phase;
use sockeye_host::HostError;
use std::io;
use std::time::Duration;
use thiserror::Error;

/// Why a simulation could not be carried through.
#[derive(Debug, Error)]
pub enum SimError {
    /// The connection ended before its time: an impairment too harsh, or a fault of the stack.
    #[error("{host} lost the connection {phase} after {after:?} of network time: {error}")]
    Lost {
        /// The host that gave up.
        host: String,
        /// What was being done.
        phase: Phase,
        /// Time on the network's clock.
        after: Duration,
        /// What its application was told.
        error: sockeye_tcp::Error,
    },
    /// Nothing is under way and no timer runs, yet the work is not done: a deadlock of the stack.
    #[error(
        "deadlock {phase} after {after:?} of network time: no packet is under way and no timer runs"
    )]
    Deadlock {
        /// What was being done.
        phase: Phase,
        /// Time on the network's clock.
        after: Duration,
    },
    /// A host's deadline does not move although its timer was served: a fault of the stack.
    #[error("{host}'s timer stands still at {at:?} of network time")]
    Livelock {
        /// The host.
        host: String,
        /// Time on the network's clock.
        at: Duration,
    },
    /// The eye found a rule broken: a fault of the stack.
    #[error("the eye: {what}")]
    Violation {
        /// Which rule.
        what: String,
    },
    /// The scenario cannot be set up.
    #[error("the scenario cannot be set up: {0}")]
    Setup(#[from] HostError),
    /// The capture could not be written.
    #[error("the capture cannot be written: {0}")]
    Capture(#[source] io::Error),
}
