//! From one seed, independent ones.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Numbers that follow from a seed: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Seeds {
    state: u64,
}

impl Seeds {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A host's secret. Guessable from the seed, so for simulations only.
    pub fn secret(&mut self) -> [u8; 32] {
        let mut secret = [0; 32];
        for part in secret.chunks_exact_mut(8) {
            part.copy_from_slice(&self.next_u64().to_le_bytes());
        }
        secret
    }
}

/// Choices that follow from a seed.
#[derive(Clone, Debug)]
pub struct Dice {
    seeds: Seeds,
}

impl Dice {
    /// The choices of `seed` for the purpose called `name`: another name, other choices.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self { seeds: Seeds::new(seed ^ xxhash_rust::xxh3::xxh3_64(name.as_bytes())) }
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.seeds.next_u64()
    }

    /// A host's secret.
    pub fn secret(&mut self) -> [u8; 32] {
        self.seeds.secret()
    }

    /// A whole number of the range, both ends included.
    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        let span = u128::from(high.saturating_sub(low)) + 1;
        low + ((u128::from(self.next_u64()) * span) >> 64) as u64
    }

    /// A whole number of the range, small ones as likely as large ones: first how many binary digits, then which.
    pub fn spread(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        let digits = |number: u64| u64::from(u64::BITS - number.leading_zeros());
        let chosen = self.between(digits(low)..=digits(high));
        let least =
            1_u64.checked_shl(chosen.saturating_sub(1) as u32).unwrap_or(0) * u64::from(chosen > 0);
        let most = least.saturating_mul(2).saturating_sub(u64::from(chosen > 0));
        self.between(least.clamp(low, high)..=most.clamp(low, high))
    }

    /// From 0, included, to 1, excluded.
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A fraction between two.
    pub fn share(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.fraction()
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// One of several, of which there is at least one.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.between(0..=choices.len() as u64 - 1) as usize]
    }

    /// A time of the range in milliseconds, both ends included.
    pub fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.between(range))
    }
}
