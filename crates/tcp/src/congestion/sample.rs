//! What is measured for controllers that model the path (draft-ietf-ccwg-bbr §2.3, §4.1).

use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// What an acknowledgement, or the time that passed, tells of the path.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it arrived.
    pub now: Instant,
    /// Payload of a full segment.
    pub mss: u32,
    /// Octets that it newly reports as arrived.
    pub newly_acked: u32,
    /// Octets found to be lost by it.
    pub newly_lost: u32,
    /// Octets in flight after it.
    pub in_flight: u32,
    /// C.delivered: all octets that have arrived so far, modulo 2³².
    pub delivered: SeqNumber,
    /// The round trip it measured, if it measured one.
    pub rtt: Option<Duration>,
    /// The delivery rate it shows, if it reports that something arrived.
    pub rate: Option<RateSample>,
    /// The window was used up at some time in the last round trip.
    pub window_limited: bool,
    /// A loss is being recovered from.
    pub in_recovery: bool,
    /// The peer reports what it holds (RFC 2018), so that more than one loss a round trip can be found.
    pub selective: bool,
}

/// A delivery rate sample, taken on the latest transmission that an acknowledgement reports as arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateSample {
    /// RS.delivery_rate in octets of payload a second; zero if the time was too short to tell.
    pub bytes_per_second: u64,
    /// RS.delivered: octets that arrived since the transmission left.
    pub delivered: u32,
    /// RS.prior_delivered: the count of delivered octets when it left, modulo 2³².
    pub prior_delivered: SeqNumber,
    /// RS.tx_in_flight: octets in flight when it had left.
    pub in_flight: u32,
    /// RS.lost: octets found to be lost since it left.
    pub lost: u32,
    /// The application, not the network, limited what was sent.
    pub app_limited: bool,
}

/// A segment, or super-segment, that is believed lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LostSegment {
    /// Where it starts.
    pub start: SeqNumber,
    /// Octets.
    pub len: u32,
    /// P.tx_in_flight: octets in flight when it had left.
    pub in_flight: u32,
    /// Octets found to be lost since it left, itself included.
    pub lost: u32,
    /// The count of delivered octets when this was found, modulo 2³².
    pub delivered: SeqNumber,
    /// The application, not the network, limited what was sent when it left.
    pub app_limited: bool,
}
