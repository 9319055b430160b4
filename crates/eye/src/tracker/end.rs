//! What is known of one end from what it sent.

use super::sequence::Sequence;
use sockeye_wire::tcp::TcpOption;
use sockeye_wire::{Instant, SeqNumber};

/// Segments whose IP identification is remembered, to tell a copy made by the network where identifications do not count up.
const RECENT: usize = 4;

/// One end of a connection.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// Its sequence space.
    pub(crate) sequence: Sequence,
    /// Its initial sequence number, once its SYN was seen.
    pub(crate) isn: Option<SeqNumber>,
    pub(crate) syn_options: SynOptions,
    /// It has sent a segment with ACK that was neither SYN nor RST, so it holds its own SYN to be acknowledged.
    pub(crate) spoke_beyond_syn: bool,
    /// It has sent a segment with ACK other than RST: what it received can be told.
    pub(crate) acknowledges: bool,
    /// Place of its FIN.
    pub(crate) fin_at: Option<i64>,
    pub(crate) fin_packet: u64,
    /// It had acknowledged the peer's FIN before or with its own.
    pub(crate) fin_after_peer: bool,
    /// The highest position of the *peer's* space that its windows have ever allowed, exclusive.
    pub(crate) window_edge: Option<i64>,
    pub(crate) counters: Counters,
    pub(crate) retries: Retries,
    /// Newest timestamp value it sent.
    pub(crate) timestamp: Option<u32>,
    recent: [(SeqNumber, u16); RECENT],
    recent_at: u8,
    sent: SendOrder,
}

/// The order in which segments were sent, as far as IP identifications tell it.
#[derive(Debug, Default)]
struct SendOrder {
    /// Identification of the data segment that was sent last, as far as is known.
    id: u16,
    /// When the segment that reached furthest was seen.
    time: Instant,
    /// How often the identification grew by a little from one new segment to the next.
    steps_up: u8,
}

impl SendOrder {
    /// The largest step between two data segments that is believed to be counting.
    const MAX_STEP: u16 = 1024;
    /// Steps up in a row after which identifications are believed.
    const TRUSTED: u8 = 4;

    fn counts_up(&self) -> bool {
        self.steps_up >= Self::TRUSTED
    }

    #[inline]
    fn next(&mut self, id: u16) {
        let step = id.wrapping_sub(self.id);
        let small = (1..=Self::MAX_STEP).contains(&step);
        self.steps_up = if small { self.steps_up.saturating_add(1) } else { self.steps_up / 2 };
        self.id = id;
    }

    fn is_after(&self, id: u16) -> bool {
        id.wrapping_sub(self.id).cast_signed() > 0
    }
}

/// What a segment with a place below the furthest one is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Behind {
    /// Sent again.
    Retransmission,
    /// Sent before what lies beyond it, seen later.
    Late,
    /// A copy made by the network.
    Copy,
}

/// Counts of what one end sent.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) retransmitted_packets: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) retransmitted_syn: u32,
    pub(crate) retransmitted_fin: u32,
    pub(crate) out_of_order: u64,
    pub(crate) duplicates: u64,
    pub(crate) keep_alives: u32,
    pub(crate) checksum_bad: u32,
    pub(crate) push: u64,
    pub(crate) urgent: u32,
}

/// What a SYN offered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SynOptions {
    pub(crate) mss: Option<u16>,
    pub(crate) window_scale: Option<u8>,
    pub(crate) sack_permitted: bool,
    pub(crate) timestamps: bool,
}

/// Retransmissions of one place that nobody answered.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    place: i64,
    pub(crate) unanswered: u32,
    pub(crate) packet: u64,
}

impl Retries {
    pub(crate) fn again(&mut self, place: i64, packet: u64) {
        self.unanswered = if place == self.place { self.unanswered + 1 } else { 1 };
        self.place = place;
        self.packet = packet;
    }
}

impl SynOptions {
    /// RFC 7323 §2.3: a larger shift counts as 14.
    const MAX_SHIFT: u8 = 14;

    pub(crate) fn read<'a>(
        options: impl Iterator<Item = Result<TcpOption<'a>, sockeye_wire::tcp::OptionError>>,
    ) -> Self {
        let mut found = Self::default();
        for option in options.map_while(Result::ok) {
            match option {
                TcpOption::MaximumSegmentSize(mss) => found.mss = Some(mss),
                TcpOption::WindowScale(shift) => {
                    found.window_scale = Some(shift.min(Self::MAX_SHIFT));
                }
                TcpOption::SackPermitted => found.sack_permitted = true,
                TcpOption::Timestamps { .. } => found.timestamps = true,
                _ => {}
            }
        }
        found
    }
}

impl End {
    /// Whether its FIN was acknowledged.
    #[inline]
    pub(crate) fn fin_acked(&self) -> bool {
        self.fin_at.is_some_and(|fin| self.sequence.acked() > fin)
    }

    /// Where its data ends at the latest.
    #[inline]
    pub(crate) fn data_end(&self) -> i64 {
        self.fin_at.unwrap_or(i64::MAX)
    }

    /// Octets of its stream that reached the peer, or were seen if the peer's acknowledgements were not.
    pub(crate) fn delivered(&self, peer_acknowledges: bool) -> u64 {
        if peer_acknowledges {
            let end = self.sequence.acked().min(self.data_end());
            u64::try_from(end - 1).unwrap_or(0)
        } else {
            self.sequence.seen()
        }
    }

    /// Notes a segment with data that begins where no other reached.
    #[inline]
    pub(crate) fn sent_new(&mut self, seq: SeqNumber, ip_id: u16, time: Instant) {
        self.sent.time = time;
        if ip_id != 0 {
            self.sent.next(ip_id);
            self.remember(seq, ip_id);
        }
    }

    /// Tells what a segment is that begins below the furthest place reached; `seen` is how much of it was seen before.
    ///
    /// Identifications that count up tell when it was sent. Where the sender does not count, a copy is known by having the
    /// same identification, and a hole that is filled by the time it took: a retransmission takes most of a round trip.
    pub(crate) fn sent_behind(
        &mut self,
        seq: SeqNumber,
        ip_id: u16,
        time: Instant,
        seen: u64,
        rtt_nanos: Option<u64>,
    ) -> Behind {
        const UNKNOWN_RTT_NANOS: u64 = 3_000_000;
        let known = ip_id != 0 && self.recent.contains(&(seq, ip_id));
        self.remember(seq, ip_id);
        let late_or_copy = if seen > 0 { Behind::Copy } else { Behind::Late };
        if ip_id != 0 && self.sent.counts_up() {
            if !self.sent.is_after(ip_id) {
                return late_or_copy;
            }
            self.sent.id = ip_id;
            return Behind::Retransmission;
        }
        if known {
            return Behind::Copy;
        }
        let patience = rtt_nanos.map_or(UNKNOWN_RTT_NANOS, |rtt| rtt / 4 * 3);
        let waited = time.as_nanos().saturating_sub(self.sent.time.as_nanos());
        if seen > 0 || waited > patience { Behind::Retransmission } else { Behind::Late }
    }

    #[inline]
    fn remember(&mut self, seq: SeqNumber, ip_id: u16) {
        if ip_id != 0 {
            self.recent[usize::from(self.recent_at) % RECENT] = (seq, ip_id);
            self.recent_at = self.recent_at.wrapping_add(1);
        }
    }
}
