//! What is said of a connection, field by field as it is serialized.
//!
//! Counters that are 0, lists that are empty and flags that are false are left out; what cannot be known is `null`.

mod build;
mod finding;
mod time;

pub use finding::{Blame, Finding, FindingCode, Severity};

use crate::tracker::Side;
use serde::{Serialize, Serializer};
use sockeye_wire::{Instant, StateName};
use std::fmt;
use std::net::IpAddr;

/// One connection.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionReport {
    /// Running number, from 1, in the order of first packets.
    pub id: u64,
    /// The file, where several are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The sender of the first SYN, or judged to be it.
    pub client: Address,
    /// The other end.
    pub server: Address,
    /// `inferred` if no SYN was seen that tells who is who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
    /// Time of the first packet.
    #[serde(serialize_with = "time::rfc3339")]
    pub first: Instant,
    /// Time of the last packet.
    #[serde(serialize_with = "time::rfc3339")]
    pub last: Instant,
    /// Seconds between them.
    pub duration_s: f64,
    /// The opening.
    pub handshake: HandshakeReport,
    /// State of each end after the last packet.
    pub state: States,
    /// The closing.
    pub close: CloseReport,
    /// An ICMP error about the connection, the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpReport>,
    /// What the client sent.
    pub to_server: DirectionReport,
    /// What the server sent.
    pub to_client: DirectionReport,
    /// What is remarkable about it.
    pub findings: Vec<Finding>,
}

/// Address and port.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Address {
    /// IP address.
    pub addr: IpAddr,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&std::net::SocketAddr::new(self.addr, self.port), f)
    }
}

/// How it is known who is the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Roles {
    /// By the ports.
    Inferred,
}

/// The opening.
#[derive(Clone, Debug, Serialize)]
pub struct HandshakeReport {
    /// How it went.
    pub outcome: Outcome,
    /// The SYN.
    pub syn: Option<StepReport>,
    /// The SYN+ACK.
    pub syn_ack: Option<StepReport>,
    /// The client's answer to it.
    pub ack: Option<StepReport>,
    /// Whether the numbers were right.
    pub checks: ChecksReport,
    /// Seconds from SYN to ACK.
    pub rtt_s: Option<f64>,
    /// Seconds from SYN to SYN+ACK: capture point to server and back.
    pub rtt_to_server_s: Option<f64>,
    /// Seconds from SYN+ACK to ACK: capture point to client and back.
    pub rtt_to_client_s: Option<f64>,
}

/// How the opening went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Three packets, as it should be.
    Established,
    /// A RST to the SYN.
    Refused,
    /// An ICMP error to the SYN.
    Filtered,
    /// Nothing.
    Unanswered,
    /// The SYN+ACK was never acknowledged.
    HalfOpen,
    /// A RST by the client before it completed.
    Aborted,
    /// Both ends sent a SYN.
    Simultaneous,
    /// Established without a visible half-open connection.
    Cookie,
    /// No SYN in the capture.
    NotCaptured,
}

/// One of the three packets.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepReport {
    /// Its number in the file.
    pub packet: u64,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number, where ACK is set.
    pub ack: Option<u32>,
    /// How often it was sent again.
    #[serde(skip_serializing_if = "is_zero")]
    pub retransmissions: u64,
}

/// The checks that each end makes; `None` where the packets do not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct ChecksReport {
    /// The SYN+ACK acknowledges the client's number + 1.
    pub syn_ack_acks_syn: Option<bool>,
    /// The client's answer has ACK set.
    pub ack_flag_set: Option<bool>,
    /// It acknowledges the server's number + 1.
    pub ack_acks_syn_ack: Option<bool>,
    /// Its number follows the SYN's.
    pub seq_follows: Option<bool>,
}

/// State of each end; `None` if nothing was seen that tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct States {
    /// The client's.
    #[serde(serialize_with = "state_name")]
    pub client: Option<StateName>,
    /// The server's.
    #[serde(serialize_with = "state_name")]
    pub server: Option<StateName>,
}

/// The closing.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CloseReport {
    /// How.
    pub how: CloseHow,
    /// Who started it.
    pub by: Option<Side>,
    /// The packet that did.
    pub packet: Option<u64>,
    /// Both sent FIN before they had seen the other's.
    #[serde(skip_serializing_if = "is_false")]
    pub simultaneous: bool,
    /// Who is left in TIME-WAIT.
    pub time_wait: Option<TimeWait>,
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseHow {
    /// FIN by both.
    Fin,
    /// FIN by one.
    HalfClosed,
    /// RST.
    Reset,
    /// RST after a FIN.
    ResetAfterFin,
    /// Not.
    Open,
    /// Retransmitted until given up.
    TimedOut,
}

/// Which end is left in TIME-WAIT.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeWait {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Both, after a simultaneous close.
    Both,
}

/// An ICMP error.
#[derive(Clone, Debug, Serialize)]
pub struct IcmpReport {
    /// Its number in the file.
    pub packet: u64,
    /// ICMP or ICMPv6 type.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// In words.
    pub text: String,
    /// Who sent it.
    pub from: IpAddr,
}

/// What one end sent.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DirectionReport {
    /// TCP packets.
    pub packets: u64,
    /// Octets of original frames.
    #[serde(skip_serializing_if = "is_zero")]
    pub wire_bytes: u64,
    /// Sum of all segments' payloads by the IP length.
    pub payload_bytes: u64,
    /// Octets of the stream that were delivered.
    pub unique_bytes: u64,
    /// What was sent again.
    #[serde(skip_serializing_if = "Retransmitted::is_zero")]
    pub retransmitted: Retransmitted,
    /// Arrived after later data, whether late or sent again, and had not been seen before.
    #[serde(skip_serializing_if = "is_zero")]
    pub out_of_order: u64,
    /// Copies made by the network.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: u64,
    /// Octets acknowledged but never seen.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_captured: u64,
    /// Segments that ask for an acknowledgement with an octet already acknowledged.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_alives: u64,
    /// Segments with PSH.
    #[serde(skip_serializing_if = "is_zero")]
    pub psh: u64,
    /// Segments with URG.
    #[serde(skip_serializing_if = "is_zero")]
    pub urg: u64,
    /// Segments with a wrong checksum, offload apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub checksum_bad: u64,
}

/// What was sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Retransmitted {
    /// Segments, with SYN and FIN.
    #[serde(skip_serializing_if = "is_zero")]
    pub packets: u64,
    /// Octets of payload.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// SYN segments.
    #[serde(skip_serializing_if = "is_zero")]
    pub syn: u64,
    /// FIN segments.
    #[serde(skip_serializing_if = "is_zero")]
    pub fin: u64,
}

impl Retransmitted {
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts over everything that was shown to the eye.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// Records in all.
    pub packets: u64,
    /// Of them, TCP segments.
    pub tcp_packets: u64,
    /// Of them, fragments that completed no datagram.
    pub fragments: u64,
    /// Of them, neither TCP nor an ICMP error about it.
    pub other_packets: u64,
    /// Of them, said to be IP or TCP, but not readable.
    pub malformed: u64,
    /// Connections.
    pub connections: u64,
    /// Findings of severity `error` of which an end is to blame.
    pub violations: u64,
}

impl ConnectionReport {
    /// Findings of severity `error` of which the client or the server is to blame.
    pub fn violations(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_violation())
    }

    /// What an end sent.
    #[must_use]
    pub const fn sent_by(&self, side: Side) -> &DirectionReport {
        match side {
            Side::Client => &self.to_server,
            Side::Server => &self.to_client,
        }
    }
}

impl Outcome {
    /// As it is serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::Unanswered => "unanswered",
            Self::HalfOpen => "half_open",
            Self::Aborted => "aborted",
            Self::Simultaneous => "simultaneous",
            Self::Cookie => "cookie",
            Self::NotCaptured => "not_captured",
        }
    }
}

impl CloseHow {
    /// As it is serialized.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::HalfClosed => "half_closed",
            Self::Reset => "reset",
            Self::ResetAfterFin => "reset_after_fin",
            Self::Open => "open",
            Self::TimedOut => "timed_out",
        }
    }
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

fn state_name<S: Serializer>(state: &Option<StateName>, serializer: S) -> Result<S::Ok, S::Error> {
    state.map(StateName::as_str).serialize(serializer)
}
