//! What becomes of what an end sends.

use super::seen::Seen;
use std::collections::{HashSet, VecDeque};

/// The way from an end to its peer.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The digests of all of it, if it is signed: nothing else may be taken for it.
    signed: HashSet<u64>,
    pub(super) is_signed: bool,
    /// Of what is under way, in the order of sending, as long as it arrives like that.
    under_way: VecDeque<u64>,
    is_unfaithful: bool,
}

impl Way {
    pub(super) fn on_sent(&mut self, seen: &Seen) {
        self.is_signed |= seen.flags.syn() && seen.is_signed;
        if self.is_signed {
            self.signed.insert(seen.digest);
        }
        if !self.is_unfaithful {
            self.under_way.push_back(seen.digest);
        }
    }

    pub(super) fn on_arrival(&mut self, seen: &Seen) {
        if self.under_way.pop_front() != Some(seen.digest) {
            self.is_unfaithful = true;
            self.under_way.clear();
        }
    }

    /// All that was sent has arrived, in that order, and nothing else.
    pub(super) fn is_faithful(&self) -> bool {
        !self.is_unfaithful && self.under_way.is_empty()
    }

    /// Whether it may be what was sent, as far as that can be told from a signature.
    pub(super) fn has_brought(&self, seen: &Seen) -> bool {
        !self.is_signed || self.signed.contains(&seen.digest)
    }
}
