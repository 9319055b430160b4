//! Prints Sockeye's figures over a TUN device beside Linux's own over a veth pair, and writes BENCHMARKS.md.
#![expect(clippy::unwrap_used, reason = "run by hand: what cannot be measured ends it")]

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod server;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    measure::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this measures against Linux");
}
