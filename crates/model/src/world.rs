//! Both ends and the channel between them.

use crate::end::End;
use crate::packet::{Packet, Side};
use crate::rules::{self, Rule};
use crate::scenario::{Call, Scenario};
use crate::{Fault, Moment};
use sockeye_tcp::Transmit;
use sockeye_wire::tcp::TcpHeader;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

const ISS: [SeqNumber; 2] = [SeqNumber(1_234_567), SeqNumber(7_654_321)];
/// From one of an end's initial sequence numbers to the next: hardly more than a connection takes, so that old segments lie close
/// to new windows.
const NEXT_ISS: u32 = 16;
/// Of the incarnation before.
const OLD_ISS: SeqNumber = SeqNumber(1_200_000);
/// No segment outlives this (RFC 9293 §3.4.2: MSL, here Linux's 30 s): time that passes beyond it finds an empty channel.
const MAXIMUM_LIFETIME: Duration = Duration::from_secs(30);
/// No application lets more time pass before its next call, or idle ends would ask each other for ever whether they live.
const PATIENCE: Duration = Duration::from_secs(600);

/// What may happen next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// A segment arrives.
    Deliver(Packet),
    /// A segment arrives, and will arrive again.
    Repeat(Packet),
    /// A segment never arrives.
    Lose(Packet),
    /// Time passes until the next deadline.
    Wait,
    /// An application makes its next call.
    Call(Side, Call),
    /// The channel breaks for good.
    Break,
}

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    now: Instant,
    ends: [End; 2],
    /// In order of their bytes, since the channel keeps no order.
    channel: Vec<Packet>,
    is_broken: bool,
    losses: u8,
    repeats: u8,
    delays: u8,
    sent: u32,
    /// Where each end's SYN and FIN are, and what it acknowledged last.
    syn_at: [Option<SeqNumber>; 2],
    fin_at: [Option<SeqNumber>; 2],
    acknowledged: [Option<SeqNumber>; 2],
    broken: Option<Rule>,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        let now = Instant::from_millis(1_000);
        let config = Arc::new(scenario.config.clone());
        let next_iss =
            if scenario.fault == Some(Fault::RepeatsSequenceNumbers) { 0 } else { NEXT_ISS };
        let ends = Side::BOTH.map(|side| {
            let index = side as usize;
            let (start, calls) = (scenario.start[index], scenario.calls[index]);
            End::new(start, calls, Arc::clone(&config), (ISS[index], next_iss), ISS[0], now)
        });
        let mut world = Self {
            scenario,
            now,
            ends,
            channel: Vec::new(),
            is_broken: false,
            losses: scenario.losses,
            repeats: scenario.repeats,
            delays: scenario.delays,
            sent: 0,
            syn_at: [None; 2],
            fin_at: [None; 2],
            acknowledged: [None; 2],
            broken: None,
        };
        if scenario.old_syn {
            let header = TcpHeader {
                seq: OLD_ISS,
                flags: Flags::SYN,
                window: 65_535,
                ..TcpHeader::default()
            };
            world.put(Side::B, &Transmit { header, ..Transmit::default() });
        }
        world.settle();
        world
    }

    /// The world after `history`.
    pub(crate) fn after(scenario: &'a Scenario, history: &[Action]) -> Self {
        let mut world = Self::new(scenario);
        for action in history {
            world.step(action);
        }
        world
    }

    /// Everything that may happen now. Nothing after a rule was broken.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.broken.is_some() {
            return actions;
        }
        let mut packets = self.channel.clone();
        packets.dedup();
        for packet in packets {
            actions.push(Action::Deliver(packet.clone()));
            if self.repeats > 0 {
                actions.push(Action::Repeat(packet.clone()));
            }
            if self.losses > 0 {
                actions.push(Action::Lose(packet));
            }
        }
        let calls = Side::BOTH.into_iter().filter_map(|side| {
            self.ends[side as usize].next_call().map(|call| Action::Call(side, call))
        });
        let before_calls = actions.len();
        actions.extend(calls);
        if let Some(deadline) = self.deadline() {
            let longest = match (self.channel.is_empty(), actions.len() == before_calls) {
                (true, true) => Duration::MAX,
                (true, false) => PATIENCE,
                (false, _) if self.delays > 0 => MAXIMUM_LIFETIME,
                (false, _) => Duration::ZERO,
            };
            if deadline.since(self.now) <= longest && longest > Duration::ZERO {
                actions.push(Action::Wait);
            }
        }
        if self.scenario.may_break && !self.is_broken {
            actions.push(Action::Break);
        }
        actions
    }

    /// `action` happens, and the rules are looked at.
    pub(crate) fn apply(&mut self, action: &Action) {
        let before = self.states();
        self.step(action);
        self.check(before);
    }

    fn step(&mut self, action: &Action) {
        match action {
            Action::Deliver(packet) => {
                self.take(packet);
                self.deliver(packet, false);
            }
            Action::Repeat(packet) => {
                self.repeats -= 1;
                self.deliver(packet, true);
            }
            Action::Lose(packet) => {
                self.losses -= 1;
                self.take(packet);
            }
            Action::Wait => self.wait(),
            Action::Call(side, call) => self.ends[*side as usize].call(self.now, *call),
            Action::Break => {
                self.is_broken = true;
                self.channel.clear();
            }
        }
        self.settle();
    }

    fn take(&mut self, packet: &Packet) {
        if let Some(index) = self.channel.iter().position(|other| other == packet) {
            self.channel.remove(index);
        }
    }

    fn deliver(&mut self, packet: &Packet, repeated: bool) {
        let Some(mut segment) = packet.segment(self.now) else { return };
        let end = &mut self.ends[packet.to as usize];
        if let Some(fault) = self.scenario.fault {
            fault.on_deliver(packet.to, &mut segment, end.iss());
        }
        let again = repeated.then(|| segment.clone());
        if let Some(reset) = end.on_segment(self.now, segment) {
            self.send(packet.to, reset.into_transmit());
        }
        // The fault of a channel that repeats wrongly shows at once.
        if let (Some(fault), Some(mut again)) = (self.scenario.fault, again) {
            let before = again.seq;
            fault.on_repeat(&mut again);
            if again.seq != before {
                let _answer = self.ends[packet.to as usize].on_segment(self.now, again);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        Side::BOTH.into_iter().filter_map(|side| self.deadline_of(side)).min()
    }

    fn deadline_of(&self, side: Side) -> Option<Instant> {
        let stopped = self.scenario.fault == Some(Fault::NoTimers) && side == Side::B;
        self.ends[side as usize].deadline().filter(|_| !stopped)
    }

    fn wait(&mut self) {
        if !self.channel.is_empty() {
            self.delays -= 1;
        }
        let Some(deadline) = self.deadline() else { return };
        self.now = self.now.max(deadline);
        for side in Side::BOTH {
            if self.deadline_of(side).is_some_and(|deadline| deadline <= self.now) {
                self.ends[side as usize].on_timer(self.now);
            }
        }
    }

    /// The applications read, and what is to be sent is sent.
    fn settle(&mut self) {
        for side in Side::BOTH {
            let index = side as usize;
            if self.scenario.fault == Some(Fault::SkipsTimeWait)
                && side == Side::A
                && self.ends[index].state() == StateName::TimeWait
            {
                self.drain(side);
                self.ends[index].settle(self.now);
                self.ends[index].fall_silent();
            }
            self.drain(side);
            self.ends[index].settle(self.now);
            self.drain(side);
        }
    }

    fn drain(&mut self, side: Side) {
        while let Some(transmit) = self.ends[side as usize].poll_transmit(self.now) {
            self.send(side, transmit);
        }
    }

    fn send(&mut self, from: Side, mut transmit: Transmit) {
        if let Some(fault) = self.scenario.fault {
            fault.on_transmit(from, &mut transmit);
        }
        self.sent += 1;
        self.judge(from, &transmit);
        self.put(from.other(), &transmit);
    }

    fn put(&mut self, to: Side, transmit: &Transmit) {
        if self.is_broken {
            return;
        }
        let packet = Packet::new(to, transmit);
        let index = self.channel.partition_point(|other| *other < packet);
        self.channel.insert(index, packet);
    }

    /// Besides the control bits: a FIN stays where it is, an acknowledgement never goes back.
    fn judge(&mut self, from: Side, transmit: &Transmit) {
        let TcpHeader { flags, seq, ack, .. } = transmit.header;
        let index = from as usize;
        let mut fine = rules::may_be_sent(flags);
        if flags.syn() && self.syn_at[index].replace(seq) != Some(seq) {
            (self.fin_at[index], self.acknowledged[index]) = (None, None);
        }
        if flags.fin() {
            let at = seq + transmit.payload.len() as u32;
            fine &= *self.fin_at[index].get_or_insert(at) == at;
        }
        if flags.ack() && self.ends[index].is_synchronized() {
            let last = self.acknowledged[index].get_or_insert(ack);
            fine &= ack.at_or_after(*last);
            *last = ack;
        }
        if !fine {
            self.broken.get_or_insert(Rule::Segment);
        }
    }

    fn check(&mut self, before: [StateName; 2]) {
        let after = self.states();
        for index in 0..2 {
            let application = &self.ends[index].application;
            let torn = application.error.is_some()
                || application.has_aborted
                || self.ends[index].is_mute();
            if !rules::follows(before[index], after[index], torn) {
                self.broken.get_or_insert(Rule::Transition);
            }
        }
        if let Some(rule) = rules::check(&self.ends, self.sent) {
            self.broken.get_or_insert(rule);
        }
        if self.actions().is_empty() && !rules::is_well_ended(&self.ends, self.scenario.ending) {
            self.broken.get_or_insert(Rule::Ending);
        }
    }

    fn states(&self) -> [StateName; 2] {
        self.ends.each_ref().map(End::state)
    }

    /// What is kept of it.
    pub(crate) fn moment(&self, history: Vec<Action>) -> Moment {
        Moment {
            history,
            actions: self.actions(),
            states: self.states(),
            broken: self.broken,
            digest: self.digest(),
        }
    }

    /// Everything that decides what comes, in one number.
    fn digest(&self) -> u64 {
        let mut hasher = Xxh3::new();
        self.channel.hash(&mut hasher);
        (self.is_broken, self.losses, self.repeats, self.delays).hash(&mut hasher);
        self.broken.hash(&mut hasher);
        let mut writer = Writer(hasher);
        let _infallible = write!(
            writer,
            "{:?}{:?}{:?}{:?}{:?}",
            self.now, self.ends, self.syn_at, self.fin_at, self.acknowledged
        );
        writer.0.finish()
    }
}

/// Text, hashed as it is written.
struct Writer(Xxh3);

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}
