//! Delivery rate samples (draft-ietf-ccwg-bbr §4.1): how fast the network carries what is sent, measured on each acknowledgement over
//! the time since the acknowledged transmission left.
//!
//! What has to be remembered of a transmission changes only with acknowledgements and losses, so everything sent between two of those
//! shares one [`Snapshot`].

#[cfg(test)]
mod tests;

use super::record::Record;
use crate::congestion::{LostSegment, RateSample};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// Names a snapshot: its number since the sampler began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SnapshotId(u32);

impl SnapshotId {
    /// Of what has arrived already.
    pub(super) const NONE: Self = Self(u32::MAX);
}

/// How things stood when some transmissions left.
#[derive(Clone, Debug)]
struct Snapshot {
    /// P.delivered.
    delivered: SeqNumber,
    /// P.lost.
    lost: u32,
    /// P.delivered_time.
    delivered_at: Instant,
    /// P.first_send_time.
    first_sent_at: Instant,
    /// In flight before the first of them, which began here.
    in_flight: u32,
    from: SeqNumber,
    app_limited: bool,
    /// Records that need it.
    references: u32,
}

/// Exists only while something is in flight.
#[derive(Debug)]
pub(super) struct RateSampler {
    /// C.delivered: SND.UNA and what the peer holds above it, so that it goes on where it was after an idle time.
    delivered: SeqNumber,
    /// C.lost.
    lost: u32,
    /// C.delivered_time.
    delivered_at: Instant,
    /// C.first_send_time.
    first_sent_at: Instant,
    /// C.app_limited: samples say little until this has been delivered.
    app_limited_until: Option<SeqNumber>,
    /// Whether something has changed since the current snapshot was taken.
    stale: bool,
    current: Snapshot,
    /// Those before the current one that records still need.
    older: VecDeque<Snapshot>,
    /// Number of the first of them.
    first: u32,
    /// Losses of which congestion control has not been told.
    losses: Vec<LostSegment>,
}

/// The latest transmission among those that an acknowledgement reports as arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    end: SeqNumber,
    sent_at: Instant,
    first_sent_at: Instant,
    delivered_at: Instant,
    delivered: SeqNumber,
    in_flight: u32,
    lost: u32,
    app_limited: bool,
}

impl RateSampler {
    /// Nothing was in flight before. Whatever came before it had been taken care of, so the application had nothing to send.
    pub(super) fn new(now: Instant, una: SeqNumber) -> Self {
        let current = Snapshot {
            delivered: una,
            lost: 0,
            delivered_at: now,
            first_sent_at: now,
            in_flight: 0,
            from: una,
            app_limited: true,
            references: 0,
        };
        Self {
            delivered: una,
            lost: 0,
            delivered_at: now,
            first_sent_at: now,
            app_limited_until: Some(una),
            stale: false,
            current,
            older: VecDeque::new(),
            first: 0,
            losses: Vec::new(),
        }
    }

    /// A transmission of what begins at `start` leaves, with `in_flight` in the network before it (OnPacketSent).
    #[inline]
    pub(super) fn on_sent(
        &mut self,
        now: Instant,
        start: SeqNumber,
        in_flight: u32,
        again: bool,
    ) -> SnapshotId {
        if in_flight == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
            self.stale = true;
        }
        if self.stale || again {
            self.take_snapshot(start, in_flight);
            // What follows a retransmission does not follow it in sequence.
            self.stale = again;
        }
        self.current.references += 1;
        SnapshotId(self.current_number())
    }

    fn current_number(&self) -> u32 {
        self.first.wrapping_add(self.older.len() as u32)
    }

    fn take_snapshot(&mut self, from: SeqNumber, in_flight: u32) {
        let next = Snapshot {
            delivered: self.delivered,
            lost: self.lost,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            in_flight,
            from,
            app_limited: self.app_limited_until.is_some(),
            references: 0,
        };
        let old = core::mem::replace(&mut self.current, next);
        if old.references > 0 || !self.older.is_empty() {
            self.older.push_back(old);
        } else {
            self.first = self.first.wrapping_add(1);
        }
    }

    fn snapshot_mut(&mut self, id: SnapshotId) -> Option<&mut Snapshot> {
        if id == SnapshotId::NONE {
            return None;
        }
        let index = id.0.wrapping_sub(self.first) as usize;
        if index == self.older.len() { Some(&mut self.current) } else { self.older.get_mut(index) }
    }

    /// A record was cut in two.
    pub(super) fn on_split(&mut self, id: SnapshotId) {
        if let Some(snapshot) = self.snapshot_mut(id) {
            snapshot.references += 1;
        }
    }

    /// A record no longer needs its snapshot.
    #[inline]
    pub(super) fn release(&mut self, id: SnapshotId) {
        if let Some(snapshot) = self.snapshot_mut(id) {
            snapshot.references = snapshot.references.saturating_sub(1);
        }
        while self.older.front().is_some_and(|snapshot| snapshot.references == 0) {
            self.older.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }

    /// A record has arrived as a whole; `newest` is the latest that this acknowledgement has reported so far (UpdateRateSample).
    #[inline]
    pub(super) fn on_delivered(&mut self, record: &Record, newest: &mut Option<Newest>) {
        let first_sent_at = self.first_sent_at;
        let Some(snapshot) = self.snapshot_mut(record.snapshot) else { return };
        let is_newest = match newest {
            None => true,
            Some(newest) => {
                record.sent_at > newest.sent_at
                    || (record.sent_at == newest.sent_at && record.end().after(newest.end))
            }
        };
        if is_newest {
            *newest = Some(Newest {
                end: record.end(),
                sent_at: record.sent_at,
                first_sent_at: snapshot.first_sent_at,
                delivered_at: snapshot.delivered_at,
                delivered: snapshot.delivered,
                in_flight: snapshot.in_flight_with(record),
                lost: snapshot.lost,
                app_limited: snapshot.app_limited,
            });
            self.first_sent_at = first_sent_at.max(record.sent_at);
        }
        self.release(record.snapshot);
    }

    /// All that an acknowledgement reports has been noted: `octets` have arrived (GenerateRateSample).
    #[inline]
    pub(super) fn sample(
        &mut self,
        now: Instant,
        octets: u32,
        newest: Option<&Newest>,
        min_rtt: Duration,
    ) -> Option<RateSample> {
        if octets > 0 {
            self.delivered += octets;
            self.delivered_at = now;
            self.stale = true;
        }
        if self.app_limited_until.is_some_and(|until| self.delivered.after(until)) {
            self.app_limited_until = None;
        }
        let newest = newest?;
        let send_elapsed = newest.sent_at.since(newest.first_sent_at);
        let ack_elapsed = now.since(newest.delivered_at);
        let interval = send_elapsed.max(ack_elapsed);
        let delivered = self.delivered.since(newest.delivered);
        Some(RateSample {
            bytes_per_second: if interval < min_rtt { 0 } else { per_second(delivered, interval) },
            delivered,
            prior_delivered: newest.delivered,
            in_flight: newest.in_flight,
            lost: self.lost.wrapping_sub(newest.lost),
            app_limited: newest.app_limited,
        })
    }

    /// A record is believed lost.
    pub(super) fn on_lost(&mut self, record: &Record, len: u32) {
        self.lost = self.lost.wrapping_add(len);
        self.stale = true;
        let (lost, delivered, id) = (self.lost, self.delivered, record.snapshot);
        let Some(snapshot) = self.snapshot_mut(id) else { return };
        let segment = LostSegment {
            start: record.start,
            len,
            in_flight: snapshot.in_flight_with(record),
            lost: lost.wrapping_sub(snapshot.lost),
            delivered,
            app_limited: snapshot.app_limited,
        };
        self.losses.push(segment);
    }

    /// The losses since the last call.
    pub(super) fn take_losses(&mut self) -> Vec<LostSegment> {
        core::mem::take(&mut self.losses)
    }

    /// The sender has run dry, with `in_flight` in the network: what it sends from now on is no measure of the network
    /// (MarkConnectionAppLimited).
    #[inline]
    pub(super) fn mark_app_limited(&mut self, in_flight: u32) {
        self.app_limited_until = Some(self.delivered + in_flight);
        self.stale |= !self.current.app_limited;
    }
}

impl Snapshot {
    /// P.tx_in_flight: what was in the network as soon as this had left.
    fn in_flight_with(&self, record: &Record) -> u32 {
        self.in_flight.saturating_add(record.end().since(self.from))
    }
}

/// Octets a second.
fn per_second(octets: u32, interval: Duration) -> u64 {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    (u64::from(octets) * 1_000_000_000).checked_div(nanos).unwrap_or(0)
}

/// The last delivery rate worth telling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeliveryRate {
    /// Zero if none was measured.
    pub(super) bytes_per_second: u64,
    pub(super) app_limited: bool,
}

impl DeliveryRate {
    /// What the application limits is only told if it is more than what is known.
    #[inline]
    pub(super) fn observe(&mut self, sample: &RateSample) {
        let rate = sample.bytes_per_second;
        if rate > 0 && (!sample.app_limited || rate >= self.bytes_per_second) {
            *self = Self { bytes_per_second: rate, app_limited: sample.app_limited };
        }
    }
}
