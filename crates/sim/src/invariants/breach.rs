//! What was found.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;

/// A rule that does not hold.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("at {at:?} {who} {rule}: {what}")]
pub struct Breach {
    /// Time on the network's clock.
    pub at: Duration,
    /// The end that broke it.
    pub who: SocketAddr,
    /// Which rule.
    pub rule: Rule,
    /// The numbers.
    pub what: String,
}

/// What must be true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// SND.UNA ≤ SND.NXT, and neither goes back (RFC 9293 §3.4); SND.NXT is what was sent.
    SendSequence,
    /// Nothing is sent beyond the window that the peer has offered (RFC 9293 §3.8.6).
    BeyondWindow,
    /// Sequence space is sent without gaps.
    Gap,
    /// A retransmission carries the same octets (RFC 9293 §3.4).
    OtherOctets,
    /// What is acknowledged is not sent again.
    AcknowledgedAgain,
    /// What the peer has reported to hold is not sent again (RFC 2018 §5.1).
    SackedAgain,
    /// There is one FIN, and nothing behind it (RFC 9293 §3.5).
    Fin,
    /// Acknowledgements do not go back (RFC 9293 §3.4).
    AckGoesBack,
    /// Nothing is acknowledged that has not arrived in order.
    AckBeyondData,
    /// The right edge of the window does not go back (RFC 9293 SHLD-14, RFC 7323 §2.3).
    ShrinkingWindow,
    /// SACK blocks describe data that is held, the newest first (RFC 2018 §4, RFC 2883 §4).
    Sack,
    /// Timestamps are on every segment or on none, and do not go back (RFC 7323 §3.2, §4.3).
    Timestamps,
    /// What is echoed was received (RFC 7323 §3.2).
    Echo,
    /// A reset is not answered by one (RFC 9293 §3.5.2).
    ResetAnswersReset,
    /// A synchronized connection does not send resets and go on (RFC 9293 §3.5.2, RFC 5961).
    ResetWhileOpen,
    /// A reset with the very number that is expected ends a connection, whatever its timestamps (RFC 5961 §3.2, RFC 7323 §5.2).
    ResetIgnored,
    /// What asks for a challenge gets one in half a second (RFC 5961 §7).
    Challenge,
    /// No more is in flight than the congestion window takes (RFC 5681 §3.1).
    InFlight,
    /// The windows of congestion control have their least sizes (RFC 5681 §3.1).
    LeastWindow,
    /// The congestion window does not grow while it is not used (RFC 7661, RFC 5681 §4.1).
    UnusedGrowth,
    /// Only data that is sent for the first time is ECN-capable, and only if both ends are (RFC 3168 §6.1.4, §6.1.5).
    Capable,
    /// Marks that arrive are told to their sender, and no others are (RFC 3168 §6.1.3, RFC 9768 §3.2).
    Echoes,
    /// A sender that is told of marks reduces its window, and says so where its peer has to know (RFC 3168 §6.1.2).
    Reduction,
    /// A connection with keys signs all that it sends (RFC 5925 §7.1, RFC 2385 §2).
    Signature,
    /// A timer runs while the peer owes something (RFC 6298 §5.1, RFC 9293 §3.8.6.1).
    Timer,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendSequence => "loses count of what it sends",
            Self::BeyondWindow => "sends beyond the offered window",
            Self::Gap => "leaves a gap in what it sends",
            Self::OtherOctets => "sends other octets for the same numbers",
            Self::AcknowledgedAgain => "sends again what is acknowledged",
            Self::SackedAgain => "sends again what the peer reported to hold",
            Self::Fin => "sends two FINs, or something behind one",
            Self::AckGoesBack => "takes an acknowledgement back",
            Self::AckBeyondData => "acknowledges what has not arrived",
            Self::ShrinkingWindow => "shrinks its window",
            Self::Sack => "reports what it does not hold",
            Self::Timestamps => "breaks the rules of timestamps",
            Self::Echo => "echoes a timestamp that it never received",
            Self::ResetAnswersReset => "answers a reset by a reset",
            Self::ResetWhileOpen => "resets and goes on",
            Self::ResetIgnored => "goes on after a reset",
            Self::Challenge => "challenges too often",
            Self::InFlight => "has more in flight than its congestion window",
            Self::LeastWindow => "has a window below the least",
            Self::UnusedGrowth => "lets an unused congestion window grow",
            Self::Capable => "lets routers mark what they may not",
            Self::Echoes => "tells of other marks than arrived",
            Self::Reduction => "does not answer marks",
            Self::Signature => "does not sign",
            Self::Timer => "waits without a timer",
        })
    }
}

/// What one look has found.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<(Rule, String)>);

impl Found {
    /// Notes a breach unless `holds`; `what` tells the numbers.
    #[inline]
    pub(super) fn demand(&mut self, holds: bool, rule: Rule, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push((rule, what()));
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (Rule, String)> {
        self.0.into_iter()
    }
}
