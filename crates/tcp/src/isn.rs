//! Initial sequence numbers (RFC 6528, RFC 9293 MUST-8, MUST-9, SHLD-1).

use crate::Endpoints;
use core::hash::{Hash, Hasher};
use siphasher::sip::SipHasher24;
use sockeye_wire::{Instant, SeqNumber};

/// Chooses initial sequence numbers and timestamp offsets that outsiders cannot guess.
///
/// ISN = M + F(local, remote, key): a 4 µs clock plus a keyed hash (SipHash-2-4), so that numbers of one 4-tuple grow with
/// time, and those of different tuples tell nothing about each other.
#[derive(Clone, Debug)]
pub struct IsnGenerator {
    isn_key: [u8; 16],
    timestamp_key: [u8; 16],
    preset: Option<SeqNumber>,
}

impl IsnGenerator {
    /// `key` comes from the operating system's random generator, once per boot (RFC 6528 §3).
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        let mut timestamp_key = key;
        for byte in &mut timestamp_key {
            *byte ^= 0x5c;
        }
        Self { isn_key: key, timestamp_key, preset: None }
    }

    /// The ISN of a new connection.
    #[must_use]
    pub fn initial_sequence_number(&mut self, now: Instant, endpoints: &Endpoints) -> SeqNumber {
        if let Some(preset) = self.preset.take() {
            return preset;
        }
        let clock = (now.as_micros() / 4) as u32;
        SeqNumber(clock.wrapping_add(keyed_hash(&self.isn_key, endpoints)))
    }

    /// The offset of a connection's timestamp clock (RFC 7323 §5.4).
    #[must_use]
    pub fn timestamp_offset(&self, endpoints: &Endpoints) -> u32 {
        keyed_hash(&self.timestamp_key, endpoints)
    }

    /// Makes the next ISN a given one. For demonstrations and tests only: a number that others know is a connection that
    /// others can break into.
    pub const fn preset(&mut self, isn: SeqNumber) {
        self.preset = Some(isn);
    }
}

fn keyed_hash(key: &[u8; 16], endpoints: &Endpoints) -> u32 {
    let mut hasher = SipHasher24::new_with_key(key);
    endpoints.hash(&mut hasher);
    hasher.finish() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, SocketAddr};

    fn endpoints(port: u16) -> Endpoints {
        let at = |last, port| SocketAddr::from((Ipv4Addr::new(10, 0, 0, last), port));
        Endpoints { local: at(1, port), remote: at(2, 80) }
    }

    /// RFC 9293 MUST-8, SHLD-1, RFC 6528: within one tuple the number follows the clock, one step each 4 µs.
    #[test]
    fn grows_with_time() {
        let mut generator = IsnGenerator::new([7; 16]);
        let early = generator.initial_sequence_number(Instant::from_micros(1_000), &endpoints(1));
        let late = generator.initial_sequence_number(Instant::from_micros(5_000), &endpoints(1));
        assert_eq!(late.since(early), 1_000);
    }

    /// RFC 9293 MUST-9, SHLD-1, RFC 6528 §3: other tuples and other keys give unrelated numbers.
    #[test]
    fn differs_by_tuple_and_key() {
        let mut one = IsnGenerator::new([7; 16]);
        let mut other = IsnGenerator::new([8; 16]);
        let isn = one.initial_sequence_number(Instant::ZERO, &endpoints(1));
        assert_ne!(isn, one.initial_sequence_number(Instant::ZERO, &endpoints(2)));
        assert_ne!(isn, other.initial_sequence_number(Instant::ZERO, &endpoints(1)));
        assert_ne!(isn.0, one.timestamp_offset(&endpoints(1)));
    }

    #[test]
    fn a_preset_serves_once() {
        let mut generator = IsnGenerator::new([7; 16]);
        generator.preset(SeqNumber(1_234_567));
        assert_eq!(
            generator.initial_sequence_number(Instant::ZERO, &endpoints(1)),
            SeqNumber(1_234_567)
        );
        assert_ne!(
            generator.initial_sequence_number(Instant::ZERO, &endpoints(1)),
            SeqNumber(1_234_567)
        );
    }
}
