//! What is in the network: a record for each transmission, in sequence order, which is also the SACK scoreboard (RFC 2018, RFC 6675).

use super::rack::{AckTimes, Rack};
use alloc::collections::VecDeque;
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, SeqNumber};

/// Where a transmission is believed to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// In the network.
    Sent,
    /// At the peer, above a hole. Neighbouring records in this place are one.
    Sacked,
    /// Nowhere: to be sent again.
    Lost,
}

/// One segment, or super-segment, that was sent and not yet acknowledged; or a run of those that the peer holds.
#[derive(Clone, Debug)]
pub(super) struct Record {
    start: SeqNumber,
    /// Sequence numbers it takes, FIN included.
    len: u32,
    pub(super) sent_at: Instant,
    pub(super) retransmitted: bool,
    place: Place,
}

impl Record {
    pub(super) fn end(&self) -> SeqNumber {
        self.start + self.len
    }
}

/// The records of a connection. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    records: VecDeque<Record>,
    /// Sequence numbers by place; what is left is lost.
    outstanding: u32,
    sacked: u32,
    lost: u32,
    /// No record before this number is lost.
    lost_from: SeqNumber,
}

/// What an acknowledgement delivered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    /// When the latest record that was sent only once was sent: an RTT sample (Karn's rule).
    pub(super) sample_from: Option<Instant>,
    /// Sequence numbers newly held by the peer above the cumulative acknowledgement.
    pub(super) sacked: u32,
    /// Sequence numbers newly covered that were not held before.
    pub(super) acked: u32,
}

impl InFlight {
    /// Sequence numbers believed to be in the network.
    #[inline]
    pub(super) fn outstanding(&self) -> u32 {
        self.outstanding
    }

    /// Sequence numbers that the peer holds above a hole.
    #[inline]
    pub(super) fn sacked(&self) -> u32 {
        self.sacked
    }

    #[inline]
    pub(super) fn has_lost(&self) -> bool {
        self.lost > 0
    }

    #[inline]
    pub(super) fn push(&mut self, now: Instant, start: SeqNumber, len: u32) {
        self.outstanding += len;
        self.records.push_back(Record {
            start,
            len,
            sent_at: now,
            retransmitted: false,
            place: Place::Sent,
        });
    }

    fn count(&mut self, place: Place) -> &mut u32 {
        match place {
            Place::Sent => &mut self.outstanding,
            Place::Sacked => &mut self.sacked,
            Place::Lost => &mut self.lost,
        }
    }

    fn place(&mut self, index: usize, place: Place) {
        let Some(record) = self.records.get_mut(index) else { return };
        let (old, len, start) = (record.place, record.len, record.start);
        record.place = place;
        *self.count(old) -= len;
        *self.count(place) += len;
        if place == Place::Lost && (self.lost == len || start.before(self.lost_from)) {
            self.lost_from = start;
        }
    }

    /// SND.UNA moved to `una`.
    #[inline]
    pub(super) fn acknowledge(
        &mut self,
        una: SeqNumber,
        times: &AckTimes,
        rack: &mut Rack,
    ) -> Delivered {
        let mut delivered = Delivered::default();
        while let Some(record) = self.records.front_mut() {
            let part = una.since(record.start).min(record.len);
            if part == 0 {
                break;
            }
            let place = record.place;
            if place != Place::Sacked {
                delivered.acked += part;
            }
            if part < record.len {
                record.start = una;
                record.len -= part;
                *self.count(place) -= part;
                break;
            }
            if place != Place::Sacked {
                if !record.retransmitted {
                    delivered.sample_from = Some(record.sent_at);
                }
                rack.on_delivered(record, times);
            }
            *self.count(place) -= part;
            self.records.pop_front();
        }
        if self.records.is_empty() {
            self.records = VecDeque::new();
        }
        delivered
    }

    /// The peer reports that it holds `block`.
    pub(super) fn sack(
        &mut self,
        block: SackBlock,
        times: &AckTimes,
        rack: &mut Rack,
        delivered: &mut Delivered,
    ) {
        let mut index =
            self.records.partition_point(|record| record.end().at_or_before(block.left));
        while let Some(record) =
            self.records.get(index).filter(|record| record.start.before(block.right))
        {
            let (start, end, place) = (record.start, record.end(), record.place);
            if place == Place::Sacked {
                index += 1;
                continue;
            }
            if start.before(block.left) {
                self.split(index, block.left.since(start));
                index += 1;
                continue;
            }
            if end.after(block.right) {
                self.split(index, block.right.since(start));
            }
            let Some(record) = self.records.get(index) else { break };
            if !record.retransmitted {
                delivered.sample_from = delivered.sample_from.max(Some(record.sent_at));
            }
            rack.on_delivered(record, times);
            delivered.sacked += record.len;
            self.place(index, Place::Sacked);
            index = self.join_sacked(index) + 1;
        }
    }

    /// Joins a held record with held neighbours; says where it is now.
    fn join_sacked(&mut self, index: usize) -> usize {
        let is_sacked = |records: &VecDeque<Record>, at: usize| {
            records.get(at).is_some_and(|record| record.place == Place::Sacked)
        };
        if is_sacked(&self.records, index + 1)
            && let Some(next) = self.records.remove(index + 1)
        {
            self.records[index].len += next.len;
        }
        if index > 0
            && is_sacked(&self.records, index - 1)
            && let Some(record) = self.records.remove(index)
        {
            self.records[index - 1].len += record.len;
            return index - 1;
        }
        index
    }

    /// RACK (RFC 8985 §6.2 step 5): what was sent long enough before something that arrived is lost. Says how much that is, and how
    /// long until the next candidate's time is up.
    pub(super) fn detect(
        &mut self,
        now: Instant,
        rack: &Rack,
        window: Duration,
    ) -> (u32, Option<Duration>) {
        let (mut lost, mut next) = (0, None);
        for index in 0..self.records.len() {
            let record = &self.records[index];
            if record.place != Place::Sent {
                continue;
            }
            if !rack.was_sent_before(record) {
                // Whatever comes after an original sent later was sent later still.
                if record.retransmitted { continue } else { break }
            }
            let due = record.sent_at + rack.rtt() + window;
            if due <= now {
                lost += record.len;
                self.place(index, Place::Lost);
            } else {
                next = next.max(Some(due - now));
            }
        }
        (lost, next)
    }

    /// The first `mss` sequence numbers are believed lost.
    pub(super) fn mark_first_lost(&mut self, mss: u32) {
        self.split(0, mss);
        if self.records.front().is_some_and(|first| first.place == Place::Sent) {
            self.place(0, Place::Lost);
        }
    }

    /// Everything that the peer does not hold is believed lost (RFC 6298 §5.4 and the go-back-N that follows a timeout).
    pub(super) fn mark_all_lost(&mut self) {
        for index in 0..self.records.len() {
            if self.records[index].place == Place::Sent {
                self.place(index, Place::Lost);
            }
        }
    }

    /// At a timeout: the first segment is lost, and whatever has been in the network for a round trip (RFC 8985 §6.3).
    pub(super) fn mark_timed_out(&mut self, now: Instant, rtt: Duration, mss: u32) {
        self.mark_first_lost(mss);
        for index in 0..self.records.len() {
            let record = &self.records[index];
            if record.place == Place::Sent && record.sent_at + rtt <= now {
                self.place(index, Place::Lost);
            }
        }
    }

    /// Nothing was lost after all.
    pub(super) fn forget_lost(&mut self) {
        for index in 0..self.records.len() {
            if self.records[index].place == Place::Lost {
                self.place(index, Place::Sent);
            }
        }
    }

    /// The peer took back what it said to hold: at a timeout the first octet is held, though not acknowledged (RFC 2018 §8).
    pub(super) fn forget_sacked_if_reneged(&mut self) {
        if self.records.front().is_some_and(|first| first.place == Place::Sacked) {
            for index in 0..self.records.len() {
                if self.records[index].place == Place::Sacked {
                    self.place(index, Place::Sent);
                }
            }
        }
    }

    /// The first record that is to be sent again: where it starts and how long it is.
    #[inline]
    pub(super) fn next_lost(&mut self) -> Option<(SeqNumber, u32)> {
        if self.lost == 0 {
            return None;
        }
        let index = self.lost_index()?;
        let record = self.records.get(index)?;
        Some((record.start, record.len))
    }

    fn lost_index(&mut self) -> Option<usize> {
        let from = self.records.partition_point(|record| record.start.before(self.lost_from));
        let index =
            (from..self.records.len()).find(|index| self.records[*index].place == Place::Lost)?;
        self.lost_from = self.records[index].start;
        Some(index)
    }

    /// The first `len` sequence numbers of the first lost record were sent again.
    pub(super) fn on_retransmitted(&mut self, now: Instant, len: u32) {
        if let Some(index) = self.lost_index() {
            self.resend(now, index, len);
        }
    }

    fn resend(&mut self, now: Instant, index: usize, len: u32) {
        self.split(index, len);
        self.place(index, Place::Sent);
        if let Some(record) = self.records.get_mut(index) {
            record.retransmitted = true;
            record.sent_at = now;
        }
    }

    /// The last segment, as a tail loss probe sends it again: its start and length (RFC 8985 §7.3).
    pub(super) fn resend_last(&mut self, now: Instant, mss: u32) -> Option<(SeqNumber, u32)> {
        let last = self.records.back()?;
        if last.place == Place::Sacked {
            return None;
        }
        let mut index = self.records.len() - 1;
        if last.len > mss {
            self.split(index, (last.len - 1) / mss * mss);
            index += 1;
        }
        self.resend(now, index, mss);
        self.records.get(index).map(|record| (record.start, record.len))
    }

    /// Cuts the record at `index` so that it has at most `len` sequence numbers.
    fn split(&mut self, index: usize, len: u32) {
        let Some(record) = self.records.get_mut(index) else { return };
        if record.len <= len {
            return;
        }
        let mut rest = record.clone();
        record.len = len;
        rest.start = record.start + len;
        rest.len -= len;
        self.records.insert(index + 1, rest);
    }
}
