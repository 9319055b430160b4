//! Where the sender stands between losses, and what an episode of loss remembers.
//!
//! Peers with SACK: loss is told by [RACK](super::rack), the window steered by [PRR](super::prr). Peers without: [NewReno](super::newreno).

use super::frto::Frto;
use super::newreno::NewReno;
use super::prr::Prr;
use super::rtt::RttEstimator;
use crate::congestion::Controller;
use alloc::boxed::Box;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, SeqNumber};

/// Duplicate ACKs that mean loss (RFC 5681 §3.2).
pub(super) const DUPLICATE_THRESHOLD: u32 = 3;

/// What goes on between a sender and the network; the names are Linux's (`tcpi_ca_state`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// Nothing unusual.
    #[default]
    Open,
    /// Something arrived out of order, and nothing is believed lost yet.
    Disorder,
    /// The window comes down because marks were fed back (`CWR`).
    Reduced,
    /// A loss that acknowledgements told of is being repaired.
    Recovery,
    /// A loss that only the timer noticed is being repaired.
    Loss,
}

/// Nothing is lost, or an episode is under way.
#[derive(Debug)]
pub(super) struct Recovery {
    /// Highest sequence number sent when the last loss was found.
    pub(super) recover: SeqNumber,
    /// Duplicate ACKs in a row while nothing is known to be lost; counted for peers without SACK.
    duplicates: u8,
    /// The window was reduced, and the peer may have to be told (RFC 3168 §6.1.2).
    reduced: bool,
    /// The last reduction was taken back: marks on what was sent before it are not answered by it.
    undone: bool,
    episode: Option<Box<Episode>>,
}

/// From the discovery of a loss until everything sent before it is acknowledged.
#[derive(Debug)]
pub(super) struct Episode {
    pub(super) kind: Kind,
    /// What congestion control was before it reacted, in case the loss was none.
    pub(super) before: Controller,
    /// SRTT and RTTVAR before a timeout, in case that was spurious (RFC 4015 §3.4).
    pub(super) rtt_before: Option<RttEstimator>,
    /// When the first segment was sent again, as our timestamps tell it: an echo from before that is of the original
    /// (Eifel detection, RFC 3522).
    pub(super) first_resent: Option<Instant>,
    /// Segments sent again less those reported twice by D-SACK; zero again means that none was needed.
    resent: u32,
    /// SND.UNA when it began: a duplicate of what is below was not sent again by it.
    una: SeqNumber,
    /// Marks were fed back meanwhile, and this reduction answers them: it stays, whatever is found out about the loss.
    pub(super) marked: bool,
}

/// How the loss was found, and so how recovery goes.
#[derive(Debug)]
pub(super) enum Kind {
    /// By SACK: the window follows proportional rate reduction.
    Sack(Prr),
    /// Nothing is lost, but marked "congestion experienced": the window comes down the same way (RFC 9937 §1).
    Marked(Prr),
    /// By three duplicate ACKs.
    NewReno(NewReno),
    /// By the timer: slow start from one segment.
    Timeout(Frto),
}

impl Episode {
    /// The peer reports `block` as a duplicate; true if by now every segment that was sent again was one (RFC 2883 §5). A block may
    /// stand for several segments.
    pub(super) fn on_duplicate(&mut self, block: &SackBlock, mss: u32) -> bool {
        if !block.right.after(self.una) || self.resent == 0 {
            return false;
        }
        let segments = block.right.since(block.left).div_ceil(mss);
        self.resent = self.resent.saturating_sub(segments);
        self.resent == 0
    }
}

impl Recovery {
    pub(super) fn new(iss: SeqNumber) -> Self {
        Self { recover: iss, duplicates: 0, reduced: false, undone: false, episode: None }
    }

    #[inline]
    pub(super) fn episode(&self) -> Option<&Episode> {
        self.episode.as_deref()
    }

    #[inline]
    pub(super) fn episode_mut(&mut self) -> Option<&mut Episode> {
        self.episode.as_deref_mut()
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.episode.is_none()
    }

    /// What goes on, in Linux's terms.
    pub(super) fn phase(&self) -> Phase {
        match self.episode.as_deref().map(|episode| &episode.kind) {
            None if self.duplicates > 0 => Phase::Disorder,
            None => Phase::Open,
            Some(Kind::Marked(_)) => Phase::Reduced,
            Some(Kind::Sack(_) | Kind::NewReno(_)) => Phase::Recovery,
            Some(Kind::Timeout(_)) => Phase::Loss,
        }
    }

    /// Whether no loss is being repaired.
    #[inline]
    pub(super) fn is_loss_free(&self) -> bool {
        matches!(self.episode.as_deref(), None | Some(Episode { kind: Kind::Marked(_), .. }))
    }

    /// Whether the window was reduced since this was last asked.
    #[inline]
    pub(super) fn take_reduced(&mut self) -> bool {
        core::mem::take(&mut self.reduced)
    }

    /// Marks were being answered when something turned out to be lost: one reduction answers both (RFC 3168 §6.1.2).
    pub(super) fn marked_becomes_lost(&mut self, nxt: SeqNumber) -> bool {
        let Some(episode) = self.episode.as_deref_mut() else { return false };
        let Kind::Marked(prr) = &mut episode.kind else { return false };
        episode.kind = Kind::Sack(prr.clone());
        self.recover = nxt;
        true
    }

    /// A loss was found with data from `una` up to `nxt` outstanding.
    pub(super) fn enter(
        &mut self,
        kind: Kind,
        una: SeqNumber,
        nxt: SeqNumber,
        before: Controller,
        rtt: &RttEstimator,
    ) {
        self.recover = nxt;
        self.duplicates = 0;
        self.reduced = true;
        // A timeout during recovery belongs to the same trouble: what was before that is what may be restored.
        let fresh_rtt = matches!(kind, Kind::Timeout(_)).then(|| rtt.clone());
        let mut episode = Episode {
            marked: matches!(kind, Kind::Marked(_)),
            kind,
            before,
            rtt_before: fresh_rtt,
            first_resent: None,
            resent: 0,
            una,
        };
        if let Some(earlier) = self.episode.take() {
            episode.marked |= earlier.marked;
            episode.before = earlier.before;
            episode.rtt_before = earlier.rtt_before.or(episode.rtt_before);
            episode.resent = earlier.resent;
            episode.una = earlier.una;
        }
        self.episode = Some(Box::new(episode));
        self.undone = false;
    }

    /// Marks were fed back by an acknowledgement up to `una`; true if the window is to be reduced for them. That happens once a round
    /// trip: not before something is acknowledged that was sent after the last reduction, which is the answer otherwise
    /// (RFC 3168 §6.1.2).
    pub(super) fn on_marks(&mut self, una: SeqNumber) -> bool {
        if let Some(episode) = self.episode.as_deref_mut() {
            episode.marked = true;
            return false;
        }
        self.undone || una.after(self.recover)
    }

    /// The reduction with which the last episode began was taken back.
    pub(super) fn on_undone(&mut self) {
        self.undone = true;
    }

    /// The episode is over.
    pub(super) fn leave(&mut self) -> Option<Box<Episode>> {
        self.duplicates = 0;
        self.episode.take()
    }

    /// SND.UNA advanced while nothing was lost.
    #[inline]
    pub(super) fn on_progress(&mut self) {
        self.duplicates = 0;
    }

    /// A duplicate ACK while nothing is known to be lost; true if it is the one that means loss.
    pub(super) fn on_duplicate(&mut self, una: SeqNumber) -> bool {
        self.duplicates = self.duplicates.saturating_add(1);
        // RFC 6582 §3.2 step 2: not again before what was sent at the last loss is acknowledged.
        u32::from(self.duplicates) >= DUPLICATE_THRESHOLD && una.back(1).at_or_after(self.recover)
    }

    /// The window that recovery itself dictates, in place of congestion control's.
    #[inline]
    pub(super) fn window(&self) -> Option<u32> {
        match self.episode.as_deref()?.kind {
            Kind::Sack(ref prr) | Kind::Marked(ref prr) => Some(prr.window),
            Kind::NewReno(_) | Kind::Timeout(_) => None,
        }
    }

    /// Whether SND.UNA is sent again whatever the congestion window says: where the peer reports what it holds, only as the first
    /// retransmission of a recovery (RFC 6675 §5 step 4.3; RFC 9937 §6 for the rest). Elsewhere what is in flight is overestimated, and
    /// each partial acknowledgement asks for it (RFC 6582 §3.2 step 3, RFC 5682 §2.1 step 3a).
    pub(super) fn forces_retransmission(&self) -> bool {
        match self.episode.as_deref() {
            Some(Episode { kind: Kind::Sack(_) | Kind::Marked(_), first_resent, .. }) => {
                first_resent.is_none()
            }
            _ => true,
        }
    }

    /// Bytes that may be in flight beyond the congestion window, because duplicate ACKs say that as much has left the network: limited
    /// transmit (RFC 3042) or NewReno's inflation.
    #[inline]
    pub(super) fn inflation(&self, mss: u32) -> u32 {
        match self.episode.as_deref() {
            None => u32::from(self.duplicates).min(DUPLICATE_THRESHOLD - 1) * mss,
            Some(Episode { kind: Kind::NewReno(newreno), .. }) => newreno.inflation,
            Some(_) => 0,
        }
    }

    /// `len` octets leave, in segments of at most `mss`; `again` if they were sent before.
    #[inline]
    pub(super) fn on_sent(&mut self, now: Instant, len: u32, mss: u32, again: bool) {
        let Some(episode) = self.episode.as_deref_mut() else { return };
        if let Kind::Sack(prr) | Kind::Marked(prr) = &mut episode.kind {
            prr.out = prr.out.saturating_add(len);
        }
        if again {
            episode.resent = episode.resent.saturating_add(len.div_ceil(mss));
            episode.first_resent.get_or_insert(now);
        }
    }
}
