//! What a connection counts for people and programs if [`Config::tally`](crate::Config::tally) asks for it. Nothing of it serves the
//! protocol: it is kept by looking at the connection before and after each call.

use crate::connection::Connection;
use crate::ecn::Octets;
use crate::state::State;
use crate::{Segment, Transmit};
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// Counters of one connection; that of a listener counts the SYN from which it came, but as in Linux not the SYN-ACK.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Segments received, acceptable or not.
    pub segments_in: u64,
    /// Of these, those with data.
    pub data_segments_in: u64,
    /// Segments received with data that lay beyond the next octet expected.
    pub out_of_order_segments_in: u64,
    /// Segments sent, resets excepted.
    pub segments_out: u64,
    /// Of these, those with data.
    pub data_segments_out: u64,
    /// Octets of payload sent, again or not.
    pub bytes_sent: u64,
    /// Octets of payload sent again.
    pub bytes_retransmitted: u64,
    /// Duplicates that the peer reported (RFC 2883).
    pub duplicates_reported: u64,
    /// Retransmission timeouts.
    pub timeouts: u32,
    /// Timeouts that were the first since the peer acknowledged something.
    pub timeout_episodes: u32,
    /// From each of these until the peer acknowledged something again.
    pub timeout_duration: Duration,
    /// Octets of payload that arrived with an ECN codepoint, while AccECN is in use.
    pub ecn_received: EcnOctets,
    /// Octets of payload that the peer told to have arrived with one (RFC 9768 §3.2.3).
    pub ecn_delivered: EcnOctets,
    /// What was seen of the peer's AccECN option.
    pub acc_ecn_option: AccEcnOption,
    /// When the episode of timeouts began that has not ended.
    timed_out_at: Option<Instant>,
}

/// Octets of payload by ECN codepoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EcnOctets {
    /// ECT(0).
    pub ect0: u64,
    /// Congestion experienced.
    pub ce: u64,
    /// ECT(1).
    pub ect1: u64,
}

/// What a peer's AccECN options were like so far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum AccEcnOption {
    /// There was none.
    #[default]
    NotSeen = 0,
    /// They were empty.
    Empty = 1,
    /// They held counters.
    Counters = 2,
}

/// Where a connection stands, before or after a call.
pub(crate) struct Standing {
    snd_nxt: SeqNumber,
    rcv_nxt: SeqNumber,
    timeouts: u8,
    ecn: Option<Octets>,
}

/// What of a segment is gone once it was processed.
pub(crate) struct Arrived {
    seq: SeqNumber,
    segments: u64,
    data_bytes: u32,
    is_acceptable: bool,
    acc_ecn_option: AccEcnOption,
}

impl Tally {
    /// A listener's connection begins.
    pub(crate) fn on_syn_received(&mut self) {
        self.segments_in += 1;
    }

    /// One segment with the next data came.
    pub(crate) fn on_next(&mut self) {
        self.segments_in += 1;
        self.data_segments_in += 1;
    }

    /// A segment took the connection from `before` to `after`; `is_duplicate_report` if it told of a duplicate.
    pub(crate) fn on_segment(
        &mut self,
        now: Instant,
        arrived: &Arrived,
        (before, after): (&Standing, &Standing),
        is_duplicate_report: bool,
    ) {
        self.segments_in += arrived.segments;
        if arrived.data_bytes > 0 {
            self.data_segments_in += arrived.segments;
            if arrived.is_acceptable && arrived.seq.after(before.rcv_nxt) {
                self.out_of_order_segments_in += arrived.segments;
            }
        }
        self.acc_ecn_option = self.acc_ecn_option.max(arrived.acc_ecn_option);
        if arrived.is_acceptable && is_duplicate_report {
            self.duplicates_reported += 1;
        }
        if let (Some(before), Some(after)) = (&before.ecn, &after.ecn) {
            self.ecn_received.add(&before.arrived, &after.arrived);
            self.ecn_delivered.add(&before.told, &after.told);
        }
        if after.timeouts == 0
            && let Some(since) = self.timed_out_at.take()
        {
            self.timeout_duration += now.since(since);
        }
    }

    pub(crate) fn on_sent(&mut self, before: &Standing, transmit: &Transmit) {
        let segments = u64::from(transmit.wire_segments);
        let bytes = transmit.payload.len() as u32;
        self.segments_out += segments;
        if bytes > 0 {
            let seq = transmit.header.seq + u32::from(transmit.header.flags.syn());
            self.data_segments_out += segments;
            self.bytes_sent += u64::from(bytes);
            if seq.before(before.snd_nxt) {
                self.bytes_retransmitted += u64::from(bytes.min(before.snd_nxt.since(seq)));
            }
        }
    }

    pub(crate) fn on_timer(&mut self, now: Instant, before: &Standing, after: &Standing) {
        if after.timeouts > before.timeouts {
            self.timeouts += 1;
            if self.timed_out_at.is_none() {
                self.timed_out_at = Some(now);
                self.timeout_episodes += 1;
            }
        }
    }
}

impl EcnOctets {
    /// Counters of 24 bits went from `before` to `after`; backwards they never go.
    fn add(&mut self, before: &[u32; 3], after: &[u32; 3]) {
        let places = [&mut self.ect0, &mut self.ce, &mut self.ect1];
        for ((place, before), after) in places.into_iter().zip(before).zip(after) {
            let new = after.wrapping_sub(*before) & Octets::MASK;
            if new <= Octets::MASK / 2 {
                *place += u64::from(new);
            }
        }
    }
}

impl Standing {
    pub(crate) fn of(connection: &Connection) -> Self {
        let open = connection.state.open();
        let (snd_nxt, rcv_nxt) = match (&connection.state, open) {
            (State::SynSent(syn_sent), _) => (syn_sent.opening.iss, SeqNumber(0)),
            (_, Some(open)) => (open.send.nxt, open.receive.nxt),
            _ => Default::default(),
        };
        Self {
            snd_nxt,
            rcv_nxt,
            timeouts: timeouts(connection),
            ecn: open.and_then(|open| open.ecn.as_deref()?.octets()),
        }
    }
}

impl Arrived {
    pub(crate) fn of(connection: &Connection, segment: &Segment) -> Self {
        let is_acceptable = connection.state.open().is_some_and(|open| {
            let timestamps = segment.options.timestamps.filter(|_| open.negotiated.timestamps);
            open.receive.is_acceptable(segment.seq, segment.sequence_len())
                && !segment.flags.syn()
                && timestamps.is_none_or(|it| !open.receive.is_old_duplicate(segment.arrival, it))
        });
        let acc_ecn_option = match segment.options.acc_ecn {
            None => AccEcnOption::NotSeen,
            Some(counters) if counters.is_empty() => AccEcnOption::Empty,
            Some(_) => AccEcnOption::Counters,
        };
        Self {
            seq: segment.seq,
            segments: u64::from(segment.wire_segments),
            data_bytes: segment.payload.len() as u32,
            is_acceptable,
            acc_ecn_option,
        }
    }
}

/// Timeouts since the peer last acknowledged something, those of a SYN included.
fn timeouts(connection: &Connection) -> u8 {
    match &connection.state {
        State::SynSent(syn_sent) => syn_sent.retransmissions(),
        state => state.open().map_or(0, |open| open.send.timeouts()),
    }
}
