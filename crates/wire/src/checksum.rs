//! The Internet checksum (RFC 1071) over any number of pieces.

mod words;

use core::net::IpAddr;
use words::sum_words;

/// A running one's-complement sum.
///
/// Pieces may have any length: an odd piece shifts the next one by an octet, as if all were laid end to end.
///
/// ```
/// use sockeye_wire::Checksum;
/// let whole = Checksum::new().with(&[0x12, 0x34, 0x56]).finish();
/// let pieces = Checksum::new().with(&[0x12]).with(&[0x34, 0x56]).finish();
/// assert_eq!(whole, pieces);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    /// The sum in native byte order (RFC 1071 §2(B)), folded only at the end: 32-bit words leave room for 16 GiB of them.
    sum: u64,
    odd: bool,
}

impl Checksum {
    /// An empty sum.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: 0, odd: false }
    }

    /// The pseudo-header of RFC 9293 §3.1 (IPv4) or RFC 8200 §8.1 (IPv6); `len` counts header and data.
    ///
    /// Addresses of different families give the sum of nothing: such a packet cannot exist.
    #[inline]
    #[must_use]
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, len: u32) -> Self {
        let addresses = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                sum_words(&source.octets()) + sum_words(&destination.octets())
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                sum_words(&source.octets()) + sum_words(&destination.octets())
            }
            _ => return Self::new(),
        };
        let rest = u64::from(len.to_be()) + u64::from(u16::from(protocol).to_be());
        Self { sum: addresses + rest, odd: false }
    }

    /// Adds a piece.
    #[inline]
    #[must_use]
    pub fn with(self, piece: &[u8]) -> Self {
        let partial = sum_words(piece);
        let partial = if self.odd { u64::from(fold(partial).swap_bytes()) } else { partial };
        Self { sum: self.sum + partial, odd: self.odd ^ (piece.len() % 2 == 1) }
    }

    /// Adds a 16-bit field given in host order.
    #[inline]
    #[must_use]
    pub fn add_u16(self, field: u16) -> Self {
        self.with(&field.to_be_bytes())
    }

    /// The checksum to put into a header whose checksum field was summed as zero.
    #[inline]
    #[must_use]
    pub fn finish(self) -> u16 {
        !u16::from_be(fold(self.sum))
    }

    /// The sum without the final complement: what a `Partial` checksum field carries for the device to complete.
    #[inline]
    #[must_use]
    pub fn partial(self) -> u16 {
        u16::from_be(fold(self.sum))
    }

    /// Whether a sum that included the checksum field is right.
    #[inline]
    #[must_use]
    pub fn is_valid(self) -> bool {
        fold(self.sum) == 0xffff
    }
}

#[inline]
fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::Checksum;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// RFC 1071 §4.1, word by word.
    fn by_byte_pairs(bytes: &[u8]) -> u16 {
        let mut sum: u32 = 0;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Checksum::new().with(&bytes).finish(), !0xddf2);
    }

    proptest! {
        #[test]
        fn equals_the_byte_pair_sum(bytes: Vec<u8>) {
            prop_assert_eq!(Checksum::new().with(&bytes).finish(), by_byte_pairs(&bytes));
        }

        #[test]
        fn pieces_equal_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..300), cuts: Vec<usize>) {
            let mut sum = Checksum::new();
            let mut rest: &[u8] = &bytes;
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut % (rest.len() + 1));
                sum = sum.with(piece);
                rest = tail;
            }
            prop_assert_eq!(sum.with(rest).finish(), Checksum::new().with(&bytes).finish());
        }

        #[test]
        fn a_flipped_bit_is_noticed(mut bytes in proptest::collection::vec(any::<u8>(), 2..100), bit: usize) {
            if bytes.len() % 2 == 1 {
                bytes.push(0);
            }
            let field = Checksum::new().with(&bytes).finish();
            bytes.extend_from_slice(&field.to_be_bytes());
            prop_assert!(Checksum::new().with(&bytes).is_valid());
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!Checksum::new().with(&bytes).is_valid());
        }
    }
}
