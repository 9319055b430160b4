//! Who on the link has which address: one cache for ARP (RFC 826, RFC 1122 §2.3.2) and neighbour discovery (RFC 4861 §7.3).

use crate::config::InterfaceId;
use crate::pages::Pages;
use crate::timer::{TimerKey, TimerOwner};
use crate::wheel::{TimerId, Timers};
use alloc::collections::VecDeque;
use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use hashbrown::HashMap;
use sockeye_wire::{Instant, MacAddr, Packet};

/// RFC 4861 §10.
const RETRANSMIT: Duration = Duration::from_secs(1);
const SOLICITATIONS: u8 = 3;
const REACHABLE: Duration = Duration::from_secs(30);
const DELAY_FIRST_PROBE: Duration = Duration::from_secs(5);
/// An entry that nobody used for so long is forgotten.
const FORGET: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Incomplete { asked: u8 },
    Reachable { until: Instant },
    Stale,
    Delay,
    Probe { asked: u8 },
}

struct Neighbour {
    interface: InterfaceId,
    address: IpAddr,
    mac: MacAddr,
    state: State,
    timer: TimerId,
    used: Instant,
    waiting: VecDeque<Packet>,
}

/// A question to be sent: to everyone, or to one station that is believed to have the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Solicit {
    pub(crate) interface: InterfaceId,
    pub(crate) address: IpAddr,
    pub(crate) to: Option<MacAddr>,
}

/// What is known of a next hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resolution {
    Known(MacAddr),
    /// Packets wait at this entry; the question to be sent, if it is not under way.
    Wait(u32, Option<Solicit>),
    /// No room in the cache.
    Full,
}

/// What a timer asks for.
#[derive(Debug)]
pub(crate) enum Expiry {
    Nothing,
    Solicit(Solicit),
    /// Nobody answers on that interface: the packets that waited.
    Failed(InterfaceId, VecDeque<Packet>),
}

/// What a message says about a neighbour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Evidence {
    /// It answers a question of ours, so both ways work.
    pub(crate) solicited: bool,
    /// It replaces another hardware address.
    pub(crate) overrides: bool,
    /// It came to us in person, so that we shall soon answer: worth a new entry.
    pub(crate) worth_an_entry: bool,
}

pub(crate) struct Neighbours<S> {
    table: HashMap<(InterfaceId, IpAddr), u32, S>,
    entries: Pages<Neighbour>,
    limit: usize,
    queue_limit: usize,
    /// Where the search for an entry to give up goes on.
    hand: u32,
}

impl<S: BuildHasher> Neighbours<S> {
    pub(crate) fn new(limit: usize, queue_limit: usize, hasher: S) -> Self {
        Self {
            table: HashMap::with_hasher(hasher),
            entries: Pages::new(),
            limit,
            queue_limit: queue_limit.max(1),
            hand: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The hardware address of a next hop.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        wheel: &mut Timers<TimerKey>,
        interface: InterfaceId,
        address: IpAddr,
    ) -> Resolution {
        let Some(&index) = self.table.get(&(interface, address)) else {
            let state = State::Incomplete { asked: 1 };
            let Some(index) = self.insert(now, wheel, interface, address, state) else {
                return Resolution::Full;
            };
            return Resolution::Wait(index, Some(Solicit { interface, address, to: None }));
        };
        let Some(entry) = self.entries.at_mut(index) else { return Resolution::Full };
        entry.used = now;
        match entry.state {
            State::Incomplete { .. } => return Resolution::Wait(index, None),
            State::Reachable { until } if until > now => {}
            State::Reachable { .. } | State::Stale => {
                entry.state = State::Delay;
                wheel.set(entry.timer, Some(now + DELAY_FIRST_PROBE));
            }
            State::Delay | State::Probe { .. } => {}
        }
        Resolution::Known(entry.mac)
    }

    /// Lets a packet wait; gives back the one that lost its place (RFC 4861 §7.2.2: the oldest).
    pub(crate) fn enqueue(&mut self, index: u32, packet: Packet) -> Option<Packet> {
        let Some(entry) = self.entries.at_mut(index) else { return Some(packet) };
        let lost =
            if entry.waiting.len() >= self.queue_limit { entry.waiting.pop_front() } else { None };
        entry.waiting.push_back(packet);
        lost
    }

    /// A message told a hardware address: the packets that waited for it, and where they go.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        wheel: &mut Timers<TimerKey>,
        (interface, address): (InterfaceId, IpAddr),
        mac: MacAddr,
        evidence: Evidence,
    ) -> Option<(MacAddr, VecDeque<Packet>)> {
        let index = match self.table.get(&(interface, address)) {
            Some(&index) => index,
            None if evidence.worth_an_entry => {
                let index = self.insert(now, wheel, interface, address, State::Stale)?;
                self.entries.at_mut(index)?.mac = mac;
                return None;
            }
            None => return None,
        };
        let entry = self.entries.at_mut(index)?;
        let incomplete = matches!(entry.state, State::Incomplete { .. });
        if !incomplete && entry.mac != mac && !evidence.overrides {
            // RFC 4861 §7.2.5: another answers too; ask again before the next use.
            if matches!(entry.state, State::Reachable { .. }) {
                entry.state = State::Stale;
            }
            return None;
        }
        let changed = incomplete || entry.mac != mac;
        entry.mac = mac;
        if evidence.solicited {
            entry.state = State::Reachable { until: now + REACHABLE };
            wheel.set(entry.timer, Some(now + FORGET));
        } else if changed {
            entry.state = State::Stale;
            wheel.set(entry.timer, Some(now + FORGET));
        }
        Some((mac, core::mem::take(&mut entry.waiting)))
    }

    /// The other end acknowledged something new through this neighbour (RFC 4861 §7.3.1).
    pub(crate) fn confirm(&mut self, now: Instant, interface: InterfaceId, address: IpAddr) {
        if let Some(entry) = self.known(interface, address)
            && !matches!(entry.state, State::Incomplete { .. })
        {
            entry.state = State::Reachable { until: now + REACHABLE };
        }
    }

    /// A connection gets no answers through this neighbour (RFC 1122 §3.3.1.4).
    pub(crate) fn suspect(&mut self, interface: InterfaceId, address: IpAddr) {
        if let Some(entry) = self.known(interface, address)
            && matches!(entry.state, State::Reachable { .. })
        {
            entry.state = State::Stale;
        }
    }

    pub(crate) fn on_timer(
        &mut self,
        now: Instant,
        wheel: &mut Timers<TimerKey>,
        index: u32,
    ) -> Expiry {
        let Some(entry) = self.entries.at_mut(index) else { return Expiry::Nothing };
        let (interface, address) = (entry.interface, entry.address);
        let (state, to) = match entry.state {
            State::Incomplete { asked } if asked < SOLICITATIONS => {
                (State::Incomplete { asked: asked + 1 }, None)
            }
            State::Delay => (State::Probe { asked: 1 }, Some(entry.mac)),
            State::Probe { asked } if asked < SOLICITATIONS => {
                (State::Probe { asked: asked + 1 }, Some(entry.mac))
            }
            State::Incomplete { .. } | State::Probe { .. } => {
                return Expiry::Failed(interface, self.remove(wheel, index));
            }
            State::Reachable { .. } | State::Stale => {
                let forget = entry.used + FORGET;
                if forget > now {
                    wheel.set(entry.timer, Some(forget));
                } else {
                    self.remove(wheel, index);
                }
                return Expiry::Nothing;
            }
        };
        entry.state = state;
        wheel.set(entry.timer, Some(now + RETRANSMIT));
        Expiry::Solicit(Solicit { interface, address, to })
    }

    fn known(&mut self, interface: InterfaceId, address: IpAddr) -> Option<&mut Neighbour> {
        let index = *self.table.get(&(interface, address))?;
        self.entries.at_mut(index)
    }

    fn insert(
        &mut self,
        now: Instant,
        wheel: &mut Timers<TimerKey>,
        interface: InterfaceId,
        address: IpAddr,
        state: State,
    ) -> Option<u32> {
        if self.entries.len() >= self.limit && !self.make_room(wheel) {
            return None;
        }
        let wait = if state == State::Stale { FORGET } else { RETRANSMIT };
        let index = self
            .entries
            .insert(Neighbour {
                interface,
                address,
                mac: MacAddr::default(),
                state,
                timer: TimerId::UNSET,
                used: now,
                waiting: VecDeque::new(),
            })
            .index;
        let timer = wheel.insert(TimerOwner::Neighbour(index).into(), Some(now + wait));
        if let Some(entry) = self.entries.at_mut(index) {
            entry.timer = timer;
        }
        self.table.insert((interface, address), index);
        Some(index)
    }

    /// Gives up an entry that is not in use; looks at a few only.
    fn make_room(&mut self, wheel: &mut Timers<TimerKey>) -> bool {
        for _ in 0..64 {
            let at = self.hand;
            self.hand = if (at as usize) < self.limit { at + 1 } else { 0 };
            let idle = self
                .entries
                .at(at)
                .is_some_and(|entry| matches!(entry.state, State::Stale | State::Reachable { .. }));
            if idle {
                self.remove(wheel, at);
                return true;
            }
        }
        false
    }

    fn remove(&mut self, wheel: &mut Timers<TimerKey>, index: u32) -> VecDeque<Packet> {
        let Some(entry) = self.entries.remove(index) else { return VecDeque::new() };
        wheel.remove(entry.timer);
        self.table.remove(&(entry.interface, entry.address));
        entry.waiting
    }
}
