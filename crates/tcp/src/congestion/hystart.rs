//! HyStart++ (RFC 9406): leaves slow start when round trips grow, before the queue overflows.

use super::Acknowledged;
use sockeye_wire::SeqNumber;

/// MIN_RTT_THRESH and MAX_RTT_THRESH, in microseconds.
const MIN_THRESHOLD: u32 = 4_000;
const MAX_THRESHOLD: u32 = 16_000;
/// MIN_RTT_DIVISOR.
const DIVISOR: u32 = 8;
/// N_RTT_SAMPLE.
const SAMPLES: u8 = 8;
/// CSS_GROWTH_DIVISOR.
const GROWTH_DIVISOR: u32 = 4;
/// CSS_ROUNDS.
const ROUNDS: u8 = 5;
/// L, without pacing; with it there is none (RFC 9406 §4.3).
const LIMIT_SEGMENTS: u32 = 8;

/// Only the first slow start uses it.
#[derive(Clone, Debug)]
pub(super) struct HyStart {
    /// SND.NXT at the start of the round.
    round_end: Option<SeqNumber>,
    /// Lowest round trips of the last and of this round, in microseconds; `u32::MAX` if none was measured.
    last_min: u32,
    current_min: u32,
    samples: u8,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    SlowStart,
    /// Conservative slow start, until it is clear whether the round trip really has grown beyond `baseline`.
    Conservative {
        baseline: u32,
        rounds: u8,
    },
    Over,
}

impl Default for HyStart {
    fn default() -> Self {
        let phase = Phase::SlowStart;
        Self { round_end: None, last_min: u32::MAX, current_min: u32::MAX, samples: 0, phase }
    }
}

impl HyStart {
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// By how much an acknowledgement lets the window grow in slow start.
    pub(super) fn growth(&mut self, acknowledged: &Acknowledged) -> u32 {
        if self.phase == Phase::Over {
            return acknowledged.bytes;
        }
        self.observe(acknowledged);
        let limit = if acknowledged.paced { u32::MAX } else { LIMIT_SEGMENTS * acknowledged.mss };
        let bytes = acknowledged.bytes.min(limit);
        match self.phase {
            Phase::Conservative { .. } => bytes / GROWTH_DIVISOR,
            Phase::SlowStart | Phase::Over => bytes,
        }
    }

    fn observe(&mut self, acknowledged: &Acknowledged) {
        let round_over = self.round_end.is_none_or(|end| acknowledged.una.at_or_after(end));
        if round_over {
            self.round_end = Some(acknowledged.nxt);
            self.last_min = self.current_min;
            self.current_min = u32::MAX;
            self.samples = 0;
            if let Phase::Conservative { rounds, .. } = &mut self.phase {
                *rounds += 1;
                if *rounds >= ROUNDS {
                    self.phase = Phase::Over;
                }
            }
        }
        if let Some(rtt) = acknowledged.rtt {
            let micros = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
            self.current_min = self.current_min.min(micros);
            self.samples = self.samples.saturating_add(1);
        }
        if self.samples < SAMPLES {
            return;
        }
        match self.phase {
            Phase::SlowStart if self.last_min != u32::MAX => {
                let threshold = (self.last_min / DIVISOR).clamp(MIN_THRESHOLD, MAX_THRESHOLD);
                if self.current_min >= self.last_min.saturating_add(threshold) {
                    self.phase = Phase::Conservative { baseline: self.current_min, rounds: 0 };
                }
            }
            Phase::Conservative { baseline, .. } if self.current_min < baseline => {
                self.phase = Phase::SlowStart;
            }
            _ => {}
        }
    }
}
