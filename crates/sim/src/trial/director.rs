//! Lets the applications act, and fate too.

use super::forgery::{forge, syn};
use super::opening::{NEXT_KEY_ID, listen, open};
use super::stage::{Scenery, router, socket};
use super::{Expectation, Fault, Forgery, Happening, Plan, Role, Verdict};
use crate::apps::{Misread, Pattern, Talker};
use crate::invariants::{Monitor, Snapshot};
use crate::network::{Network, NodeId, PathMtu, Script};
use crate::seed::Dice;
use bytes::Bytes;
use sockeye_host::{ConnectionId, Event, Host, HostError, ListenerId};
use sockeye_wire::{Instant, Packet, SeqNumber};

/// The applications of all hosts, and what happens at fixed times.
pub(super) struct Director<'a> {
    plan: &'a Plan,
    scenery: Scenery,
    dice: Dice,
    flows: Vec<Running>,
    /// Of the plan's changes, how many have happened.
    happened: usize,
    faults: Vec<Fault>,
    monitor: Monitor,
    is_retired: bool,
}

struct Running {
    patterns: [Pattern; 2],
    talkers: [Option<Talker>; 2],
    listener: Option<ListenerId>,
    is_open: bool,
}

impl<'a> Director<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        scenery: Scenery,
        mut dice: Dice,
        network: &mut Network,
    ) -> Result<Self, HostError> {
        let mut flows = Vec::with_capacity(plan.flows.len());
        for (at, flow) in plan.flows.iter().enumerate() {
            let server = scenery.pairs[flow.pair][Role::Server.index()];
            let listener = if flow.simultaneous {
                None
            } else {
                Some(listen(network.host_mut(server), plan, at)?)
            };
            let patterns = [0; 2].map(|_: u8| Pattern::new(dice.next_u64()));
            flows.push(Running { patterns, talkers: [None, None], listener, is_open: false });
        }
        let faults = Vec::new();
        Ok(Self {
            plan,
            scenery,
            dice,
            flows,
            happened: 0,
            faults,
            monitor: Monitor::new(),
            is_retired: false,
        })
    }

    /// Whether every application is done and no host holds anything any more.
    pub(super) fn is_over(&self, network: &Network) -> bool {
        self.flows.iter().all(Running::is_over)
            && self.nodes().all(|node| {
                let counts = network.host(node).counts();
                counts.connections + counts.half_open + counts.time_wait + counts.ports_in_use == 0
            })
    }

    /// After a step: everything that must always be true is.
    pub(super) fn check(&mut self, network: &Network) {
        let Self { monitor, flows, plan, scenery, .. } = self;
        let talkers = flows.iter().zip(&plan.flows).flat_map(|(running, flow)| {
            let nodes = scenery.pairs[flow.pair];
            nodes.into_iter().zip(&running.talkers)
        });
        let snapshots = talkers.filter_map(|(node, talker)| {
            let id = talker.as_ref()?.connection();
            let host = network.host(node);
            Some(Snapshot::of(host.endpoints(id)?, host.connection(id)?))
        });
        monitor.stepped(network.now(), snapshots);
    }

    /// Nobody listens for a client that has given up.
    pub(super) fn tidy(&mut self, network: &mut Network) {
        for at in 0..self.flows.len() {
            let flow = &self.flows[at];
            let gave_up = flow.talkers[Role::Client.index()].as_ref().is_some_and(Talker::is_over);
            let server = self.node(at, Role::Server);
            if let Some(listener) = flow.listener
                && gave_up
                && network.host(server).counts().half_open == 0
            {
                let now = network.now();
                network.host_mut(server).close_listener(now, listener);
                self.flows[at].listener = None;
            }
        }
    }

    /// Nothing more is to happen but what is under way.
    pub(super) fn retire(&mut self) {
        self.is_retired = true;
    }

    /// What is not over, for people.
    pub(super) fn left(&self, network: &Network) -> String {
        let mut left = Vec::new();
        for (at, flow) in self.flows.iter().enumerate() {
            for role in Role::BOTH {
                let Some(talker) = flow.talkers[role.index()].as_ref() else { continue };
                if talker.is_over() {
                    continue;
                }
                let node = self.node(at, role);
                let state = network.host(node).connection(talker.connection());
                let state = state.map(|known| known.state());
                let (written, read) = talker.octets();
                left.push(format!(
                    "flow {at} {role:?} in {state:?}, {written} written, {read} read"
                ));
            }
        }
        for node in self.nodes() {
            let counts = network.host(node).counts();
            if counts.connections + counts.half_open + counts.time_wait + counts.ports_in_use > 0 {
                let name = network.name(node);
                left.push(format!("{name} holds {counts:?}"));
            }
        }
        left.join("; ")
    }

    /// Whether what was transferred is what the plan expects.
    pub(super) fn conclude(self, verdict: &mut Verdict) {
        verdict.faults.extend(self.faults);
        let mut monitor = self.monitor;
        verdict.faults.extend(monitor.take_breaches().into_iter().map(Fault::from));
        for (at, flow) in self.flows.iter().enumerate() {
            for role in Role::BOTH {
                let Some(talker) = &flow.talkers[role.index()] else {
                    if self.plan.expectation == Expectation::Whole {
                        let (flow, written, read) = (at, 0, 0);
                        verdict.faults.push(Fault::Incomplete { flow, role, written, read });
                    }
                    continue;
                };
                let peer = flow.talkers[role.peer().index()].as_ref();
                let peer_wrote = peer.map_or(0, |peer| peer.octets().0);
                verdict.bytes += talker.octets().1;
                let fault = judge(self.plan.expectation, talker, peer_wrote, at, role);
                verdict.faults.extend(fault);
            }
        }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.scenery.pairs.iter().flatten().copied()
    }

    fn node(&self, flow: usize, role: Role) -> NodeId {
        self.scenery.pairs[self.plan.flows[flow].pair][role.index()]
    }

    fn open_due(&mut self, network: &mut Network) {
        for at in 0..self.flows.len() {
            let flow = &self.plan.flows[at];
            if self.flows[at].is_open || flow.opens_at > network.now() {
                continue;
            }
            self.flows[at].is_open = true;
            let roles = if flow.simultaneous { &Role::BOTH[..] } else { &[Role::Client] };
            for (role, other) in Role::BOTH.into_iter().zip([Role::Server, Role::Client]) {
                let node = self.node(at, role);
                if let Some(numbers) = flow.isn {
                    network.host_mut(node).preset_isn(SeqNumber(numbers[role.index()]));
                }
                if !roles.contains(&role) {
                    continue;
                }
                let remote = socket(self.plan, at, other);
                let local = socket(self.plan, at, role);
                let (now, first) = (network.now(), self.first_write(at, role));
                match open(network.host_mut(node), now, (local, remote), flow, (role, &first)) {
                    Ok((id, taken)) => self.seat(at, role, id, taken),
                    Err(error) => self.faults.push(Fault::Open { flow: at, role, error }),
                }
            }
        }
    }

    /// What a client may send with its SYN.
    fn first_write(&self, at: usize, role: Role) -> Bytes {
        let talk = &self.plan.flows[at].talks[role.index()];
        let len = talk.write_bytes.min(talk.bytes as usize);
        self.flows[at].patterns[role.index()].octets(0, len)
    }

    /// Gives a connection its application, of whose data `taken` octets were sent already.
    fn seat(&mut self, at: usize, role: Role, id: ConnectionId, taken: usize) {
        let flow = &mut self.flows[at];
        let talks = &self.plan.flows[at].talks;
        let patterns = [flow.patterns[role.index()], flow.patterns[role.peer().index()]];
        let talk = talks[role.index()].clone();
        let peer_bytes = talks[role.peer().index()].bytes;
        flow.talkers[role.index()] = Some(Talker::new(id, talk, patterns, peer_bytes).begun(taken));
    }

    fn happen_due(&mut self, network: &mut Network) {
        while let Some(change) = self.plan.changes.get(self.happened) {
            if change.at > network.now() {
                break;
            }
            self.happened += 1;
            match &change.what {
                Happening::Path(role, impairment) => {
                    network.set_impairment(self.scenery.path[role.index()], impairment.clone());
                }
                Happening::PathMtu { bytes, told } => {
                    let router = told.then(|| router(self.plan));
                    for channel in self.scenery.path {
                        network.set_path_mtu(channel, bytes.map(|bytes| PathMtu { bytes, router }));
                    }
                }
                Happening::Forgery(role, forgery) => self.forge(network, *role, *forgery),
                Happening::Flood(syns) => self.flood(network, *syns),
                Happening::NextKey(role) => self.ask_for_next_key(network, *role),
            }
        }
    }

    fn flood(&mut self, network: &mut Network, syns: u32) {
        let server = socket(self.plan, 0, Role::Server);
        for _ in 0..syns {
            let packet = syn(network.now(), server, self.dice.next_u64() as u32);
            network.inject(self.scenery.last[Role::Server.index()], packet);
        }
    }

    fn ask_for_next_key(&self, network: &mut Network, role: Role) {
        let node = self.node(0, role);
        if let Some(talker) = &self.flows[0].talkers[role.index()]
            && network.host(node).connection(talker.connection()).is_some()
        {
            // Both ends have it.
            let _asked = network.host_mut(node).set_next_key(talker.connection(), NEXT_KEY_ID);
        }
    }

    fn forge(&mut self, network: &mut Network, role: Role, forgery: Forgery) {
        let chance = self.dice.next_u64() as u32;
        let Some(talker) = self.flows.first().and_then(|flow| flow.talkers[role.index()].as_ref())
        else {
            return;
        };
        let host = network.host(self.node(0, role));
        let id = talker.connection();
        // Who has not synchronized yet cannot be aimed at: nobody but the peer knows its numbers.
        if let Some((connection, endpoints)) = host.connection(id).zip(host.endpoints(id))
            && connection.state().is_synchronized()
        {
            let packet = forge(network.now(), forgery, &endpoints, &connection.info(), chance);
            network.inject(self.scenery.last[role.index()], packet);
        }
    }
}

fn judge(
    expectation: Expectation,
    talker: &Talker,
    peer_wrote: u64,
    flow: usize,
    role: Role,
) -> Option<Fault> {
    let (written, read) = talker.octets();
    match (talker.misread(), talker.error()) {
        // A peer that let go early has written no more than this.
        (Some(Misread::EarlyEnd(at)), _)
            if expectation == Expectation::Ends && at == peer_wrote => {}
        (Some(misread), _) => return Some(Fault::Misread { flow, role, misread }),
        (None, Some(error)) if expectation == Expectation::Whole => {
            return Some(Fault::Told { flow, role, error, written, read });
        }
        _ => {}
    }
    let is_short = expectation == Expectation::Whole && !talker.is_complete();
    is_short.then_some(Fault::Incomplete { flow, role, written, read })
}

impl Running {
    fn is_over(&self) -> bool {
        self.is_open
            && self.listener.is_none()
            && self.talkers.iter().flatten().all(Talker::is_over)
    }
}

impl Script for Director<'_> {
    fn on_event(&mut self, node: NodeId, now: Instant, host: &mut Host, event: Event) {
        match event {
            Event::Connection { id, .. } => {
                for at in 0..self.flows.len() {
                    for role in Role::BOTH {
                        if self.node(at, role) == node
                            && let Some(talker) = &mut self.flows[at].talkers[role.index()]
                            && talker.connection() == id
                        {
                            talker.advance(now, host);
                        }
                    }
                }
            }
            // Nobody asked for them.
            Event::Incoming | Event::Strays => {}
            Event::Listener { id } => {
                let known = |flow: &Running| flow.listener == Some(id);
                let on_node = |at: &usize| self.node(*at, Role::Server) == node;
                let Some(at) =
                    (0..self.flows.len()).filter(on_node).find(|at| known(&self.flows[*at]))
                else {
                    return;
                };
                if let Some((connection, _)) = host.accept(id) {
                    self.flows[at].listener = None;
                    host.close_listener(now, id);
                    self.seat(at, Role::Server, connection, 0);
                    if let Some(talker) = &mut self.flows[at].talkers[Role::Server.index()] {
                        talker.advance(now, host);
                    }
                }
            }
        }
    }

    fn on_sent(&mut self, _node: NodeId, now: Instant, packet: &Packet) {
        self.monitor.sent(now, packet);
    }

    fn on_arrival(&mut self, _node: NodeId, _now: Instant, packet: &Packet) {
        self.monitor.arrived(packet);
    }

    fn deadline(&self) -> Option<Instant> {
        if self.is_retired {
            return None;
        }
        let opening = self.plan.flows.iter().zip(&self.flows);
        let opening =
            opening.filter(|(_, running)| !running.is_open).map(|(flow, _)| flow.opens_at);
        let change = self.plan.changes.get(self.happened).map(|change| change.at);
        let talkers = self.flows.iter().flat_map(|flow| &flow.talkers).flatten();
        opening.chain(change).chain(talkers.filter_map(Talker::deadline)).min()
    }

    fn on_time(&mut self, network: &mut Network) {
        let now = network.now();
        self.happen_due(network);
        self.open_due(network);
        for at in 0..self.flows.len() {
            for role in Role::BOTH {
                let node = self.node(at, role);
                if let Some(talker) = &mut self.flows[at].talkers[role.index()]
                    && talker.deadline().is_some_and(|deadline| deadline <= now)
                {
                    talker.advance(now, network.host_mut(node));
                }
            }
        }
    }
}
