//! Local ports: who uses them, and which to take when none is asked for (RFC 6056 §3.3.4, the double hash).

use crate::demux::hash_endpoints;
use crate::hash::Keyed;
use core::hash::{BuildHasher, Hasher};
use core::net::SocketAddr;
use core::ops::RangeInclusive;
use hashbrown::{HashMap, HashSet};
use sockeye_tcp::Endpoints;

/// Counters of the double hash: connections to different peers seldom share one, so that none learns how many there are.
const COUNTERS: usize = 256;

#[derive(Clone, Copy, Default)]
struct Use {
    /// Connections, half-open ones and TIME-WAIT records.
    connections: u32,
    /// Listeners and reservations: not for ephemeral use.
    reserved: u32,
}

pub(crate) struct Ports {
    uses: HashMap<u16, Use, Keyed>,
    bound: HashSet<SocketAddr, Keyed>,
    search: Search,
}

impl Ports {
    pub(crate) fn new(secret: &[u8; 32], range: RangeInclusive<u16>) -> Self {
        Self {
            uses: HashMap::with_hasher(Keyed::derive(secret, "port uses")),
            bound: HashSet::with_hasher(Keyed::derive(secret, "bound ports")),
            search: Search {
                range,
                offset_key: Keyed::derive(secret, "port offset"),
                counter_key: Keyed::derive(secret, "port counter"),
                counters: [0; COUNTERS],
            },
        }
    }

    pub(crate) fn in_use(&self) -> usize {
        self.uses.len()
    }

    pub(crate) fn connected(&mut self, port: u16) {
        self.uses.entry(port).or_default().connections += 1;
    }

    pub(crate) fn disconnected(&mut self, port: u16) {
        self.change(port, |uses| uses.connections = uses.connections.saturating_sub(1));
    }

    pub(crate) fn reserve(&mut self, port: u16) {
        self.uses.entry(port).or_default().reserved += 1;
    }

    pub(crate) fn unreserve(&mut self, port: u16) {
        self.change(port, |uses| uses.reserved = uses.reserved.saturating_sub(1));
    }

    fn change(&mut self, port: u16, change: impl FnOnce(&mut Use)) {
        if let Some(uses) = self.uses.get_mut(&port) {
            change(uses);
            if uses.connections == 0 && uses.reserved == 0 {
                self.uses.remove(&port);
            }
        }
    }

    pub(crate) fn has_connections(&self, port: u16) -> bool {
        self.uses.get(&port).is_some_and(|uses| uses.connections > 0)
    }

    fn is_reserved(&self, port: u16) -> bool {
        self.uses.get(&port).is_some_and(|uses| uses.reserved > 0)
    }

    /// Reserves an address; false if it, or one that covers it, is taken.
    pub(crate) fn bind(&mut self, address: SocketAddr) -> bool {
        let overlaps = |other: &SocketAddr| {
            other.port() == address.port()
                && other.is_ipv4() == address.is_ipv4()
                && (other.ip() == address.ip()
                    || other.ip().is_unspecified()
                    || address.ip().is_unspecified())
        };
        if self.bound.contains(&address)
            || (self.is_reserved(address.port()) && self.bound.iter().any(overlaps))
        {
            return false;
        }
        self.bound.insert(address);
        self.reserve(address.port());
        true
    }

    /// Whether it was bound.
    pub(crate) fn unbind(&mut self, address: SocketAddr) -> bool {
        let was = self.bound.remove(&address);
        if was {
            self.unreserve(address.port());
        }
        was
    }

    /// A port for a connection between these ends (the local port is not looked at) for which `is_free` holds; none if all
    /// are taken.
    pub(crate) fn ephemeral(
        &mut self,
        endpoints: Endpoints,
        mut is_free: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        let Self { uses, search, .. } = self;
        let is_reserved = |port| uses.get(&port).is_some_and(|uses| uses.reserved > 0);
        search.find(endpoints, |port| !is_reserved(port) && is_free(port))
    }

    /// A port that nobody uses at all, for a listener or a reservation.
    pub(crate) fn unused(&mut self, local: SocketAddr) -> Option<u16> {
        let Self { uses, search, .. } = self;
        search.find(Endpoints { local, remote: local }, |port| !uses.contains_key(&port))
    }
}

/// The double hash: an offset by peer, and a counter shared by few peers.
struct Search {
    range: RangeInclusive<u16>,
    offset_key: Keyed,
    counter_key: Keyed,
    counters: [u16; COUNTERS],
}

impl Search {
    fn find(
        &mut self,
        mut endpoints: Endpoints,
        mut is_free: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        endpoints.local.set_port(0);
        let offset = hash_with(&self.offset_key, &endpoints) as u32;
        let counter = hash_with(&self.counter_key, &endpoints) as usize % COUNTERS;
        let (first, last) = (u32::from(*self.range.start()), u32::from(*self.range.end()));
        let count = (last + 1).checked_sub(first).filter(|count| *count > 0)?;
        for step in 0..count {
            let at = u64::from(offset) + u64::from(self.counters[counter]) + u64::from(step);
            let port = (first + (at % u64::from(count)) as u32) as u16;
            if is_free(port) {
                self.counters[counter] = self.counters[counter].wrapping_add(step as u16 + 1);
                return Some(port);
            }
        }
        None
    }
}

fn hash_with(key: &Keyed, endpoints: &Endpoints) -> u64 {
    let mut hasher = key.build_hasher();
    hash_endpoints(&mut hasher, endpoints);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn towards(last: u8) -> Endpoints {
        Endpoints { local: ([10, 0, 0, 1], 0).into(), remote: ([10, 0, 0, last], 80).into() }
    }

    /// RFC 6056 §3.3.4: to one peer ports do not repeat before all were used; to another they start elsewhere.
    #[test]
    fn every_port_once_and_peers_apart() {
        let mut ports = Ports::new(&[5; 32], 40_000..=40_999);
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            let port = ports.ephemeral(towards(2), |_| true).unwrap();
            assert!((40_000..=40_999).contains(&port) && seen.insert(port));
        }
        let starts: HashSet<_> =
            (0..20).map(|peer| ports.ephemeral(towards(peer), |_| true).unwrap()).collect();
        assert!(starts.len() > 15);
    }

    #[test]
    fn reserved_and_taken_ports_are_avoided() {
        let mut ports = Ports::new(&[5; 32], 10..=12);
        assert!(ports.bind("0.0.0.0:11".parse().unwrap()));
        assert!(!ports.bind("10.0.0.1:11".parse().unwrap()));
        assert!(ports.bind("[::]:11".parse().unwrap()));
        for _ in 0..5 {
            assert_eq!(ports.ephemeral(towards(2), |port| port != 10), Some(12));
        }
        assert_eq!(ports.ephemeral(towards(2), |_| false), None);
        assert!(ports.unbind("0.0.0.0:11".parse().unwrap()));
        assert!(ports.unbind("[::]:11".parse().unwrap()));
        assert_eq!(ports.in_use(), 0);
    }
}
