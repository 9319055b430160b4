//! Segments signed with a shared key: TCP-AO (RFC 5925, RFC 5926) and its predecessor, the MD5 option (RFC 2385).
//!
//! The signature covers addresses, so whoever knows them signs: a host keeps an [`Authenticator`] beside each connection
//! that has keys, hands it every segment on the way out ([`Authenticator::sign`]) and on the way in
//! ([`Authenticator::verify`]). The machine itself only leaves room ([`Signature::option_bytes`]).
//!
//! | module | what it is |
//! |---|---|
//! | `key` | master keys, and for which connections they are |
//! | `ao`, `md5` | what a connection keeps of either |
//! | `message` | which octets a signature covers |
//! | `digest` | key derivation and message authentication codes (RFC 5926) |
//! | `extension` | sequence numbers made 64 bits long (RFC 5925 §6.2) |

mod ao;
mod digest;
mod extension;
mod key;
mod md5;
mod message;
#[cfg(test)]
mod tests;

pub use digest::Algorithm;
pub use key::{Key, KeyError, KeyId, KeyRing, Pattern};

use crate::state::State;
use crate::{Connection, Endpoints, Transmit};
use ao::Ao;
use md5::Md5;
use thiserror::Error;

/// How a connection's segments are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Signature {
    /// Not at all.
    #[default]
    None,
    /// By the MD5 option.
    Md5,
    /// By TCP-AO.
    Ao,
}

impl Signature {
    /// Octets of each segment's 40 for options that the signature takes, padding included.
    #[must_use]
    pub const fn option_bytes(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Md5 => 20,
            Self::Ao => 16,
        }
    }

    /// Whether timestamps can be used too. Of the 20 octets that MD5 leaves they would take 12, and no SACK block would fit: of
    /// the two Linux keeps SACK.
    pub(crate) const fn allows_timestamps(self) -> bool {
        !matches!(self, Self::Md5)
    }
}

/// Why a segment was refused. It is to be dropped silently (RFC 5925 §7.5, RFC 2385 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Rejection {
    /// Not signed, or not in the way that the connection's keys ask for.
    #[error("the segment is not signed")]
    Missing,
    /// Signed, though there is no key; or signed twice.
    #[error("the segment is signed without need")]
    Unexpected,
    /// No key has this KeyID.
    #[error("no key has the segment's KeyID")]
    UnknownKey,
    /// The signature is not right.
    #[error("the segment's signature is wrong")]
    Wrong,
}

/// What is known of a connection's signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AuthInfo {
    /// The kind.
    pub signature: Signature,
    /// KeyID that segments are sent with; TCP-AO only.
    pub current_key: Option<u8>,
    /// RNextKeyID: the KeyID that the peer is asked to use; TCP-AO only.
    pub next_key: Option<u8>,
    /// Keys held.
    pub keys: usize,
    /// Segments received whose signature was right.
    pub verified: u64,
    /// Segments received that were refused.
    pub rejected: u64,
}

/// A connection's keys and what follows from them.
#[derive(Clone, Debug)]
pub struct Authenticator {
    scheme: Scheme,
    accepts_icmp: bool,
    verified: u64,
    rejected: u64,
}

#[derive(Clone, Debug)]
enum Scheme {
    Md5(Md5),
    Ao(Ao),
}

impl Authenticator {
    /// For a connection between `endpoints`, with those of `keys` that are for it; none if there is no such key. Where there are
    /// keys for both, TCP-AO goes before MD5: they exclude each other (RFC 5925 §2.2).
    #[must_use]
    pub fn select(keys: &KeyRing, endpoints: &Endpoints) -> Option<Self> {
        let ao = Ao::new(keys.matching(endpoints)).map(Scheme::Ao);
        let scheme = ao.or_else(|| Md5::new(keys.matching(endpoints)).map(Scheme::Md5))?;
        Some(Self { scheme, accepts_icmp: false, verified: 0, rejected: 0 })
    }

    /// The kind of signature.
    #[must_use]
    pub const fn signature(&self) -> Signature {
        match self.scheme {
            Scheme::Md5(_) => Signature::Md5,
            Scheme::Ao(_) => Signature::Ao,
        }
    }

    /// Adds a key; an MD5 key takes the place of the one before.
    ///
    /// # Errors
    /// [`KeyError::Mixed`] if it is of the other kind, [`KeyError::InUse`] if one of its ids is taken.
    pub fn add(&mut self, key: Key) -> Result<(), KeyError> {
        match &mut self.scheme {
            Scheme::Md5(md5) => md5.replace(key),
            Scheme::Ao(ao) => ao.add(key),
        }
    }

    /// Takes a key away. The last MD5 key can only be replaced.
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`]; [`KeyError::InUse`] if segments are signed with it or the peer is asked to use it.
    pub fn remove(&mut self, id: KeyId) -> Result<(), KeyError> {
        match (&mut self.scheme, id) {
            (Scheme::Ao(ao), KeyId::Ao { send, receive }) => ao.remove(send, receive),
            (Scheme::Md5(_), KeyId::Md5) => Err(KeyError::InUse),
            _ => Err(KeyError::NoSuchKey),
        }
    }

    /// Signs with the key of this SendID from now on (TCP-AO). The peer's RNextKeyID may change it again.
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`].
    pub fn set_current_key(&mut self, send_id: u8) -> Result<(), KeyError> {
        match &mut self.scheme {
            Scheme::Ao(ao) => ao.set_current(send_id),
            Scheme::Md5(_) => Err(KeyError::NoSuchKey),
        }
    }

    /// Asks the peer to sign with the key of this RecvID from now on (TCP-AO).
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`].
    pub fn set_next_key(&mut self, receive_id: u8) -> Result<(), KeyError> {
        match &mut self.scheme {
            Scheme::Ao(ao) => ao.set_next(receive_id),
            Scheme::Md5(_) => Err(KeyError::NoSuchKey),
        }
    }

    /// Whether errors that anybody could send are believed; not at first (RFC 5925 §7.8).
    pub const fn set_accepts_icmp(&mut self, on: bool) {
        self.accepts_icmp = on;
    }

    /// Whether errors that anybody could send are believed.
    #[must_use]
    pub const fn accepts_icmp(&self) -> bool {
        self.accepts_icmp
    }

    /// Signs a segment that is about to leave. False if that cannot be done, because not enough is known of the peer: it must
    /// not be sent then.
    #[must_use]
    pub fn sign(&mut self, endpoints: &Endpoints, transmit: &mut Transmit) -> bool {
        match &mut self.scheme {
            Scheme::Md5(md5) => md5.sign(endpoints, transmit),
            Scheme::Ao(ao) => ao.sign(endpoints, transmit),
        }
    }

    /// Verifies a segment that arrived from `endpoints.remote`: its whole TCP `header`, and its `data` in pieces.
    ///
    /// # Errors
    /// [`Rejection`]: the segment is to be dropped.
    pub fn verify<'a>(
        &mut self,
        endpoints: &Endpoints,
        header: &[u8],
        data: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), Rejection> {
        let outcome = match &mut self.scheme {
            Scheme::Md5(md5) => md5.verify(endpoints, header, data),
            Scheme::Ao(ao) => ao.verify(endpoints, header, data),
        };
        match outcome {
            Ok(()) => self.verified += 1,
            Err(_) => self.rejected += 1,
        }
        outcome
    }

    /// What is known of the connection's signatures.
    #[must_use]
    pub fn info(&self) -> AuthInfo {
        let (current_key, next_key, keys) = match &self.scheme {
            Scheme::Md5(_) => (None, None, 1),
            Scheme::Ao(ao) => ao.ids(),
        };
        AuthInfo {
            signature: self.signature(),
            current_key,
            next_key,
            keys,
            verified: self.verified,
            rejected: self.rejected,
        }
    }
}

impl Connection {
    /// Leaves room for signatures from the SYN on, without Fast Open then; false if it is too late for that.
    pub fn set_signature(&mut self, signature: Signature) -> bool {
        let State::SynSent(syn_sent) = self.state_mut() else { return false };
        syn_sent.sign(signature);
        self.extras.forget_fast_open();
        true
    }
}
