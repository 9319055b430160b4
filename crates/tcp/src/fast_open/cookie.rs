//! Cookies and the keys that make them (RFC 7413 §4.1.2).

use crate::Endpoints;
use arrayvec::ArrayVec;
use core::fmt;
use core::hash::Hasher;
use core::net::IpAddr;
use siphasher::sip::SipHasher24;

const MIN_BYTES: usize = 4;
const MAX_BYTES: usize = 16;

/// A cookie: an even number of 4 to 16 octets, of no meaning to the client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FastOpenCookie {
    len: u8,
    bytes: [u8; MAX_BYTES],
}

impl FastOpenCookie {
    /// None if the length is illegal.
    #[must_use]
    pub fn new(cookie: &[u8]) -> Option<Self> {
        let len = cookie.len();
        if !(MIN_BYTES..=MAX_BYTES).contains(&len) || !len.is_multiple_of(2) {
            return None;
        }
        let mut bytes = [0; MAX_BYTES];
        bytes[..len].copy_from_slice(cookie);
        Some(Self { len: len as u8, bytes })
    }

    /// Its octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for FastOpenCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which key a cookie was made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyUsed {
    /// The one in use.
    Primary,
    /// The one before: the client should get a new cookie.
    Backup,
}

/// A server's keys: cookies made with either are good, so that keys can be changed while clients hold cookies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FastOpenKeys {
    /// Makes cookies.
    pub primary: [u8; 16],
    /// Still accepted.
    pub backup: Option<[u8; 16]>,
}

impl FastOpenKeys {
    /// The cookie for the client of `endpoints`.
    #[must_use]
    pub fn cookie(&self, endpoints: &Endpoints) -> FastOpenCookie {
        cookie(&self.primary, endpoints)
    }

    /// Whether this is the cookie of `endpoints`' client, and by which key.
    #[must_use]
    pub fn check(&self, endpoints: &Endpoints, shown: &FastOpenCookie) -> Option<KeyUsed> {
        if cookie(&self.primary, endpoints) == *shown {
            return Some(KeyUsed::Primary);
        }
        self.backup
            .is_some_and(|backup| cookie(&backup, endpoints) == *shown)
            .then_some(KeyUsed::Backup)
    }
}

/// Keys are secrets.
impl fmt::Debug for FastOpenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastOpenKeys").finish_non_exhaustive()
    }
}

/// SipHash-2-4 of client's and server's address: what Linux computes, so that a server farm may mix both.
fn cookie(key: &[u8; 16], endpoints: &Endpoints) -> FastOpenCookie {
    let mut addresses = ArrayVec::<u8, 32>::new();
    for address in [endpoints.remote.ip(), endpoints.local.ip()] {
        match address {
            IpAddr::V4(address) => addresses.extend(address.octets()),
            IpAddr::V6(address) => addresses.extend(address.octets()),
        }
    }
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(&addresses);
    let mut bytes = [0; MAX_BYTES];
    bytes[..8].copy_from_slice(&hasher.finish().to_le_bytes());
    FastOpenCookie { len: 8, bytes }
}
