//! What is known of the paths to destinations: their MTU (RFC 1191, RFC 8201).

use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use hashbrown::HashMap;
use sockeye_wire::Instant;
use sockeye_wire::ip::IPV6_MIN_MTU;

/// RFC 1191 §6.3 and RFC 8201 §4: after ten minutes a larger size may be tried again.
const LIFETIME: Duration = Duration::from_secs(600);

/// RFC 1191 §7.1: what to try when a router does not say.
const PLATEAUS: [u16; 9] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296];

#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) mtu: u16,
    pub(crate) expires: Instant,
}

pub(crate) struct Paths<S> {
    table: HashMap<IpAddr, Path, S>,
    limit: usize,
}

impl<S: BuildHasher> Paths<S> {
    pub(crate) fn new(limit: usize, hasher: S) -> Self {
        Self { table: HashMap::with_hasher(hasher), limit }
    }

    pub(crate) fn get(&mut self, now: Instant, destination: IpAddr) -> Option<Path> {
        let path = *self.table.get(&destination)?;
        if path.expires <= now {
            self.table.remove(&destination);
            return None;
        }
        Some(path)
    }

    /// Whether something is or was known, however old.
    pub(crate) fn knows(&self, destination: IpAddr) -> bool {
        self.table.contains_key(&destination)
    }

    /// What a router's report says of the path, `mtu` (0: it did not say) for a packet of `sent` octets: an MTU smaller than what
    /// is known, for a report never makes a path wider (RFC 1191 §6.3). `link_mtu` is what holds without any knowledge, `floor`
    /// the least that is believed of an IPv4 path.
    pub(crate) fn narrower(
        &mut self,
        now: Instant,
        destination: IpAddr,
        (mtu, sent): (u32, usize),
        link_mtu: u16,
        floor: u16,
    ) -> Option<u16> {
        let known = self.get(now, destination).map_or(link_mtu, |path| path.mtu);
        let mtu = match u16::try_from(mtu).unwrap_or(u16::MAX) {
            // RFC 8201 §4: no IPv6 path is as narrow as that, the report is to be discarded.
            mtu if destination.is_ipv6() && mtu < IPV6_MIN_MTU => return None,
            0 => plateau_below(sent.min(usize::from(known))).max(floor),
            mtu => mtu.max(floor),
        };
        (mtu < known).then_some(mtu)
    }

    /// From now on the path is taken to carry `mtu` octets, for as long as such knowledge lasts. False if there is no room.
    pub(crate) fn set(&mut self, now: Instant, destination: IpAddr, mtu: u16) -> bool {
        if self.table.len() >= self.limit && !self.table.contains_key(&destination) {
            let Some(victim) = self.table.keys().next().copied() else { return false };
            self.table.remove(&victim);
        }
        self.table.insert(destination, Path { mtu, expires: now + LIFETIME });
        true
    }

    /// Whether there was something to forget.
    pub(crate) fn forget(&mut self, destination: IpAddr) -> bool {
        self.table.remove(&destination).is_some()
    }
}

fn plateau_below(size: usize) -> u16 {
    PLATEAUS.into_iter().find(|plateau| usize::from(*plateau) < size).unwrap_or(68)
}
