//! What is in the network: a record for each transmission, in sequence order.

use alloc::collections::VecDeque;
use sockeye_wire::{Instant, SeqNumber};

/// One segment, or super-segment, that was sent and not yet acknowledged.
#[derive(Clone, Debug)]
struct Record {
    start: SeqNumber,
    /// Sequence numbers it takes, FIN included.
    len: u32,
    sent_at: Instant,
    retransmitted: bool,
    /// Believed lost: no longer in the network, to be sent again.
    lost: bool,
}

/// The records of a connection. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    records: VecDeque<Record>,
    /// Sequence numbers of the records that are not lost.
    outstanding: u32,
    /// No record before this one is lost.
    lost_from: usize,
}

/// What a cumulative acknowledgement covered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Covered {
    /// When the latest record that was sent only once was sent: an RTT sample (Karn's rule).
    pub(super) sample_from: Option<Instant>,
}

impl InFlight {
    /// Sequence numbers believed to be in the network.
    #[inline]
    pub(super) fn outstanding(&self) -> u32 {
        self.outstanding
    }

    #[inline]
    pub(super) fn push(&mut self, now: Instant, start: SeqNumber, len: u32) {
        self.outstanding += len;
        self.records.push_back(Record {
            start,
            len,
            sent_at: now,
            retransmitted: false,
            lost: false,
        });
    }

    /// SND.UNA moved to `una`.
    #[inline]
    pub(super) fn acknowledge(&mut self, una: SeqNumber) -> Covered {
        let mut covered = Covered::default();
        while let Some(record) = self.records.front_mut() {
            let acked = una.since(record.start);
            if acked == 0 {
                break;
            }
            let part = acked.min(record.len);
            if !record.lost {
                self.outstanding -= part;
            }
            if part < record.len {
                record.start = una;
                record.len -= part;
                break;
            }
            if !record.retransmitted {
                covered.sample_from = Some(record.sent_at);
            }
            self.records.pop_front();
            self.lost_from = self.lost_from.saturating_sub(1);
        }
        if self.records.is_empty() {
            self.records = VecDeque::new();
        }
        covered
    }

    /// The first `mss` sequence numbers are believed lost.
    pub(super) fn mark_first_lost(&mut self, mss: u32) {
        self.split(0, mss);
        if let Some(first) = self.records.front_mut()
            && !first.lost
        {
            first.lost = true;
            self.outstanding -= first.len;
            self.lost_from = 0;
        }
    }

    /// Everything is believed lost (RFC 6298 §5.4 and the go-back-N that follows a timeout).
    pub(super) fn mark_all_lost(&mut self) {
        for record in &mut self.records {
            record.lost = true;
        }
        self.outstanding = 0;
        self.lost_from = 0;
    }

    /// The first record that is to be sent again: where it starts and how long it is.
    #[inline]
    pub(super) fn next_lost(&mut self) -> Option<(SeqNumber, u32)> {
        while let Some(record) = self.records.get(self.lost_from) {
            if record.lost {
                return Some((record.start, record.len));
            }
            self.lost_from += 1;
        }
        None
    }

    /// The first `len` sequence numbers of the first lost record were sent again.
    pub(super) fn on_retransmitted(&mut self, now: Instant, len: u32) {
        let index = self.lost_from;
        self.split(index, len);
        if let Some(record) = self.records.get_mut(index) {
            record.lost = false;
            record.retransmitted = true;
            record.sent_at = now;
            self.outstanding += record.len;
        }
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
