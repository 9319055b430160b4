//! RACK: loss told by time (RFC 8985 §6). A segment is lost if one that was sent later, by more than the reordering that the path is
//! known for, has arrived.

use super::min_rtt::MinRtt;
use super::record::Record;
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// Recoveries without D-SACK after which the reordering window shrinks again.
const WINDOW_PERSIST: u8 = 16;

/// What the path is known for: kept as long as the connection.
#[derive(Clone, Debug)]
pub(super) struct Rack {
    least: MinRtt,
    /// How often segments were found to have overtaken each other.
    reorderings: u8,
    /// Multiples of a quarter of the minimum RTT.
    window_multiple: u8,
    persist: u8,
    /// The farthest that a segment came behind the highest one that had arrived.
    reordering_segments: u8,
    /// The next D-SACK counts when SND.UNA has passed this: once a round trip.
    dsack_round: Option<SeqNumber>,
}

/// What is known about the times of what arrived while something is in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct Latest {
    /// When the latest segment that has arrived was sent, and where it ended.
    sent_at: Instant,
    end: SeqNumber,
    resent: bool,
    /// Its round trip.
    rtt_micros: u32,
    /// The highest sequence number that has arrived.
    highest: Option<SeqNumber>,
    /// Where data ends that the peer refused with the SYN: it was never in the network, so what is sent again counts as sent first.
    refused: Option<SeqNumber>,
}

/// The times of an acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckTimes {
    /// When it arrived.
    pub(super) arrival: Instant,
    /// TSecr in terms of our clock: the time that the acknowledged segment's timestamp stands for, in whole milliseconds.
    pub(super) echo: Option<Instant>,
    /// Octets of a full segment.
    pub(super) mss: u16,
}

impl Latest {
    /// RACK.rtt.
    pub(super) fn rtt(&self) -> Duration {
        Duration::from_micros(u64::from(self.rtt_micros))
    }

    /// Steps 1 to 3: a record was newly acknowledged or reported as held; true if it had been overtaken.
    pub(super) fn on_delivered(
        &mut self,
        record: &Record,
        times: &AckTimes,
        rack: &mut Rack,
    ) -> bool {
        let mut overtaken = false;
        let micros = times.arrival.since(record.sent_at).as_micros();
        let rtt = u32::try_from(micros).unwrap_or(u32::MAX);
        if record.is_retransmitted() {
            // Which transmission arrived? Not this one if the echo is older, or if it came back impossibly fast.
            let too_old =
                times.echo.is_some_and(|echo| echo.as_millis() < record.sent_at.as_millis());
            if too_old || rtt < rack.least.micros() {
                return false;
            }
        } else {
            rack.least.observe(times.arrival, rtt);
            if let Some(highest) = self.highest.filter(|highest| record.end().before(*highest)) {
                overtaken = true;
                let segments = highest.since(record.start).div_ceil(u32::from(times.mss).max(1));
                let segments = u8::try_from(segments).unwrap_or(u8::MAX);
                rack.reordering_segments = rack.reordering_segments.max(segments);
            }
        }
        self.highest = Some(self.highest.map_or(record.end(), |highest| highest.max(record.end())));
        // Of several, the last in the order of sequence numbers counts, as on Linux; RFC 8985 §6.2 takes that of the latest sent.
        self.rtt_micros = rtt;
        if record.sent_at > self.sent_at
            || (record.sent_at == self.sent_at && record.end().after(self.end))
        {
            self.sent_at = record.sent_at;
            self.end = record.end();
            self.resent = record.is_retransmitted();
        }
        overtaken
    }

    /// What was taken for the arrival of a retransmission was that of the original: no time is known.
    pub(super) fn forget_times(&mut self) {
        *self = Self { highest: self.highest, refused: self.refused, ..Self::default() };
    }

    pub(super) const fn refused(&mut self, end: SeqNumber) {
        self.refused = Some(end);
    }

    fn is_refused(&self, record: &Record) -> bool {
        self.refused.is_some_and(|end| record.end().at_or_before(end))
    }

    /// Whether `record` was sent before the latest one that has arrived.
    pub(super) fn is_after(&self, record: &Record) -> bool {
        // At the same instant sequence numbers tell the order, but not between an original and what was sent again.
        record.sent_at < self.sent_at
            || (record.sent_at == self.sent_at
                && record.end().before(self.end)
                && (record.is_retransmitted() == self.resent || self.is_refused(record)))
    }
}

impl Rack {
    /// The handshake's round trip, if it was measured, is the first minimum.
    pub(super) fn new(handshake: Option<Duration>) -> Self {
        Self {
            least: MinRtt::new(handshake),
            reorderings: 0,
            window_multiple: 0,
            persist: 0,
            reordering_segments: 0,
            dsack_round: None,
        }
    }

    /// The least round trip measured of late; zero if none was.
    #[inline]
    pub(super) fn min_rtt(&self) -> Duration {
        Duration::from_micros(u64::from(self.least.micros()))
    }

    /// Step 4: how much later than expected a segment may be; not at all where losses are `told` and no reordering was seen.
    pub(super) fn window(&self, told: bool, smoothed: Option<Duration>) -> Duration {
        if told && self.reorderings == 0 {
            return Duration::ZERO;
        }
        let quarter = self.min_rtt() / 4;
        (quarter * u32::from(self.window_multiple.max(1))).min(smoothed.unwrap_or(quarter))
    }

    pub(super) const fn reordering_segments(&self) -> u8 {
        self.reordering_segments
    }

    pub(super) const fn reorderings(&self) -> u8 {
        self.reorderings
    }

    /// A D-SACK: a retransmission was not needed, so the window was too small; once a round trip.
    pub(super) fn on_dsack(&mut self, una: SeqNumber, nxt: SeqNumber) {
        if self.dsack_round.is_none_or(|round| una.at_or_after(round)) {
            self.dsack_round = Some(nxt);
            self.window_multiple = self.window_multiple.max(1).saturating_add(1);
            self.persist = WINDOW_PERSIST;
        }
    }

    /// An acknowledgement told of segments that were overtaken, or that what was taken for loss had only been that.
    pub(super) fn on_reordering(&mut self) {
        self.reorderings = self.reorderings.saturating_add(1);
    }

    /// A recovery has ended.
    pub(super) fn on_recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.window_multiple = 1;
        }
    }
}
