//! Packetization-layer path MTU discovery (RFC 4821): segments larger than those known to get through are tried now and then, and
//! those that suddenly do not get through are made smaller, without any word from the network.

use super::Sender;
use crate::Config;
use crate::config::MtuProbing;
use alloc::boxed::Box;
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// A search that ends within so many octets of the truth has converged (Linux's `tcp_probe_threshold`).
const THRESHOLD: u16 = 8;
/// Full segments that must follow a probe, so that its loss is noticed by what arrives after it (RFC 4821 §7.3).
const FOLLOWERS: u32 = 4;
/// The congestion window must hold so many segments (§7.3; Linux asks for 11).
const LEAST_WINDOW: u32 = 11;
/// How long a converged search rests (§7.7: about ten minutes, never less than five).
const REST: Duration = Duration::from_secs(600);
/// After a probe whose loss only the timer noticed, the next one waits so many times longer (§7.6.3).
const TIMEOUT_PATIENCE: u32 = 5;

/// What is known of the path. Sizes are payload of a full segment in octets.
#[derive(Clone, Debug)]
pub(super) struct MtuSearch {
    /// Gets through.
    low: u16,
    /// Does not, or is more than the ends take.
    high: u16,
    /// What the ends take: where a new search begins.
    ceiling: u16,
    probe: Option<Probe>,
    next_at: Instant,
}

/// The probe that is under way.
#[derive(Clone, Copy, Debug)]
struct Probe {
    start: SeqNumber,
    size: u16,
}

impl MtuSearch {
    /// Up to `ceiling`, of which `low` is known to get through.
    fn new(low: u16, ceiling: u16, next_at: Instant) -> Self {
        Self { low, high: ceiling, ceiling, probe: None, next_at }
    }

    /// Half-way between what works and what may not, but no more than twice what works: an acknowledgement in slow start makes room for
    /// two segments.
    fn next_size(&mut self, now: Instant) -> Option<u16> {
        if self.probe.is_some() || now < self.next_at {
            return None;
        }
        if self.high.saturating_sub(self.low) <= THRESHOLD {
            if self.high == self.ceiling {
                // There is nothing left to find.
                self.next_at = Instant::FAR_FUTURE;
                return None;
            }
            self.high = self.ceiling;
        }
        Some((self.low + (self.high - self.low).div_ceil(2)).min(self.low.saturating_mul(2)))
    }

    fn on_failed(&mut self, size: u16, next_at: Instant, now: Instant) {
        self.high = size - 1;
        let converged = self.high.saturating_sub(self.low) <= THRESHOLD;
        self.next_at = if converged { now + REST } else { next_at };
    }
}

impl Sender {
    /// A connection that always searches begins with segments that every path should carry (RFC 4821 §7.2).
    pub(super) fn begin_mtu_search(&mut self, config: &Config) {
        if config.mtu_probing == MtuProbing::Always {
            let low = config.base_mss.min(self.mss);
            self.mtu = Some(Box::new(MtuSearch::new(low, self.mss, Instant::ZERO)));
            self.set_mss(low);
        }
    }

    /// The size of a probe, if one may leave now: enough follows it, nothing is being repaired, and both windows take it.
    #[inline]
    pub(super) fn probe_size(&mut self, now: Instant) -> Option<u32> {
        self.mtu.as_ref()?;
        let (mss, unsent) = (self.mss(), self.unsent_of_record());
        let quiet = self.recovery.is_open() && self.in_flight.sacked() == 0;
        let wide = self.controller.window() >= LEAST_WINDOW * mss;
        let search = self.mtu.as_mut().filter(|_| quiet && wide)?;
        let size = u32::from(search.next_size(now)?);
        let needed = size + FOLLOWERS * mss;
        let usable = (self.una + self.window).since(self.nxt);
        (unsent >= needed && usable >= needed && self.congestion_room() >= size).then_some(size)
    }

    pub(super) fn on_probe_sent(&mut self, start: SeqNumber, size: u32) {
        if let Some(search) = &mut self.mtu {
            search.probe = Some(Probe { start, size: size as u16 });
        }
    }

    /// SND.UNA moved: a probe that it covers got through.
    #[inline]
    pub(super) fn note_probe_arrived(&mut self) {
        let una = self.una;
        if let Some(search) = &mut self.mtu
            && let Some(probe) = search.probe
            && una.at_or_after(probe.start + u32::from(probe.size))
        {
            search.probe = None;
            search.low = search.low.max(probe.size);
            if probe.size > self.mss {
                self.set_mss(probe.size);
            }
        }
    }

    /// Something is lost, `octets` of it if that is known: the probe's size if it is the probe and nothing else, which says that it
    /// was too large and nothing about congestion (RFC 4821 §7.6.2); it is then sent again in pieces.
    pub(super) fn lost_probe(&mut self, now: Instant, octets: Option<u32>) -> Option<u32> {
        let (una, patience) = (self.una, self.patience(1));
        let search = self.mtu.as_mut()?;
        let probe = search.probe.take()?;
        let size = u32::from(probe.size);
        // What else is lost says more than a probe: that one is tried again (§7.6.4).
        if probe.start != una || octets.is_some_and(|octets| octets != size) {
            return None;
        }
        search.on_failed(probe.size, now + patience, now);
        Some(size)
    }

    /// A timeout: a probe in flight failed or tells nothing (RFC 4821 §7.6.3); repeated ones, of segments that used to get through,
    /// mean that the path has become narrower and does not say so (§7.7).
    pub(super) fn on_timeout_of_mtu(&mut self, now: Instant, config: &Config, least: u16) {
        let patience = self.patience(TIMEOUT_PATIENCE);
        let una = self.una;
        if let Some(search) = &mut self.mtu
            && let Some(probe) = search.probe.take()
            && probe.start == una
        {
            search.on_failed(probe.size, now + patience, now);
        }
        let (timeouts, suspect) = (self.timer.timeouts, config.retries_suspect);
        if config.mtu_probing == MtuProbing::Off || timeouts < suspect {
            return;
        }
        // A path that is down looks the same: larger segments are tried again soon, not only after the rest of a finished search.
        let (ceiling, next_at) = (self.mss, now + patience);
        let smaller = if self.mss > config.base_mss {
            config.base_mss
        } else if timeouts >= suspect.saturating_mul(2) {
            // Every path should carry the base: less is a last resort.
            self.mss / 2
        } else {
            return;
        };
        let smaller = smaller.max(least).min(self.mss);
        let search =
            self.mtu.get_or_insert_with(|| Box::new(MtuSearch::new(smaller, ceiling, next_at)));
        search.low = smaller;
        search.probe = None;
        search.next_at = next_at;
        self.set_mss(smaller);
    }

    /// The network says that `mss` is the most.
    pub(super) fn limit_mtu_search(&mut self, mss: u16) {
        if let Some(search) = &mut self.mtu {
            search.low = search.low.min(mss);
            search.high = search.high.min(mss);
            search.ceiling = search.ceiling.min(mss);
            search.probe = None;
        }
    }

    /// The ends take segments of `mss` from now on, more or fewer than before: all of it at once, unless sizes are tried first.
    pub(crate) fn on_path_changed(&mut self, mss: u16) {
        let Some(search) = &mut self.mtu else { return self.set_mss(mss) };
        (search.high, search.ceiling) = (mss, mss);
        search.low = search.low.min(mss);
        search.probe = None;
        search.next_at = Instant::ZERO;
        let lower = self.mss.min(mss);
        self.set_mss(lower);
    }

    /// About as many round trips as the window has segments (RFC 4821 §7.6.2).
    fn patience(&self, times: u32) -> Duration {
        let segments = (self.controller.window() / self.mss()).max(1);
        self.rtt.smoothed().unwrap_or(Duration::from_secs(1)) * segments * times
    }
}
