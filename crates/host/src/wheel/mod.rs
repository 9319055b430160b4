//! A hierarchical timing wheel (ticks of 32.8 µs, nine levels of 64 slots: all of 2⁶⁴ ns).
//!
//! The wheel is intrusive: what waits is its own entry, found by its place in a slab ([`Waits`]). [`Timed`] is a table of records that
//! always wait, [`Timers`] are entries apart from their owners, who have one only while they wait.
//!
//! Re-arming is lazy. A deadline that moves later, as a retransmission timer's does with every acknowledgement, only
//! writes a number; the entry is moved when the wheel comes by. What moves earlier is moved at once. Nothing fires early,
//! and [`deadline`](Wheel::deadline) is exact.

#[cfg(test)]
mod tests;
mod timed;
mod timers;

pub(crate) use timed::Timed;
pub(crate) use timers::{TimerId, Timers};

use crate::slab::Slab;
use alloc::boxed::Box;
use core::num::NonZeroU16;
use sockeye_wire::Instant;

const TICK_BITS: u32 = 15;
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
const LEVELS: usize = 9;
const NONE: u32 = u32::MAX;

/// Where an entry is in the wheel: a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    previous: u32,
    next: u32,
    place: Place,
}

impl Links {
    /// In no slot.
    pub(crate) const UNLINKED: Self = Self { previous: NONE, next: NONE, place: Place::UNLINKED };
}

/// Level and slot in one number, never later than the deadline's own. Never zero, so that a vacant entry takes no more room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place(NonZeroU16);

impl Place {
    const UNLINKED: Self = Self(NonZeroU16::MAX);

    const fn new(place: usize) -> Self {
        Self(NonZeroU16::MIN.saturating_add(place as u16))
    }

    const fn at(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// What may wait.
pub(crate) trait Waits {
    /// The exact deadline; `FAR_FUTURE` for none.
    fn deadline(&self) -> Instant;
    fn links(&mut self) -> &mut Links;
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

struct Wheel {
    /// No entry's slot starts before this tick.
    current: u64,
    occupied: [u64; LEVELS],
    slots: Box<[Slot]>,
}

impl Wheel {
    fn new() -> Self {
        Self {
            current: 0,
            occupied: [0; LEVELS],
            slots: alloc::vec![EMPTY; LEVELS * SLOTS].into_boxed_slice(),
        }
    }

    /// An entry's deadline was `old` and has changed.
    #[inline]
    fn moved(&mut self, entries: &mut Slab<impl Waits>, index: u32, old: Instant) {
        let Some(entry) = entries.at_mut(index) else { return };
        let (deadline, place) = (entry.deadline(), entry.links().place);
        if deadline == old {
            return;
        }
        if place == Place::UNLINKED {
            self.link(entries, index);
        } else if tick(deadline) >= self.start_of(place) {
            let slot = &mut self.slots[place.at()];
            if deadline < slot.min {
                slot.min = deadline;
                slot.exact = true;
            } else if old == slot.min {
                slot.exact = false;
            }
        } else {
            // The old deadline decides whether the slot still knows its minimum.
            self.unlink(entries, index, old);
            self.link(entries, index);
        }
    }

    /// The earliest deadline, exactly.
    fn deadline(&mut self, entries: &mut Slab<impl Waits>) -> Option<Instant> {
        loop {
            let place = self.earliest()?;
            let slot = self.slots[place.at()];
            if slot.exact {
                return Some(slot.min);
            }
            let mut min = Instant::FAR_FUTURE;
            let mut at = slot.head;
            while at != NONE {
                let Some(entry) = entries.at_mut(at) else { break };
                let deadline = entry.deadline();
                let here = core::mem::replace(&mut at, entry.links().next);
                if deadline != Instant::FAR_FUTURE && self.place_of(deadline) == place {
                    min = min.min(deadline);
                } else {
                    self.unlink(entries, here, deadline);
                    self.link(entries, here);
                }
            }
            let slot = &mut self.slots[place.at()];
            if slot.head != NONE {
                slot.min = min;
                slot.exact = true;
            }
        }
    }

    /// Takes out all entries that are due, and names each.
    fn expire<T: Waits>(
        &mut self,
        entries: &mut Slab<T>,
        now: Instant,
        mut due: impl FnMut(u32, &mut T),
    ) {
        let now_tick = tick(now);
        while let Some(place) = self.earliest() {
            let start = self.start_of(place);
            if start > now_tick {
                break;
            }
            self.current = self.current.max(start);
            let mut at = self.take_slot(place);
            while at != NONE {
                let Some(entry) = entries.at_mut(at) else { break };
                let links = core::mem::replace(entry.links(), Links::UNLINKED);
                let here = core::mem::replace(&mut at, links.next);
                if entry.deadline() <= now {
                    due(here, entry);
                } else {
                    self.link(entries, here);
                }
            }
            if place.at() < SLOTS && start == now_tick {
                break;
            }
        }
        self.current = self.current.max(now_tick);
    }

    /// The first occupied slot. Entries of a level all come before those of the next, because they share all higher bits
    /// with `current`.
    fn earliest(&self) -> Option<Place> {
        let level = self.occupied.iter().position(|bits| *bits != 0)?;
        Some(Place::new(level * SLOTS + self.occupied[level].trailing_zeros() as usize))
    }

    fn place_of(&self, deadline: Instant) -> Place {
        let tick = tick(deadline).max(self.current);
        let differing = tick ^ self.current;
        let level = (u64::BITS - 1 - (differing | 1).leading_zeros()) / LEVEL_BITS;
        let slot = (tick >> (level * LEVEL_BITS)) as usize % SLOTS;
        Place::new(level as usize * SLOTS + slot)
    }

    /// First tick of a slot.
    fn start_of(&self, place: Place) -> u64 {
        let level = (place.at() / SLOTS) as u32;
        let slot = (place.at() % SLOTS) as u64;
        let above = (level + 1) * LEVEL_BITS;
        (self.current >> above << above) | slot << (level * LEVEL_BITS)
    }

    /// Puts an entry into the slot of its deadline, if it has one.
    fn link(&mut self, entries: &mut Slab<impl Waits>, index: u32) {
        let Some(deadline) = entries.at(index).map(Waits::deadline) else { return };
        if deadline == Instant::FAR_FUTURE {
            return;
        }
        let place = self.place_of(deadline);
        let slot = &mut self.slots[place.at()];
        let next = core::mem::replace(&mut slot.head, index);
        if next == NONE || deadline < slot.min {
            slot.min = deadline;
            slot.exact = true;
        }
        self.occupied[place.at() / SLOTS] |= 1 << (place.at() % SLOTS);
        if let Some(entry) = entries.at_mut(index) {
            *entry.links() = Links { previous: NONE, next, place };
        }
        if let Some(follower) = entries.at_mut(next) {
            follower.links().previous = index;
        }
    }

    /// Takes an entry out of the slot that it is in, if any; `deadline` is what the slot knows of it.
    fn unlink(&mut self, entries: &mut Slab<impl Waits>, index: u32, deadline: Instant) {
        let Some(entry) = entries.at_mut(index) else { return };
        let Links { previous, next, place } = core::mem::replace(entry.links(), Links::UNLINKED);
        if place == Place::UNLINKED {
            return;
        }
        if let Some(follower) = entries.at_mut(next) {
            follower.links().previous = previous;
        }
        let slot = &mut self.slots[place.at()];
        if deadline == slot.min {
            slot.exact = false;
        }
        match entries.at_mut(previous) {
            Some(leader) => leader.links().next = next,
            None => slot.head = next,
        }
        if slot.head == NONE {
            self.take_slot(place);
        }
    }

    /// Empties a slot and gives its list.
    fn take_slot(&mut self, place: Place) -> u32 {
        let slot = core::mem::replace(&mut self.slots[place.at()], EMPTY);
        self.occupied[place.at() / SLOTS] &= !(1 << (place.at() % SLOTS));
        slot.head
    }
}

const fn tick(instant: Instant) -> u64 {
    instant.as_nanos() >> TICK_BITS
}
