//! Sockeye beside other stacks, in one program and one run: ratios hold where absolute figures drift with the machine.
//!
//! `cargo build --release -p sockeye-versus && target/release/versus` prints a table and writes BENCHMARKS.md; `--quick` takes less than
//! half a minute and writes nothing. The two ends of every connection are in one thread, joined by a ring of 32 packets each way, and what
//! is counted is that thread's CPU time.
//!
//! | module | what it is |
//! |---|---|
//! | [`pair`] | two ends of one stack, and what is asked of them |
//! | [`bulk`], [`churn`] | the measurements: throughput, connections opened and closed |
//! | [`footprint`] | what connections weigh, measured by a process of its own that counts its allocations |
//! | [`flood`] | honest clients during a flood of SYNs |
//! | [`cpu`] | CPU time |
//! | [`report`] | the table, and BENCHMARKS.md |

pub mod bulk;
pub mod churn;
pub mod cpu;
pub mod flood;
pub mod footprint;
pub mod pair;
pub mod report;
