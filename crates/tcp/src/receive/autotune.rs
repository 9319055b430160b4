//! Dynamic right-sizing of the receive buffer: twice what the application reads in a round trip, so that a
//! sender that doubles its window every round trip is never held up, and never more than the application keeps reading.

use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// Segments of slack on top.
const SLACK_SEGMENTS: u64 = 16;

/// What is measured of one receiver; made when the first data arrives, if the buffer may grow at all.
#[derive(Clone, Debug)]
pub(super) struct Autotune {
    /// The round trip as a receiver sees it.
    rtt: Option<Duration>,
    /// Without timestamps a round trip is the time in which the whole window arrives: where it ends, and when it began.
    round: (SeqNumber, Instant),
    /// Where the application's reading stood when the current measurement began, and when that was.
    read_to: SeqNumber,
    since: Instant,
    /// Octets that it read in the last round trip.
    space: u32,
}

impl Autotune {
    pub(super) fn new(now: Instant, nxt: SeqNumber, window: u32, mss: u16) -> Self {
        Self {
            rtt: None,
            round: (nxt + window, now),
            read_to: nxt,
            since: now,
            // What an initial window brings (RFC 6928).
            space: 10 * u32::from(mss),
        }
    }

    /// Data arrived in order up to `nxt`; `echo` says when what it answers was sent, if timestamps are in use.
    pub(super) fn on_data(
        &mut self,
        arrival: Instant,
        nxt: SeqNumber,
        window: u32,
        echo: Option<Instant>,
    ) {
        match echo {
            Some(sent_at) => self.sample(arrival.since(sent_at)),
            None if nxt.at_or_after(self.round.0) => {
                self.sample(arrival.since(self.round.1));
                self.round = (nxt + window, arrival);
            }
            None => {}
        }
    }

    /// The smallest sample is nearest to the path's round trip, the others also contain the sender's pauses.
    fn sample(&mut self, rtt: Duration) {
        let rtt = rtt.max(Duration::from_micros(1));
        self.rtt = Some(match self.rtt {
            Some(known) if rtt > known => known + (rtt - known) / 8,
            _ => rtt,
        });
    }

    pub(super) fn reading(&self) -> (Option<Duration>, u32) {
        (self.rtt, self.space)
    }

    /// The application has read up to `read_to`; the size that the buffer should have, once a round trip.
    pub(super) fn on_read(&mut self, now: Instant, read_to: SeqNumber, mss: u16) -> Option<u32> {
        let rtt = self.rtt?;
        if now.since(self.since) < rtt {
            return None;
        }
        let copied = read_to.since(self.read_to);
        self.read_to = read_to;
        self.since = now;
        if copied <= self.space {
            return None;
        }
        let (copied_wide, space) = (u64::from(copied), u64::from(self.space.max(1)));
        let window = 2 * copied_wide + SLACK_SEGMENTS * u64::from(mss);
        // A sender in slow start brings that much more again in the next round trip.
        let growth = window * (copied_wide - space) / space;
        self.space = copied;
        Some(u32::try_from(window + 2 * growth).unwrap_or(u32::MAX))
    }
}
