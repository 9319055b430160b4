//! A table of small records that all wait for something: each is its own entry in a wheel of theirs.

use super::{Waits, Wheel};
use crate::slab::Slab;
use alloc::vec::Vec;
use sockeye_wire::Instant;

pub(crate) struct Timed<T> {
    wheel: Wheel,
    records: Slab<T>,
}

impl<T: Waits> Timed<T> {
    pub(crate) fn new() -> Self {
        Self { wheel: Wheel::new(), records: Slab::new() }
    }

    pub(crate) const fn len(&self) -> usize {
        self.records.len()
    }

    /// All indices that may be in use.
    pub(crate) fn indices(&self) -> core::ops::Range<u32> {
        self.records.indices()
    }

    pub(crate) fn insert(&mut self, record: T) -> u32 {
        let index = self.records.insert(record);
        self.wheel.link(&mut self.records, index);
        index
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let deadline = self.records.at(index)?.deadline();
        self.wheel.unlink(&mut self.records, index, deadline);
        self.records.remove(index)
    }

    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        self.records.at(index)
    }

    /// For changes that leave the deadline alone; see [`change`](Self::change).
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.records.at_mut(index)
    }

    /// Does something to a record that may move its deadline.
    #[inline]
    pub(crate) fn change<R>(&mut self, index: u32, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let record = self.records.at_mut(index)?;
        let old = record.deadline();
        let result = change(record);
        self.wheel.moved(&mut self.records, index, old);
        Some(result)
    }

    /// The earliest deadline, exactly, of those that were not yet due.
    pub(crate) fn next_deadline(&mut self) -> Option<Instant> {
        self.wheel.deadline(&mut self.records)
    }

    /// Puts the indices of all records that are due into `due`, once: each is to be removed, or changed so that it waits for something
    /// later.
    pub(crate) fn expire(&mut self, now: Instant, due: &mut Vec<u32>) {
        self.wheel.expire(&mut self.records, now, |index, _| due.push(index));
    }
}
