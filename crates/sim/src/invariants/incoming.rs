//! What reaches an end, and what it says of that: acknowledgements, windows, SACK blocks, timestamps.

use super::breach::{Found, Rule};
use super::ranges::Ranges;
use super::seen::{Seen, place};
use sockeye_wire::SeqNumber;
use std::collections::HashSet;
use std::ops::Range;

/// Places are distances from the peer's SYN, which is at 0, and do not wrap.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) first: Option<SeqNumber>,
    /// What has arrived, SYN and FIN included. The end may have refused some of it.
    held: Ranges,
    fin: Option<i64>,
    /// The newest of what arrived out of order.
    newest: Option<Range<i64>>,
    /// The highest acknowledgement sent.
    acked: i64,
    /// The right edge of the widest window sent.
    edge: i64,
    /// What the peer's SYN offered.
    pub(super) window_scale: Option<u8>,
    pub(super) timestamps: bool,
    sack_permitted: bool,
    /// The peer's timestamps, and the latest of them.
    stamps: HashSet<u32>,
    latest_stamp: Option<u32>,
}

/// What an end must have made use of, of a segment that it may have refused.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    /// Acknowledgement and SACK blocks.
    pub(super) ack: bool,
    /// All of its data, for the first time.
    pub(super) data: bool,
}

impl Incoming {
    /// `is_believable`: it acknowledges nothing that was never sent. Says what of it was certainly taken.
    pub(super) fn on_arrival(&mut self, seen: &Seen, is_believable: bool) -> Taken {
        if seen.flags.syn() && self.first.is_none() {
            self.first = Some(seen.seq);
            self.window_scale = seen.window_scale;
            self.timestamps = seen.timestamps.is_some();
            self.sack_permitted = seen.sack_permitted;
        }
        let Some(first) = self.first else { return Taken::default() };
        let mut is_doubtful = self.timestamps && seen.timestamps.is_none() || !is_believable;
        if let Some((value, _)) = seen.timestamps {
            self.stamps.insert(value);
            let latest = *self.latest_stamp.get_or_insert(value);
            let is_before = (value.wrapping_sub(latest) as i32) < 0;
            self.latest_stamp = Some(if is_before { latest } else { value });
            is_doubtful |= is_before;
        }
        let near = self.contiguous();
        let start = place(first, near, seen.seq);
        let range = start..start + seen.len();
        // What lies before the next number expected is not acceptable, and tells nothing then (RFC 9293 §3.10.7.4).
        let is_in_window = start >= near || range.end > near;
        let ack = is_in_window && !is_doubtful && range.end <= self.edge;
        if range.is_empty() {
            return Taken { ack, data: false };
        }
        // What is out of the window, or perhaps too old (RFC 7323 §5), is refused; what arrives in order leaves the older holes where
        // they are. A FIN has no octet to report.
        let data = start..start + seen.payload.len() as i64;
        let is_taken =
            !is_doubtful && data.end <= self.edge && !data.is_empty() && !seen.flags.syn();
        if start > near && is_taken {
            self.newest = Some(data);
        } else if start > near {
            self.newest = None;
        }
        if seen.flags.fin() {
            self.fin = Some(range.end - 1);
        }
        self.held.insert(range);
        Taken { ack, data: is_taken && start >= near }
    }

    /// Whether everything has arrived, the end of data too.
    pub(super) fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.contiguous() > fin)
    }

    /// The place after everything that has arrived without a hole.
    pub(super) fn contiguous(&self) -> i64 {
        self.held.end_from(0).unwrap_or(0)
    }

    pub(super) fn on_sent(&mut self, seen: &Seen, own_shift: u8, found: &mut Found) {
        if let Some((_, echo)) = seen.timestamps {
            let known = self.stamps.contains(&echo) || !seen.flags.ack() && echo == 0;
            found.demand(known, Rule::Echo, || format!("TSecr {echo}"));
        }
        let Some(first) = self.first.filter(|_| seen.flags.ack()) else { return };
        let there = self.contiguous();
        let acked = place(first, there, seen.ack);
        found.demand(acked <= there, Rule::AckBeyondData, || format!("{acked} of {there}"));
        found.demand(acked >= self.acked, Rule::AckGoesBack, || {
            format!("{acked} after {}", self.acked)
        });
        self.acked = self.acked.max(acked);
        let shift = if seen.flags.syn() { 0 } else { own_shift };
        let edge = acked + (i64::from(seen.window) << shift);
        // What a SYN-ACK says again after data was sent is not scaled (RFC 7323 §2.2): more than this it cannot say.
        let is_cut = seen.flags.syn() && seen.window == u16::MAX;
        found.demand(edge >= self.edge || is_cut, Rule::ShrinkingWindow, || {
            format!("right edge {edge} after {}", self.edge)
        });
        self.edge = self.edge.max(edge);
        if !seen.sack.is_empty() {
            self.check_sack(first, acked, seen, found);
        }
    }

    fn check_sack(&self, first: SeqNumber, acked: i64, seen: &Seen, found: &mut Found) {
        found.demand(self.sack_permitted, Rule::Sack, || "the peer has not permitted it".into());
        let there = self.contiguous();
        let blocks: Vec<_> = seen
            .sack
            .iter()
            .map(|block| place(first, there, block.left)..place(first, there, block.right))
            .collect();
        for block in &blocks {
            let held = !block.is_empty() && self.held.holds(block);
            found.demand(held, Rule::Sack, || format!("{block:?} is not held"));
        }
        let covers = |outer: &Range<i64>, inner: &Range<i64>| {
            outer.start <= inner.start && inner.end <= outer.end
        };
        let is_duplicate =
            blocks[0].end <= acked || blocks.get(1).is_some_and(|next| covers(next, &blocks[0]));
        let above = &blocks[usize::from(is_duplicate)..];
        for block in above {
            found.demand(block.start > acked, Rule::Sack, || {
                format!("{block:?} is not above the acknowledgement {acked}")
            });
        }
        // What has become contiguous since is no longer to be reported; and if something was refused, what is newest is not known.
        let is_told_later = is_duplicate && blocks[0].end > acked;
        if let Some(newest) =
            self.newest.as_ref().filter(|newest| newest.start > there && there == acked)
            && let Some(block) = above.first().filter(|_| !is_told_later)
        {
            found.demand(covers(block, newest), Rule::Sack, || {
                format!("the first block is {block:?}, but {newest:?} is newer")
            });
        }
    }
}
