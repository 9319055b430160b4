//! Hosts, the channels between them, and the clock.

mod cables;
mod channel;
mod path_mtu;
mod script;
mod tap;
#[cfg(test)]
mod tests;

use crate::error::SimError;
use crate::story::{Recorder, Step};
use cables::Junction;
use channel::{Channel, Target};
pub use path_mtu::PathMtu;
pub use script::Script;
use sockeye_eye::{ConnectionReport, Summary};
use sockeye_host::{Host, HostConfig, InterfaceId};
use sockeye_link::impair::{Impairment, ImpairmentCounts};
use sockeye_wire::{ChecksumState, Instant, Packet, StateName};
use std::io::{self, Write};
use std::net::IpAddr;
use tap::Tap;

/// Packets asked of a host at once: enough to share the work, few enough to stay in the cache.
const BATCH: usize = 64;
/// Times that the clock may stand still without a packet moving.
const STANDSTILL: u32 = 10_000;

/// Names a host of a network: the number in the order of adding, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(pub usize);

/// Names a place where cables meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JunctionId(usize);

/// Names one direction of a cable: the number in the order of laying, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelId(usize);

/// One end of a cable.
#[derive(Clone, Debug)]
pub struct End {
    /// The host.
    pub node: NodeId,
    /// Its address there, and the length of the network's prefix.
    pub address: (IpAddr, u8),
    /// What happens to what it sends.
    pub impairment: Impairment,
    /// From what chance is drawn for it.
    pub seed: u64,
}

/// Hosts joined by impaired channels, in virtual time.
pub struct Network {
    now: Instant,
    nodes: Vec<Node>,
    channels: Vec<Channel>,
    junctions: Vec<Junction>,
    tap: Tap,
    recorder: Option<Recorder>,
    /// A host was touched from outside and may have something to send.
    touched: bool,
    standstill: u32,
    outgoing: Vec<(InterfaceId, Packet)>,
    arriving: Vec<Packet>,
}

struct Node {
    name: String,
    host: Host,
    /// Where each interface's packets go.
    ways: Vec<Way>,
}

struct Way {
    interface: InterfaceId,
    /// The channel's place.
    channel: usize,
    /// The interface's number in the capture.
    tap: usize,
}

impl Network {
    /// No hosts, at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: Instant::ZERO,
            nodes: Vec::new(),
            channels: Vec::new(),
            junctions: Vec::new(),
            tap: Tap::new(),
            recorder: None,
            touched: false,
            standstill: 0,
            outgoing: Vec::with_capacity(BATCH),
            arriving: Vec::new(),
        }
    }

    /// Writes every packet to `out` as pcapng, at the time and in the shape in which its sender sends it. Call it before
    /// [`join`](Self::join): interfaces made earlier are not captured.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn capture_to(&mut self, out: Box<dyn Write + Send>) -> io::Result<()> {
        self.tap.capture_to(out)
    }

    /// Adds a host without interfaces.
    pub fn add_host(&mut self, name: impl Into<String>, config: HostConfig) -> NodeId {
        self.nodes.push(Node { name: name.into(), host: Host::new(config), ways: Vec::new() });
        NodeId(self.nodes.len() - 1)
    }

    /// Changes what happens to what is sent into a channel from now on.
    ///
    /// # Panics
    /// If it is not one of this network's, as all that take a [`ChannelId`].
    pub fn set_impairment(&mut self, channel: ChannelId, impairment: Impairment) {
        self.channels[channel.0].set_impairment(impairment);
    }

    /// Narrows a channel, or widens it again: larger packets are dropped (all of ours forbid that they be cut).
    pub fn set_path_mtu(&mut self, channel: ChannelId, mtu: Option<PathMtu>) {
        self.channels[channel.0].path_mtu = mtu;
    }

    /// Puts a packet from nowhere at the end of a channel, where it arrives now. The eye does not see it.
    pub fn inject(&mut self, channel: ChannelId, packet: Packet) {
        self.channels[channel.0].inject(self.now, packet);
    }

    /// The network's time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// A host's name.
    ///
    /// # Panics
    /// If it is not one of this network's, as all that take a [`NodeId`].
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[node.0].name
    }

    /// A host, to look at.
    #[must_use]
    pub fn host(&self, node: NodeId) -> &Host {
        &self.nodes[node.0].host
    }

    /// A host, to ask something of; what it has to send leaves with the next [`step`](Self::step).
    pub fn host_mut(&mut self, node: NodeId) -> &mut Host {
        self.touched = true;
        &mut self.nodes[node.0].host
    }

    /// What happened to the packets of each channel; a cable's two come in the order of its ends.
    pub fn channel_counts(&self) -> impl Iterator<Item = ImpairmentCounts> {
        self.channels.iter().map(Channel::counts)
    }

    /// Packets sent so far by all hosts.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.tap.packets()
    }

    /// Records from now on what each host does with each segment. Costs time: for the moments that are told line by line.
    pub fn watch(&mut self) {
        let recorder = self.recorder.get_or_insert_with(|| Recorder::new(self.nodes.len()));
        recorder.begin();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.host.set_observer(Some(recorder.observer(NodeId(index))));
        }
    }

    /// Tells the record what state a host is in that no segment has told of: LISTEN.
    pub fn assume_state(&mut self, node: NodeId, state: StateName) {
        if let Some(recorder) = &mut self.recorder {
            recorder.set_state(node, state);
        }
    }

    /// Records nothing more, until [`watch`](Self::watch) is called again.
    pub fn look_away(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.watching = false;
        }
        for node in &mut self.nodes {
            node.host.set_observer(None);
        }
    }

    /// What was recorded since this was last asked.
    pub fn take_steps(&mut self) -> Vec<Step> {
        self.recorder.as_mut().map(Recorder::take_steps).unwrap_or_default()
    }

    /// Goes to the next moment at which anything happens, and does all that happens then. `false` if nothing ever will.
    ///
    /// # Errors
    /// [`SimError::Livelock`] and [`SimError::Capture`].
    pub fn step(&mut self, script: &mut impl Script) -> Result<bool, SimError> {
        let mut moved = 0;
        if std::mem::take(&mut self.touched) {
            moved += self.settle(script);
        }
        let planned = script.deadline();
        let Some(next) = self.deadline().into_iter().chain(planned).min() else {
            return Ok(false);
        };
        if next > self.now {
            self.now = next;
            self.standstill = 0;
        }
        moved += self.deliver(script);
        for node in &mut self.nodes {
            node.host.on_timer(self.now);
        }
        if planned.is_some_and(|at| at <= self.now) {
            script.on_time(self);
        }
        moved += self.settle(script);
        if moved == 0 {
            self.check_standstill()?;
        }
        match self.tap.take_error() {
            Some(error) => Err(SimError::Capture(error)),
            None => Ok(true),
        }
    }

    /// Ends the capture, and gives out what the eye says of all packets.
    ///
    /// # Errors
    /// [`SimError::Capture`].
    pub fn finish(self) -> Result<(Vec<ConnectionReport>, Summary), SimError> {
        self.tap.finish().map_err(SimError::Capture)
    }

    fn deadline(&mut self) -> Option<Instant> {
        let timers = self.nodes.iter_mut().filter_map(|node| node.host.deadline());
        let arrivals = self.channels.iter().filter_map(Channel::deadline);
        timers.chain(arrivals).min()
    }

    /// What has arrived goes to the hosts, or on.
    fn deliver(&mut self, script: &mut impl Script) -> usize {
        let mut count = 0;
        for at in 0..self.channels.len() {
            let Self { now, nodes, channels, junctions, arriving, .. } = self;
            channels[at].take_arrived(*now, arriving);
            count += arriving.len();
            match channels[at].to {
                Target::Host(node, interface) => {
                    for packet in arriving.iter() {
                        script.on_arrival(node, *now, packet);
                    }
                    nodes[node.0].host.on_batch(*now, interface, arriving.drain(..));
                }
                Target::Junction(junction) => {
                    for packet in arriving.drain(..) {
                        if let Some(way) = junctions[junction.0].way(&packet) {
                            forward(*now, channels, way, packet);
                        }
                    }
                }
            }
        }
        count
    }

    /// Applications act on news, and hosts send, until there is neither. Says how many packets were sent.
    fn settle(&mut self, script: &mut impl Script) -> usize {
        let mut sent = 0;
        loop {
            let mut quiet = true;
            for (index, node) in self.nodes.iter_mut().enumerate() {
                while let Some(event) = node.host.poll_event() {
                    quiet = false;
                    script.on_event(NodeId(index), self.now, &mut node.host, event);
                }
            }
            for index in 0..self.nodes.len() {
                let count = self.transmit(index, script);
                quiet &= count == 0;
                sent += count;
            }
            if quiet {
                return sent;
            }
        }
    }

    fn transmit(&mut self, index: usize, script: &mut impl Script) -> usize {
        let Self { now, nodes, channels, tap, recorder, outgoing, .. } = self;
        let mut recorder = recorder.as_mut().filter(|recorder| recorder.watching);
        let node = &mut nodes[index];
        let mut count = 0;
        while node.host.poll_batch(*now, outgoing, BATCH) > 0 {
            count += outgoing.len();
            for (interface, mut packet) in outgoing.drain(..) {
                let way = node.ways.iter().find(|way| way.interface == interface);
                let Some(&Way { channel, tap: number, .. }) = way else { continue };
                // A wire carries octets, not what is known of them: the eye and the receiver look for themselves.
                packet.meta.checksum = ChecksumState::Unverified;
                tap.see(*now, number, &packet);
                script.on_sent(NodeId(index), *now, &packet);
                let header = recorder.as_ref().and_then(|_| crate::story::header_of(&packet));
                let copies = forward(*now, channels, channel, packet);
                if let Some((recorder, header)) = recorder.as_mut().zip(header) {
                    recorder.departed(NodeId(index), header, copies);
                }
            }
        }
        count
    }

    fn check_standstill(&mut self) -> Result<(), SimError> {
        self.standstill += 1;
        if self.standstill < STANDSTILL {
            return Ok(());
        }
        let now = self.now;
        let is_stuck = |node: &mut Node| node.host.deadline().is_some_and(|next| next <= now);
        let stuck = self.nodes.iter_mut().find_map(|node| is_stuck(node).then_some(&node.name));
        let host = stuck.cloned().unwrap_or_default();
        Err(SimError::Livelock { host, at: now.since(Instant::ZERO) })
    }
}

/// Sends a packet into a channel, or tells its sender that it is too big; says how often it will arrive.
fn forward(now: Instant, channels: &mut [Channel], at: usize, packet: Packet) -> usize {
    if let Some(narrow) = channels[at].path_mtu.filter(|mtu| packet.len() > mtu.bytes.into()) {
        let back = channels[at].back;
        if let Some(message) = narrow.message(now, &packet) {
            channels[back].send(now, message);
        }
        return 0;
    }
    channels[at].send(now, packet)
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("now", &self.now)
            .field("hosts", &self.nodes.len())
            .field("packets", &self.packets())
            .finish_non_exhaustive()
    }
}
