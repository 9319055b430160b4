//! The host: its state, its set-up, and what it tells of itself.

mod answer;
mod auth;
mod budget;
mod connections;
mod cookies;
mod cut;
mod egress;
mod fast_open;
mod handshake;
mod icmp;
mod incoming;
mod ingress;
mod link;
mod listen;
mod memory;
mod misplaced;
mod open;
mod path;
mod run;
mod strays;
mod tcp;
#[cfg(test)]
mod tests;
mod timers;

use crate::budget::Budget;
use crate::chunks::Chunks;
use crate::config::{HostConfig, InterfaceConfig, InterfaceId};
use crate::counters::{Counters, Counts};
use crate::demux::Demux;
use crate::error::HostError;
use crate::events::Event;
use crate::hash::Keyed;
use crate::ids::{ConnectionId, ListenerId};
use crate::incoming::{HeldRecord, Incoming};
use crate::limiter::Limiter;
use crate::listener::Listeners;
use crate::monitor::Monitor;
use crate::net::{Network, Route};
use crate::pages::Pages;
use crate::policy::Policy;
use crate::ports::Ports;
use crate::record::{HalfOpenRecord, Record, TimeWaitRecord};
use crate::shard::Placement;
use crate::strays::Strays;
use crate::timer::{TimerKey, TimerOwner};
use crate::trace::{Observer, SegmentTrace};
use crate::wheel::{Timed, TimerId, Timers};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
pub use auth::KeyOwner;
use core::fmt;
use core::net::IpAddr;
use egress::Egress;
pub use misplaced::{Goal, Misplaced};
use run::Run;
use sockeye_tcp::{Events, FastOpenKeys, IsnGenerator, SynCookies};
use sockeye_wire::{Instant, Packet, SeqNumber};

/// An end system: interfaces with addresses, and all TCP connections on them.
///
/// After any call, [`poll_transmit`](Self::poll_transmit) may have packets to send, [`poll_event`](Self::poll_event) may
/// have news and [`deadline`](Self::deadline) may have moved. `now` must never go back from one call to the next.
pub struct Host {
    config: HostConfig,
    network: Network,
    demux: Demux,
    placement: Placement,
    misplaced: VecDeque<(Goal, Misplaced)>,
    connections: Pages<Record>,
    half_open: Timed<HalfOpenRecord>,
    time_wait: Timed<TimeWaitRecord>,
    held: Pages<HeldRecord>,
    incoming: Option<Box<Incoming>>,
    strays: Option<Box<Strays>>,
    budget: Budget,
    listeners: Listeners,
    ports: Ports,
    timers: Timers<TimerKey>,
    reassembly_timer: TimerId,
    isn: IsnGenerator,
    syn_cookies: SynCookies,
    /// When the last SYN cookie was sent.
    cookie_sent_at: Option<Instant>,
    fast_open_keys: FastOpenKeys,
    flow_key: Keyed,
    egress: Egress,
    chunks: Chunks,
    events: VecDeque<Announcement>,
    observer: Option<Box<dyn Observer>>,
    monitor: Option<Box<dyn Monitor>>,
    counters: Counters,
    reset_limiter: Limiter,
    icmp_limiter: Limiter,
    /// The connection that the last segment was for: in a batch the next one is most often for the same.
    recent: u32,
    due: Vec<TimerKey>,
    due_records: Vec<u32>,
    is_in_batch: bool,
    /// What the segment before was, in a batch.
    run: Option<Run>,
    to_accept: usize,
}

/// Who has news; what they are is read when the event is.
#[derive(Clone, Copy)]
enum Announcement {
    Connection(ConnectionId),
    Listener(ListenerId),
    Incoming,
    Strays,
}

impl Host {
    /// A host with a loopback (127.0.0.1 and ::1) and nothing else.
    #[must_use]
    pub fn new(config: HostConfig) -> Self {
        let keyed = |purpose| Keyed::derive(&config.secret, purpose);
        let mut timers = Timers::new();
        let burst = |rate: u32| (rate / 10).max(1);
        let limits = &config.limits;
        Self {
            network: Network::new(&config),
            demux: Demux::new(keyed("demux").key()),
            placement: Placement::new(&config.secret, config.shard),
            misplaced: VecDeque::new(),
            connections: Pages::new(),
            half_open: Timed::new(),
            time_wait: Timed::new(),
            held: Pages::new(),
            incoming: None,
            strays: None,
            budget: Budget::new(config.limits.buffered_bytes),
            listeners: Listeners::new(keyed("listeners")),
            ports: Ports::new(&config.secret, config.ephemeral_ports.clone()),
            reassembly_timer: timers.insert(TimerOwner::Reassembly.into(), None),
            timers,
            isn: IsnGenerator::new(keyed("sequence numbers").key()),
            syn_cookies: SynCookies::new(keyed("SYN cookies").key()),
            cookie_sent_at: None,
            fast_open_keys: FastOpenKeys {
                primary: keyed("Fast Open cookies").key(),
                backup: None,
            },
            flow_key: keyed("flows"),
            egress: Egress::default(),
            chunks: Chunks::default(),
            events: VecDeque::new(),
            observer: None,
            monitor: None,
            counters: Counters::default(),
            reset_limiter: Limiter::new(limits.resets_per_second, burst(limits.resets_per_second)),
            icmp_limiter: Limiter::new(
                limits.icmp_errors_per_second,
                burst(limits.icmp_errors_per_second),
            ),
            recent: 0,
            due: Vec::new(),
            due_records: Vec::new(),
            is_in_batch: false,
            run: None,
            to_accept: 0,
            config,
        }
    }

    /// Adds an interface; its addresses' prefixes are reachable on it.
    ///
    /// # Errors
    /// [`HostError::BadPrefix`] if a prefix is longer than its address.
    pub fn add_interface(&mut self, config: InterfaceConfig) -> Result<InterfaceId, HostError> {
        self.network.add_interface(config)
    }

    /// Adds an address, or changes the prefix length of one that is there.
    ///
    /// # Errors
    /// [`HostError::NoSuchInterface`] or [`HostError::BadPrefix`].
    pub fn add_address(
        &mut self,
        interface: InterfaceId,
        address: IpAddr,
        prefix_len: u8,
    ) -> Result<(), HostError> {
        self.network.add_address(interface, address, prefix_len)
    }

    /// Removes an address. Connections from it stay, though nothing new reaches a listener there.
    ///
    /// # Errors
    /// [`HostError::NoSuchInterface`], or [`HostError::AddrNotAvailable`] if it is not there.
    pub fn remove_address(
        &mut self,
        interface: InterfaceId,
        address: IpAddr,
    ) -> Result<(), HostError> {
        self.network.remove_address(interface, address)
    }

    /// Adds a route, or changes the metric of one that is there.
    ///
    /// # Errors
    /// [`HostError::NoSuchInterface`] or [`HostError::BadPrefix`].
    pub fn add_route(&mut self, route: Route) -> Result<(), HostError> {
        self.network.add_route(route)
    }

    /// Adds the route for everything of `gateway`'s family that no other covers; without a gateway everything is taken to be
    /// on the link, as behind a TUN device.
    ///
    /// # Errors
    /// [`HostError::NoSuchInterface`].
    pub fn add_default_route(
        &mut self,
        interface: InterfaceId,
        gateway: Option<IpAddr>,
    ) -> Result<(), HostError> {
        let everything =
            |address: IpAddr| Route { destination: (address, 0), gateway, interface, metric: 0 };
        if gateway.is_none_or(|gateway| gateway.is_ipv4()) {
            self.network.add_route(everything([0; 4].into()))?;
        }
        if gateway.is_none_or(|gateway| gateway.is_ipv6()) {
            self.network.add_route(everything([0; 16].into()))?;
        }
        Ok(())
    }

    /// Removes a route, whatever its metric; false if there is none.
    pub fn remove_route(&mut self, route: &Route) -> bool {
        self.network.remove_route(route)
    }

    /// Whether `address` is on one of the interfaces, the loopback included.
    #[must_use]
    pub fn is_own_address(&self, address: IpAddr) -> bool {
        self.network.is_own(address)
    }

    /// Tells from now on to `monitor` what becomes of connections; none switches it off.
    pub fn set_monitor(&mut self, monitor: Option<Box<dyn Monitor>>) {
        self.monitor = monitor;
    }

    /// Tells every segment from now on to `observer`; none switches it off.
    pub fn set_observer(&mut self, observer: Option<Box<dyn Observer>>) {
        self.observer = observer;
    }

    /// Makes the next initial sequence number a given one; for demonstrations and tests only.
    pub const fn preset_isn(&mut self, isn: SeqNumber) {
        self.isn.preset(isn);
    }

    /// Settings of the host.
    #[must_use]
    pub const fn config(&self) -> &HostConfig {
        &self.config
    }

    /// Changes the settings of connections and listeners to come.
    pub fn set_tcp_config(&mut self, config: Arc<sockeye_tcp::Config>) {
        self.config.tcp = config;
    }

    /// What may be switched while the host runs.
    pub const fn policy_mut(&mut self) -> &mut Policy {
        &mut self.config.policy
    }

    /// What became of packets so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the host holds now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.len(),
            half_open: self.half_open.len(),
            held: self.held.len(),
            time_wait: self.time_wait.len(),
            listeners: self.listeners.len(),
            to_accept: self.to_accept,
            buffered_send_bytes: self.budget.held.send_bytes,
            buffered_receive_bytes: self.budget.held.receive_bytes,
            buffered_out_of_order_bytes: self.budget.held.out_of_order_bytes,
            neighbours: self.network.neighbours.len(),
            destinations: self.network.destinations.len(),
            reassembling: self.network.reassembly.len(),
            ports_in_use: self.ports.in_use(),
            timers: self.timers.len() + self.half_open.len() + self.time_wait.len(),
        }
    }

    /// The next piece of news; each connection and listener has at most one waiting.
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(announcement) = self.events.pop_front() {
            match announcement {
                Announcement::Connection(id) => {
                    if let Some(record) = self.connections.get_mut(id.0) {
                        record.announced = false;
                        let events = core::mem::take(&mut record.pending);
                        // Let go of meanwhile.
                        if events != Events::NONE {
                            return Some(Event::Connection { id, events });
                        }
                    }
                }
                Announcement::Listener(id) => {
                    if let Some(listener) = self.listeners.get_mut(id) {
                        listener.announced = false;
                        if !listener.to_accept.is_empty() {
                            return Some(Event::Listener { id });
                        }
                    }
                }
                Announcement::Incoming => {
                    if let Some(incoming) = &mut self.incoming {
                        incoming.announced = false;
                        if !incoming.queue.is_empty() {
                            return Some(Event::Incoming);
                        }
                    }
                }
                Announcement::Strays => {
                    if let Some(strays) = &mut self.strays {
                        strays.announced = false;
                        if !strays.queue.is_empty() {
                            return Some(Event::Strays);
                        }
                    }
                }
            }
        }
        None
    }

    #[inline]
    fn observe(&mut self, trace: impl FnOnce() -> SegmentTrace) {
        if let Some(observer) = &mut self.observer {
            observer.segment(&trace());
        }
    }

    fn loop_back(&mut self, packet: Packet) {
        if self.egress.loopback.len() < self.config.limits.outbox {
            self.egress.loopback.push_back(packet);
        } else {
            self.counters.dropped_queue_full += 1;
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
