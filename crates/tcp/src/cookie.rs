//! SYN cookies (RFC 4987 §3.6): a SYN answered without remembering anything, because our sequence number remembers it.
//!
//! The number is `hash(tuple) + IRS + count·2^24 + (hash(tuple, IRS, count) + MSS index) mod 2^24`, the count being that of minutes.
//! The options travel in the low bits of our timestamp, if the client echoes one; otherwise there are none.

use crate::ecn::{self, EcnMode};
use crate::half_open::Origin;
use crate::options::{SegmentOptions, Timestamps};
use crate::state::timestamp_clock;
use crate::{Config, Endpoints, HalfOpen, Opening, Segment, Transmit};
use core::hash::{Hash, Hasher};
use siphasher::sip::SipHasher24;
use sockeye_wire::{Flags, Instant, Payload, SeqNumber};

/// Seconds for which one count holds. A cookie is good while its count is this one or the last.
const COUNT_SECONDS: u64 = 60;
const COUNTS: u32 = 2;
const LOW_BITS: u32 = 24;
const LOW_MASK: u32 = (1 << LOW_BITS) - 1;

/// What peers announce, mostly; each gets the largest that is not above its own.
const IPV4_MSS: [u16; 4] = [536, 1_300, 1_440, 1_460];
const IPV6_MSS: [u16; 4] = [1_220, 1_420, 1_440, 8_940];

/// Bits of the timestamp that carry options: the window shift (15: none), SACK, ECN. Linux uses the same.
const OPTION_BITS: u32 = 6;
const SHIFT_MASK: u32 = 0xf;
const NO_SHIFT: u32 = 0xf;
const SACK_BIT: u32 = 1 << 4;
const ECN_BIT: u32 = 1 << 5;

/// Makes and checks cookies.
#[derive(Clone)]
pub struct SynCookies {
    tuple_key: [u8; 16],
    count_key: [u8; 16],
}

impl core::fmt::Debug for SynCookies {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SynCookies").finish_non_exhaustive()
    }
}

impl SynCookies {
    /// `key` is secret, random, and the same for as long as cookies are to be recognized.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        let count_key = key.map(|byte| byte ^ 0xa5);
        Self { tuple_key: key, count_key }
    }

    /// The SYN-ACK for `syn`, of which nothing is to be remembered; `opening` is what the connection would begin with.
    #[must_use]
    pub fn answer(
        &self,
        now: Instant,
        config: &Config,
        endpoints: &Endpoints,
        opening: Opening,
        syn: &Segment,
    ) -> Transmit {
        let announced = syn.options.mss.filter(|mss| *mss != 0).unwrap_or(opening.default_mss);
        let index = table(endpoints).iter().rposition(|mss| *mss <= announced).unwrap_or(0);
        let iss = self.number(endpoints, syn.seq, count(now), index as u32);
        let options = remembered(config, syn);
        let classic = options.timestamps.is_some()
            && ecn::offered(config.ecn.accept.min(EcnMode::Classic), syn.flags) == EcnMode::Classic;
        let bits = option_bits(&options, classic);
        let syn = Segment {
            flags: if classic { classic_syn() } else { Flags::SYN },
            options,
            payload: Payload::empty(),
            ..syn.clone()
        };
        let clock = timestamp_clock(now, opening.timestamp_offset);
        let shifted = stamp(clock, bits).wrapping_sub(clock);
        let timestamp_offset = opening.timestamp_offset.wrapping_add(shifted);
        let opening = Opening { iss, timestamp_offset, ..opening };
        let mut half = HalfOpen::on_syn(config, opening, &syn, now);
        // A record that has just been made owes its SYN-ACK.
        half.poll_transmit(now, config).unwrap_or_default()
    }

    /// The record that `ack`, a segment to a listener, shows to have existed; feed it the segment.
    #[must_use]
    pub fn redeem(
        &self,
        now: Instant,
        config: &Config,
        endpoints: &Endpoints,
        opening: Opening,
        ack: &Segment,
    ) -> Option<HalfOpen> {
        let (irs, iss) = (ack.seq.back(1), ack.ack.back(1));
        let index = self.check(endpoints, irs, count(now), iss)?;
        let mss = *table(endpoints).get(index as usize)?;
        let mut options = SegmentOptions { mss: Some(mss), ..Default::default() };
        let mut flags = Flags::SYN;
        if let Some(Timestamps { echo, .. }) = ack.options.timestamps.filter(|_| config.timestamps)
        {
            options.timestamps = ack.options.timestamps;
            let shift = echo & SHIFT_MASK;
            options.window_scale = (shift != NO_SHIFT).then_some(shift as u8);
            options.sack_permitted = echo & SACK_BIT != 0;
            if echo & ECN_BIT != 0 {
                flags = classic_syn();
            }
        }
        let syn = Segment { seq: irs, flags, options, payload: Payload::empty(), ..ack.clone() };
        Some(HalfOpen::new(config, Opening { iss, ..opening }, &syn, now, Origin::Cookie))
    }

    fn number(&self, endpoints: &Endpoints, irs: SeqNumber, count: u32, index: u32) -> SeqNumber {
        let low = hash(&self.count_key, endpoints, irs, count).wrapping_add(index) & LOW_MASK;
        let high = count << LOW_BITS;
        let base = hash(&self.tuple_key, endpoints, SeqNumber(0), 0).wrapping_add(irs.0);
        SeqNumber(base.wrapping_add(high).wrapping_add(low))
    }

    /// The index of the MSS.
    fn check(
        &self,
        endpoints: &Endpoints,
        irs: SeqNumber,
        now: u32,
        iss: SeqNumber,
    ) -> Option<u32> {
        let rest = iss
            .0
            .wrapping_sub(hash(&self.tuple_key, endpoints, SeqNumber(0), 0).wrapping_add(irs.0));
        // Eight bits of the count are there.
        let age = now.wrapping_sub(rest >> LOW_BITS) & 0xff;
        if age >= COUNTS {
            return None;
        }
        let made = hash(&self.count_key, endpoints, irs, now.wrapping_sub(age));
        let index = rest.wrapping_sub(made) & LOW_MASK;
        ((index as usize) < IPV4_MSS.len()).then_some(index)
    }
}

fn table(endpoints: &Endpoints) -> &'static [u16; 4] {
    if endpoints.remote.is_ipv4() { &IPV4_MSS } else { &IPV6_MSS }
}

fn count(now: Instant) -> u32 {
    (now.as_millis() / 1_000 / COUNT_SECONDS) as u32
}

fn hash(key: &[u8; 16], endpoints: &Endpoints, irs: SeqNumber, count: u32) -> u32 {
    let mut hasher = SipHasher24::new_with_key(key);
    endpoints.hash(&mut hasher);
    hasher.write_u32(irs.0);
    hasher.write_u32(count);
    hasher.finish() as u32
}

/// What will still be known of a SYN's options when the acknowledgement comes.
fn remembered(config: &Config, syn: &Segment) -> SegmentOptions {
    let told = &syn.options;
    let mss = SegmentOptions { mss: told.mss, ..Default::default() };
    let Some(timestamps) = told.timestamps.filter(|_| config.timestamps) else { return mss };
    SegmentOptions {
        timestamps: Some(timestamps),
        window_scale: told.window_scale.filter(|_| config.window_scaling),
        sack_permitted: told.sack_permitted,
        ..mss
    }
}

/// How a SYN asks for classic ECN (RFC 3168 §6.1.1).
fn classic_syn() -> Flags {
    Flags::SYN | Flags::ECE | Flags::CWR
}

fn option_bits(options: &SegmentOptions, ecn: bool) -> u32 {
    let shift = options.window_scale.map_or(NO_SHIFT, u32::from);
    let sack = if options.sack_permitted { SACK_BIT } else { 0 };
    shift | sack | if ecn { ECN_BIT } else { 0 }
}

/// The clock with `bits` in its last places, not ahead of itself: later timestamps must not be smaller.
fn stamp(clock: u32, bits: u32) -> u32 {
    let value = clock >> OPTION_BITS << OPTION_BITS | bits;
    if value > clock { value.wrapping_sub(1 << OPTION_BITS) } else { value }
}
