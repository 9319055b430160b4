//! Fast recovery for peers without SACK (RFC 6582).

use super::recovery::DUPLICATE_THRESHOLD;

/// Each duplicate ACK means that a segment left the network, each partial one that the next hole is lost too.
#[derive(Debug)]
pub(super) struct NewReno {
    pub(super) inflation: u32,
    partial_seen: bool,
}

impl NewReno {
    pub(super) fn new(mss: u32) -> Self {
        Self { inflation: DUPLICATE_THRESHOLD * mss, partial_seen: false }
    }

    pub(super) fn on_duplicate(&mut self, mss: u32) {
        self.inflation = self.inflation.saturating_add(mss);
    }

    /// A partial acknowledgement of `acked` octets; true if it is the first, which alone restarts the timer (RFC 6582 §3.2, the
    /// impatient variant).
    pub(super) fn on_partial(&mut self, acked: u32, mss: u32) -> bool {
        self.inflation = self.inflation.saturating_sub(acked);
        if acked >= mss {
            self.inflation += mss;
        }
        !core::mem::replace(&mut self.partial_seen, true)
    }
}
