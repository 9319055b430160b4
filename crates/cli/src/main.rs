//! The program `sockeye`: one file a command under [`commands`].
#![forbid(unsafe_code)]

mod commands;
mod failure;
#[cfg(target_os = "linux")]
mod http;
#[cfg(target_os = "linux")]
mod proxy;
mod terminal;
#[cfg(target_os = "linux")]
mod tun;
mod units;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// TCP in user space: spoken and read.
///
/// Sockeye is a complete TCP of its own, and a reader of captures that follows every connection. Begin with `sockeye demo`: it
/// needs no privilege and shows a whole connection, from the three-way handshake to the close.
#[derive(Debug, Parser)]
#[command(name = "sockeye", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(commands::demo::Demo),
    Read(commands::read::Read),
    Drill(commands::drill::Drill),
    Sim(commands::sim::Sim),
    #[cfg(target_os = "linux")]
    Serve(commands::serve::Serve),
    #[cfg(target_os = "linux")]
    Proxy(commands::proxy::Proxy),
    #[cfg(target_os = "linux")]
    Connect(commands::connect::Connect),
    #[cfg(target_os = "linux")]
    Listen(commands::listen::Listen),
    Completions(commands::about::Completions),
    Man(commands::about::Man),
}

fn main() -> ExitCode {
    // Usage errors leave with 2, --help and --version with 0, from here.
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Demo(demo) => demo.run(),
        Command::Read(read) => read.run(),
        Command::Drill(drill) => drill.run(),
        Command::Sim(sim) => sim.run(),
        #[cfg(target_os = "linux")]
        Command::Serve(serve) => serve.run(),
        #[cfg(target_os = "linux")]
        Command::Proxy(proxy) => proxy.run(),
        #[cfg(target_os = "linux")]
        Command::Connect(connect) => connect.run(),
        #[cfg(target_os = "linux")]
        Command::Listen(listen) => listen.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
