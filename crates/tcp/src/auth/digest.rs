//! Key derivation and message authentication codes (RFC 5926).

use arrayvec::ArrayVec;
use cmac::Cmac;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Octets of either code in a segment: both are cut to 96 bits (RFC 5926 §3.2).
pub(super) const MAC_BYTES: usize = 12;

/// A derived key: 160 bits for HMAC-SHA-1, 128 for AES.
pub(super) type TrafficKey = ArrayVec<u8, 20>;

type HmacSha1 = Hmac<Sha1>;
type AesCmac = Cmac<aes::Aes128>;

/// The pairs of key derivation function and message authentication code that every implementation has (RFC 5926 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// `KDF_HMAC_SHA1` and HMAC-SHA-1-96.
    #[default]
    HmacSha1,
    /// `KDF_AES_128_CMAC` and AES-128-CMAC-96.
    Aes128Cmac,
}

impl Algorithm {
    /// The key of one connection and direction (RFC 5926 §3.1.1): `context` is the 4-tuple and both ISNs.
    pub(super) fn traffic_key(self, master: &[u8], context: &[u8]) -> TrafficKey {
        const LABEL: &[u8] = b"TCP-AO";
        match self {
            Self::HmacSha1 => {
                let input = [&[1], LABEL, context, &160_u16.to_be_bytes()];
                let code = hmac_sha1(master, input.into_iter());
                code.into_iter().collect()
            }
            Self::Aes128Cmac => {
                // RFC 5926 §3.1.1.2: a master key of any length becomes one of 128 bits first.
                let key = <[u8; 16]>::try_from(master)
                    .unwrap_or_else(|_| aes_cmac(&[0; 16], [master].into_iter()));
                let input = [&[1], LABEL, context, &128_u16.to_be_bytes()];
                aes_cmac(&key, input.into_iter()).into_iter().collect()
            }
        }
    }

    /// The code over a message in parts.
    pub(super) fn mac<'a>(
        self,
        key: &TrafficKey,
        message: impl Iterator<Item = &'a [u8]>,
    ) -> [u8; MAC_BYTES] {
        let mut cut = [0; MAC_BYTES];
        match self {
            Self::HmacSha1 => cut.copy_from_slice(&hmac_sha1(key, message)[..MAC_BYTES]),
            Self::Aes128Cmac => {
                let mut whole = [0; 16];
                whole.copy_from_slice(&key[..16]);
                cut.copy_from_slice(&aes_cmac(&whole, message)[..MAC_BYTES]);
            }
        }
        cut
    }
}

/// RFC 2104, RFC 2404.
fn hmac_sha1<'a>(key: &[u8], message: impl Iterator<Item = &'a [u8]>) -> [u8; 20] {
    // HMAC takes keys of any length, so that there is no error to come.
    let Ok(mut mac) = HmacSha1::new_from_slice(key) else { return [0; 20] };
    message.for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// RFC 4493.
fn aes_cmac<'a>(key: &[u8; 16], message: impl Iterator<Item = &'a [u8]>) -> [u8; 16] {
    let mut mac = <AesCmac as KeyInit>::new(key.into());
    message.for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Whether two codes are equal, in a time that does not tell where they differ.
pub(super) fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && core::hint::black_box(difference) == 0
}
