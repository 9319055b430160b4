//! One of several hosts that are one to the outside: which of them a packet is for.

use crate::demux::hash_endpoints;
use crate::hash::Keyed;
use core::hash::{BuildHasher, Hasher};
use core::net::IpAddr;
use sockeye_tcp::Endpoints;

/// Which one of how many hosts this is that have the same secret, addresses and routes, and so are one to the outside: each
/// connection lives in one of them, chosen by a keyed hash of its 4-tuple.
///
/// Whoever drives them brings what [`Host::poll_misplaced`](crate::Host::poll_misplaced) gives to where it belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Counted from 0.
    pub index: u32,
    /// At least 1.
    pub count: u32,
}

impl Shard {
    /// A host that is alone.
    pub const WHOLE: Self = Self { index: 0, count: 1 };
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// Tells where things belong, in the same way on every shard.
pub(crate) struct Placement {
    shard: Shard,
    key: Keyed,
}

impl Placement {
    pub(crate) fn new(secret: &[u8; 32], shard: Shard) -> Self {
        Self { shard, key: Keyed::derive(secret, "shards") }
    }

    /// Where else than here a connection lives; none if it is here.
    #[inline]
    pub(crate) fn elsewhere(&self, endpoints: &Endpoints) -> Option<u32> {
        if self.is_alone() {
            return None;
        }
        Some(self.place_of(endpoints)).filter(|place| *place != self.shard.index)
    }

    /// Where a connection lives.
    pub(crate) fn place_of(&self, endpoints: &Endpoints) -> u32 {
        let mut hasher = self.key.build_hasher();
        hash_endpoints(&mut hasher, endpoints);
        self.place(hasher.finish())
    }

    /// Where else than here the pieces of a datagram are put together. They may arrive on any queue, and only the first one tells
    /// ports.
    pub(crate) fn pieces_elsewhere(&self, ends: (IpAddr, IpAddr), id: u32) -> Option<u32> {
        if self.is_alone() {
            return None;
        }
        Some(self.place(self.key.hash_one((ends, id)))).filter(|place| *place != self.shard.index)
    }

    #[inline]
    pub(crate) const fn is_alone(&self) -> bool {
        self.shard.count <= 1
    }

    /// The high bits, evenly.
    fn place(&self, hash: u64) -> u32 {
        (((hash >> 32) * u64::from(self.shard.count)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(port: u16) -> Endpoints {
        Endpoints { local: ([10, 0, 0, 1], 80).into(), remote: ([10, 0, 0, 2], port).into() }
    }

    #[test]
    fn all_shards_agree_and_get_their_share() {
        let shards: [Placement; 4] = core::array::from_fn(|at| {
            Placement::new(&[9; 32], Shard { index: at as u32, count: 4 })
        });
        let mut load = [0; 4];
        for port in 0..10_000 {
            let ends = endpoints(port);
            let place = shards[0].place_of(&ends);
            load[place as usize] += 1;
            for (at, shard) in shards.iter().enumerate() {
                let expected = (at as u32 != place).then_some(place);
                assert_eq!(shard.elsewhere(&ends), expected);
            }
        }
        assert!(load.iter().all(|load| (2_300..2_700).contains(load)), "{load:?}");
    }

    #[test]
    fn the_secret_decides_and_who_is_alone_has_all() {
        let by = |secret| Placement::new(&[secret; 32], Shard { index: 0, count: 2 });
        let differ =
            |port: &u16| by(1).place_of(&endpoints(*port)) != by(2).place_of(&endpoints(*port));
        assert!((400..600).contains(&(0..1_000).filter(differ).count()));
        let alone = Placement::new(&[1; 32], Shard::WHOLE);
        assert!((0..1_000).all(|port| alone.elsewhere(&endpoints(port)).is_none()));
    }
}
