//! Hosts joined by a seeded network in virtual time, with the eye as the oracle.
//!
//! A [`Network`] holds hosts and the impaired channels between them. When nothing can be delivered its clock jumps to the next
//! deadline, so an hour of silence costs nothing and a run depends on nothing but its seed. Every packet is shown to the eye as
//! it leaves its sender, and may be written to a capture.
//!
//! | module | what it is |
//! |---|---|
//! | [`network`] | hosts, channels, the clock |
//! | [`apps`] | what runs on the hosts: state machines driven by events |
//! | [`story`] | packet by packet, what each end did and the state it entered |
//! | [`scenario`] | what is to happen |
//! | [`run()`] | open, transfer, close: one scenario from the SYN to CLOSED |
//! | [`outcome`] | what did happen, and what the eye says of it |
//! | [`scenarios`] | kinds of trouble, in a table |
//! | [`trial`] | one kind of trouble with one seed, and the verdict |
//! | [`invariants`] | what must be true at every moment |
//! | [`goodput`] | how much of a link is used, and how it is shared |
//! | [`batch`] | many trials on all processors |
//!
//! ```
//! use sockeye_sim::{Scenario, run};
//! let scenario = Scenario { bytes: 100_000, loss: 0.02, seed: 7, ..Scenario::default() };
//! let outcome = run(&scenario, None, &mut ())?;
//! assert!(outcome.is_intact());
//! assert_eq!(outcome.summary.violations, 0);
//! # Ok::<(), sockeye_sim::SimError>(())
//! ```
#![forbid(unsafe_code)]

pub mod apps;
pub mod batch;
mod error;
pub mod goodput;
pub mod invariants;
pub mod network;
pub mod outcome;
mod run;
pub mod scenario;
pub mod scenarios;
pub mod seed;
pub mod story;
pub mod trial;

pub use batch::Batch;
pub use error::SimError;
pub use network::{Network, NodeId, Script};
pub use outcome::Outcome;
pub use run::{Progress, run};
pub use scenario::Scenario;
pub use story::{Phase, Step, StepKind};
pub use trial::{Fault, Verdict, try_out};
