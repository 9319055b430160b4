//! What a bad network does to a packet.
//!
//! [`Impairer::send`] says when a packet arrives, how often, and in what shape. Chance is a function of (seed, packet
//! number, what is decided) and of nothing else: the same seed gives the same story, and switching one impairment on does not
//! move the others to different packets.
//!
//! A packet goes through a queue, a wire of limited rate, and a delay, in that order:
//!
//! ```text
//! send ─► queue (limit) ─► wire (rate) ─► lost? ─► delay + jitter ─► reordered? corrupted? duplicated? ─► deliver_at
//! ```

mod carry;
mod chance;
#[cfg(test)]
mod tests;

pub use carry::carry;

use arrayvec::ArrayVec;
use chance::{Chance, Purpose};
use sockeye_wire::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// What a network does; [`Default`] is a perfect one, of no delay and no limit.
#[derive(Clone, Debug, Default)]
pub struct Impairment {
    /// Probability, 0 to 1, that a packet is lost on the wire.
    pub loss: f64,
    /// Loss that comes in bursts, besides `loss`.
    pub burst: Option<Burst>,
    /// Probability that a packet is delayed behind later ones.
    pub reorder: f64,
    /// How far behind, at most; half of `delay`, but at least 1 ms, when `None`.
    pub reorder_by: Option<Duration>,
    /// Probability that a packet is delivered twice.
    pub duplicate: f64,
    /// Probability that one bit of a packet is flipped.
    pub corrupt: f64,
    /// Time from the end of sending to arrival.
    pub delay: Duration,
    /// Added to `delay`: between nothing and this much, evenly. Order is kept.
    pub jitter: Duration,
    /// Bits per second of the wire; unlimited when `None`.
    pub rate_bps: Option<u64>,
    /// Octets that may wait for the wire, the packet being sent included; unlimited when `None`.
    pub queue_bytes: Option<usize>,
    /// Packets that may wait for the wire, the packet being sent included; unlimited when `None`.
    pub queue_packets: Option<usize>,
    /// A packet that waited longer than this is marked "congestion experienced" (RFC 3168), where its sender can take it.
    pub ce_threshold: Option<Duration>,
}

/// The model of Gilbert and Elliott: a wire that is good or bad, and changes from packet to packet. A good one loses nothing.
///
/// Source: E. O. Elliott, "Estimates of Error Rates for Codes on Burst-Noise Channels", 1963.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Burst {
    /// Probability, for each packet on a good wire, that it is bad from then on.
    pub enter: f64,
    /// Probability, for each packet on a bad wire, that it is good from then on; a burst has 1/`leave` packets on average.
    pub leave: f64,
    /// Probability that a packet is lost on a bad wire.
    pub loss: f64,
    /// After so long a bad wire is good again, however few packets were sent: a sender that waits longer and longer would never see
    /// the end of it otherwise.
    pub longest: Duration,
}

/// One arrival of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// When it arrives.
    pub deliver_at: Instant,
    /// The bit to flip, counted from the first octet's highest.
    pub corrupt_bit: Option<usize>,
    /// Whether to mark it "congestion experienced".
    pub mark_ce: bool,
}

/// The arrivals of one packet: none when it is lost, two when it is duplicated.
pub type Fates = ArrayVec<Delivery, 2>;

/// How often each thing has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ImpairmentCounts {
    /// Packets given to [`Impairer::send`].
    pub sent: u64,
    /// Packets refused by a full queue.
    pub overflowed: u64,
    /// Packets lost on the wire.
    pub lost: u64,
    /// Packets delayed behind later ones.
    pub reordered: u64,
    /// Packets delivered twice.
    pub duplicated: u64,
    /// Packets with a flipped bit.
    pub corrupted: u64,
    /// Packets to be marked.
    pub marked_ce: u64,
}

/// One direction of an impaired network.
#[derive(Clone, Debug)]
pub struct Impairer {
    seed: u64,
    impairment: Impairment,
    counts: ImpairmentCounts,
    /// Since when the wire is in a burst of losses.
    bad_since: Option<Instant>,
    /// When the wire has sent everything accepted so far.
    wire_free_at: Instant,
    /// Arrival of the last packet that was not reordered: none that follows overtakes it.
    last_in_order: Instant,
    /// Packets that have not left the wire yet: when they do, and their octets.
    queue: VecDeque<(Instant, usize)>,
    queued_bytes: usize,
}

impl Impairer {
    /// A direction in which nothing has been sent yet.
    #[must_use]
    pub fn new(seed: u64, impairment: Impairment) -> Self {
        Self {
            seed,
            impairment,
            counts: ImpairmentCounts::default(),
            bad_since: None,
            wire_free_at: Instant::ZERO,
            last_in_order: Instant::ZERO,
            queue: VecDeque::new(),
            queued_bytes: 0,
        }
    }

    /// The fate of the next packet, of `len_bytes` octets, sent at `now` (which never goes back).
    pub fn send(&mut self, now: Instant, len_bytes: usize) -> Fates {
        let chance = Chance::new(self.seed, self.counts.sent);
        self.counts.sent += 1;

        let Some(sent_at) = self.put_on_the_wire(now, len_bytes) else {
            self.counts.overflowed += 1;
            return Fates::new();
        };
        let burst_loss = self.burst_loss(now, chance);
        if chance.happens(Purpose::Loss, self.impairment.loss)
            || chance.happens(Purpose::BurstLoss, burst_loss)
        {
            self.counts.lost += 1;
            return Fates::new();
        }

        let jitter = self.impairment.jitter.mul_f64(chance.fraction(Purpose::Jitter));
        let mut deliver_at = (sent_at + self.impairment.delay + jitter).max(self.last_in_order);
        if chance.happens(Purpose::Reorder, self.impairment.reorder) {
            self.counts.reordered += 1;
            // At least a quarter of the distance, so that "reordered" usually means overtaken.
            let share = 0.25 + 0.75 * chance.fraction(Purpose::ReorderBy);
            deliver_at += self.reorder_by().mul_f64(share);
        } else {
            self.last_in_order = deliver_at;
        }

        let mark_ce = self.impairment.ce_threshold.is_some_and(|limit| sent_at.since(now) > limit);
        self.counts.marked_ce += u64::from(mark_ce);
        let is_corrupt = len_bytes > 0 && chance.happens(Purpose::Corrupt, self.impairment.corrupt);
        self.counts.corrupted += u64::from(is_corrupt);
        let corrupt_bit =
            is_corrupt.then(|| chance.below(Purpose::CorruptBit, len_bytes.saturating_mul(8)));

        let delivery = Delivery { deliver_at, corrupt_bit, mark_ce };
        let mut fates = Fates::new();
        fates.push(delivery);
        if chance.happens(Purpose::Duplicate, self.impairment.duplicate) {
            self.counts.duplicated += 1;
            fates.push(delivery);
        }
        fates
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counts(&self) -> ImpairmentCounts {
        self.counts
    }

    /// What this network does.
    #[must_use]
    pub const fn impairment(&self) -> &Impairment {
        &self.impairment
    }

    /// Changes the network from the next packet on.
    pub fn set_impairment(&mut self, impairment: Impairment) {
        self.impairment = impairment;
    }

    /// Moves the wire between good and bad; the probability of loss that this gives.
    fn burst_loss(&mut self, now: Instant, chance: Chance) -> f64 {
        let burst = self.impairment.burst;
        let lasts = |since: &Instant| burst.is_some_and(|burst| now.since(*since) < burst.longest);
        self.bad_since = self.bad_since.filter(lasts);
        let Some(burst) = burst else { return 0.0 };
        let change = if self.bad_since.is_some() { burst.leave } else { burst.enter };
        if chance.happens(Purpose::BurstChange, change) {
            self.bad_since = if self.bad_since.is_some() { None } else { Some(now) };
        }
        if self.bad_since.is_some() { burst.loss } else { 0.0 }
    }

    /// When the packet's last bit leaves, or nothing if the queue is full.
    fn put_on_the_wire(&mut self, now: Instant, len_bytes: usize) -> Option<Instant> {
        while let Some(&(_, bytes)) = self.queue.front().filter(|(leaves, _)| *leaves <= now) {
            self.queued_bytes -= bytes;
            self.queue.pop_front();
        }
        let Impairment { rate_bps: Some(rate_bps), queue_bytes, queue_packets, .. } =
            self.impairment
        else {
            return Some(now);
        };
        // A queue takes at least one packet, whatever its limit, or nothing would ever pass.
        if !self.queue.is_empty() {
            let too_long = queue_packets.is_some_and(|limit| self.queue.len() >= limit);
            let too_big = queue_bytes.is_some_and(|limit| self.queued_bytes + len_bytes > limit);
            if too_long || too_big {
                return None;
            }
        }
        let nanos = (len_bytes as u128 * 8 * 1_000_000_000).div_ceil(u128::from(rate_bps.max(1)));
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        let leaves = self.wire_free_at.max(now) + Duration::from_nanos(nanos);
        self.wire_free_at = leaves;
        self.queue.push_back((leaves, len_bytes));
        self.queued_bytes += len_bytes;
        Some(leaves)
    }

    fn reorder_by(&self) -> Duration {
        self.impairment
            .reorder_by
            .unwrap_or_else(|| (self.impairment.delay / 2).max(Duration::from_millis(1)))
    }
}
