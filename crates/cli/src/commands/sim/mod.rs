//! `sockeye sim`.

mod goodput;
mod table;
#[cfg(test)]
mod tests;

use crate::Failure;
use crate::terminal;
use sockeye_sim::scenarios::{self, Scenario};
use sockeye_sim::{Batch, Verdict, try_out};
use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use table::Table;

/// Failures told in full; the rest is counted.
const MOST_TOLD: usize = 10;

const AFTER_HELP: &str = "\
A trial is judged by the bytes that arrive, by the invariants of TCP at every step, and by the eye,
which sees the packets alone. What the hosts hold must be nothing in the end.

The table: trials, those that failed, payload read by applications, packets sent, packets that
carried data again, and the longest time that a trial took on its network's clock.

A trial that fails leaves its packets in sockeye-sim-SCENARIO-SEED.pcapng, and the command that does
the same again is told.

Exit status: 1 if any trial fails.

Examples:
  sockeye sim --seeds 0..100
      a hundred seeds of every scenario
  sockeye sim --seeds 0..1000 --scenario lossy --scenario reordering
      a thousand of two of them
  sockeye sim --list
      what there is
  sockeye sim --goodput
      how much of a link each congestion control fills, and how flows share it";

/// Try the stack in simulated networks, from seeds.
///
/// Hosts with a TCP stack each converse over a network in memory that loses, delays, doubles and damages packets, as a scenario wants it. All
/// chance follows from the seed, so that a trial is the same every time, and its time is virtual, so that an hour of silence costs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Sim {
    /// Which seeds: from the first, included, to the last, excluded
    #[arg(long, value_name = "A..B", default_value = "0..10", value_parser = parse_seeds)]
    seeds: Range<u64>,
    /// Only this scenario; may be given several times
    #[arg(long, value_name = "NAME", value_parser = parse_scenario)]
    scenario: Vec<&'static Scenario>,
    /// Trials at once [default: one a processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Where the captures of trials that fail are left
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    captures: PathBuf,
    /// Say which scenarios there are, and do nothing
    #[arg(long)]
    list: bool,
    /// Instead, measure how much of a link each congestion control fills
    #[arg(long, conflicts_with_all = ["seeds", "scenario", "list"])]
    goodput: bool,
}

impl Sim {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.list {
            return table::list(&mut terminal::stdout())
                .map_err(|error| Failure::of_output(&error));
        }
        if self.goodput {
            return goodput::run();
        }
        let scenarios = if self.scenario.is_empty() {
            scenarios::ALL.iter().collect()
        } else {
            self.scenario.clone()
        };
        let mut table = Table::new(&scenarios);
        let batch = Batch { seeds: self.seeds.clone(), scenarios, threads: self.threads };
        let bar = terminal::count_bar(batch.len());
        let began = std::time::Instant::now();
        let mut failed = Vec::new();
        batch.run(|verdict| {
            bar.inc(1);
            table.count(&verdict);
            if !verdict.is_good() {
                failed.push(verdict);
            }
        });
        bar.finish_and_clear();
        table
            .write(&mut terminal::stdout(), began.elapsed())
            .map_err(|error| Failure::of_output(&error))?;
        let trials = match failed.len() {
            0 => return Ok(()),
            1 => "1 trial".to_owned(),
            count => format!("{count} trials"),
        };
        // Whoever does not listen to standard error still gets the exit code.
        let _unheard = tell_failures(failed, &self.captures, &mut io::stderr().lock());
        Err(Failure::new(format_args!("sim: {trials} failed; this is a fault of Sockeye")))
    }
}

/// Runs what failed once more, for its capture, and says how to do the same again.
fn tell_failures(mut failed: Vec<Verdict>, folder: &Path, out: &mut impl Write) -> io::Result<()> {
    failed.sort_by_key(|verdict| (verdict.seed, verdict.scenario));
    for verdict in failed.iter().take(MOST_TOLD) {
        let (name, seed) = (verdict.scenario, verdict.seed);
        writeln!(out, "\n{name}, seed {seed}:")?;
        for fault in verdict.faults.iter().take(MOST_TOLD) {
            writeln!(out, "  {fault}")?;
        }
        match capture(verdict, folder) {
            Ok(file) => writeln!(out, "  packets:    sockeye read {}", file.display())?,
            Err(error) => writeln!(out, "  no capture: {error}")?,
        }
        let next = seed.saturating_add(1);
        writeln!(out, "  same again: sockeye sim --scenario {name} --seeds {seed}..{next}")?;
    }
    Ok(())
}

fn capture(verdict: &Verdict, folder: &Path) -> io::Result<PathBuf> {
    let file = folder.join(format!("sockeye-sim-{}-{}.pcapng", verdict.scenario, verdict.seed));
    if let Some(scenario) = scenarios::find(verdict.scenario) {
        let out = io::BufWriter::new(File::create(&file)?);
        let _same_verdict = try_out(scenario, verdict.seed, Some(Box::new(out)));
    }
    Ok(file)
}

/// `0..1000`, or `7` for `7..8`.
fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let wanted =
        || format!("{text:?}: write the first seed and the one after the last, as in 0..100");
    let number = |part: &str| part.trim().parse::<u64>().map_err(|_| wanted());
    let seeds = match text.split_once("..") {
        Some((first, end)) => number(first)?..number(end)?,
        None => {
            let seed = number(text)?;
            seed..seed.checked_add(1).ok_or_else(wanted)?
        }
    };
    if seeds.is_empty() { Err(format!("{text:?} holds no seed")) } else { Ok(seeds) }
}

fn parse_scenario(name: &str) -> Result<&'static Scenario, String> {
    scenarios::find(name).ok_or_else(|| {
        let names: Vec<_> = scenarios::ALL.iter().map(|scenario| scenario.name).collect();
        format!("there are {}", names.join(", "))
    })
}
