//! How a trial went.

use super::Role;
use crate::apps::Misread;
use crate::error::SimError;
use std::time::Duration;
use thiserror::Error;

/// How a trial went; all of it follows from the scenario and the seed.
#[derive(Debug)]
pub struct Verdict {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The seed.
    pub seed: u64,
    /// Octets that applications read.
    pub bytes: u64,
    /// Packets that hosts sent.
    pub packets: u64,
    /// Packets that carried sequence numbers again, as the eye counts them.
    pub retransmissions: u64,
    /// Time on the network's clock when all was over.
    pub virtual_time: Duration,
    /// What was wrong; a good trial has nothing here.
    pub faults: Vec<Fault>,
}

impl Verdict {
    /// Nothing has happened yet.
    pub(super) const fn new() -> Self {
        Self {
            scenario: "",
            seed: 0,
            bytes: 0,
            packets: 0,
            retransmissions: 0,
            virtual_time: Duration::ZERO,
            faults: Vec::new(),
        }
    }

    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Something that must not be.
#[derive(Debug, Error)]
pub enum Fault {
    /// The trial could not go on.
    #[error("{0}")]
    Broken(#[from] SimError),
    /// Nothing is under way and no timer runs, yet not everything is over.
    #[error("deadlock at {at:?}: {left}")]
    Deadlock {
        /// Time on the network's clock.
        at: Duration,
        /// What is not over.
        left: String,
    },
    /// It takes longer than it may.
    #[error("not over after {limit:?}: {left}")]
    Endless {
        /// The limit.
        limit: Duration,
        /// What is not over.
        left: String,
    },
    /// A connection could not be opened.
    #[error("flow {flow}: {role:?} could not open: {error}")]
    Open {
        /// The conversation.
        flow: usize,
        /// Which end.
        role: Role,
        /// Why.
        error: sockeye_host::HostError,
    },
    /// An application was told an error.
    #[error(
        "flow {flow}: {role:?} was told {error:?} after writing {written} and reading {read} bytes"
    )]
    Told {
        /// The conversation.
        flow: usize,
        /// Which end.
        role: Role,
        /// What it was told.
        error: sockeye_tcp::Error,
        /// Octets written so far.
        written: u64,
        /// Octets read so far.
        read: u64,
    },
    /// What was read is not what was written.
    #[error("flow {flow}: {role:?} misread: {misread:?}")]
    Misread {
        /// The conversation.
        flow: usize,
        /// Which end.
        role: Role,
        /// How.
        misread: Misread,
    },
    /// The connection ended without all having been transferred.
    #[error("flow {flow}: {role:?} wrote {written} and read {read} bytes, and no more")]
    Incomplete {
        /// The conversation.
        flow: usize,
        /// Which end.
        role: Role,
        /// Octets written.
        written: u64,
        /// Octets read.
        read: u64,
    },
    /// The eye found a rule broken.
    #[error("eye: packet {packet}: {what}")]
    Violation {
        /// The packet's number in the capture.
        packet: u64,
        /// Which rule.
        what: String,
    },
    /// An invariant does not hold.
    #[error("invariant: {0}")]
    Invariant(#[from] crate::invariants::Breach),
}
