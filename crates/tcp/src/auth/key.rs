//! Keys, and for which connections they are.

use super::digest::Algorithm;
use crate::Endpoints;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use thiserror::Error;

/// Which connections a key is for (RFC 5925 §3.1, "TCP connection identifier"). What is `None` matches everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pattern {
    /// Our address: a prefix and its length in bits.
    pub local: Option<(IpAddr, u8)>,
    /// Our port.
    pub local_port: Option<u16>,
    /// The peer's address: a prefix and its length in bits.
    pub remote: Option<(IpAddr, u8)>,
    /// The peer's port.
    pub remote_port: Option<u16>,
}

impl Pattern {
    /// Every connection with peers in this prefix.
    #[must_use]
    pub const fn peers(prefix: IpAddr, len: u8) -> Self {
        Self { local: None, local_port: None, remote: Some((prefix, len)), remote_port: None }
    }

    /// Every connection with this peer.
    #[must_use]
    pub const fn peer(address: IpAddr) -> Self {
        Self::peers(address, 128)
    }

    fn matches(&self, endpoints: &Endpoints) -> bool {
        let end = |prefix: Option<(IpAddr, u8)>, port: Option<u16>, end: SocketAddr| {
            prefix.is_none_or(|(prefix, len)| have_in_common(prefix, end.ip(), len))
                && port.is_none_or(|port| port == end.port())
        };
        end(self.local, self.local_port, endpoints.local)
            && end(self.remote, self.remote_port, endpoints.remote)
    }

    /// Whether a connection could match both.
    fn overlaps(&self, other: &Self) -> bool {
        let prefixes = |one: Option<(IpAddr, u8)>, other: Option<(IpAddr, u8)>| match (one, other) {
            (Some((one, len)), Some((other, other_len))) => {
                have_in_common(one, other, len.min(other_len))
            }
            _ => true,
        };
        let ports = |one: Option<u16>, other: Option<u16>| {
            one.is_none_or(|one| other.is_none_or(|other| one == other))
        };
        prefixes(self.local, other.local)
            && prefixes(self.remote, other.remote)
            && ports(self.local_port, other.local_port)
            && ports(self.remote_port, other.remote_port)
    }

    /// The more, the more particular.
    pub(super) fn precision(&self) -> u32 {
        let prefix = |prefix: Option<(IpAddr, u8)>| prefix.map_or(0, |(_, len)| u32::from(len) + 1);
        let port = |port: Option<u16>| u32::from(port.is_some());
        prefix(self.remote) * 4
            + prefix(self.local) * 4
            + port(self.local_port)
            + port(self.remote_port)
    }
}

/// Whether two addresses begin with the same `len` bits; any length will do if they are equal, none if their families differ.
fn have_in_common(one: IpAddr, other: IpAddr, len: u8) -> bool {
    let differing = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differing == 0 || differing.leading_zeros() >= u32::from(len)
}

/// Names a key among those for the same connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyId {
    /// The key for the MD5 option, of which there is one.
    Md5,
    /// A key for TCP-AO.
    Ao {
        /// SendID: the KeyID of segments that we sign.
        send: u8,
        /// RecvID: the KeyID of segments that the peer signs.
        receive: u8,
    },
}

/// A key: a master key tuple (RFC 5925 §3.1), or a password for the MD5 option.
#[derive(Clone)]
pub struct Key {
    pattern: Pattern,
    id: KeyId,
    secret: Arc<[u8]>,
    algorithm: Algorithm,
    covers_options: bool,
}

impl Key {
    /// A key for TCP-AO that also covers the other options, as by default (RFC 5925 §3.1).
    #[must_use]
    pub fn ao(
        pattern: Pattern,
        send: u8,
        receive: u8,
        algorithm: Algorithm,
        secret: &[u8],
    ) -> Self {
        let id = KeyId::Ao { send, receive };
        Self { pattern, id, secret: secret.into(), algorithm, covers_options: true }
    }

    /// Leaves the other options out of the signature, for paths with middleboxes that change them.
    #[must_use]
    pub fn without_options(mut self) -> Self {
        self.covers_options = false;
        self
    }

    /// A key for the MD5 option.
    #[must_use]
    pub fn md5(pattern: Pattern, secret: &[u8]) -> Self {
        let algorithm = Algorithm::default();
        Self { pattern, id: KeyId::Md5, secret: secret.into(), algorithm, covers_options: false }
    }

    /// Whether it is for this connection.
    #[must_use]
    pub fn is_for(&self, endpoints: &Endpoints) -> bool {
        self.pattern.matches(endpoints)
    }

    /// For which connections it is.
    #[must_use]
    pub const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(super) const fn ids(&self) -> Option<(u8, u8)> {
        match self.id {
            KeyId::Md5 => None,
            KeyId::Ao { send, receive } => Some((send, receive)),
        }
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn covers_options(&self) -> bool {
        self.covers_options
    }

    /// Whether a segment could not tell which of the two it was signed with (RFC 5925 §3.1).
    fn conflicts(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (KeyId::Md5, KeyId::Md5) => self.pattern == other.pattern,
            (
                KeyId::Ao { send, receive },
                KeyId::Ao { send: other_send, receive: other_receive },
            ) => {
                (send == other_send || receive == other_receive)
                    && self.pattern.overlaps(&other.pattern)
            }
            _ => false,
        }
    }
}

/// Without the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("pattern", &self.pattern)
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("covers_options", &self.covers_options)
            .finish_non_exhaustive()
    }
}

/// Why a key could not be added or removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyError {
    /// Another key for the same connections has one of its ids, or the key to be removed is at work.
    #[error("the key or one of its ids is in use")]
    InUse,
    /// There is no such key, connection or listener.
    #[error("no such key")]
    NoSuchKey,
    /// TCP-AO and MD5 keys for one connection (RFC 5925 §2.2).
    #[error("TCP-AO and MD5 exclude each other")]
    Mixed,
    /// A signed connection is signed from its SYN on.
    #[error("the connection was opened without signatures")]
    TooLate,
    /// The key is for other connections.
    #[error("the key is not for this connection")]
    Elsewhere,
}

/// Keys for many connections, as a listener has them.
#[derive(Clone, Debug, Default)]
pub struct KeyRing(Vec<Key>);

impl KeyRing {
    /// Whether there is no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a key; an MD5 key takes the place of the one with the same pattern.
    ///
    /// # Errors
    /// [`KeyError::InUse`] if a key for some of the same connections has its SendID or RecvID, [`KeyError::Mixed`] if one for
    /// some of the same connections is of the other kind.
    pub fn add(&mut self, key: Key) -> Result<(), KeyError> {
        let mixed = |known: &Key| {
            (known.id == KeyId::Md5) != (key.id == KeyId::Md5)
                && known.pattern.overlaps(&key.pattern)
        };
        if self.0.iter().any(mixed) {
            return Err(KeyError::Mixed);
        }
        if key.id == KeyId::Md5 {
            self.0.retain(|known| !known.conflicts(&key));
        } else if self.0.iter().any(|known| known.conflicts(&key)) {
            return Err(KeyError::InUse);
        }
        self.0.push(key);
        Ok(())
    }

    /// Removes a key; connections that have it keep it.
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`].
    pub fn remove(&mut self, pattern: &Pattern, id: KeyId) -> Result<(), KeyError> {
        let before = self.0.len();
        self.0.retain(|known| known.id != id || known.pattern != *pattern);
        if self.0.len() == before { Err(KeyError::NoSuchKey) } else { Ok(()) }
    }

    pub(super) fn matching<'a>(
        &'a self,
        endpoints: &'a Endpoints,
    ) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(|key| key.is_for(endpoints))
    }
}

impl FromIterator<Key> for KeyRing {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}
