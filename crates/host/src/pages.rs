//! A slab that grows in pages: no insertion ever copies what is already there.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

const PAGE_BITS: u32 = 6;
const PAGE: usize = 1 << PAGE_BITS;
const NONE: u32 = u32::MAX;

/// A place and its generation: a key of something removed never finds what came after it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) index: u32,
    /// Never zero, so that no key takes no more room than one.
    pub(crate) generation: NonZeroU32,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

struct Slot<T> {
    generation: NonZeroU32,
    entry: Entry<T>,
}

enum Entry<T> {
    Vacant { next: u32 },
    Occupied(T),
}

pub(crate) struct Pages<T> {
    pages: Vec<Box<[Slot<T>]>>,
    free: u32,
    len: usize,
}

impl<T> Pages<T> {
    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new(), free: NONE, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// All indices that may be in use.
    pub(crate) fn indices(&self) -> core::ops::Range<u32> {
        0..(self.pages.len() * PAGE) as u32
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        if self.free == NONE {
            self.add_page();
        }
        let index = self.free;
        let slot = self.slot_mut(index);
        let generation = slot.generation;
        let entry = core::mem::replace(&mut slot.entry, Entry::Occupied(value));
        if let Entry::Vacant { next } = entry {
            self.free = next;
        }
        self.len += 1;
        Key { index, generation }
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let free = self.free;
        let slot = self.page_slot_mut(index)?;
        if matches!(slot.entry, Entry::Vacant { .. }) {
            return None;
        }
        slot.generation = slot.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let entry = core::mem::replace(&mut slot.entry, Entry::Vacant { next: free });
        self.free = index;
        self.len -= 1;
        match entry {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        match self.page_slot(key.index)? {
            Slot { generation, entry: Entry::Occupied(value) } if *generation == key.generation => {
                Some(value)
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.page_slot_mut(key.index)? {
            Slot { generation, entry: Entry::Occupied(value) } if *generation == key.generation => {
                Some(value)
            }
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        match &self.page_slot(index)?.entry {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        match &mut self.page_slot_mut(index)?.entry {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    /// The key of what is at `index` now.
    #[inline]
    pub(crate) fn key_at(&self, index: u32) -> Option<Key> {
        let slot = self.page_slot(index)?;
        matches!(slot.entry, Entry::Occupied(_))
            .then_some(Key { index, generation: slot.generation })
    }

    #[inline]
    fn page_slot(&self, index: u32) -> Option<&Slot<T>> {
        self.pages.get((index >> PAGE_BITS) as usize)?.get(index as usize % PAGE)
    }

    #[inline]
    fn page_slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        self.pages.get_mut((index >> PAGE_BITS) as usize)?.get_mut(index as usize % PAGE)
    }

    /// Of an index known to exist.
    fn slot_mut(&mut self, index: u32) -> &mut Slot<T> {
        &mut self.pages[(index >> PAGE_BITS) as usize][index as usize % PAGE]
    }

    fn add_page(&mut self) {
        let first = (self.pages.len() * PAGE) as u32;
        let page = (0..PAGE as u32).map(|at| {
            let next = if at + 1 == PAGE as u32 { NONE } else { first + at + 1 };
            Slot { generation: NonZeroU32::MIN, entry: Entry::Vacant { next } }
        });
        self.pages.push(page.collect());
        self.free = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn behaves_as_a_map(steps: Vec<(bool, u16)>) {
            let mut pages = Pages::new();
            let mut model: HashMap<u32, (Key, u16)> = HashMap::new();
            let mut gone = Vec::new();
            for (insert, value) in steps {
                if insert {
                    let key = pages.insert(value);
                    prop_assert!(model.insert(key.index, (key, value)).is_none());
                } else if let Some(&index) = model.keys().nth(usize::from(value) % model.len().max(1)) {
                    let (key, value) = model.remove(&index).unwrap();
                    prop_assert_eq!(pages.remove(index), Some(value));
                    gone.push(key);
                }
            }
            prop_assert_eq!(pages.len(), model.len());
            for (key, value) in model.values() {
                prop_assert_eq!(pages.get(*key), Some(value));
                prop_assert_eq!(pages.key_at(key.index), Some(*key));
            }
            prop_assert!(gone.iter().all(|key| pages.get(*key).is_none()));
        }
    }
}
