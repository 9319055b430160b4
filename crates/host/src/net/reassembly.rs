//! Datagrams in pieces (RFC 791 §3.2, RFC 8200 §4.5), bounded in memory and time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use hashbrown::HashMap;
use sockeye_wire::ip::{Fragment, IpView};
use sockeye_wire::{Ecn, Instant};

/// Nothing that IP carries is longer.
const MAX_DATAGRAM: usize = 65_535;
/// More pieces than any path makes of a datagram.
const MAX_PIECES: usize = 128;
/// What a piece is reckoned to cost beyond its octets, so that many tiny ones are no way around the bound.
const PIECE_OVERHEAD: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Name {
    source: IpAddr,
    destination: IpAddr,
    /// RFC 791 only: IPv6 identifies by addresses alone.
    protocol: u8,
    id: u32,
}

struct Datagram {
    serial: u64,
    /// In order of their offsets, not overlapping.
    pieces: Vec<(usize, Bytes)>,
    /// Known once the last piece is here.
    total: Option<usize>,
    cost: usize,
    protocol: u8,
    ecn: Ecn,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// More are needed.
    Waiting,
    /// The datagram after its IP header, the protocol of the first piece, and the merged ECN field.
    Whole(Bytes, u8, Ecn),
    /// It cannot be used, and perhaps nothing that came before it.
    Dropped,
}

pub(crate) struct Reassembly<S> {
    table: HashMap<Name, Datagram, S>,
    /// Oldest first, with those that are already gone.
    deadlines: VecDeque<(Instant, Name, u64)>,
    serial: u64,
    bytes: usize,
    limit: usize,
    lifetime: Duration,
}

impl<S: BuildHasher> Reassembly<S> {
    pub(crate) fn new(limit: usize, lifetime: Duration, hasher: S) -> Self {
        Self {
            table: HashMap::with_hasher(hasher),
            deadlines: VecDeque::new(),
            serial: 0,
            bytes: 0,
            limit,
            lifetime,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|entry| entry.0)
    }

    /// Gives up what waited too long; says how many datagrams that were.
    pub(crate) fn expire(&mut self, now: Instant) -> usize {
        let mut expired = 0;
        while let Some(&(deadline, name, serial)) = self.deadlines.front() {
            let gone = self.table.get(&name).is_none_or(|known| known.serial != serial);
            if deadline > now && !gone {
                break;
            }
            self.deadlines.pop_front();
            if !gone {
                self.forget(&name);
                expired += 1;
            }
        }
        expired
    }

    pub(crate) fn insert(
        &mut self,
        now: Instant,
        ip: &IpView,
        fragment: Fragment,
        data: &Bytes,
    ) -> Outcome {
        let end = fragment.offset + data.len();
        // All pieces but the last are made of whole 8-octet units (RFC 8200 §4.5).
        if data.is_empty() || end > MAX_DATAGRAM || (fragment.more && !data.len().is_multiple_of(8))
        {
            return Outcome::Dropped;
        }
        let name = Name {
            source: ip.source,
            destination: ip.destination,
            protocol: if ip.source.is_ipv4() { ip.protocol } else { 0 },
            id: fragment.id,
        };
        let cost = data.len() + PIECE_OVERHEAD;
        while self.bytes + cost > self.limit {
            if !self.forget_oldest() {
                return Outcome::Dropped;
            }
        }
        if !self.table.contains_key(&name) {
            self.begin(now, name, ip);
        }
        let Some(datagram) = self.table.get_mut(&name) else { return Outcome::Dropped };
        match datagram.add(fragment, data, ip) {
            Added::Duplicate => Outcome::Dropped,
            Added::Conflict => {
                // RFC 5722: an overlap condemns the whole datagram; RFC 1858 shows why IPv4 needs it as much.
                self.forget(&name);
                Outcome::Dropped
            }
            Added::Yes => {
                self.bytes += cost;
                match datagram.whole() {
                    Some(whole) => {
                        let (protocol, ecn) = (datagram.protocol, datagram.ecn);
                        self.forget(&name);
                        Outcome::Whole(whole, protocol, ecn)
                    }
                    None => Outcome::Waiting,
                }
            }
        }
    }

    fn begin(&mut self, now: Instant, name: Name, ip: &IpView) {
        self.serial += 1;
        self.deadlines.push_back((now + self.lifetime, name, self.serial));
        let datagram = Datagram {
            serial: self.serial,
            pieces: Vec::new(),
            total: None,
            cost: 0,
            protocol: ip.protocol,
            ecn: ip.ecn,
        };
        self.table.insert(name, datagram);
    }

    fn forget(&mut self, name: &Name) {
        if let Some(datagram) = self.table.remove(name) {
            self.bytes -= datagram.cost;
        }
        // Those already gone must not keep the queue long.
        while let Some((_, name, serial)) = self.deadlines.front() {
            if self.table.get(name).is_some_and(|known| known.serial == *serial) {
                break;
            }
            self.deadlines.pop_front();
        }
        if self.deadlines.len() > 2 * self.table.len() + 64 {
            let table = &self.table;
            self.deadlines.retain(|(_, name, serial)| {
                table.get(name).is_some_and(|known| known.serial == *serial)
            });
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(&(_, name, _)) = self.deadlines.front() else { return false };
        self.forget(&name);
        true
    }
}

enum Added {
    Yes,
    Duplicate,
    Conflict,
}

impl Datagram {
    fn add(&mut self, fragment: Fragment, data: &Bytes, ip: &IpView) -> Added {
        let (start, end) = (fragment.offset, fragment.offset + data.len());
        let at = self.pieces.partition_point(|piece| piece.0 < start);
        if let Some((offset, piece)) = self.pieces.get(at) {
            if *offset == start && piece.len() == data.len() {
                return Added::Duplicate;
            }
            if *offset < end {
                return Added::Conflict;
            }
        }
        let reached = at.checked_sub(1).map_or(0, |at| self.pieces[at].0 + self.pieces[at].1.len());
        let last = self.pieces.last().map_or(0, |(offset, piece)| offset + piece.len());
        let bad_end = match (fragment.more, self.total) {
            (true, Some(total)) => end > total,
            (true, None) => false,
            (false, Some(total)) => end != total,
            (false, None) => end < last,
        };
        if reached > start || bad_end || self.pieces.len() >= MAX_PIECES {
            return Added::Conflict;
        }
        if !fragment.more {
            self.total = Some(end);
        }
        if start == 0 {
            self.protocol = ip.protocol;
        }
        // RFC 3168 §5.3: a mark on any piece marks the datagram.
        if ip.ecn == Ecn::Ce {
            self.ecn = Ecn::Ce;
        }
        self.cost += data.len() + PIECE_OVERHEAD;
        // A copy, so that small pieces do not pin large receive buffers.
        self.pieces.insert(at, (start, Bytes::copy_from_slice(data)));
        Added::Yes
    }

    fn whole(&self) -> Option<Bytes> {
        let total = self.total?;
        let have: usize = self.pieces.iter().map(|(_, piece)| piece.len()).sum();
        if have != total {
            return None;
        }
        let mut whole = BytesMut::with_capacity(total);
        for (_, piece) in &self.pieces {
            whole.extend_from_slice(piece);
        }
        Some(whole.freeze())
    }
}
