//! From a 4-tuple to whoever it belongs to: one look-up with a secret key.

use alloc::vec::Vec;
use core::hash::Hasher;
use core::net::{IpAddr, SocketAddr};
use hashbrown::HashTable;
use siphasher::sip::SipHasher13;
use sockeye_tcp::Endpoints;

/// The table is cut into this many parts, so that growing never moves more than one part.
const SHARD_BITS: u32 = 8;

/// Whose a 4-tuple is, as an index into the table of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Connection(u32),
    HalfOpen(u32),
    TimeWait(u32),
    Held(u32),
}

/// A [`Target`] in 32 bits: two say which table, thirty which place in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed(u32);

const PLACE_BITS: u32 = 30;

impl Packed {
    #[inline]
    fn new(target: Target) -> Self {
        let (table, place) = match target {
            Target::Connection(place) => (0, place),
            Target::HalfOpen(place) => (1, place),
            Target::TimeWait(place) => (2, place),
            Target::Held(place) => (3, place),
        };
        debug_assert!(place < 1 << PLACE_BITS);
        Self(table << PLACE_BITS | place)
    }

    #[inline]
    const fn target(self) -> Target {
        let place = self.0 & ((1 << PLACE_BITS) - 1);
        match self.0 >> PLACE_BITS {
            0 => Target::Connection(place),
            1 => Target::HalfOpen(place),
            2 => Target::TimeWait(place),
            _ => Target::Held(place),
        }
    }
}

pub(crate) struct Demux {
    key: [u8; 16],
    /// The hash of each is in the record that it leads to, and is asked for when a shard grows.
    shards: Vec<HashTable<Packed>>,
}

impl Demux {
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self { key, shards: (0..1 << SHARD_BITS).map(|_| HashTable::new()).collect() }
    }

    #[inline]
    pub(crate) fn hash(&self, endpoints: &Endpoints) -> u32 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hash_endpoints(&mut hasher, endpoints);
        hasher.finish() as u32
    }

    /// The target with this hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(Target) -> bool) -> Option<Target> {
        let found = self.shards[shard(hash)].find(spread(hash), |item| is_it(item.target()));
        found.map(|item| item.target())
    }

    /// `hash_of` knows the hash of every target that is in the table.
    pub(crate) fn insert(&mut self, hash: u32, target: Target, hash_of: impl Fn(Target) -> u32) {
        let hash_of = |item: &Packed| spread(hash_of(item.target()));
        self.shards[shard(hash)].insert_unique(spread(hash), Packed::new(target), hash_of);
    }

    pub(crate) fn remove(&mut self, hash: u32, target: Target) {
        let (shard, target) = (&mut self.shards[shard(hash)], Packed::new(target));
        if let Ok(found) = shard.find_entry(spread(hash), |item| *item == target) {
            found.remove();
        }
    }

    /// A tuple goes from one table to another.
    pub(crate) fn replace(&mut self, hash: u32, old: Target, new: Target) {
        let (shard, old) = (&mut self.shards[shard(hash)], Packed::new(old));
        if let Some(item) = shard.find_mut(spread(hash), |item| *item == old) {
            *item = Packed::new(new);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(HashTable::len).sum()
    }
}

/// Addresses and ports in one write: a SipHash costs by the call as much as by the octet.
pub(crate) fn hash_endpoints(hasher: &mut SipHasher13, endpoints: &Endpoints) {
    let ports = (u32::from(endpoints.local.port()) << 16) | u32::from(endpoints.remote.port());
    match (endpoints.local.ip(), endpoints.remote.ip()) {
        (IpAddr::V4(local), IpAddr::V4(remote)) => {
            let mut bytes = [0; 12];
            bytes[..4].copy_from_slice(&local.octets());
            bytes[4..8].copy_from_slice(&remote.octets());
            bytes[8..].copy_from_slice(&ports.to_be_bytes());
            hasher.write(&bytes);
        }
        (local, remote) => {
            let mut bytes = [0; 40];
            bytes[..16].copy_from_slice(&octets(local));
            bytes[16..32].copy_from_slice(&octets(remote));
            bytes[32..36].copy_from_slice(&ports.to_be_bytes());
            bytes[36..].copy_from_slice(&scope(endpoints.remote).to_be_bytes());
            hasher.write(&bytes);
        }
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn scope(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    }
}

#[inline]
const fn shard(hash: u32) -> usize {
    (hash >> (u32::BITS - SHARD_BITS)) as usize
}

/// The table wants 64 bits, good ones at both ends.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(port: u16) -> Endpoints {
        Endpoints {
            local: SocketAddr::from(([10, 0, 0, 1], 80)),
            remote: SocketAddr::from(([10, 0, 0, 2], port)),
        }
    }

    #[test]
    fn finds_what_was_put_in() {
        let mut demux = Demux::new([3; 16]);
        for port in 0..5_000 {
            let hash = demux.hash(&endpoints(port));
            demux.insert(hash, Target::HalfOpen(u32::from(port)), |known| {
                let (Target::Connection(port) | Target::HalfOpen(port)) = known else {
                    panic!("{known:?}")
                };
                Demux::new([3; 16]).hash(&endpoints(port as u16))
            });
            demux.replace(
                hash,
                Target::HalfOpen(u32::from(port)),
                Target::Connection(u32::from(port)),
            );
        }
        for port in 0..5_000 {
            let hash = demux.hash(&endpoints(port));
            let target = Target::Connection(u32::from(port));
            assert_eq!(demux.find(hash, |found| found == target), Some(target));
            demux.remove(hash, target);
        }
        assert_eq!(demux.len(), 0);
    }

    #[test]
    fn the_key_decides() {
        let (one, other) = (Demux::new([1; 16]), Demux::new([2; 16]));
        assert_ne!(one.hash(&endpoints(9)), other.hash(&endpoints(9)));
        assert_ne!(one.hash(&endpoints(9)), one.hash(&endpoints(10)));
    }
}
