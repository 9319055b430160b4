//! `sockeye sim --goodput`: how much of a link each congestion control fills.

use crate::Failure;
use crate::terminal::{self, HEADING, styled};
use sockeye_sim::goodput::{Algorithm, CONTESTS, COURSES, Course, jain};
use std::io::Write;

/// The table, and who shares fairly. Takes some minutes of computing for some hours of network time.
pub(super) fn run() -> Result<(), Failure> {
    let mut out = terminal::stdout();
    let unwritten = |error: std::io::Error| Failure::of_output(&error);
    let failed = |error| Failure::new(format_args!("sim: {error}"));
    let course = Course::default();
    let head = format!(
        "payload as a share of {} Mbit/s, {} ms, a queue of {} bytes, {} s",
        course.rate_bps / 1_000_000,
        course.rtt.as_millis(),
        course.queue_bytes,
        course.length.as_secs(),
    );
    writeln!(out, "{}", styled(HEADING, &head)).map_err(unwritten)?;
    write!(out, "{:<14}", "").map_err(unwritten)?;
    for algorithm in Algorithm::ALL {
        write!(out, "{algorithm:>9}").map_err(unwritten)?;
    }
    writeln!(out).map_err(unwritten)?;
    for (name, loss, reorder, seeds) in COURSES {
        write!(out, "{name:<14}").map_err(unwritten)?;
        for algorithm in Algorithm::ALL {
            let share = Course::with(loss, reorder).mean(algorithm, seeds).map_err(failed)?;
            write!(out, "{share:>9.4}").map_err(unwritten)?;
            out.flush().map_err(unwritten)?;
        }
        writeln!(out).map_err(unwritten)?;
    }
    writeln!(out, "{}", styled(HEADING, "sharing it for a minute")).map_err(unwritten)?;
    for (flows, _) in CONTESTS {
        let shares = Course::minute().run(flows).map_err(failed)?;
        let names: Vec<_> = flows.iter().map(|flow| flow.name()).collect();
        let index = jain(&shares);
        writeln!(out, "{:<24} {shares:.3?}, Jain's index {index:.3}", names.join(", "))
            .map_err(unwritten)?;
    }
    Ok(())
}
