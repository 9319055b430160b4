//! Weighs connections; `versus` starts it.

use cap::Cap;
use sockeye_versus::footprint::{Counts, hold, weigh};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|argument| argument.parse::<usize>().ok());
    match (arguments.first().map(String::as_str), number(1), number(2), number(3)) {
        (Some("weigh"), Some(connections), Some(sockets), None) => {
            let counts = Counts { connections, sockets };
            print!("{}", weigh(counts, || ALLOCATOR.allocated()).to_lines());
        }
        (Some("hold"), Some(connections), Some(picked), Some(limit_bytes)) => {
            if ALLOCATOR.set_limit(limit_bytes).is_err() {
                return ExitCode::FAILURE;
            }
            let held = hold(connections, picked, || ALLOCATOR.allocated());
            println!(
                "{} connections, both ends, in {:.2} GiB of at most {:.2}; {} of {picked} picked at random carried 1 KiB",
                held.connections,
                held.allocated as f64 / (1u64 << 30) as f64,
                limit_bytes as f64 / (1u64 << 30) as f64,
                held.carried,
            );
        }
        _ => {
            eprintln!(
                "usage: versus-footprint weigh CONNECTIONS SOCKETS | hold CONNECTIONS PICKED LIMIT_BYTES"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
