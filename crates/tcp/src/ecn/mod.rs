//! Explicit congestion notification: classic (RFC 3168, RFC 9293 SHLD-8) and accurate (RFC 9768).
//!
//! | module | what it is |
//! |---|---|
//! | `handshake` | what SYN and SYN-ACK say, and what follows from it |
//! | `classic` | one echo a round trip, until the sender says that it heard |
//! | `accurate` | counters of packets in the header, of octets in an option |

mod accurate;
mod classic;
mod handshake;

pub(crate) use accurate::{Accurate, Octets};
pub(crate) use classic::Classic;
pub(crate) use handshake::{accepted, answer_flags, answered, offer, offered};

use crate::Segment;
use crate::options::AccEcnCounters;
use alloc::boxed::Box;
use sockeye_wire::{Ecn as Codepoint, Flags};

/// What a connection may use, once in each direction of the handshake. The default accepts whatever the peer asks for and asks for
/// nothing itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EcnConfig {
    /// What our SYN asks for.
    pub request: EcnMode,
    /// The most that our SYN-ACK agrees to.
    pub accept: EcnMode,
    /// Send the AccECN option where its counters have news (RFC 9768 §3.2.3).
    pub option: bool,
}

impl EcnConfig {
    /// No ECN at all.
    pub const OFF: Self = Self { request: EcnMode::Off, accept: EcnMode::Off, option: false };
}

impl Default for EcnConfig {
    fn default() -> Self {
        Self { request: EcnMode::Off, accept: EcnMode::Accurate, option: true }
    }
}

/// A variant of ECN; each one includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum EcnMode {
    /// None.
    #[default]
    Off,
    /// RFC 3168.
    Classic,
    /// RFC 9768, or RFC 3168 with a peer that does not know it.
    Accurate,
}

/// The feedback in both directions of an open connection that uses ECN.
#[derive(Clone, Debug)]
pub(crate) enum Ecn {
    Classic(Classic),
    Accurate(Accurate),
}

/// The AccECN option of a SYN-ACK: all counters, none moved.
pub(crate) fn opening_option() -> AccEcnCounters {
    accurate::opening_option()
}

/// What a connection knows of ECN: nothing on most, which then cost one pointer.
pub(crate) type Feedback = Option<Box<Ecn>>;

impl Ecn {
    /// An acceptable segment arrived; true if it must be acknowledged at once.
    pub(crate) fn on_received(&mut self, segment: &Segment) -> bool {
        match self {
            Self::Classic(classic) => classic.on_received(segment),
            Self::Accurate(accurate) => accurate.on_received(segment),
        }
    }

    /// An acknowledgement of `acked_segments` new segments was processed; true if it tells of congestion.
    pub(crate) fn on_feedback(&mut self, segment: &Segment, acked_segments: u32) -> bool {
        match self {
            Self::Classic(_) => segment.flags.intersects(Flags::ECE) && !segment.flags.syn(),
            Self::Accurate(accurate) => accurate.on_feedback(segment, acked_segments),
        }
    }

    /// The window was reduced, for whatever reason: a classic peer must be told (RFC 3168 §6.1.2).
    pub(crate) fn on_reduced(&mut self) {
        if let Self::Classic(classic) = self {
            classic.on_reduced();
        }
    }

    /// Flags of a segment about to be sent; `fresh` if it carries data that was never sent.
    pub(crate) fn flags(&mut self, fresh: bool) -> Flags {
        match self {
            Self::Classic(classic) => classic.flags(fresh),
            Self::Accurate(accurate) => accurate.flags(fresh),
        }
    }

    /// The codepoint of a segment about to be sent: only data that was never sent is ECN-capable (RFC 3168 §6.1.4, §6.1.5).
    pub(crate) fn codepoint(&self, fresh: bool) -> Codepoint {
        let capable = match self {
            Self::Classic(_) => true,
            Self::Accurate(accurate) => accurate.may_send_capable(),
        };
        if fresh && capable { Codepoint::Ect0 } else { Codepoint::NotEct }
    }

    /// Whether the next fresh segment says that the window was reduced: of a super-segment only the first wire segment may
    /// have CWR (RFC 3168 §6.1.2), so that it must go alone.
    pub(crate) fn must_send_alone(&self) -> bool {
        matches!(self, Self::Classic(classic) if classic.is_cwr_due())
    }

    /// The AccECN option that has news, if `room` octets hold it.
    pub(crate) fn take_option(&mut self, room: usize) -> Option<AccEcnCounters> {
        match self {
            Self::Classic(_) => None,
            Self::Accurate(accurate) => accurate.take_option(room),
        }
    }

    pub(crate) fn mode(&self) -> EcnMode {
        match self {
            Self::Classic(_) => EcnMode::Classic,
            Self::Accurate(_) => EcnMode::Accurate,
        }
    }

    /// Counters of octets, which only accurate feedback has.
    pub(crate) fn octets(&self) -> Option<Octets> {
        match self {
            Self::Classic(_) => None,
            Self::Accurate(accurate) => Some(accurate.octets()),
        }
    }

    /// The path changes what is fed back, so that it is not used.
    pub(crate) fn is_tampered(&self) -> bool {
        matches!(self, Self::Accurate(accurate) if accurate.is_tampered())
    }

    /// Packets marked "congestion experienced": those that the peer told of, and those that arrived here.
    pub(crate) fn marks(&self) -> (u32, u32) {
        match self {
            Self::Classic(classic) => (classic.echoes, classic.received),
            Self::Accurate(accurate) => accurate.marks(),
        }
    }
}
