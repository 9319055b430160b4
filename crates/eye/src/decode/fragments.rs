//! Fragments put together again (RFC 791 §3.2, RFC 8200 §4.5), within bounds.

use crate::flow::Endpoint;
use hashbrown::HashMap;
use sockeye_wire::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// Datagrams kept at a time; the oldest gives way.
const MAX_DATAGRAMS: usize = 1024;
/// No IP datagram is longer.
const MAX_DATAGRAM_BYTES: usize = 65_535;
/// Fragments of one datagram; more than a 64 KiB datagram in the least fragments has would be an attack.
const MAX_PIECES: usize = 8192;
/// RFC 8200 §4.5: given up after 60 s.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Keeps the fragments of unfinished datagrams.
#[derive(Debug, Default)]
pub struct Reassembler {
    partial: HashMap<FragmentKey, Partial>,
    /// In order of first fragment.
    order: VecDeque<(FragmentKey, Instant)>,
    whole: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct FragmentKey {
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    pub(super) id: u32,
    pub(super) protocol: u8,
}

pub(super) struct Piece<'a> {
    pub(super) at: usize,
    pub(super) more: bool,
    pub(super) bytes: &'a [u8],
}

#[derive(Debug)]
struct Partial {
    begun: Instant,
    bytes: Vec<u8>,
    /// Octets there, as disjoint ranges in order.
    ranges: Vec<(usize, usize)>,
    /// Known once the last fragment has come.
    len: Option<usize>,
}

impl Reassembler {
    /// Nothing kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fragment; the datagram if that completes it.
    pub(super) fn add(
        &mut self,
        key: FragmentKey,
        now: Instant,
        piece: &Piece<'_>,
    ) -> Option<&[u8]> {
        let end = piece.at + piece.bytes.len();
        if end > MAX_DATAGRAM_BYTES || (piece.bytes.is_empty() && piece.more) {
            return None;
        }
        self.forget_old(now);
        if !self.partial.contains_key(&key) {
            self.order.push_back((key, now));
        }
        let partial = self.partial.entry(key).or_insert_with(|| Partial {
            begun: now,
            bytes: Vec::new(),
            ranges: Vec::new(),
            len: None,
        });
        if !partial.add(piece, end) {
            return None;
        }
        let partial = self.partial.remove(&key)?;
        self.whole = partial.bytes;
        Some(&self.whole)
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(&(key, begun)) = self.order.front() {
            let stale = now.since(begun) > TIMEOUT || self.order.len() > MAX_DATAGRAMS;
            let same = self.partial.get(&key).is_some_and(|partial| partial.begun == begun);
            if same && !stale {
                return;
            }
            if same {
                self.partial.remove(&key);
            }
            self.order.pop_front();
        }
    }
}

impl Partial {
    /// Says whether the datagram is complete. Octets that come twice keep their first value.
    fn add(&mut self, piece: &Piece<'_>, end: usize) -> bool {
        if !piece.more {
            self.len.get_or_insert(end);
        }
        if self.ranges.len() >= MAX_PIECES {
            return false;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let mut at = piece.at;
        let mut merged = Vec::with_capacity(self.ranges.len() + 1);
        for &(from, to) in self.ranges.iter().chain(&[(usize::MAX, usize::MAX)]) {
            if at < end && at < from {
                let stop = end.min(from);
                let source = &piece.bytes[at - piece.at..stop - piece.at];
                self.bytes[at..stop].copy_from_slice(source);
                push_range(&mut merged, at, stop);
            }
            if from != usize::MAX {
                push_range(&mut merged, from, to);
            }
            at = at.max(to);
        }
        self.ranges = merged;
        let Some(len) = self.len else {
            return false;
        };
        if self.ranges.first() == Some(&(0, len)) {
            self.bytes.truncate(len);
            return true;
        }
        self.ranges.first().is_some_and(|&(from, to)| from == 0 && to > len)
    }
}

fn push_range(ranges: &mut Vec<(usize, usize)>, from: usize, to: usize) {
    match ranges.last_mut() {
        Some(last) if last.1 == from => last.1 = to,
        _ => ranges.push((from, to)),
    }
}
