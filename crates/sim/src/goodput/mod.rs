//! How much of a link a congestion control fills, and how flows share it.
//!
//! Senders on the left, receivers on the right, one cable for all in the middle with a rate, a queue, and loss or reordering of what
//! the senders send. The rate counts IP packets; goodput counts the payload that receivers have read. With timestamps and 1,500 octets a
//! packet, full use of the link is a goodput of 1,448/1,500 = 0.965.

mod race;
#[cfg(test)]
mod tests;

use crate::error::SimError;
use crate::network::{End, JunctionId, Network, NodeId};
use crate::seed::Seeds;
use race::{Lane, Race};
use sockeye_host::{HostConfig, HostError};
use sockeye_link::impair::{Impairment, ImpairmentCounts};
use sockeye_tcp::Config;
pub use sockeye_tcp::congestion::Algorithm;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Octets of the largest packet.
const MTU: u16 = 1_500;
/// Where receivers listen: "discard" (RFC 863).
const PORT: u16 = 9;

/// What came of a [`Course`].
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The payload that each flow's receiver has read, as a share of what the link carries.
    pub shares: Vec<f64>,
    /// Packets that the queue had no room for, as a share of those that the senders sent.
    pub overflow: f64,
}

/// How things stand at some time.
struct Reading {
    bytes: Vec<u64>,
    counts: ImpairmentCounts,
}

/// A bottleneck, and for how long it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Bits per second, each way.
    pub rate_bps: u64,
    /// Time to the other side and back, queues empty.
    pub rtt: Duration,
    /// Octets that may wait for the link, each way.
    pub queue_bytes: usize,
    /// Probability that a packet of a sender is lost.
    pub loss: f64,
    /// Probability that a packet of a sender is overtaken.
    pub reorder: f64,
    /// Each flow begins so much after the one before, and up to 20 ms more.
    pub spacing: Duration,
    /// Nothing counts before: from the first data.
    pub settling: Duration,
    /// The end, from the first data.
    pub length: Duration,
    /// From which all chance is drawn.
    pub seed: u64,
}

impl Default for Course {
    /// 100 Mbit/s, 50 ms, a queue of what is on the path (625,000 octets), for 20 s, without loss.
    fn default() -> Self {
        Self {
            rate_bps: 100_000_000,
            rtt: Duration::from_millis(50),
            queue_bytes: 625_000,
            loss: 0.0,
            reorder: 0.0,
            spacing: Duration::ZERO,
            settling: Duration::ZERO,
            length: Duration::from_secs(20),
            seed: 1,
        }
    }
}

/// What the goodput of a congestion control is measured by: name, loss, reordering, and seeds that the mean is taken over.
pub const COURSES: [(&str, f64, f64, u64); 5] = [
    ("no loss", 0.0, 0.0, 1),
    ("0.1 % loss", 0.001, 0.0, 5),
    ("1 % loss", 0.01, 0.0, 5),
    ("3 % loss", 0.03, 0.0, 5),
    ("2 % reordered", 0.0, 0.02, 5),
];

/// Who shares a link fairly: flows, and the least of Jain's index over a minute.
pub const CONTESTS: [(&[Algorithm], f64); 3] = [
    (&[Algorithm::Cubic; 2], 0.95),
    (&[Algorithm::Cubic, Algorithm::Reno], 0.8),
    (&[Algorithm::Bbr; 4], 0.9),
];

impl Course {
    /// The default with this loss and reordering.
    #[must_use]
    pub fn with(loss: f64, reorder: f64) -> Self {
        Self { loss, reorder, ..Self::default() }
    }

    /// The default for a minute.
    #[must_use]
    pub fn minute() -> Self {
        Self { length: Duration::from_secs(60), ..Self::default() }
    }

    /// Lets one flow for each algorithm send as much as it can; the payload that each receiver has read, as a share of what the link
    /// carries in that time.
    ///
    /// # Errors
    /// [`SimError`] if a connection is lost, the stack gets stuck, or the eye finds a rule broken.
    pub fn run(&self, algorithms: &[Algorithm]) -> Result<Vec<f64>, SimError> {
        self.measure(algorithms).map(|figures| figures.shares)
    }

    /// As [`run`](Self::run), with what this cost.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn measure(&self, algorithms: &[Algorithm]) -> Result<Figures, SimError> {
        let (mut network, mut race) = self.set(algorithms)?;
        let before = go(&mut network, &mut race, self.settling)?;
        let after = go(&mut network, &mut race, self.length)?;
        let (reports, _) = network.finish()?;
        let mut violations = reports.iter().flat_map(|report| report.violations());
        if let Some(finding) = violations.next() {
            return Err(SimError::Violation { what: finding.text.clone() });
        }
        let time = self.length.saturating_sub(self.settling).as_secs_f64();
        let carried = self.rate_bps as f64 / 8.0 * time;
        let read = after.bytes.iter().zip(&before.bytes).map(|(after, before)| after - before);
        let sent = (after.counts.sent - before.counts.sent).max(1);
        let overflowed = after.counts.overflowed - before.counts.overflowed;
        Ok(Figures {
            shares: read.map(|bytes| bytes as f64 / carried).collect(),
            overflow: overflowed as f64 / sent as f64,
        })
    }

    /// The mean share of one flow over some seeds.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn mean(&self, algorithm: Algorithm, seeds: u64) -> Result<f64, SimError> {
        let mut sum = 0.0;
        for seed in 0..seeds.max(1) {
            let course = Self { seed: self.seed.wrapping_add(seed), ..self.clone() };
            sum += course.run(&[algorithm])?.iter().sum::<f64>();
        }
        Ok(sum / seeds.max(1) as f64)
    }

    fn set(&self, algorithms: &[Algorithm]) -> Result<(Network, Race), HostError> {
        let mut seeds = Seeds::new(self.seed);
        let mut network = Network::new();
        let sides = [network.add_junction(), network.add_junction()];
        let back = Impairment {
            delay: self.rtt / 2,
            rate_bps: Some(self.rate_bps),
            queue_bytes: Some(self.queue_bytes),
            ..Impairment::default()
        };
        let there = Impairment { loss: self.loss, reorder: self.reorder, ..back.clone() };
        let _cable = network
            .trunk([(sides[0], there, seeds.next_u64()), (sides[1], back, seeds.next_u64())]);
        let mut lanes = Vec::with_capacity(algorithms.len());
        for (at, algorithm) in algorithms.iter().enumerate() {
            let tcp = Arc::new(Config { congestion: *algorithm, ..Config::default() });
            let mut add = |side: usize| {
                let config =
                    HostConfig { tcp: Arc::clone(&tcp), ..HostConfig::new(seeds.secret()) };
                let name = if side == 0 { "sender" } else { "receiver" };
                let node = network.add_host(format!("{name} {at}"), config);
                attach(&mut network, node, address(at, side), sides[side])?;
                Ok::<_, HostError>(node)
            };
            let (sender, receiver) = (add(0)?, add(1)?);
            let remote = SocketAddr::new(address(at, 1), PORT);
            network.host_mut(receiver).listen(remote, 1)?;
            // Not all at the very same moment, or drop-tail queues treat them all alike.
            let offset =
                self.spacing * at as u32 + Duration::from_micros(seeds.next_u64() % 20_000);
            lanes.push(Lane::new(sender, receiver, remote, offset, seeds.next_u64()));
        }
        Ok((network, Race::new(lanes, self.length)))
    }
}

/// Goes on until `length` after the first data.
fn go(network: &mut Network, race: &mut Race, length: Duration) -> Result<Reading, SimError> {
    race.length = length;
    while !length.is_zero() && !race.is_over(network.now()) {
        if !network.step(race)? {
            let (phase, after) = (crate::Phase::Transfer, network.now().since(Default::default()));
            return Err(SimError::Deadlock { phase, after });
        }
        if let Some((node, error)) = race.failure() {
            let (phase, after) = (crate::Phase::Transfer, network.now().since(Default::default()));
            return Err(SimError::Lost {
                host: network.name(node).to_owned(),
                phase,
                after,
                error,
            });
        }
    }
    // The first channel to be laid is the one that the senders share.
    let counts = network.channel_counts().next().unwrap_or_default();
    Ok(Reading { bytes: race.bytes().collect(), counts })
}

/// A host's own cable is no obstacle.
fn attach(
    network: &mut Network,
    node: NodeId,
    address: IpAddr,
    junction: JunctionId,
) -> Result<(), HostError> {
    let end = End { node, address: (address, 8), impairment: Impairment::default(), seed: 0 };
    network.attach(end, junction, (Impairment::default(), 0), MTU)?;
    Ok(())
}

fn address(flow: usize, side: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, flow as u8, side as u8 + 1).into()
}

/// Jain's fairness index: 1 if all have the same, 1/n if one has everything.
///
/// Source: R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness", 1984.
#[must_use]
pub fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    if squares > 0.0 { sum * sum / (shares.len() as f64 * squares) } else { 1.0 }
}
