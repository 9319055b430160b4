//! A slab that grows in pages, as [`Pages`](crate::pages::Pages) does, but without generations: for what nobody names beyond its life.

use alloc::boxed::Box;
use alloc::vec::Vec;

const PAGE_BITS: u32 = 7;
const PAGE: usize = 1 << PAGE_BITS;
const NONE: u32 = u32::MAX;

/// As small as `T` where `T` has a value to spare.
enum Entry<T> {
    Vacant { next: u32 },
    Occupied(T),
}

pub(crate) struct Slab<T> {
    pages: Vec<Box<[Entry<T>]>>,
    /// The first vacant place; it leads to the others.
    free: u32,
    len: usize,
}

impl<T> Slab<T> {
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

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if self.free == NONE {
            self.add_page();
        }
        let index = self.free;
        let (page, place) = split(index);
        let entry = core::mem::replace(&mut self.pages[page][place], Entry::Occupied(value));
        if let Entry::Vacant { next } = entry {
            self.free = next;
        }
        self.len += 1;
        index
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let (page, place) = split(index);
        let entry = self.pages.get_mut(page)?.get_mut(place)?;
        if matches!(entry, Entry::Vacant { .. }) {
            return None;
        }
        let entry = core::mem::replace(entry, Entry::Vacant { next: self.free });
        self.free = index;
        self.len -= 1;
        match entry {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        let (page, place) = split(index);
        match self.pages.get(page)?.get(place)? {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        let (page, place) = split(index);
        match self.pages.get_mut(page)?.get_mut(place)? {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    fn add_page(&mut self) {
        let first = (self.pages.len() * PAGE) as u32;
        let page = (1..=PAGE as u32)
            .map(|at| Entry::Vacant { next: if at == PAGE as u32 { NONE } else { first + at } });
        self.pages.push(page.collect());
        self.free = first;
    }
}

#[inline]
const fn split(index: u32) -> (usize, usize) {
    ((index >> PAGE_BITS) as usize, index as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU16;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_value_to_spare_is_used() {
        assert_eq!(size_of::<Entry<(u64, NonZeroU16)>>(), size_of::<(u64, NonZeroU16)>());
    }

    proptest! {
        #[test]
        fn equals_a_map(steps in prop::collection::vec((any::<bool>(), any::<u32>()), 0..600)) {
            let mut slab = Slab::new();
            let mut model = BTreeMap::new();
            for (insert, value) in steps {
                if insert || model.is_empty() {
                    let index = slab.insert(value);
                    prop_assert_eq!(model.insert(index, value), None);
                } else {
                    let index = *model.keys().nth(value as usize % model.len()).unwrap();
                    prop_assert_eq!(slab.remove(index), model.remove(&index));
                    prop_assert_eq!(slab.remove(index), None);
                }
                prop_assert_eq!(slab.len(), model.len());
            }
            for index in slab.indices() {
                prop_assert_eq!(slab.at(index), model.get(&index));
            }
        }
    }
}
