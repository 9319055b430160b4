//! Who is bound where, by Linux's rules of conflict.

use crate::files::FileId;
use core::net::SocketAddr;
use std::collections::HashMap;

/// A socket's hold on an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) file: FileId,
    pub(crate) address: SocketAddr,
    /// At `[::]`: IPv4 too.
    pub(crate) dual: bool,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) listening: bool,
}

impl Claim {
    fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (self.address.ip(), other.address.ip());
        if one.is_ipv4() == two.is_ipv4() {
            one == two || one.is_unspecified() || two.is_unspecified()
        } else {
            let takes_all = |claim: &Self| claim.dual && claim.address.ip().is_unspecified();
            takes_all(self) || takes_all(other)
        }
    }

    fn conflicts(&self, other: &Self) -> bool {
        let shared = (self.reuse_address && other.reuse_address && !other.listening)
            || (self.reuse_port && other.reuse_port);
        self.file != other.file && self.overlaps(other) && !shared
    }
}

#[derive(Debug, Default)]
pub(crate) struct Bindings(HashMap<u16, Vec<Claim>>);

impl Bindings {
    pub(crate) fn conflicts(&self, claim: &Claim) -> bool {
        self.at(claim.address.port()).iter().any(|other| claim.conflicts(other))
    }

    pub(crate) fn is_free(&self, port: u16) -> bool {
        self.at(port).is_empty()
    }

    fn at(&self, port: u16) -> &[Claim] {
        self.0.get(&port).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn add(&mut self, claim: Claim) {
        self.0.entry(claim.address.port()).or_default().push(claim);
    }

    /// Changes what a claim is like.
    pub(crate) fn update(&mut self, port: u16, file: FileId, change: impl FnOnce(&mut Claim)) {
        let mut claims = self.0.get_mut(&port).into_iter().flatten();
        if let Some(claim) = claims.find(|claim| claim.file == file) {
            change(claim);
        }
    }

    pub(crate) fn remove(&mut self, port: u16, file: FileId) {
        if let Some(claims) = self.0.get_mut(&port) {
            claims.retain(|claim| claim.file != file);
            if claims.is_empty() {
                self.0.remove(&port);
            }
        }
    }
}
