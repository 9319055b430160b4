//! What connections leave behind for those that come after them (RFC 9040 §4.3, RFC 7413 §4.1.3).

use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use hashbrown::HashMap;
use sockeye_tcp::fast_open::FastOpenReport;
use sockeye_tcp::{FastOpenCookie, FastOpenStart, PathMetrics};
use sockeye_wire::Instant;

/// Older measurements are of another network, as Linux has it.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// How many entries are compared for the oldest when one must go.
const CANDIDATES: usize = 8;

/// Losses of SYNs with data in a row from which on data is kept back, and for how long; doubled with each further loss.
const LOSSES: u8 = 2;
const HOLD_BACK: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Default)]
struct Destination {
    updated: Instant,
    metrics: PathMetrics,
    fast_open: FastOpenKnowledge,
}

#[derive(Clone, Copy, Debug, Default)]
struct FastOpenKnowledge {
    mss: Option<u16>,
    /// The cookie, and whether it came in the experiment's form.
    cookie: Option<(FastOpenCookie, bool)>,
    /// Which forms a cookie was asked for in, in vain.
    refused: Refused,
    lost_syns: u8,
    last_lost: Instant,
}

/// A server that knows only the experiment's form is asked in that form once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Refused {
    #[default]
    Nothing,
    Standard,
    Both,
}

/// The cache. Bounded: the oldest of a few gives way.
pub(crate) struct Destinations<S> {
    table: HashMap<IpAddr, Destination, S>,
    limit: usize,
}

impl<S: BuildHasher> Destinations<S> {
    pub(crate) fn new(limit: usize, hasher: S) -> Self {
        Self { table: HashMap::with_hasher(hasher), limit }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn clear(&mut self) {
        self.table.clear();
    }

    /// What is known of the path, unless it is too old.
    pub(crate) fn metrics(&self, now: Instant, address: IpAddr) -> Option<PathMetrics> {
        let destination = self.table.get(&address)?;
        (now.since(destination.updated) < LIFETIME).then_some(destination.metrics)
    }

    /// A connection closed: its measurements count a quarter, as they may have been taken in a strange hour.
    pub(crate) fn learn(&mut self, now: Instant, address: IpAddr, metrics: &PathMetrics) {
        if *metrics == PathMetrics::default() {
            return;
        }
        let known = self.metrics(now, address).unwrap_or_default();
        let Some(destination) = self.entry(address) else { return };
        destination.updated = now;
        destination.metrics = PathMetrics {
            round_trip: merged(known.round_trip, metrics.round_trip, |old, new| {
                // A longer round trip is taken at once: too short a timeout does harm.
                (average(old.0, new.0).max(new.0), average(old.1, new.1))
            }),
            slow_start_threshold: merged(
                known.slow_start_threshold,
                metrics.slow_start_threshold,
                |old, new| old - old / 4 + new / 4,
            ),
        };
    }

    /// How a Fast Open to `address` begins; none if it had better be a plain handshake.
    pub(crate) fn fast_open(
        &self,
        now: Instant,
        address: IpAddr,
        without_cookie: bool,
    ) -> Option<FastOpenStart> {
        let known = self.table.get(&address).map_or_else(Default::default, |known| known.fast_open);
        if known.lost_syns >= LOSSES
            && now.since(known.last_lost) < HOLD_BACK * (1 << known.lost_syns.min(10))
        {
            return None;
        }
        Some(match (without_cookie, known.cookie, known.mss) {
            (true, _, mss) => FastOpenStart::WithoutCookie { mss },
            (false, Some((cookie, experimental)), Some(mss)) => {
                FastOpenStart::Show { cookie, experimental, mss }
            }
            _ => FastOpenStart::Ask { experimental: known.refused == Refused::Standard },
        })
    }

    /// What a SYN-ACK told.
    pub(crate) fn on_fast_open(&mut self, now: Instant, address: IpAddr, report: &FastOpenReport) {
        let Some(Destination { fast_open: known, .. }) = self.entry(address) else { return };
        known.mss = Some(report.mss);
        if let Some(cookie) = report.cookie {
            known.cookie = Some(cookie);
        } else if let Some(experimental) = report.refused
            && known.cookie.is_none()
        {
            let refused = if experimental { Refused::Both } else { Refused::Standard };
            known.refused = known.refused.max(refused);
        }
        if report.syn_lost {
            known.lost_syns = known.lost_syns.saturating_add(1);
            known.last_lost = now;
        } else {
            known.lost_syns = 0;
        }
    }

    fn entry(&mut self, address: IpAddr) -> Option<&mut Destination> {
        if self.limit == 0 {
            return None;
        }
        if self.table.len() >= self.limit && !self.table.contains_key(&address) {
            let oldest = self.table.iter().take(CANDIDATES).min_by_key(|(_, known)| known.updated);
            let oldest = oldest.map(|(address, _)| *address)?;
            self.table.remove(&oldest);
        }
        Some(self.table.entry(address).or_default())
    }
}

fn average(old: Duration, new: Duration) -> Duration {
    old - old / 4 + new / 4
}

fn merged<T: Copy>(old: Option<T>, new: Option<T>, merge: impl FnOnce(T, T) -> T) -> Option<T> {
    match (old, new) {
        (Some(old), Some(new)) => Some(merge(old, new)),
        (old, new) => new.or(old),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::RandomState;

    fn destinations(limit: usize) -> Destinations<RandomState> {
        Destinations::new(limit, RandomState::new())
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn of(rtt_ms: u64, threshold: Option<u32>) -> PathMetrics {
        let rtt = Duration::from_millis(rtt_ms);
        PathMetrics { round_trip: Some((rtt, rtt / 2)), slow_start_threshold: threshold }
    }

    /// RFC 9040 §4.3: merged at the close, forgotten with age.
    #[test]
    fn measurements_are_merged_and_age() {
        let mut cache = destinations(4);
        let now = Instant::from_millis(1_000);
        assert_eq!(cache.metrics(now, peer(1)), None);
        cache.learn(now, peer(1), &of(100, None));
        cache.learn(now, peer(1), &of(60, Some(40_000)));
        let merged = cache.metrics(now, peer(1)).unwrap();
        assert_eq!(merged.round_trip.unwrap().0, Duration::from_millis(90));
        assert_eq!(merged.slow_start_threshold, Some(40_000));
        cache.learn(now, peer(1), &of(500, Some(80_000)));
        let merged = cache.metrics(now, peer(1)).unwrap();
        assert_eq!(merged.round_trip.unwrap().0, Duration::from_millis(500));
        assert_eq!(merged.slow_start_threshold, Some(50_000));
        cache.learn(now, peer(2), &PathMetrics::default());
        assert_eq!(cache.len(), 1);
        assert_eq!(cache.metrics(now + LIFETIME, peer(1)), None);
    }

    #[test]
    fn the_cache_is_bounded_and_the_oldest_goes() {
        let mut cache = destinations(3);
        for last in 0..20 {
            cache.learn(Instant::from_millis(u64::from(last)), peer(last), &of(1, None));
            assert!(cache.len() <= 3);
        }
        let now = Instant::from_millis(20);
        assert!([17, 18, 19].into_iter().all(|last| cache.metrics(now, peer(last)).is_some()));
        let mut none = destinations(0);
        none.learn(now, peer(1), &of(1, None));
        assert_eq!(none.len(), 0);
    }

    fn report() -> FastOpenReport {
        FastOpenReport { mss: 1_000, cookie: None, syn_lost: false, refused: None }
    }

    /// RFC 7413 §4.1.3: a server without cookies is asked in the other form once, and in the standard's ever after.
    #[test]
    fn cookies_are_asked_for_in_both_forms() {
        let mut cache = destinations(4);
        let now = Instant::ZERO;
        let mut asked = std::vec::Vec::new();
        for _ in 0..4 {
            let Some(FastOpenStart::Ask { experimental }) = cache.fast_open(now, peer(1), false)
            else {
                panic!()
            };
            asked.push(experimental);
            cache.on_fast_open(
                now,
                peer(1),
                &FastOpenReport { refused: Some(experimental), ..report() },
            );
        }
        assert_eq!(asked, [false, true, false, false]);
        let cookie = FastOpenCookie::new(&[1; 8]).unwrap();
        cache.on_fast_open(
            now,
            peer(1),
            &FastOpenReport { cookie: Some((cookie, true)), ..report() },
        );
        let shown = FastOpenStart::Show { cookie, experimental: true, mss: 1_000 };
        assert_eq!(cache.fast_open(now, peer(1), false), Some(shown));
        assert_eq!(
            cache.fast_open(now, peer(1), true),
            Some(FastOpenStart::WithoutCookie { mss: Some(1_000) })
        );
    }

    /// RFC 7413 §4.1.3.1: where SYNs with data get lost, there are none for a while.
    #[test]
    fn lost_syns_hold_data_back() {
        let mut cache = destinations(4);
        let now = Instant::from_millis(1);
        let lost = FastOpenReport { syn_lost: true, ..report() };
        cache.on_fast_open(now, peer(1), &lost);
        assert!(cache.fast_open(now, peer(1), true).is_some());
        cache.on_fast_open(now, peer(1), &lost);
        assert!(cache.fast_open(now, peer(1), true).is_none());
        assert!(cache.fast_open(now + HOLD_BACK * 4, peer(1), true).is_some());
        cache.on_fast_open(now, peer(1), &report());
        assert!(cache.fast_open(now, peer(1), true).is_some());
    }
}
