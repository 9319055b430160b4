//! Chance as a function: no state that one decision could disturb for the next.

/// What is decided; each has its own stream of numbers.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Loss = 1,
    Jitter,
    Reorder,
    ReorderBy,
    Duplicate,
    Corrupt,
    CorruptBit,
    BurstChange,
    BurstLoss,
}

/// The chances of one packet.
#[derive(Clone, Copy)]
pub(super) struct Chance {
    key: u64,
}

impl Chance {
    pub(super) fn new(seed: u64, packet: u64) -> Self {
        Self { key: mix(mix(seed) ^ packet) }
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(self, purpose: Purpose, probability: f64) -> bool {
        probability > 0.0 && self.fraction(purpose) < probability
    }

    /// A number from 0, included, to 1, excluded.
    pub(super) fn fraction(self, purpose: Purpose) -> f64 {
        // An f64 holds 53 bits exactly.
        (self.bits(purpose) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `bound`, which is not 0.
    pub(super) fn below(self, purpose: Purpose, bound: usize) -> usize {
        let scaled = u128::from(self.bits(purpose)) * bound as u128;
        (scaled >> 64) as usize
    }

    fn bits(self, purpose: Purpose) -> u64 {
        mix(self.key.wrapping_add(purpose as u64))
    }
}

/// SplitMix64's step and finalizer (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
