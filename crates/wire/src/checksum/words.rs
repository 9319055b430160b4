//! The sum of 16-bit words, where most of the time goes that a packet's octets take.

/// The native-order sum of the 16-bit words of `bytes`, an odd last octet padded with zero, or another number with the same rest
/// modulo 2¹⁶ − 1 that is zero only if every octet is.
#[inline]
pub(super) fn sum_words(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= avx2::WORTHWHILE_BYTES && avx2::is_there() {
        let (blocks, rest) = bytes.split_at(bytes.len() / avx2::BLOCK_BYTES * avx2::BLOCK_BYTES);
        // SAFETY: the processor has AVX2, which is all that the function's `target_feature` asks for; its body is safe code.
        #[allow(unsafe_code)]
        let sum = unsafe { avx2::sum_blocks(blocks) };
        return sum + in_lanes(rest);
    }
    in_lanes(bytes)
}

/// Four independent lanes of 32-bit words in 64-bit sums: wide enough that no carry is lost below 16 GiB, and plain
/// enough that the compiler turns them into vector instructions.
#[inline]
fn in_lanes(bytes: &[u8]) -> u64 {
    let mut lanes = [0u64; 4];
    let mut blocks = bytes.chunks_exact(16);
    for block in &mut blocks {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(4)) {
            *lane += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        }
    }
    let mut sum: u64 = lanes.iter().sum();
    let mut words = blocks.remainder().chunks_exact(4);
    for word in &mut words {
        sum += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut pairs = words.remainder().chunks_exact(2);
    for pair in &mut pairs {
        sum += u64::from(u16::from_ne_bytes([pair[0], pair[1]]));
    }
    if let [last] = pairs.remainder() {
        sum += u64::from(u16::from_ne_bytes([*last, 0]));
    }
    sum
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use core::arch::x86_64::{
        __m256i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_set1_epi16, _mm256_setr_epi64x,
        _mm256_setzero_si256, _mm256_xor_si256,
    };

    cpufeatures::new!(detected, "avx2");

    /// Octets that are summed together: four registers.
    pub(super) const BLOCK_BYTES: usize = 128;
    /// Below this the plain sum is as fast.
    pub(super) const WORTHWHILE_BYTES: usize = 256;
    /// Blocks after which the lanes are emptied: each adds at most 2 · 2¹⁵ to a lane, which holds 2³¹.
    const BLOCKS_AT_ONCE: usize = 1 << 14;

    /// Whether this processor can; asked of it once.
    #[inline]
    pub(super) fn is_there() -> bool {
        detected::get()
    }

    /// The sum of the words of whole blocks. Words are taken as signed, less 2¹⁵, because the instruction that adds neighbours knows
    /// no others.
    #[target_feature(enable = "avx2")]
    pub(super) fn sum_blocks(bytes: &[u8]) -> u64 {
        let (ones, bias) = (_mm256_set1_epi16(1), _mm256_set1_epi16(i16::MIN));
        let mut total = (bytes.len() as i64 / 2) << 15;
        for part in bytes.chunks(BLOCKS_AT_ONCE * BLOCK_BYTES) {
            let mut lanes = [_mm256_setzero_si256(); 4];
            for block in part.chunks_exact(BLOCK_BYTES) {
                for (lane, octets) in lanes.iter_mut().zip(block.chunks_exact(32)) {
                    let words = _mm256_xor_si256(load(octets), bias);
                    *lane = _mm256_add_epi32(*lane, _mm256_madd_epi16(words, ones));
                }
            }
            for lane in lanes {
                total += halves(lane);
            }
        }
        total as u64
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(octets: &[u8]) -> __m256i {
        let part = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&octets[at..at + 8]);
            i64::from_ne_bytes(eight)
        };
        _mm256_setr_epi64x(part(0), part(8), part(16), part(24))
    }

    /// The sum of eight signed 32-bit numbers.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn halves(lane: __m256i) -> i64 {
        use core::arch::x86_64::_mm256_extract_epi32 as number;
        let first = i64::from(number::<0>(lane)) + i64::from(number::<1>(lane));
        let second = i64::from(number::<2>(lane)) + i64::from(number::<3>(lane));
        let third = i64::from(number::<4>(lane)) + i64::from(number::<5>(lane));
        first + second + third + i64::from(number::<6>(lane)) + i64::from(number::<7>(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::{in_lanes, sum_words};
    use std::vec::Vec;

    fn rest(sum: u64) -> (u64, bool) {
        (sum % 0xffff, sum == 0)
    }

    #[test]
    fn long_sums_equal_plain_ones() {
        let mut state = 1u32;
        let bytes: Vec<u8> = (0..70_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        for len in (0..2_000).chain([65_535, 70_000]) {
            assert_eq!(rest(sum_words(&bytes[..len])), rest(in_lanes(&bytes[..len])), "{len}");
            assert_eq!(rest(sum_words(&bytes[len..])), rest(in_lanes(&bytes[len..])), "{len}");
        }
    }

    #[test]
    fn extremes_overflow_no_lane() {
        for octet in [0x00, 0x7f, 0x80, 0xff] {
            let bytes = std::vec![octet; 5 << 20];
            assert_eq!(rest(sum_words(&bytes)), rest(in_lanes(&bytes)), "{octet:#x}");
        }
    }
}
