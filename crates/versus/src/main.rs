//! Prints Sockeye's figures beside smoltcp's and writes BENCHMARKS.md.

use clap::Parser;
use sockeye_versus::bulk::{self, Bulk, EVERY_SECOND, Kind, LARGE, SMALL};
use sockeye_versus::churn::{self, Churn};
use sockeye_versus::flood;
use sockeye_versus::footprint::{self, Counts};
use sockeye_versus::pair::{Pair, Smoltcp, Sockeye};
use sockeye_versus::report::{self, Row, Target};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Sockeye beside smoltcp: throughput, connections, memory.
#[derive(Parser)]
struct Arguments {
    /// A tenth of everything, in less than half a minute; writes no file.
    #[arg(long)]
    quick: bool,
    /// Only hold four million established connections in one process, in at most 6 GiB.
    #[arg(long)]
    four_million: bool,
    /// Only 1,000 honest connections during a flood of SYNs.
    #[arg(long)]
    flood: bool,
    /// Only measurements whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Where the figures are written.
    #[arg(long, default_value = "BENCHMARKS.md")]
    write: PathBuf,
}

/// How much is measured.
struct Scale {
    bytes: u64,
    connections: u64,
    runs: usize,
    idle: usize,
    smoltcp_idle: usize,
}

const FULL: Scale =
    Scale { bytes: 1 << 30, connections: 200_000, runs: 7, idle: 1_000_000, smoltcp_idle: 10_000 };
const QUICK: Scale =
    Scale { bytes: 128 << 20, connections: 20_000, runs: 5, idle: 200_000, smoltcp_idle: 2_000 };

const SOCKEYE_SOME_IDLE: usize = 10_000;
const COMMANDS: &str = "cargo build --release -p sockeye-versus\ntarget/release/versus";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.four_million {
        let held = footprint::hold_apart(4_000_000, 10_000, 6 << 30).map(|held| {
            print!("{held}");
            let command = format!("{COMMANDS} --four-million");
            format!("{}\n{held}", report::heading("Four million connections", &command))
        });
        return match held {
            Ok(section) => {
                told(report::write_section(&arguments.write, "four million", section.trim_end()))
            }
            Err(error) => told(Err(error)),
        };
    }
    if arguments.flood {
        return told(report::write_section(&arguments.write, "SYN flood", &flooded()));
    }
    let scale = if arguments.quick { QUICK } else { FULL };
    let is_wanted = |name: &str| name.contains(&arguments.only);
    let mut rows = Vec::new();
    if is_wanted("bulk") {
        rows.extend(throughput(&scale));
    }
    if is_wanted("idle") {
        rows.extend(throughput_with_idle(&scale));
    }
    if is_wanted("churn") {
        rows.extend(connections(&scale));
    }
    if is_wanted("footprint") {
        match footprint::weigh_apart(Counts { connections: scale.idle, sockets: 1_000 }) {
            Ok(weights) => rows.extend(weight_rows(&weights)),
            Err(error) => eprintln!("{error}"),
        }
    }
    println!("{}", report::table(&rows));
    if arguments.quick || !arguments.only.is_empty() {
        return ExitCode::SUCCESS;
    }
    let notes = notes(&scale);
    let section = report::section("In memory, beside smoltcp 0.14", COMMANDS, &rows, &notes);
    told(report::write_section(&arguments.write, "memory", &section))
}

fn flooded() -> String {
    let flood = flood::measure(1_000, Duration::from_millis(3));
    let [held, limit] = flood.half_open;
    let [sent, valid] = flood.cookies;
    let figures = format!(
        "{} of {} connections were open and had carried 1 KiB within {} s, the slowest after {:.2} ms, while {:.0} SYNs a second came from \
         strangers: as many as one thread makes and answers, besides both ends of the others. At most {held} half-open connections were held, \
         of {limit} allowed; {sent} SYNs were answered by cookies, {valid} of them opened a connection. All is in memory: no queue of a device loses \
         packets, which over a real link it would.",
        flood.in_time,
        flood.connections,
        flood::PATIENCE.as_secs(),
        flood.slowest.as_secs_f64() * 1e3,
        flood.syns as f64 / flood.time.as_secs_f64(),
    );
    println!("{figures}");
    format!("{}\n{figures}", report::heading("SYN flood", &format!("{COMMANDS} --flood")))
}

fn told(result: Result<(), impl std::fmt::Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn notes(scale: &Scale) -> Vec<String> {
    vec![
        "Both ends of a connection in one thread, joined by a ring of 32 packets each way; CPU time of that thread, the middle one of \
         several runs that take turns."
            .to_owned(),
        "Checksums are made and verified; the application copies in and out, 64 KiB a call. Buffers of 64 KiB, with 64 KiB packets \
         1 MiB, for both stacks; all other settings are each stack's defaults."
            .to_owned(),
        format!(
            "Idle connections are at both ends, besides the one that works; smoltcp's are {}.",
            scale.smoltcp_idle
        ),
        "Connect + close: one after another, TIME-WAIT takes no time, ports rotate (Sockeye's addresses too).".to_owned(),
        "Octets are those asked of the allocator, tables and timers included, divided by the connections (the ends of them, where both \
         are in the process)."
            .to_owned(),
        "smoltcp is built with the features that crates.io gives it, IPv6, fragments and other protocols among them, as Sockeye has \
         IPv6 and fragments. With only IPv4 and TCP it is about a quarter faster in bulk, and opens and closes about 1.7 times as many \
         connections."
            .to_owned(),
    ]
}

fn throughput(scale: &Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in [SMALL, EVERY_SECOND, LARGE] {
        let (mut ours, mut theirs) = (Sockeye::new(kind.setup), Smoltcp::new(kind.setup));
        let pairs: [&mut dyn Pair; 2] = [&mut ours, &mut theirs];
        let [ours, theirs] = bulk::measure(pairs, kind.batch, [scale.bytes; 2], scale.runs);
        rows.extend(bulk_rows(&kind, ours, theirs));
    }
    rows
}

fn bulk_rows(kind: &Kind, ours: Bulk, theirs: Bulk) -> [Row; 2] {
    [
        Row {
            what: kind.name.to_owned(),
            unit: "Gbit per CPU-second",
            ours: ours.gbits(),
            theirs: Some(theirs.gbits()),
            target: Target::Times(3.0),
        },
        Row {
            what: kind.name.to_owned(),
            unit: "ns per data packet",
            ours: ours.ns_per_packet(),
            theirs: Some(theirs.ns_per_packet()),
            target: Target::None,
        },
    ]
}

fn throughput_with_idle(scale: &Scale) -> Vec<Row> {
    let (mut none, mut some, mut many) =
        (Sockeye::new(SMALL.setup), Sockeye::new(SMALL.setup), Sockeye::new(SMALL.setup));
    some.open_idle(SOCKEYE_SOME_IDLE);
    many.open_idle(scale.idle);
    let pairs: [&mut dyn Pair; 3] = [&mut none, &mut some, &mut many];
    let [none, some, many] = bulk::measure(pairs, SMALL.batch, [scale.bytes; 3], scale.runs);

    let mut theirs = Smoltcp::new(SMALL.setup);
    theirs.open_idle(scale.smoltcp_idle);
    let [theirs] = bulk::measure([&mut theirs], SMALL.batch, [1 << 20], 1);
    [(SOCKEYE_SOME_IDLE, some, Some(theirs)), (scale.idle, many, None)]
        .into_iter()
        .map(|(idle, ours, theirs)| Row {
            what: format!("MTU 1500, {idle} idle connections present"),
            unit: "Gbit per CPU-second",
            ours: ours.gbits(),
            theirs: theirs.map(|theirs| theirs.gbits()),
            target: Target::Part(0.8, none.gbits()),
        })
        .collect()
}

fn connections(scale: &Scale) -> Vec<Row> {
    let mut theirs = Smoltcp::new(SMALL.setup);
    let (mut none, mut many) = (Sockeye::new(SMALL.setup), Sockeye::new(SMALL.setup));
    many.open_idle(scale.idle);
    let pairs: [&mut dyn Pair; 3] = [&mut none, &mut many, &mut theirs];
    let [none, many, theirs] = churn::measure(pairs, [scale.connections; 3], scale.runs);

    let mut crowded = Smoltcp::new(SMALL.setup);
    crowded.open_idle(scale.smoltcp_idle);
    let [crowded] = churn::measure([&mut crowded], [200], 1);
    let row = |idle: usize, ours: &Churn, theirs: &Churn, target| Row {
        what: format!("Connect + close, {idle} idle connections present"),
        unit: "per CPU-second",
        ours: ours.per_second(),
        theirs: Some(theirs.per_second()),
        target,
    };
    vec![
        row(0, &none, &theirs, Target::Times(2.5)),
        row(scale.idle, &many, &crowded, Target::Part(0.8, none.per_second())),
    ]
}

fn weight_rows(weights: &footprint::Weights) -> Vec<Row> {
    let row = |what: &str, ours, theirs, target| Row {
        what: what.to_owned(),
        unit: "octets",
        ours,
        theirs,
        target,
    };
    vec![
        row(
            "Established, idle (smoltcp: with buffers of 64 octets)",
            weights.established,
            Some(weights.smoltcp_small),
            Target::AtMost(512.0),
        ),
        row(
            "Established, idle after 1 KiB was sent (smoltcp: with buffers of 64 KiB)",
            weights.after_data,
            Some(weights.smoltcp_usual),
            Target::None,
        ),
        row("Half-open", weights.half_open, None, Target::AtMost(128.0)),
        row("TIME-WAIT", weights.time_wait, None, Target::AtMost(96.0)),
    ]
}
