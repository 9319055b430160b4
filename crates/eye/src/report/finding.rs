//! One thing that is remarkable, with its evidence.

use serde::Serialize;

/// A verdict on a connection.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Which kind.
    pub code: FindingCode,
    /// How bad.
    pub severity: Severity,
    /// Whose doing.
    pub by: Blame,
    /// Numbers of the packets that show it, the first ones if there are many.
    pub packets: Vec<u64>,
    /// One sentence.
    pub text: String,
}

impl Finding {
    /// Whether an end broke a rule.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.severity == Severity::Error && matches!(self.by, Blame::Client | Blame::Server)
    }
}

/// Kinds of findings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingCode {
    /// A rule of the RFCs is broken.
    ProtocolViolation,
    /// A number of the handshake is wrong.
    HandshakeNumberWrong,
    /// SYN and FIN at once.
    SynFin,
    /// No flag.
    Null,
    /// FIN, PSH and URG.
    ChristmasTree,
    /// A RST to the SYN.
    Refused,
    /// Nothing came back to the SYN.
    SynUnanswered,
    /// An ICMP error came back to the SYN.
    SynFiltered,
    /// The SYN+ACK was never acknowledged.
    HalfOpen,
    /// A RST after data, without a FIN from either side.
    ResetMidStream,
    /// Bytes changed on the way.
    Corruption,
}

impl FindingCode {
    /// As it is serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProtocolViolation => "protocol_violation",
            Self::HandshakeNumberWrong => "handshake_number_wrong",
            Self::SynFin => "syn_fin",
            Self::Null => "null",
            Self::ChristmasTree => "christmas_tree",
            Self::Refused => "refused",
            Self::SynUnanswered => "syn_unanswered",
            Self::SynFiltered => "syn_filtered",
            Self::HalfOpen => "half_open",
            Self::ResetMidStream => "reset_mid_stream",
            Self::Corruption => "corruption",
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Unusual.
    Note,
    /// Harmful.
    Warn,
    /// Wrong.
    Error,
}

/// Who is to blame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The client.
    Client,
    /// The server.
    Server,
    /// What lies between them.
    Network,
    /// Something between them that acts on its own.
    Middlebox,
    /// The capture itself.
    Capture,
}

impl From<crate::tracker::Side> for Blame {
    fn from(side: crate::tracker::Side) -> Self {
        match side {
            crate::tracker::Side::Client => Self::Client,
            crate::tracker::Side::Server => Self::Server,
        }
    }
}
