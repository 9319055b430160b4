//! One hierarchical timing wheel for everything that waits (ticks of 32.8 µs, nine levels of 64 slots: all of 2⁶⁴ ns).
//!
//! Re-arming is lazy. A deadline that moves later, as a retransmission timer's does with every acknowledgement, only
//! writes a number; the entry is moved when the wheel comes by. What moves earlier is moved at once. Nothing fires early,
//! and [`deadline`](Wheel::deadline) is exact.

mod nodes;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;
use nodes::Nodes;
use sockeye_wire::Instant;

const TICK_BITS: u32 = 15;
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
const LEVELS: usize = 9;
const NONE: u32 = u32::MAX;
const UNLINKED: u16 = u16::MAX;
/// The place of no entry at all.
const VACANT: u16 = u16::MAX - 1;

/// Names an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerId(u32);

impl TimerId {
    /// Names none; for the moment between making an owner and its timer, which names the owner's place.
    pub(crate) const UNSET: Self = Self(NONE);
}

struct Node<K> {
    /// The exact deadline; `FAR_FUTURE` for none.
    deadline: Instant,
    key: K,
    previous: u32,
    next: u32,
    /// Level and slot in one number, never later than the deadline's own.
    place: u16,
}

#[derive(Clone, Copy)]
struct Slot {
    head: u32,
    /// Not later than any deadline in the slot.
    min: Instant,
    /// `min` is the deadline of an entry in the slot.
    exact: bool,
}

const EMPTY: Slot = Slot { head: NONE, min: Instant::FAR_FUTURE, exact: false };

pub(crate) struct Wheel<K> {
    /// No entry's slot starts before this tick.
    current: u64,
    occupied: [u64; LEVELS],
    slots: Box<[Slot]>,
    nodes: Nodes<K>,
}

impl<K: Copy> Wheel<K> {
    pub(crate) fn new() -> Self {
        Self {
            current: 0,
            occupied: [0; LEVELS],
            slots: alloc::vec![EMPTY; LEVELS * SLOTS].into_boxed_slice(),
            nodes: Nodes::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn insert(&mut self, key: K, deadline: Option<Instant>) -> TimerId {
        let deadline = deadline.unwrap_or(Instant::FAR_FUTURE);
        let index = self.nodes.insert(key, deadline);
        self.link(index);
        TimerId(index)
    }

    pub(crate) fn remove(&mut self, id: TimerId) {
        self.unlink(id.0);
        self.nodes.remove(id.0);
    }

    /// Changes the deadline of an entry that is there only while it has one.
    #[inline]
    pub(crate) fn arm(&mut self, id: &mut TimerId, key: K, deadline: Option<Instant>) {
        match (*id, deadline) {
            (TimerId::UNSET, None) => {}
            (TimerId::UNSET, Some(_)) => *id = self.insert(key, deadline),
            (_, None) => self.remove(core::mem::replace(id, TimerId::UNSET)),
            (_, Some(_)) => self.set(*id, deadline),
        }
    }

    /// Changes a deadline.
    #[inline]
    pub(crate) fn set(&mut self, id: TimerId, deadline: Option<Instant>) {
        let deadline = deadline.unwrap_or(Instant::FAR_FUTURE);
        let Some(node) = self.nodes.at_mut(id.0) else { return };
        let old = core::mem::replace(&mut node.deadline, deadline);
        if old == deadline {
            return;
        }
        let place = node.place;
        if place == UNLINKED {
            self.link(id.0);
        } else if tick(deadline) >= self.start_of(place) {
            let slot = &mut self.slots[usize::from(place)];
            if deadline < slot.min {
                slot.min = deadline;
                slot.exact = true;
            } else if old == slot.min {
                slot.exact = false;
            }
        } else {
            // The old deadline decides whether the slot still knows its minimum.
            self.detach(id.0, old);
            self.link(id.0);
        }
    }

    /// The earliest deadline, exactly.
    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        loop {
            let place = self.earliest()?;
            let slot = self.slots[usize::from(place)];
            if slot.exact {
                return Some(slot.min);
            }
            let mut min = Instant::FAR_FUTURE;
            let mut at = slot.head;
            while at != NONE {
                let Some(node) = self.nodes.at(at) else { break };
                let (here, deadline) = (at, node.deadline);
                at = node.next;
                if deadline != Instant::FAR_FUTURE && self.place_of(deadline) == place {
                    min = min.min(deadline);
                } else {
                    self.unlink(here);
                    self.link(here);
                }
            }
            let slot = &mut self.slots[usize::from(place)];
            if slot.head != NONE {
                slot.min = min;
                slot.exact = true;
            }
        }
    }

    /// Puts the keys of all entries that are due into `due`; they stay, without a deadline.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<K>) {
        let now_tick = tick(now);
        while let Some(place) = self.earliest() {
            let start = self.start_of(place);
            if start > now_tick {
                break;
            }
            self.current = self.current.max(start);
            let mut at = self.take_slot(place);
            while at != NONE {
                let Some(node) = self.nodes.at_mut(at) else { break };
                let here = at;
                at = node.next;
                node.place = UNLINKED;
                if node.deadline <= now {
                    node.deadline = Instant::FAR_FUTURE;
                    due.push(node.key);
                } else {
                    self.link(here);
                }
            }
            if usize::from(place) < SLOTS && start == now_tick {
                break;
            }
        }
        self.current = self.current.max(now_tick);
    }

    /// The first occupied slot. Entries of a level all come before those of the next, because they share all higher bits
    /// with `current`.
    fn earliest(&self) -> Option<u16> {
        let level = self.occupied.iter().position(|bits| *bits != 0)?;
        Some((level * SLOTS) as u16 + self.occupied[level].trailing_zeros() as u16)
    }

    fn place_of(&self, deadline: Instant) -> u16 {
        let tick = tick(deadline).max(self.current);
        let differing = tick ^ self.current;
        let level = (u64::BITS - 1 - (differing | 1).leading_zeros()) / LEVEL_BITS;
        let slot = (tick >> (level * LEVEL_BITS)) as usize % SLOTS;
        (level as usize * SLOTS + slot) as u16
    }

    /// First tick of a slot.
    fn start_of(&self, place: u16) -> u64 {
        let level = u32::from(place) / SLOTS as u32;
        let slot = u64::from(place) % SLOTS as u64;
        let above = (level + 1) * LEVEL_BITS;
        (self.current >> above << above) | slot << (level * LEVEL_BITS)
    }

    fn link(&mut self, index: u32) {
        let Some(deadline) = self.nodes.at(index).map(|node| node.deadline) else { return };
        if deadline == Instant::FAR_FUTURE {
            return;
        }
        let place = self.place_of(deadline);
        let slot = &mut self.slots[usize::from(place)];
        let next = core::mem::replace(&mut slot.head, index);
        if next == NONE || deadline < slot.min {
            slot.min = deadline;
            slot.exact = true;
        }
        self.occupied[usize::from(place) / SLOTS] |= 1 << (usize::from(place) % SLOTS);
        if let Some(node) = self.nodes.at_mut(index) {
            (node.previous, node.next, node.place) = (NONE, next, place);
        }
        if let Some(follower) = self.nodes.at_mut(next) {
            follower.previous = index;
        }
    }

    fn unlink(&mut self, index: u32) {
        if let Some(deadline) = self.nodes.at(index).map(|node| node.deadline) {
            self.detach(index, deadline);
        }
    }

    /// Takes an entry out of the slot that it was put into with `deadline`.
    fn detach(&mut self, index: u32, deadline: Instant) {
        let Some(node) = self.nodes.at_mut(index) else { return };
        let (previous, next) = (node.previous, node.next);
        let place = core::mem::replace(&mut node.place, UNLINKED);
        if place == UNLINKED {
            return;
        }
        if let Some(follower) = self.nodes.at_mut(next) {
            follower.previous = previous;
        }
        let slot = &mut self.slots[usize::from(place)];
        if deadline == slot.min {
            slot.exact = false;
        }
        match self.nodes.at_mut(previous) {
            Some(leader) => leader.next = next,
            None => slot.head = next,
        }
        if slot.head == NONE {
            self.take_slot(place);
        }
    }

    /// Empties a slot and gives its list.
    fn take_slot(&mut self, place: u16) -> u32 {
        let slot = core::mem::replace(&mut self.slots[usize::from(place)], EMPTY);
        self.occupied[usize::from(place) / SLOTS] &= !(1 << (usize::from(place) % SLOTS));
        slot.head
    }
}

const fn tick(instant: Instant) -> u64 {
    instant.as_nanos() >> TICK_BITS
}
