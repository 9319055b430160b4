//! What is in the network: a record for each transmission, in sequence order, which is also the SACK scoreboard (RFC 2018, RFC 6675).

use super::rack::{AckTimes, Latest, Rack};
use super::rate::{Newest, RateSampler, SnapshotId};
use super::record::{Marks, Place, Record};
use crate::congestion::{LostSegment, RateSample};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, SeqNumber};

/// What a connection has in flight. With nothing in flight it owns no memory.
#[derive(Debug, Default)]
pub(super) struct InFlight(Option<Box<Board>>);

/// What exists only while something is in flight.
#[derive(Debug)]
struct Board {
    records: VecDeque<Record>,
    /// Sequence numbers by place; what is left is lost.
    outstanding: u32,
    sacked: u32,
    lost: u32,
    /// No record before this number is lost.
    lost_from: SeqNumber,
    latest: Latest,
    /// When the segment that may only be late counts as lost.
    reorder_at: Instant,
    sampler: RateSampler,
    /// Our FIN, if it was sent: not every peer holds it when it comes out of order, so that its segment may be held without it.
    fin: Option<SeqNumber>,
    /// The largest segment of a narrower path, and the segment about which that was reported.
    path_claim: Option<(u16, SeqNumber)>,
}

/// What an acknowledgement delivered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    /// When the latest record that was sent only once was sent: an RTT sample (Karn's rule). None if SND.UNA moved over something
    /// that was sent again: what followed may have waited for it at the peer, so that only what is newly held tells (as on Linux).
    pub(super) sample_from: Option<Instant>,
    /// Sequence numbers newly held by the peer above the cumulative acknowledgement.
    pub(super) sacked: u32,
    /// Sequence numbers newly covered that were not held before.
    pub(super) acked: u32,
    /// Lowest end among the delivered records that were sent only once: originals that were not lost (RFC 5682).
    pub(super) original_end: Option<SeqNumber>,
    /// Something later had arrived before.
    pub(super) overtaken: bool,
    /// The latest of what was delivered: the delivery rate is measured on it.
    newest: Option<Newest>,
}

impl Delivered {
    fn note_original(&mut self, end: SeqNumber) {
        self.original_end = Some(self.original_end.map_or(end, |least| least.min(end)));
    }
}

impl InFlight {
    /// Sequence numbers believed to be in the network.
    #[inline]
    pub(super) fn outstanding(&self) -> u32 {
        self.0.as_ref().map_or(0, |board| board.outstanding)
    }

    /// Sequence numbers that the peer holds above a hole.
    #[inline]
    pub(super) fn sacked(&self) -> u32 {
        self.0.as_ref().map_or(0, |board| board.sacked)
    }

    /// Whether the peer holds at least `count` wire segments above a hole, however small they are; `count` of 15 at most.
    pub(super) fn holds_segments(&self, count: u32) -> bool {
        let Some(board) = self.0.as_ref().filter(|board| board.sacked > 0) else { return false };
        let mut held = 0;
        board.records.iter().any(|record| {
            held += u32::from(record.held());
            held >= count
        })
    }

    /// Sequence numbers that are to be sent again.
    pub(super) fn lost(&self) -> u32 {
        self.0.as_ref().map_or(0, |board| board.lost)
    }

    /// Sequence numbers that were sent again and are believed to be in the network.
    pub(super) fn resent(&self) -> u32 {
        let records = self.0.iter().flat_map(|board| &board.records);
        let resent = |record: &&Record| record.is_retransmitted() && record.place == Place::Sent;
        records.filter(resent).map(|record| record.len).sum()
    }

    #[inline]
    pub(super) fn has_lost(&self) -> bool {
        self.lost() > 0
    }

    /// When the segment that may only be late counts as lost; far in the future if there is none.
    #[inline]
    pub(super) fn reorder_at(&self) -> Instant {
        self.0.as_ref().map_or(Instant::FAR_FUTURE, |board| board.reorder_at)
    }

    /// A report of a narrower path waits until the segment that it is about times out.
    pub(super) fn hold_path_claim(&mut self, mss: u16, quoted: SeqNumber) {
        if let Some(board) = &mut self.0 {
            board.path_claim = Some((mss, quoted));
        }
    }

    /// The report that waits.
    pub(super) fn take_path_claim(&mut self) -> Option<(u16, SeqNumber)> {
        self.0.as_mut()?.path_claim.take()
    }

    #[inline]
    pub(super) fn push(&mut self, now: Instant, start: SeqNumber, len: u32, segment: u16) {
        let board = self.0.get_or_insert_with(|| Box::new(Board::new(now, start)));
        board.push(now, start, len, segment);
    }

    /// The last of what was sent for the first time ends with PSH.
    #[inline]
    pub(super) fn note_push(&mut self) {
        if let Some(last) = self.0.as_mut().and_then(|board| board.records.back_mut()) {
            last.marks.0 |= Marks::PUSHED;
        }
    }

    /// The last of what was pushed is our FIN, with the number `fin`.
    pub(super) fn note_fin(&mut self, fin: SeqNumber) {
        if let Some(board) = &mut self.0 {
            board.fin = Some(fin);
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
        self.0.as_mut().map_or_else(Delivered::default, |board| board.acknowledge(una, times, rack))
    }

    /// All that an acknowledgement reports was noted: the delivery rate that it shows.
    #[inline]
    pub(super) fn sample(
        &mut self,
        now: Instant,
        delivered: &Delivered,
        min_rtt: Duration,
    ) -> Option<RateSample> {
        let board = self.0.as_mut()?;
        let octets = delivered.acked + delivered.sacked;
        let sample = board.sampler.sample(now, octets, delivered.newest.as_ref(), min_rtt);
        if board.records.is_empty() {
            self.0 = None;
        }
        sample
    }

    /// The sender has run dry.
    #[inline]
    pub(super) fn mark_app_limited(&mut self) {
        if let Some(board) = &mut self.0 {
            board.sampler.mark_app_limited(board.outstanding);
        }
    }

    /// What was found to be lost since the last call.
    pub(super) fn take_losses(&mut self) -> Vec<LostSegment> {
        self.0.as_mut().map_or_else(Vec::new, |board| board.sampler.take_losses())
    }

    /// The peer reports that it holds `block`.
    pub(super) fn sack(
        &mut self,
        block: SackBlock,
        times: &AckTimes,
        rack: &mut Rack,
        delivered: &mut Delivered,
    ) {
        if let Some(board) = &mut self.0 {
            board.sack(block, times, rack, delivered);
        }
    }

    /// RACK (RFC 8985 §6.2 step 5): what was sent long enough before something that arrived is lost, `window` allowing for
    /// reordering. Says how much that is; [`reorder_at`](Self::reorder_at) tells when the next candidate's time is up.
    pub(super) fn detect(&mut self, now: Instant, window: Duration) -> u32 {
        self.0.as_mut().map_or(0, |board| board.detect(now, window))
    }

    /// The first `mss` sequence numbers are believed lost.
    pub(super) fn mark_first_lost(&mut self, mss: u32) {
        if let Some(board) = &mut self.0 {
            board.mark_first_lost(mss);
        }
    }

    /// Everything that the peer does not hold is believed lost (RFC 6298 §5.4 and the go-back-N that follows a timeout).
    pub(super) fn mark_all_lost(&mut self) {
        if let Some(board) = &mut self.0 {
            board.move_all(Place::Sent, Place::Lost);
        }
    }

    /// The peer refused the data on the SYN, up to `end`: sending it again is as good as sending it for the first time.
    pub(super) fn refused(&mut self, end: SeqNumber) {
        if let Some(board) = &mut self.0 {
            board.move_all(Place::Sent, Place::Lost);
            board.latest.refused(end);
        }
    }

    /// At a timeout: the first segment is lost, and whatever has been in the network for a round trip and `window`, which allows for
    /// reordering (RFC 8985 §6.3).
    pub(super) fn mark_timed_out(&mut self, now: Instant, mss: u32, window: Duration) {
        if let Some(board) = &mut self.0 {
            board.mark_timed_out(now, mss, window);
        }
    }

    /// Nothing was lost after all.
    pub(super) fn forget_lost(&mut self) {
        if let Some(board) = &mut self.0 {
            board.move_all(Place::Lost, Place::Sent);
            board.latest.forget_times();
        }
    }

    /// The peer took back what it said to hold: at a timeout the first octet is held, though not acknowledged (RFC 2018 §8).
    pub(super) fn forget_sacked_if_reneged(&mut self) {
        if let Some(board) = &mut self.0
            && board.records.front().is_some_and(|first| first.place == Place::Sacked)
        {
            board.move_all(Place::Sacked, Place::Sent);
        }
    }

    /// The first record that is to be sent again: where it starts and how long it is.
    #[inline]
    pub(super) fn next_lost(&mut self) -> Option<(SeqNumber, u32)> {
        let board = self.0.as_mut().filter(|board| board.lost > 0)?;
        let index = board.lost_index()?;
        board.records.get(index).map(|record| (record.start, record.len))
    }

    /// The first `len` sequence numbers of the first lost record were sent again, in segments of at most `segment` octets; says
    /// whether with PSH, which `push` adds.
    pub(super) fn on_retransmitted(
        &mut self,
        now: Instant,
        len: u32,
        segment: u16,
        push: bool,
    ) -> bool {
        if let Some(board) = &mut self.0
            && let Some(index) = board.lost_index()
        {
            board.resend(now, index, len, segment);
            let record = &mut board.records[index];
            record.marks.0 |= if push { Marks::PUSHED } else { 0 };
            return record.is_pushed();
        }
        push
    }

    /// The last segment, as a tail loss probe sends it again: its start, its length, and whether it has PSH (RFC 8985 §7.3).
    pub(super) fn resend_last(
        &mut self,
        now: Instant,
        segment: u16,
    ) -> Option<(SeqNumber, u32, bool)> {
        self.0.as_mut()?.resend_last(now, segment)
    }
}

impl Board {
    fn new(now: Instant, una: SeqNumber) -> Self {
        Self {
            records: VecDeque::new(),
            outstanding: 0,
            sacked: 0,
            lost: 0,
            lost_from: SeqNumber(0),
            latest: Latest::default(),
            reorder_at: Instant::FAR_FUTURE,
            sampler: RateSampler::new(now, una),
            fin: None,
            path_claim: None,
        }
    }

    #[inline]
    fn push(&mut self, now: Instant, start: SeqNumber, len: u32, segment: u16) {
        let snapshot = self.sampler.on_sent(now, start, self.outstanding, false);
        self.outstanding += len;
        self.records.push_back(Record {
            start,
            len,
            sent_at: now,
            snapshot,
            marks: Marks::default(),
            place: Place::Sent,
            segment: segment.max(1),
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
        if old == Place::Sacked {
            record.set_held(0);
        }
        *self.count(old) -= len;
        *self.count(place) += len;
        if place == Place::Lost {
            self.sampler.on_lost(&self.records[index], len);
        }
        if place == Place::Lost && (self.lost == len || start.before(self.lost_from)) {
            self.lost_from = start;
        }
    }

    /// SND.UNA moved to `una`.
    #[inline]
    fn acknowledge(&mut self, una: SeqNumber, times: &AckTimes, rack: &mut Rack) -> Delivered {
        let mut delivered = Delivered::default();
        let mut ambiguous = false;
        while let Some(record) = self.records.front_mut() {
            let part = una.since(record.start).min(record.len);
            if part == 0 {
                break;
            }
            ambiguous |= record.is_retransmitted();
            let place = record.place;
            if place != Place::Sacked {
                delivered.acked += part;
            }
            if part < record.len {
                if !record.is_retransmitted() && place != Place::Sacked {
                    delivered.note_original(una);
                }
                record.cut_front(part);
                *self.count(place) -= part;
                break;
            }
            if place != Place::Sacked {
                if !record.is_retransmitted() {
                    delivered.sample_from = Some(record.sent_at);
                    delivered.note_original(record.end());
                }
                delivered.overtaken |= self.latest.on_delivered(record, times, rack);
                self.sampler.on_delivered(record, &mut delivered.newest);
            }
            *self.count(place) -= part;
            self.records.pop_front();
        }
        if ambiguous {
            delivered.sample_from = None;
        }
        delivered
    }

    /// The peer reports that it holds `block`. As on Linux only whole segments count: a part of one, which some middlebox may have cut
    /// off, does not say when the segment arrived, and what is missing of it is sent again as a whole.
    fn sack(
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
            let segment = u32::from(record.segment);
            if place == Place::Sacked {
                index += 1;
                continue;
            }
            if start.before(block.left) {
                self.split(index, block.left.since(start).div_ceil(segment) * segment);
                index += 1;
                continue;
            }
            if end.after(block.right) {
                let held = block.right.since(start);
                let all_data = self.fin == Some(block.right);
                let whole = if all_data { held } else { held / segment * segment };
                if whole == 0 {
                    break;
                }
                self.split(index, whole);
            }
            let Some(record) = self.records.get(index) else { break };
            if !record.is_retransmitted() {
                delivered.sample_from = delivered.sample_from.max(Some(record.sent_at));
                delivered.note_original(record.end());
            }
            delivered.overtaken |= self.latest.on_delivered(record, times, rack);
            self.sampler.on_delivered(record, &mut delivered.newest);
            delivered.sacked += record.len;
            let fin = self.fin.is_some_and(|fin| record.end() == fin + 1);
            let segments = record.segments(times.mss, fin);
            let record = &mut self.records[index];
            record.snapshot = SnapshotId::NONE;
            record.set_held(segments);
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
            self.records[index].take_in(&next);
        }
        if index > 0
            && is_sacked(&self.records, index - 1)
            && let Some(record) = self.records.remove(index)
        {
            self.records[index - 1].take_in(&record);
            return index - 1;
        }
        index
    }

    fn detect(&mut self, now: Instant, window: Duration) -> u32 {
        let mut lost = 0;
        self.reorder_at = Instant::FAR_FUTURE;
        let patience = self.latest.rtt() + window;
        for index in 0..self.records.len() {
            let record = &self.records[index];
            if record.place != Place::Sent {
                continue;
            }
            if !self.latest.is_after(record) {
                // Whatever comes after an original sent later was sent later still.
                if record.is_retransmitted() {
                    continue;
                }
                break;
            }
            let due = record.sent_at + patience;
            if due <= now {
                lost += record.len;
                self.place(index, Place::Lost);
            } else if self.reorder_at == Instant::FAR_FUTURE || due > self.reorder_at {
                self.reorder_at = due;
            }
        }
        lost
    }

    fn move_all(&mut self, from: Place, to: Place) {
        for index in 0..self.records.len() {
            if self.records[index].place == from {
                self.place(index, to);
            }
        }
    }

    fn mark_timed_out(&mut self, now: Instant, mss: u32, window: Duration) {
        self.reorder_at = Instant::FAR_FUTURE;
        let patience = self.latest.rtt() + window;
        self.mark_first_lost(mss);
        for index in 0..self.records.len() {
            let record = &self.records[index];
            if record.place == Place::Sent && record.sent_at + patience <= now {
                self.place(index, Place::Lost);
            }
        }
    }

    /// The first `mss` sequence numbers are believed lost.
    fn mark_first_lost(&mut self, mss: u32) {
        self.split(0, mss);
        if self.records.front().is_some_and(|first| first.place == Place::Sent) {
            self.place(0, Place::Lost);
        }
    }

    fn lost_index(&mut self) -> Option<usize> {
        let from = self.records.partition_point(|record| record.start.before(self.lost_from));
        let index =
            (from..self.records.len()).find(|index| self.records[*index].place == Place::Lost)?;
        self.lost_from = self.records[index].start;
        Some(index)
    }

    fn resend(&mut self, now: Instant, index: usize, len: u32, segment: u16) {
        self.split(index, len);
        let before = self.outstanding;
        self.place(index, Place::Sent);
        if let Some(record) = self.records.get_mut(index) {
            self.sampler.release(record.snapshot);
            record.snapshot = self.sampler.on_sent(now, record.start, before, true);
            record.marks.0 |= Marks::RETRANSMITTED;
            record.sent_at = now;
            record.segment = segment.max(1);
        }
    }

    fn resend_last(&mut self, now: Instant, segment: u16) -> Option<(SeqNumber, u32, bool)> {
        let mss = u32::from(segment).max(1);
        let last = self.records.back()?;
        if last.place == Place::Sacked {
            return None;
        }
        let mut index = self.records.len() - 1;
        if last.len > mss {
            self.split(index, (last.len - 1) / mss * mss);
            index += 1;
        }
        self.resend(now, index, mss, segment);
        self.records.get(index).map(|record| (record.start, record.len, record.is_pushed()))
    }

    /// Cuts the record at `index` so that it has at most `len` sequence numbers.
    fn split(&mut self, index: usize, len: u32) {
        let Some(record) = self.records.get_mut(index) else { return };
        if record.len <= len {
            return;
        }
        self.sampler.on_split(record.snapshot);
        let mut rest = record.clone();
        record.len = len;
        record.marks.0 &= !Marks::PUSHED;
        rest.cut_front(len);
        self.records.insert(index + 1, rest);
    }
}
