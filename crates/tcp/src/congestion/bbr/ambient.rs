//! Loss that has nothing to do with how much is sent, such as a radio's: an addition to draft-ietf-ccwg-bbr, whose tolerance of two
//! percent in all is too little for such paths.
//!
//! It is what is lost even while cruising, with no queue, for many round trips on end, or in Startup before there is a queue: the least
//! loss of any such stretch in this ProbeBW cycle and the one before. Where others cause the loss, stretches without any are never
//! far, and it is zero. It is bounded, so that a policer, which looks alike, is not overrun by much.

use super::{Ack, Bbr, State};

/// Round trips of a stretch.
const ROUNDS: u8 = 8;
/// Most that is put down to the path, in a thousand.
const MOST: u64 = 40;
/// Segments after which what Startup has seen so far is a stretch: there is no time to wait for more.
const STARTUP_SEGMENTS: u32 = 80;
/// Standard deviations of a Poisson distribution that are put down to chance.
const DEVIATIONS: u64 = 2;
/// A round trip this much above the least, in percent, still has no queue.
const NO_QUEUE: u32 = 110;

#[derive(Clone, Debug, Default)]
pub(super) struct Ambient {
    /// Whether what happens now belongs to a stretch.
    counts: bool,
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

    /// So much is the path's, in a thousand.
    #[cfg(test)]
    pub(super) fn known(per_mille: u64) -> Self {
        Self { current: Some(per_mille), ..Self::default() }
    }

    fn restart(&mut self) {
        (self.counts, self.rounds, self.acked, self.lost) = (false, 0, 0, 0);
    }

    pub(super) fn on_lost(&mut self, octets: u32) {
        if self.counts {
            self.lost += u64::from(octets);
        }
    }

    /// The loss of this stretch in a thousand. The least of several is below what they have in common, so one standard deviation is
    /// put on it; without any loss there is none.
    fn share(&self, mss: u32) -> u64 {
        let segments = self.lost / u64::from(mss);
        let likely = self.lost + segments.isqrt() * u64::from(mss);
        (likely * 1_000).checked_div(self.acked + self.lost).unwrap_or(0)
    }
}

impl Bbr {
    /// Takes account of an acknowledgement, before the model does.
    pub(super) fn observe_ambient_loss(&mut self, ack: &Ack<'_>) {
        let queued = self.is_queued(ack);
        let is_open = !queued && !ack.rate.app_limited;
        match self.state {
            // All of it is one stretch.
            State::Startup => self.ambient.counts = is_open,
            State::Cruise if is_open => self.ambient.counts = true,
            _ => self.ambient.restart(),
        }
        if !self.ambient.counts {
            return;
        }
        self.ambient.acked += u64::from(ack.sample.newly_acked);
        if self.rounds.start {
            self.end_ambient_round();
        }
    }

    fn end_ambient_round(&mut self) {
        let (mss, ambient) = (self.mss, &mut self.ambient);
        ambient.rounds = ambient.rounds.saturating_add(1);
        if self.state == State::Startup {
            if ambient.acked >= u64::from(STARTUP_SEGMENTS * mss) {
                ambient.current = Some(ambient.share(mss));
            }
        } else if ambient.rounds >= ROUNDS {
            let share = ambient.share(mss);
            ambient.current = Some(ambient.current.map_or(share, |least| least.min(share)));
            ambient.restart();
        }
    }

    /// Whether what is acknowledged had to wait on its way, as far as that is known.
    pub(super) fn is_queued(&self, ack: &Ack<'_>) -> bool {
        match (ack.sample.rtt, self.min_rtt.get()) {
            (Some(rtt), Some(least)) => rtt * 100 > least * NO_QUEUE,
            _ => false,
        }
    }

    /// Of `octets`, those whose loss says nothing about congestion, chance allowed for.
    pub(super) fn ambient_loss(&self, octets: u32) -> u64 {
        let expected = u64::from(octets) * self.ambient.per_mille() / 1_000;
        let segments = (expected * 100 / u64::from(self.mss)).isqrt();
        expected + DEVIATIONS * segments * u64::from(self.mss) / 10
    }
}
