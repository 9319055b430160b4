//! The MD5 option (RFC 2385): obsolete, and still what many routers speak.

use super::Rejection;
use super::digest::is_equal;
use super::key::{Key, KeyError, KeyId};
use super::message::{bare_header, find_signature, inward, outward, pseudo_header, with_signature};
use crate::{Endpoints, Transmit};
use core::net::SocketAddr;
use md5::Digest;
use sockeye_wire::tcp::options::kind;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, TcpOption};

const DIGEST_BYTES: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Md5 {
    key: Key,
}

impl Md5 {
    /// With the key whose pattern is the most particular.
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a Key>) -> Option<Self> {
        let keys = keys.filter(|key| key.id() == KeyId::Md5);
        keys.max_by_key(|key| key.pattern().precision()).map(|key| Self { key: key.clone() })
    }

    pub(super) fn replace(&mut self, key: Key) -> Result<(), KeyError> {
        if key.id() != KeyId::Md5 {
            return Err(KeyError::Mixed);
        }
        self.key = key;
        Ok(())
    }

    pub(super) fn sign(&self, endpoints: &Endpoints, transmit: &mut Transmit) -> bool {
        let mut header = transmit.header.clone();
        header.source_port = endpoints.local.port();
        header.destination_port = endpoints.remote.port();
        let option = |digest: &[u8; DIGEST_BYTES]| {
            let parts = [TcpOption::NoOperation, TcpOption::NoOperation, TcpOption::Md5(digest)];
            with_signature(&transmit.header, &parts)
        };
        // The digest does not cover options, but the data offset counts them.
        let Some(options) = option(&[0; DIGEST_BYTES]) else { return false };
        header.options = options;
        let mut bytes = [0; MAX_HEADER_BYTES];
        let len = header.emit(&mut bytes);
        let data = transmit.payload.pieces().iter().map(|piece| &piece[..]);
        let digest = self.digest(outward(endpoints), &bytes[..len], data);
        let Some(options) = option(&digest) else { return false };
        transmit.header.options = options;
        true
    }

    pub(super) fn verify<'a>(
        &self,
        endpoints: &Endpoints,
        header: &[u8],
        data: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), Rejection> {
        let place = find_signature(header, kind::MD5)?;
        let digest = self.digest(inward(endpoints), header, data);
        if is_equal(&header[place][2..], &digest) { Ok(()) } else { Err(Rejection::Wrong) }
    }

    fn digest<'a>(
        &self,
        (from, to): (SocketAddr, SocketAddr),
        header: &[u8],
        data: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> [u8; DIGEST_BYTES] {
        let len = header.len() + data.clone().map(<[u8]>::len).sum::<usize>();
        let mut digest = md5::Md5::new();
        digest.update(pseudo_header(from, to, len));
        digest.update(bare_header(header));
        data.for_each(|piece| digest.update(piece));
        digest.update(self.key.secret());
        digest.finalize().into()
    }
}
