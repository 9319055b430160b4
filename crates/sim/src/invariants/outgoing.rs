//! What an end sends: numbers, octets, FIN.

use super::breach::{Found, Rule};
use super::ranges::Ranges;
use super::seen::{Seen, place};
use sockeye_wire::SeqNumber;

/// Places are distances from the SYN, which is at 0, and do not wrap.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) first: Option<SeqNumber>,
    /// The place after the last one sent.
    pub(super) high: i64,
    /// The octets from place 1 on.
    octets: Vec<u8>,
    fin: Option<i64>,
    /// The place that the peer's windows never reached.
    edge: Option<i64>,
    /// What the peer has reported to hold.
    sacked: Ranges,
    /// What the SYN offered.
    pub(super) window_scale: Option<u8>,
    pub(super) timestamps: bool,
    pub(super) sack_permitted: bool,
    last_timestamp: Option<u32>,
}

impl Outgoing {
    /// `una`: what the connection knew to be acknowledged before this step.
    pub(super) fn on_sent(&mut self, seen: &Seen, una: i64, found: &mut Found) {
        if seen.flags.syn() {
            self.on_syn(seen, found);
        }
        self.check_timestamp(seen, found);
        let Some(first) = self.first else { return };
        let start = place(first, self.high, seen.seq);
        let end = start + seen.len();
        if start == end {
            // RFC 9293 §3.4 numbers it SND.NXT; probes and keep-alives are just left of what is acknowledged.
            found.demand(start <= self.high && start >= una - 1, Rule::SendSequence, || {
                format!("a bare segment at {start}, where {una}..{} is in flight", self.high)
            });
            return;
        }
        if let Some(edge) = self.edge {
            found
                .demand(end <= edge, Rule::BeyondWindow, || format!("{start}..{end}, edge {edge}"));
        }
        found.demand(start <= self.high, Rule::Gap, || format!("{start} after {}", self.high));
        if start < self.high {
            found.demand(end > una, Rule::AcknowledgedAgain, || {
                format!("{start}..{end}, acknowledged {una}")
            });
            let again = start..end.min(self.high);
            found.demand(!self.sacked.holds(&again), Rule::SackedAgain, || format!("{again:?}"));
        }
        self.check_octets(start + seen.data_at(), &seen.payload, found);
        self.check_fin(seen, end, found);
        self.high = self.high.max(end);
    }

    /// Whether a segment begins where nothing was sent before.
    pub(super) fn is_new(&self, seen: &Seen) -> bool {
        self.first.is_some_and(|first| place(first, self.high, seen.seq) >= self.high)
    }

    /// Whether what a segment acknowledges was sent.
    pub(super) fn has_sent(&self, seen: &Seen) -> bool {
        match self.first {
            Some(first) if seen.flags.ack() => place(first, self.high, seen.ack) <= self.high,
            _ => true,
        }
    }

    /// What arrives says what may be sent. Too much may be believed here, never too little: a segment may yet be refused. What is not to be
    /// sent again is only what `is_taken` tells for certain.
    pub(super) fn on_arrival(&mut self, seen: &Seen, peer_shift: u8, is_taken: bool) {
        let Some(first) = self.first else {
            self.edge = self.edge.max(Some(1 + i64::from(seen.window)));
            return;
        };
        let acked = if seen.flags.ack() { place(first, self.high, seen.ack) } else { 1 };
        if acked > self.high {
            return;
        }
        let shift = if seen.flags.syn() { 0 } else { peer_shift };
        self.edge = self.edge.max(Some(acked + (i64::from(seen.window) << shift)));
        for block in seen.sack.iter().filter(|_| is_taken) {
            let left = place(first, self.high, block.left);
            let right = place(first, self.high, block.right);
            if left >= acked && right <= self.high {
                self.sacked.insert(left..right);
            }
        }
    }

    /// The peer may take back what it reported: after a timeout it is to be sent again (RFC 2018 §8).
    pub(super) fn forget_sacked(&mut self) {
        self.sacked = Ranges::default();
    }

    fn on_syn(&mut self, seen: &Seen, found: &mut Found) {
        let first = *self.first.get_or_insert(seen.seq);
        found.demand(first == seen.seq, Rule::SendSequence, || {
            format!("a second SYN with another number, {} after {first}", seen.seq)
        });
        self.window_scale = seen.window_scale;
        self.timestamps = seen.timestamps.is_some();
        self.sack_permitted = seen.sack_permitted;
    }

    fn check_timestamp(&mut self, seen: &Seen, found: &mut Found) {
        let Some((value, _)) = seen.timestamps else { return };
        if let Some(last) = self.last_timestamp.replace(value) {
            let ahead = value.wrapping_sub(last) as i32;
            found.demand(ahead >= 0, Rule::Timestamps, || format!("TSval {value} after {last}"));
        }
    }

    fn check_octets(&mut self, start: i64, octets: &[u8], found: &mut Found) {
        let Ok(from) = usize::try_from(start - 1) else { return };
        let known = self.octets.len().saturating_sub(from).min(octets.len());
        if known > 0 {
            let same = self.octets[from..from + known] == octets[..known];
            found.demand(same, Rule::OtherOctets, || format!("{known} octets at {start}"));
        }
        if from <= self.octets.len() {
            self.octets.extend_from_slice(&octets[known..]);
        }
    }

    fn check_fin(&mut self, seen: &Seen, end: i64, found: &mut Found) {
        if seen.flags.fin() {
            let fin = *self.fin.get_or_insert(end - 1);
            found.demand(fin == end - 1, Rule::Fin, || {
                format!("a FIN at {} and one at {fin}", end - 1)
            });
        }
        if let Some(fin) = self.fin {
            found.demand(end <= fin + 1, Rule::Fin, || format!("{end} is behind the FIN at {fin}"));
        }
    }
}
