//! What connections weigh: octets allocated, tables and timers included, divided by connections.
//!
//! Measured by a process of its own, `versus-footprint`, whose allocator counts: counting would slow the other measurements down.

use crate::pair::{Pair, Setup, Smoltcp, Sockeye, stranger};
use sockeye_wire::{Flags, Instant};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use thiserror::Error;

/// No connection of these carries bulk data.
const SETUP: Setup = Setup { mtu: 1_500, buffer_bytes: 64 << 10, idle_buffer_bytes: 64 };

/// What is to be held at once.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Connections of each kind.
    pub connections: usize,
    /// smoltcp's sockets.
    pub sockets: usize,
}

/// Octets by connection's end, as allocated.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Weights {
    /// Established, nothing was ever sent.
    pub established: f64,
    /// Established, after a request of 1 KiB.
    pub after_data: f64,
    /// SYN received and answered.
    pub half_open: f64,
    /// TIME-WAIT.
    pub time_wait: f64,
    /// A socket of smoltcp with buffers of 64 octets.
    pub smoltcp_small: f64,
    /// A socket of smoltcp with buffers of 64 KiB.
    pub smoltcp_usual: f64,
}

/// Why there is no measurement.
#[derive(Debug, Error)]
pub enum FootprintError {
    /// The counting program cannot be started.
    #[error("{}: {source}; build it with `cargo build --release -p sockeye-versus`", .path.display())]
    Start {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It failed.
    #[error("versus-footprint failed: {0}")]
    Failed(String),
}

impl Weights {
    const FIELDS: usize = 6;

    fn fields(&mut self) -> [(&'static str, &mut f64); Self::FIELDS] {
        [
            ("established", &mut self.established),
            ("after_data", &mut self.after_data),
            ("half_open", &mut self.half_open),
            ("time_wait", &mut self.time_wait),
            ("smoltcp_small", &mut self.smoltcp_small),
            ("smoltcp_usual", &mut self.smoltcp_usual),
        ]
    }

    /// One line a figure, to be read by [`from_lines`](Self::from_lines).
    #[must_use]
    pub fn to_lines(mut self) -> String {
        self.fields().map(|(name, value)| format!("{name} {value}\n")).concat()
    }

    /// Reads [`to_lines`](Self::to_lines); `None` if a figure is missing.
    #[must_use]
    pub fn from_lines(lines: &str) -> Option<Self> {
        let mut weights = Self::default();
        for (name, value) in weights.fields() {
            let line = lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            *value = line.parse().ok()?;
        }
        Some(weights)
    }
}

/// Weighs connections; `allocated` says how many octets are allocated now.
pub fn weigh(counts: Counts, allocated: impl Fn() -> usize) -> Weights {
    let Counts { connections, sockets } = counts;
    let by = |before: usize, count: usize| allocated().saturating_sub(before) as f64 / count as f64;
    let mut weights = Weights::default();

    let mut pair = Sockeye::new(SETUP);
    let before = allocated();
    pair.open_idle(connections);
    // The list of them is the measurement's, not the stack's.
    let before = before + pair.idle_list_bytes();
    weights.established = by(before, 2 * connections);
    for index in 0..connections {
        assert!(pair.carry(index, &[7; 1_024]), "the request arrives");
    }
    weights.after_data = by(before, 2 * connections);
    drop(pair);

    let (mut server, interface) = Sockeye::new(SETUP).into_server();
    let before = allocated();
    let now = Instant::from_millis(1_000);
    for number in 0..connections {
        server.on_packet(now, interface, stranger(now, number as u32, Flags::SYN));
        while server.poll_transmit(now).is_some() {}
    }
    assert_eq!(server.counts().half_open, connections);
    weights.half_open = by(before, connections);
    drop(server);

    let mut pair = Sockeye::with_time_wait(SETUP, Duration::from_secs(3_600));
    let before = allocated();
    pair.churn(connections as u64);
    let [client, server] = pair.counts();
    assert_eq!((client.time_wait, server.time_wait), (connections, 0));
    weights.time_wait = by(before, connections);
    drop(pair);

    for (weight, buffer_bytes) in
        [(&mut weights.smoltcp_small, 64), (&mut weights.smoltcp_usual, 64 << 10)]
    {
        let before = allocated();
        let kept = Smoltcp::idle_sockets(sockets, buffer_bytes);
        *weight = by(before, sockets);
        drop(kept);
    }
    weights
}

/// How many connections one process holds, and whether those picked at random still carry data.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Connections, both ends of each in the process.
    pub connections: usize,
    /// Octets allocated with all of them open.
    pub allocated: usize,
    /// Of the connections picked, how many carried 1 KiB whole.
    pub carried: usize,
}

/// Opens `connections`, then lets `picked` of them carry 1 KiB each.
pub fn hold(connections: usize, picked: usize, allocated: impl Fn() -> usize) -> Held {
    let mut pair = Sockeye::new(SETUP);
    pair.open_idle(connections);
    let held = pair.counts().map(|counts| counts.connections);
    assert_eq!(held, [connections; 2]);
    let allocated = allocated();
    // A linear congruential generator (Knuth, MMIX) is random enough to be nobody's favourite.
    let mut random: u64 = 42;
    let carried = (0..picked)
        .filter(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            pair.carry((random >> 33) as usize % connections, &[7; 1_024])
        })
        .count();
    Held { connections, allocated, carried }
}

/// [`weigh`] in a process that counts.
///
/// # Errors
/// [`FootprintError`] if that is not there or fails.
pub fn weigh_apart(counts: Counts) -> Result<Weights, FootprintError> {
    let Counts { connections, sockets } = counts;
    let lines = run(&["weigh", &connections.to_string(), &sockets.to_string()])?;
    Weights::from_lines(&lines).ok_or(FootprintError::Failed(lines))
}

/// [`hold`] in a process that counts, and may not allocate more than `limit_bytes`.
///
/// # Errors
/// [`FootprintError`] if that is not there or fails.
pub fn hold_apart(
    connections: usize,
    picked: usize,
    limit_bytes: usize,
) -> Result<String, FootprintError> {
    run(&["hold", &connections.to_string(), &picked.to_string(), &limit_bytes.to_string()])
}

fn run(arguments: &[&str]) -> Result<String, FootprintError> {
    let path = std::env::current_exe().unwrap_or_default().with_file_name("versus-footprint");
    let output = Command::new(&path).args(arguments).output();
    let output = output.map_err(|source| FootprintError::Start { path, source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(FootprintError::Failed(text(&output.stderr)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Weights, hold, weigh};

    #[test]
    fn figures_survive_the_pipe() {
        let weights = Weights { established: 1.5, time_wait: 96.0, ..Weights::default() };
        assert_eq!(Weights::from_lines(&weights.to_lines()), Some(weights));
        assert_eq!(Weights::from_lines("established 1\n"), None);
    }

    /// Without a counting allocator all weigh nothing, but everything that is weighed must come about.
    #[test]
    fn every_kind_of_connection_comes_about() {
        let weights = weigh(Counts { connections: 100, sockets: 2 }, || 0);
        assert_eq!(weights, Weights::default());
        assert_eq!(hold(200, 50, || 0).carried, 50);
    }
}
