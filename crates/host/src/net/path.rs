//! What is known of the paths to destinations: their MTU (RFC 1191, RFC 8201).

use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use hashbrown::HashMap;
use sockeye_wire::Instant;
use sockeye_wire::ip::IPV6_MIN_MTU;

/// RFC 1191 §6.3 and RFC 8201 §4: after ten minutes a larger size may be tried again.
const LIFETIME: Duration = Duration::from_secs(600);

/// A smaller IPv4 path would leave a segment almost no room. RFC 1191 asks for 68; what is deployed is 552, because a
/// forged report is more likely than such a link.
const IPV4_FLOOR: u16 = 552;

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

    /// A router reported `mtu` (0: it did not say) for a packet of `sent` octets. Whether the path is now known to be
    /// narrower than before; `link_mtu` is what holds without any knowledge.
    pub(crate) fn report(
        &mut self,
        now: Instant,
        destination: IpAddr,
        mtu: u32,
        sent: usize,
        link_mtu: u16,
    ) -> bool {
        let floor = if destination.is_ipv4() { IPV4_FLOOR } else { IPV6_MIN_MTU };
        let known = self.get(now, destination).map_or(link_mtu, |path| path.mtu);
        let mtu = match u16::try_from(mtu).unwrap_or(u16::MAX) {
            0 => plateau_below(sent.min(usize::from(known))),
            mtu => mtu,
        };
        let mtu = mtu.max(floor);
        if mtu >= known {
            return false;
        }
        if self.table.len() >= self.limit && !self.table.contains_key(&destination) {
            let Some(victim) = self.table.keys().next().copied() else { return false };
            self.table.remove(&victim);
        }
        self.table.insert(destination, Path { mtu, expires: now + LIFETIME });
        true
    }
}

fn plateau_below(size: usize) -> u16 {
    PLATEAUS.into_iter().find(|plateau| usize::from(*plateau) < size).unwrap_or(68)
}
