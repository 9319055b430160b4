//! The rules by name, and where they were broken.

use super::Case;
use crate::config::Vantage;
use crate::tracker::Side;
use smallvec::SmallVec;
use std::fmt;

/// Packets listed as evidence for one rule; the rest is only counted.
const MAX_EVIDENCE: usize = 16;

/// A rule that a TCP end can break.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    /// No flags at all.
    NoFlags,
    /// FIN, PSH and URG together, as only scanners send them.
    ChristmasTree,
    /// SYN and FIN together.
    SynFin,
    /// SYN and RST, or FIN and RST, together.
    ContradictoryFlags,
    /// A segment that is neither SYN nor RST has no ACK (RFC 9293 §3.10.7.4, fifth step).
    AckMissing,
    /// An acknowledgement of data that were never sent (RFC 9293 §3.10.7.4).
    AckOfUnsent,
    /// An acknowledgement lower than one sent before (RFC 9293 §3.4: RCV.NXT only grows).
    AckWentBack,
    /// Data beyond every window that the peer has advertised (RFC 9293 §3.8.6).
    BeyondWindow,
    /// The window's right edge was moved left (RFC 9293 §3.8.6, SHLD-14).
    WindowShrunk,
    /// Data or a second FIN beyond the FIN (RFC 9293 §3.6).
    AfterFin,
    /// A FIN in the midst of data already sent (RFC 9293 §3.6).
    FinMoved,
    /// Another segment after the end's own RST (RFC 9293 §3.10.5: the connection is gone).
    AfterReset,
    /// Octets skipped: a segment begins beyond everything sent before (RFC 9293 §3.4).
    Gap,
    /// A RST with a number that its sender has not reached (RFC 9293 §3.5.2).
    ResetBeyond,
    /// A payload larger than the peer's MSS allows (RFC 9293 MUST-16).
    AboveMss,
    /// Timestamps were agreed on but are missing (RFC 7323 §3.2).
    TimestampMissing,
    /// Timestamps without agreement (RFC 7323 §3.2).
    TimestampUninvited,
    /// The timestamp clock ran backwards (RFC 7323 §4.1).
    TimestampWentBack,
    /// An echo of a timestamp that was never sent (RFC 7323 §3.2).
    TimestampEchoUnsent,
    /// SACK without permission (RFC 2018 §2).
    SackUninvited,
    /// A SACK block that is empty or covers data never sent (RFC 2018 §4).
    SackOfUnsent,
    /// An option whose length is impossible (RFC 9293 MUST-7 lets the receiver drop it; nobody may send it).
    MalformedOption,
    /// A wrong checksum as sent (RFC 9293 MUST-2).
    BadChecksum,
    /// A wrong IPv4 header checksum as sent (RFC 791 §3.1).
    BadIpChecksum,
}

impl Rule {
    /// What is wrong, to be followed by numbers of packets.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoFlags => "a segment without any flag",
            Self::ChristmasTree => "a segment with FIN, PSH and URG all set",
            Self::SynFin => "a segment with both SYN and FIN",
            Self::ContradictoryFlags => "a segment with RST and SYN or FIN at once",
            Self::AckMissing => {
                "a segment that is neither SYN nor RST lacks ACK (RFC 9293 §3.10.7.4)"
            }
            Self::AckOfUnsent => "acknowledges data that were never sent (RFC 9293 §3.10.7.4)",
            Self::AckWentBack => "the acknowledgement number went back (RFC 9293 §3.4)",
            Self::BeyondWindow => {
                "sent data beyond every window that the peer has advertised (RFC 9293 §3.8.6)"
            }
            Self::WindowShrunk => "moved the right edge of its window left (RFC 9293 SHLD-14)",
            Self::AfterFin => "sent beyond its own FIN (RFC 9293 §3.6)",
            Self::FinMoved => "put its FIN before data already sent (RFC 9293 §3.6)",
            Self::AfterReset => "went on after its own RST (RFC 9293 §3.10.5)",
            Self::Gap => "skipped octets of its sequence space (RFC 9293 §3.4)",
            Self::ResetBeyond => {
                "sent a RST with a number that it has not reached (RFC 9293 §3.5.2)"
            }
            Self::AboveMss => "sent more than the peer's MSS in a segment (RFC 9293 MUST-16)",
            Self::TimestampMissing => "left out the timestamps agreed on (RFC 7323 §3.2)",
            Self::TimestampUninvited => "sent timestamps not agreed on (RFC 7323 §3.2)",
            Self::TimestampWentBack => "its timestamp clock ran backwards (RFC 7323 §4.1)",
            Self::TimestampEchoUnsent => "echoed a timestamp that was never sent (RFC 7323 §3.2)",
            Self::SackUninvited => "sent SACK blocks without permission (RFC 2018 §2)",
            Self::SackOfUnsent => "sent a SACK block of data that were never sent (RFC 2018 §4)",
            Self::MalformedOption => "sent an option of impossible length (RFC 9293 §3.1)",
            Self::BadChecksum => "sent a wrong TCP checksum (RFC 9293 MUST-2)",
            Self::BadIpChecksum => "sent a wrong IPv4 header checksum (RFC 791 §3.1)",
        }
    }

    /// Whether a gap in the capture could make it look broken, seen from [`Vantage::Path`].
    #[must_use]
    pub const fn doubtful_on_path(self) -> bool {
        matches!(self, Self::BeyondWindow)
    }

    /// Whether it is advice rather than a must.
    #[must_use]
    pub const fn is_advice(self) -> bool {
        matches!(self, Self::WindowShrunk)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A rule broken by one end, once or often.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) by: Side,
    pub(crate) packets: SmallVec<[u64; 4]>,
    pub(crate) count: u64,
    /// Seen at the senders, so there is no doubt.
    pub(crate) certain: bool,
}

/// What was broken on a connection.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<Violation>);

impl Violations {
    pub(crate) fn add(&mut self, rule: Rule, case: &Case<'_>) {
        self.add_for(rule, case.side, case.arrival.number);
        if case.arrival.vantage == Vantage::Path
            && rule.doubtful_on_path()
            && let Some(violation) = self.find(rule, case.side)
        {
            violation.certain = false;
        }
    }

    pub(crate) fn add_for(&mut self, rule: Rule, by: Side, packet: u64) {
        if let Some(violation) = self.find(rule, by) {
            violation.count += 1;
            if violation.packets.len() < MAX_EVIDENCE {
                violation.packets.push(packet);
            }
            return;
        }
        let packets = SmallVec::from_slice(&[packet]);
        let violation = Violation { rule, by, packets, count: 1, certain: true };
        self.0.push(violation);
    }

    /// How often any rule was broken.
    #[inline]
    pub(crate) fn total(&self) -> u64 {
        self.iter().map(|violation| violation.count).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }

    fn find(&mut self, rule: Rule, by: Side) -> Option<&mut Violation> {
        self.0.iter_mut().find(|violation| violation.rule == rule && violation.by == by)
    }
}
