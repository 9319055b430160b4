//! Loss that has nothing to do with how much is sent, such as a radio's: an addition to draft-ietf-ccwg-bbr, whose tolerance of two
//! percent in all is too little for such paths.
//!
//! It is what is lost even while cruising, with no queue, for many round trips on end: the least loss of any such stretch in this
//! ProbeBW cycle and the one before. Where others cause the loss, stretches without any are never far, and it is zero. It is bounded,
//! so that a policer, which looks alike, is not overrun by much.

use super::{Ack, Bbr, State};

/// Round trips of a stretch.
const ROUNDS: u8 = 8;
/// Most that is put down to the path, in a thousand.
const MOST: u64 = 40;
/// Segments that make a stretch of one round trip of Startup: there is no time to wait for more, and before the pipe is full there
/// is always one without loss if there is none of the path's own.
const STARTUP_SEGMENTS: u32 = 80;
/// Standard deviations of a Poisson distribution that are put down to chance.
const DEVIATIONS: u64 = 2;
/// A round trip this much above the least, in percent, still has no queue.
const NO_QUEUE: u32 = 110;

#[derive(Clone, Debug, Default)]
pub(super) struct Ambient {
    /// In this stretch.
    rounds: u8,
    acked: u64,
    lost: u64,
    /// The least of this cycle and of the last, in a thousand.
    current: Option<u64>,
    before: Option<u64>,
}

impl Ambient {
    /// Loss in a thousand that says nothing about congestion.
    pub(super) fn per_mille(&self) -> u64 {
        let least = match (self.before, self.current) {
            (Some(before), Some(current)) => before.min(current),
            (known, None) | (None, known) => known.unwrap_or(0),
        };
        least.min(MOST)
    }

    /// Another ProbeBW cycle begins.
    pub(super) fn advance(&mut self) {
        if self.current.is_some() {
            self.before = self.current.take();
        }
        self.restart();
    }

    fn restart(&mut self) {
        (self.rounds, self.acked, self.lost) = (0, 0, 0);
    }

    pub(super) fn on_lost(&mut self, octets: u32) {
        self.lost += u64::from(octets);
    }

    /// A round trip is over; with `least_rounds` of them, and this many octets, a stretch is.
    fn end_round(&mut self, least_rounds: u8, least_octets: u64) {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds < least_rounds || self.acked < least_octets {
            return;
        }
        let loss = (self.lost * 1_000).checked_div(self.acked + self.lost).unwrap_or(0);
        self.current = Some(self.current.map_or(loss, |least| least.min(loss)));
        self.restart();
    }
}

impl Bbr {
    /// Takes account of an acknowledgement, before the model does.
    pub(super) fn observe_ambient_loss(&mut self, ack: &Ack<'_>) {
        let queued = match (ack.sample.rtt, self.min_rtt.get()) {
            (Some(rtt), Some(least)) => rtt * 100 > least * NO_QUEUE,
            _ => false,
        };
        let (rounds, segments) = match self.state {
            State::Startup if !queued => (1, STARTUP_SEGMENTS),
            State::Cruise if !queued && !ack.rate.app_limited => (ROUNDS, 0),
            _ => {
                self.ambient.restart();
                return;
            }
        };
        self.ambient.acked += u64::from(ack.sample.newly_acked);
        if self.rounds.start {
            self.ambient.end_round(rounds, u64::from(segments * self.mss));
        }
    }

    /// Of `octets`, those whose loss says nothing about congestion, chance allowed for.
    pub(super) fn ambient_loss(&self, octets: u32) -> u64 {
        let expected = u64::from(octets) * self.ambient.per_mille() / 1_000;
        let segments = (expected * 100 / u64::from(self.mss)).isqrt();
        expected + DEVIATIONS * segments * u64::from(self.mss) / 10
    }
}
