//! One scenario, from the SYN to CLOSED.

mod bulk;
#[cfg(test)]
mod tests;

use crate::apps::{BulkReceiver, BulkSender, Stream};
use crate::error::SimError;
use crate::network::{End, Network, NodeId};
use crate::outcome::Outcome;
use crate::scenario::Scenario;
use crate::seed::Seeds;
use crate::story::{Phase, Step, StepKind};
use bulk::Bulk;
use sockeye_host::{ConnectionId, HostConfig, ListenerId};
use sockeye_link::impair::ImpairmentCounts;
use sockeye_wire::{Instant, StateName};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The host that connects, sends, and closes first.
pub(crate) const A: NodeId = NodeId(0);
/// The host that listens.
pub(crate) const B: NodeId = NodeId(1);

/// B's port: "discard" (RFC 863).
const PORT: u16 = 9;
/// How often the transfer's progress is told.
const PROGRESS_BYTES: u64 = 4 << 20;

/// Is told what happens while it happens.
pub trait Progress {
    /// An end did something in the handshake or the close.
    fn step(&mut self, _phase: Phase, _step: &Step) {}

    /// B has read this many octets so far.
    fn transferred(&mut self, _bytes: u64) {}

    /// Everything was transferred: octets read by B, XXH3 of what A wrote and of what B read.
    fn compared(&mut self, _bytes: u64, _sent: u64, _received: u64) {}
}

/// Nobody is told.
impl Progress for () {}

/// Runs a scenario: A connects to B, sends, and closes; B answers the close. Every packet is shown to the eye, and written to `capture`
/// as pcapng if there is one.
///
/// # Errors
/// [`SimError`], if the connection is lost or the stack gets stuck. That bytes differ or the eye finds a violation is no error
/// but an [`Outcome`].
pub fn run(
    scenario: &Scenario,
    capture: Option<Box<dyn Write + Send>>,
    progress: &mut dyn Progress,
) -> Result<Outcome, SimError> {
    let mut stage = Stage::set(scenario, capture, progress)?;
    let (a, b) = stage.shake_hands()?;
    let transfer = stage.transfer(a, b)?;
    let last_packet = stage.close(a, b)?;
    stage.finish(transfer, last_packet)
}

struct Stage<'a> {
    scenario: &'a Scenario,
    progress: &'a mut dyn Progress,
    network: Network,
    stream_seed: u64,
    listener: ListenerId,
    handshake: Vec<Step>,
    close: Vec<Step>,
}

struct Transfer {
    bytes: u64,
    sent_hash: u64,
    received_hash: u64,
    retransmissions: u64,
    wall: Duration,
}

impl<'a> Stage<'a> {
    fn set(
        scenario: &'a Scenario,
        capture: Option<Box<dyn Write + Send>>,
        progress: &'a mut dyn Progress,
    ) -> Result<Self, SimError> {
        let mut seeds = Seeds::new(scenario.seed);
        let mut network = Network::new();
        if let Some(out) = capture {
            network.capture_to(out).map_err(SimError::Capture)?;
        }
        let tcp = Arc::new(scenario.tcp());
        for name in ["A", "B"] {
            let config = HostConfig { tcp: Arc::clone(&tcp), ..HostConfig::new(seeds.secret()) };
            network.add_host(name, config);
        }
        let mut end = |node| End {
            node,
            address: (address(scenario, node), if scenario.ipv6 { 64 } else { 24 }),
            impairment: scenario.impairment(),
            seed: seeds.next_u64(),
        };
        network.join([end(A), end(B)], scenario.mtu)?;
        if let Some(numbers) = scenario.isn {
            for (node, isn) in [A, B].into_iter().zip(numbers) {
                network.host_mut(node).preset_isn(sockeye_wire::SeqNumber(isn));
            }
        }
        let local = SocketAddr::new(address(scenario, B), PORT);
        let listener = network.host_mut(B).listen(local, 1)?;
        Ok(Self {
            scenario,
            progress,
            network,
            stream_seed: seeds.next_u64(),
            listener,
            handshake: Vec::new(),
            close: Vec::new(),
        })
    }

    /// Until both ends are ESTABLISHED; neither has data to send yet.
    fn shake_hands(&mut self) -> Result<(ConnectionId, ConnectionId), SimError> {
        self.network.watch();
        self.network.assume_state(B, StateName::Listen);
        let now = self.network.now();
        let remote = SocketAddr::new(address(self.scenario, B), PORT);
        let a = self.network.host_mut(A).connect(now, remote, None)?;
        let mut b = None;
        while b.is_none() || self.state(A, a) != StateName::Established {
            if !self.step(Phase::Handshake)? {
                return Err(self.stalled_handshake());
            }
            self.check_alive(Phase::Handshake, A, a)?;
            let accepted = self.network.host_mut(B).accept(self.listener);
            b = b.or(accepted.map(|(connection, _)| connection));
        }
        let now = self.network.now();
        self.network.host_mut(B).close_listener(now, self.listener);
        self.network.look_away();
        Ok((a, b.unwrap_or(a)))
    }

    /// Until everything is read and acknowledged.
    fn transfer(&mut self, a: ConnectionId, b: ConnectionId) -> Result<Transfer, SimError> {
        let stream = Stream::new(self.stream_seed);
        let mut bulk = Bulk {
            sender: BulkSender::new(a, stream, self.scenario.bytes),
            receiver: BulkReceiver::new(b),
            failure: None,
        };
        let began = std::time::Instant::now();
        let now = self.network.now();
        bulk.start(now, self.network.host_mut(A), A);
        let mut told = 0;
        while !self.is_transferred(&bulk) {
            if !self.network.step(&mut bulk)? {
                return Err(self.deadlock(Phase::Transfer));
            }
            if let Some((node, error)) = bulk.failure {
                return Err(self.lost(Phase::Transfer, node, error));
            }
            if bulk.receiver.bytes() - told >= PROGRESS_BYTES {
                told = bulk.receiver.bytes();
                self.progress.transferred(told);
            }
        }
        let wall = began.elapsed();
        let (bytes, sent_hash, received_hash) =
            (bulk.receiver.bytes(), bulk.sender.hash(), bulk.receiver.hash());
        self.progress.transferred(bytes);
        self.progress.compared(bytes, sent_hash, received_hash);
        let count = |node, id| {
            self.network.host(node).connection(id).map_or(0, |known| known.info().retransmissions)
        };
        let retransmissions = count(A, a) + count(B, b);
        Ok(Transfer { bytes, sent_hash, received_hash, retransmissions, wall })
    }

    fn is_transferred(&self, bulk: &Bulk) -> bool {
        bulk.sender.is_done()
            && bulk.receiver.bytes() >= self.scenario.bytes
            && self
                .network
                .host(A)
                .connection(bulk.sender.connection())
                .is_none_or(|connection| connection.unacknowledged() == 0)
    }

    /// A asks, B answers, A waits 2·MSL. Says when the last packet was sent.
    fn close(&mut self, a: ConnectionId, b: ConnectionId) -> Result<Instant, SimError> {
        self.network.watch();
        let now = self.network.now();
        self.network.host_mut(A).shutdown(now, a);
        while self.state(B, b) == StateName::Established {
            self.step_or_deadlock(Phase::Close)?;
            self.check_alive(Phase::Close, A, a)?;
        }
        // B's acknowledgement has left by itself; its application takes note of the end only now.
        let now = self.network.now();
        self.network.host_mut(B).shutdown(now, b);
        while self.state(A, a) != StateName::Closed || self.state(B, b) != StateName::Closed {
            self.step_or_deadlock(Phase::Close)?;
        }
        let over = Step {
            time: self.network.now(),
            node: A,
            kind: StepKind::TimedOut,
            before: StateName::TimeWait,
            after: StateName::Closed,
        };
        self.tell(Phase::Close, over);
        for (node, id) in [(A, a), (B, b)] {
            self.check_orderly(node, id)?;
            let now = self.network.now();
            self.network.host_mut(node).close(now, id);
        }
        let sent = |step: &&Step| matches!(step.kind, StepKind::Sent { .. });
        Ok(self.close.iter().rev().find(sent).map_or(now, |step| step.time))
    }

    fn finish(self, transfer: Transfer, last_packet: Instant) -> Result<Outcome, SimError> {
        let Self { scenario, network, handshake, close, .. } = self;
        let mut channels = [ImpairmentCounts::default(); 2];
        for (place, counts) in channels.iter_mut().zip(network.channel_counts()) {
            *place = counts;
        }
        let again = handshake.iter().chain(&close).filter(|step| step.is_retransmission()).count();
        let left_behind = [A, B].map(|node| network.host(node).counts());
        let packets = network.packets();
        let (reports, summary) = network.finish()?;
        Ok(Outcome {
            seed: scenario.seed,
            handshake,
            close,
            bytes: transfer.bytes,
            expected_bytes: scenario.bytes,
            sent_hash: transfer.sent_hash,
            received_hash: transfer.received_hash,
            retransmissions: transfer.retransmissions + again as u64,
            virtual_time: last_packet.since(Instant::ZERO),
            wall: transfer.wall,
            packets,
            channels,
            left_behind,
            reports,
            summary,
        })
    }

    /// One step of the network, told line by line; `false` if nothing will ever happen again.
    fn step(&mut self, phase: Phase) -> Result<bool, SimError> {
        let goes_on = self.network.step(&mut ())?;
        for step in self.network.take_steps() {
            self.tell(phase, step);
        }
        Ok(goes_on)
    }

    fn step_or_deadlock(&mut self, phase: Phase) -> Result<(), SimError> {
        if self.step(phase)? { Ok(()) } else { Err(self.deadlock(phase)) }
    }

    /// All SYN-ACKs or their answers were lost: B has given up, and A, which has nothing to send yet, cannot know.
    fn stalled_handshake(&self) -> SimError {
        if self.network.host(B).counts().half_open == 0 {
            self.lost(Phase::Handshake, B, sockeye_tcp::Error::TimedOut)
        } else {
            self.deadlock(Phase::Handshake)
        }
    }

    fn tell(&mut self, phase: Phase, step: Step) {
        self.progress.step(phase, &step);
        match phase {
            Phase::Close => self.close.push(step),
            _ => self.handshake.push(step),
        }
    }

    fn state(&self, node: NodeId, id: ConnectionId) -> StateName {
        self.network.host(node).connection(id).map_or(StateName::Closed, |known| known.state())
    }

    fn check_alive(&self, phase: Phase, node: NodeId, id: ConnectionId) -> Result<(), SimError> {
        if self.state(node, id) != StateName::Closed {
            return Ok(());
        }
        let error = self.network.host(node).connection(id).and_then(|known| known.error());
        Err(self.lost(phase, node, error.unwrap_or(sockeye_tcp::Error::NotConnected)))
    }

    fn check_orderly(&self, node: NodeId, id: ConnectionId) -> Result<(), SimError> {
        let error = self.network.host(node).connection(id).and_then(|known| known.error());
        error.map_or(Ok(()), |error| Err(self.lost(Phase::Close, node, error)))
    }

    fn lost(&self, phase: Phase, node: NodeId, error: sockeye_tcp::Error) -> SimError {
        let host = self.network.name(node).to_owned();
        SimError::Lost { host, phase, after: self.elapsed(), error }
    }

    fn deadlock(&self, phase: Phase) -> SimError {
        SimError::Deadlock { phase, after: self.elapsed() }
    }

    fn elapsed(&self) -> Duration {
        self.network.now().since(Instant::ZERO)
    }
}

fn address(scenario: &Scenario, node: NodeId) -> IpAddr {
    let last = node.0 as u8 + 1;
    if scenario.ipv6 {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into()).into()
    } else {
        Ipv4Addr::new(10, 0, 0, last).into()
    }
}
