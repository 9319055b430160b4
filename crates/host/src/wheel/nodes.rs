//! Where the wheel's entries live: as the slab of connections, but without generations, for nobody keeps a name beyond its entry's life.

use super::{NONE, Node, UNLINKED, VACANT};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sockeye_wire::Instant;

const PAGE_BITS: u32 = 7;
const PAGE: usize = 1 << PAGE_BITS;

pub(super) struct Nodes<K> {
    pages: Vec<Box<[Node<K>]>>,
    /// The first vacant node; `next` leads to the others.
    free: u32,
    len: usize,
}

impl<K: Copy> Nodes<K> {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), free: NONE, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, key: K, deadline: Instant) -> u32 {
        if self.free == NONE {
            self.add_page(key);
        }
        let index = self.free;
        let (page, place) = split(index);
        let node = &mut self.pages[page][place];
        self.free = node.next;
        *node = Node { deadline, key, previous: NONE, next: NONE, place: UNLINKED };
        self.len += 1;
        index
    }

    pub(super) fn remove(&mut self, index: u32) {
        let free = self.free;
        if let Some(node) = self.at_mut(index) {
            node.place = VACANT;
            node.next = free;
            self.free = index;
            self.len -= 1;
        }
    }

    #[inline]
    pub(super) fn at(&self, index: u32) -> Option<&Node<K>> {
        let (page, place) = split(index);
        self.pages.get(page)?.get(place).filter(|node| node.place != VACANT)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Node<K>> {
        let (page, place) = split(index);
        self.pages.get_mut(page)?.get_mut(place).filter(|node| node.place != VACANT)
    }

    fn add_page(&mut self, key: K) {
        let first = (self.pages.len() * PAGE) as u32;
        let page = (1..=PAGE as u32).map(|at| Node {
            deadline: Instant::FAR_FUTURE,
            key,
            previous: NONE,
            next: if at == PAGE as u32 { NONE } else { first + at },
            place: VACANT,
        });
        self.pages.push(page.collect());
        self.free = first;
    }
}

#[inline]
const fn split(index: u32) -> (usize, usize) {
    ((index >> PAGE_BITS) as usize, index as usize % PAGE)
}
