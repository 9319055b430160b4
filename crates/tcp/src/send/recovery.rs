//! Fast retransmit and fast recovery without SACK: NewReno (RFC 6582), with limited transmit (RFC 3042).
//!
//! SACK-based recovery and RACK-TLP take this file's place for peers that know SACK.

use sockeye_wire::SeqNumber;

/// Duplicate ACKs that mean loss (RFC 5681 §3.2).
const DUPLICATE_THRESHOLD: u32 = 3;

/// Where the sender stands between losses.
#[derive(Clone, Debug)]
pub(super) struct Recovery {
    /// Highest sequence number sent when the last loss was found.
    recover: SeqNumber,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No loss known; so many duplicate ACKs in a row.
    Open { duplicates: u32 },
    /// Fast recovery: each duplicate ACK means that a segment left the network.
    Fast { inflation: u32, partial_seen: bool },
}

/// What a duplicate ACK means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Duplicate {
    /// Nothing yet.
    Noted,
    /// The first segment is lost: fast recovery begins.
    EnterRecovery,
}

/// What new data acknowledged means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// No recovery is under way: the window may grow.
    Normal,
    /// Everything outstanding at the loss is acknowledged.
    Recovered,
    /// The next hole is lost too; `restart_timer` for the first such ACK only (RFC 6582 §3.2, the impatient variant).
    NextHole { restart_timer: bool },
}

impl Recovery {
    pub(super) fn new(iss: SeqNumber) -> Self {
        Self { recover: iss, phase: Phase::Open { duplicates: 0 } }
    }

    /// Bytes that may be in flight beyond the congestion window, because duplicate ACKs say that as much has left the network.
    #[inline]
    pub(super) fn inflation(&self, mss: u32) -> u32 {
        match self.phase {
            Phase::Open { duplicates } => duplicates.min(DUPLICATE_THRESHOLD - 1) * mss,
            Phase::Fast { inflation, .. } => inflation,
        }
    }

    /// A duplicate ACK for `una`, with data up to `nxt` outstanding.
    pub(super) fn on_duplicate(&mut self, una: SeqNumber, nxt: SeqNumber, mss: u32) -> Duplicate {
        match &mut self.phase {
            Phase::Fast { inflation, .. } => {
                *inflation = inflation.saturating_add(mss);
                Duplicate::Noted
            }
            Phase::Open { duplicates } => {
                *duplicates = duplicates.saturating_add(1);
                // RFC 6582 §3.2 step 2: not again before what was sent at the last loss is acknowledged.
                if *duplicates < DUPLICATE_THRESHOLD || !una.back(1).at_or_after(self.recover) {
                    return Duplicate::Noted;
                }
                self.recover = nxt;
                self.phase =
                    Phase::Fast { inflation: DUPLICATE_THRESHOLD * mss, partial_seen: false };
                Duplicate::EnterRecovery
            }
        }
    }

    /// SND.UNA advanced to `una` by `acked`.
    #[inline]
    pub(super) fn on_progress(&mut self, una: SeqNumber, acked: u32, mss: u32) -> Progress {
        match &mut self.phase {
            Phase::Open { duplicates } => {
                *duplicates = 0;
                Progress::Normal
            }
            Phase::Fast { .. } if una.at_or_after(self.recover) => {
                self.phase = Phase::Open { duplicates: 0 };
                Progress::Recovered
            }
            Phase::Fast { inflation, partial_seen, .. } => {
                *inflation = inflation.saturating_sub(acked);
                if acked >= mss {
                    *inflation += mss;
                }
                let restart_timer = !core::mem::replace(partial_seen, true);
                Progress::NextHole { restart_timer }
            }
        }
    }

    /// The retransmission timer expired with data up to `nxt` outstanding.
    pub(super) fn on_timeout(&mut self, nxt: SeqNumber) {
        self.recover = nxt;
        self.phase = Phase::Open { duplicates: 0 };
    }
}
