//! Timers of their own, for owners of every kind: an owner has one only while it waits.

use super::{Links, NONE, Waits, Wheel};
use crate::slab::Slab;
use alloc::vec::Vec;
use sockeye_wire::Instant;

/// Names a timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerId(u32);

impl TimerId {
    /// Names none; for the moment between making an owner and its timer, which names the owner's place.
    pub(crate) const UNSET: Self = Self(NONE);
}

struct Timer<K> {
    deadline: Instant,
    /// Who waits.
    key: K,
    links: Links,
}

impl<K> Waits for Timer<K> {
    #[inline]
    fn deadline(&self) -> Instant {
        self.deadline
    }

    #[inline]
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

pub(crate) struct Timers<K> {
    wheel: Wheel,
    timers: Slab<Timer<K>>,
}

impl<K: Copy> Timers<K> {
    pub(crate) fn new() -> Self {
        Self { wheel: Wheel::new(), timers: Slab::new() }
    }

    pub(crate) const fn len(&self) -> usize {
        self.timers.len()
    }

    pub(crate) fn insert(&mut self, key: K, deadline: Option<Instant>) -> TimerId {
        let deadline = deadline.unwrap_or(Instant::FAR_FUTURE);
        let index = self.timers.insert(Timer { deadline, key, links: Links::UNLINKED });
        self.wheel.link(&mut self.timers, index);
        TimerId(index)
    }

    pub(crate) fn remove(&mut self, id: TimerId) {
        if let Some(deadline) = self.timers.at(id.0).map(|timer| timer.deadline) {
            self.wheel.unlink(&mut self.timers, id.0, deadline);
            self.timers.remove(id.0);
        }
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
        let Some(timer) = self.timers.at_mut(id.0) else { return };
        let deadline = deadline.unwrap_or(Instant::FAR_FUTURE);
        let old = core::mem::replace(&mut timer.deadline, deadline);
        self.wheel.moved(&mut self.timers, id.0, old);
    }

    /// The earliest deadline, exactly.
    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        self.wheel.deadline(&mut self.timers)
    }

    /// Puts the keys of all timers that are due into `due`; they stay, without a deadline.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<K>) {
        self.wheel.expire(&mut self.timers, now, |_, timer| {
            timer.deadline = Instant::FAR_FUTURE;
            due.push(timer.key);
        });
    }
}
