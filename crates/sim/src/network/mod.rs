//! Hosts, the channels between them, and the clock.

mod channel;
mod tap;
#[cfg(test)]
mod tests;

use crate::error::SimError;
use crate::story::{Recorder, Step};
use channel::Channel;
use sockeye_eye::{ConnectionReport, Summary};
use sockeye_host::{Event, Host, HostConfig, HostError, InterfaceConfig, InterfaceId};
use sockeye_link::impair::{Impairer, Impairment, ImpairmentCounts};
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

/// What is to be done when a host has news: the applications.
pub trait Script {
    /// Something happened at a host. Everything may be asked of it; its packets leave afterwards.
    fn on_event(&mut self, node: NodeId, now: Instant, host: &mut Host, event: Event);
}

/// Nobody listens.
impl Script for () {
    fn on_event(&mut self, _node: NodeId, _now: Instant, _host: &mut Host, _event: Event) {}
}

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
    /// Where each interface's packets go: the channel's place.
    ways: Vec<(InterfaceId, usize)>,
}

impl Network {
    /// No hosts, at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: Instant::ZERO,
            nodes: Vec::new(),
            channels: Vec::new(),
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

    /// Lays a cable between two hosts; `mtu` is the largest IP packet in octets.
    ///
    /// # Errors
    /// [`HostError::BadPrefix`] if a prefix is longer than its address.
    ///
    /// # Panics
    /// If a host is not one of this network's.
    pub fn join(&mut self, ends: [End; 2], mtu: u16) -> Result<(), HostError> {
        let mut interfaces = Vec::with_capacity(2);
        for end in &ends {
            let (address, prefix_len) = end.address;
            let config = InterfaceConfig::ip(mtu).with_address(address, prefix_len);
            let node = &mut self.nodes[end.node.0];
            interfaces.push((end.node, node.host.add_interface(config)?));
            self.tap.add_interface(&node.name);
        }
        for (at, end) in ends.into_iter().enumerate() {
            let (from, to) = (interfaces[at].1, interfaces[1 - at]);
            self.nodes[end.node.0].ways.push((from, self.channels.len()));
            let impairer = Impairer::new(end.seed, end.impairment);
            self.channels.push(Channel::new(to, impairer));
        }
        Ok(())
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
        let Some(next) = self.deadline() else { return Ok(false) };
        if next > self.now {
            self.now = next;
            self.standstill = 0;
        }
        moved += self.deliver();
        for node in &mut self.nodes {
            node.host.on_timer(self.now);
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

    /// What has arrived goes to the hosts.
    fn deliver(&mut self) -> usize {
        let mut count = 0;
        for channel in &mut self.channels {
            channel.take_arrived(self.now, &mut self.arriving);
            count += self.arriving.len();
            let (node, interface) = channel.to;
            self.nodes[node.0].host.on_batch(self.now, interface, self.arriving.drain(..));
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
                let count = self.transmit(index);
                quiet &= count == 0;
                sent += count;
            }
            if quiet {
                return sent;
            }
        }
    }

    fn transmit(&mut self, index: usize) -> usize {
        let Self { now, nodes, channels, tap, recorder, outgoing, .. } = self;
        let mut recorder = recorder.as_mut().filter(|recorder| recorder.watching);
        let node = &mut nodes[index];
        let mut count = 0;
        while node.host.poll_batch(*now, outgoing, BATCH) > 0 {
            count += outgoing.len();
            for (interface, mut packet) in outgoing.drain(..) {
                let way = node.ways.iter().find(|(known, _)| *known == interface);
                let Some(&(_, channel)) = way else { continue };
                // A wire carries octets, not what is known of them: the eye and the receiver look for themselves.
                packet.meta.checksum = ChecksumState::Unverified;
                tap.see(*now, channel, &packet);
                let header = recorder.as_ref().and_then(|_| crate::story::header_of(&packet));
                let copies = channels[channel].send(*now, packet);
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
