//! What many trials came to.

use crate::terminal::{BAD, GOOD, HEADING, styled};
use crate::units;
use sockeye_sim::Verdict;
use sockeye_sim::scenarios::{self, Scenario};
use std::io::{self, Write};
use std::time::Duration;

/// A line a scenario.
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    name: &'static str,
    trials: u64,
    failed: u64,
    bytes: u64,
    packets: u64,
    retransmissions: u64,
    longest: Duration,
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.trials += other.trials;
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.packets += other.packets;
        self.retransmissions += other.retransmissions;
        self.longest = self.longest.max(other.longest);
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let failed = format!("{:>7}", units::grouped(self.failed));
        writeln!(
            out,
            "{:<18} {:>8} {} {:>16} {:>12} {:>10} {:>11.1} s",
            self.name,
            units::grouped(self.trials),
            if self.failed == 0 { failed } else { styled(BAD, &failed) },
            units::grouped(self.bytes),
            units::grouped(self.packets),
            units::grouped(self.retransmissions),
            self.longest.as_secs_f64(),
        )
    }
}

impl Table {
    pub(super) fn new(scenarios: &[&'static Scenario]) -> Self {
        let row = |scenario: &&Scenario| Row { name: scenario.name, ..Row::default() };
        Self { rows: scenarios.iter().map(row).collect() }
    }

    pub(super) fn count(&mut self, verdict: &Verdict) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == verdict.scenario) {
            row.add(&Row {
                name: row.name,
                trials: 1,
                failed: u64::from(!verdict.is_good()),
                bytes: verdict.bytes,
                packets: verdict.packets,
                retransmissions: verdict.retransmissions,
                longest: verdict.virtual_time,
            });
        }
    }

    pub(super) fn write(&self, out: &mut impl Write, took: Duration) -> io::Result<()> {
        let head = format!(
            "{:<18} {:>8} {:>7} {:>16} {:>12} {:>10} {:>13}",
            "scenario", "trials", "failed", "bytes", "packets", "again", "longest"
        );
        writeln!(out, "{}", styled(HEADING, &head))?;
        let mut all = Row { name: "all", ..Row::default() };
        for row in &self.rows {
            row.write(out)?;
            all.add(row);
        }
        if self.rows.len() > 1 {
            all.write(out)?;
        }
        let failed = format!("{} failed", units::grouped(all.failed));
        let style = if all.failed == 0 { GOOD } else { BAD };
        let trials = units::counted(all.trials, "trial");
        writeln!(out, "{trials}, {} in {:.1} s", styled(style, &failed), took.as_secs_f64())
    }
}

/// What there is to try.
pub(super) fn list(out: &mut impl Write) -> io::Result<()> {
    for scenario in &scenarios::ALL {
        writeln!(out, "{:<18} {}", scenario.name, scenario.about)?;
    }
    Ok(())
}
