//! How fast data goes between Linux and Sockeye over a device, beside Linux to Linux over a veth pair in the same run.
//!
//! As root, on a machine with nothing else to do:
//!
//! ```sh
//! cargo run --release -p sockeye --example device_throughput [-- SECONDS ROUNDS [CASE…]]
//! ```
//!
//! The program runs itself again in a network namespace of its own, and once more in a second one for the other Linux of the
//! veth pair. Throughput is payload at the receiver per second of wall time, the best of the rounds, which take turns; CPU is what both ends used, in
//! seconds for a gigabyte, the least of the rounds.
#![expect(clippy::unwrap_used, reason = "run by hand: what cannot be measured ends it")]

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this measures against Linux");
}
