//! Keys derived from the host's secret, and hash tables that use them.

use core::hash::{BuildHasher, Hasher};
use siphasher::sip::SipHasher13;

/// Hashes with a secret key, so that strangers cannot fill one bucket.
#[derive(Clone)]
pub(crate) struct Keyed([u8; 16]);

impl Keyed {
    /// A key of its own for each `purpose`; none tells anything of another.
    pub(crate) fn derive(secret: &[u8; 32], purpose: &str) -> Self {
        let half = |from: usize| {
            let mut key = [0; 16];
            key.copy_from_slice(&secret[from..from + 16]);
            let mut hasher = SipHasher13::new_with_key(&key);
            hasher.write(&secret[16 - from..32 - from]);
            hasher.write(purpose.as_bytes());
            hasher.finish().to_le_bytes()
        };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&half(0));
        key[8..].copy_from_slice(&half(16));
        Self(key)
    }

    pub(crate) const fn key(&self) -> [u8; 16] {
        self.0
    }
}

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}
