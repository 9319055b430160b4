//! ICMP errors that quote a TCP segment (RFC 792, RFC 4443).

use super::ip;
use crate::flow::Endpoint;
use sockeye_wire::SeqNumber;
use sockeye_wire::tcp::PROTOCOL as TCP;
use std::fmt;

/// An ICMP error about a TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IcmpError {
    /// Who sent the error (its port is 0).
    pub from: Endpoint,
    /// Which error.
    pub kind: IcmpKind,
    /// Who had sent the quoted segment.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// The quoted segment's sequence number.
    pub seq: SeqNumber,
}

/// Type and code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IcmpKind {
    /// ICMPv6 if set, ICMP for IPv4 otherwise.
    pub v6: bool,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
}

impl IcmpKind {
    /// Whether it says that the destination cannot be reached, as against that a packet was too big.
    #[must_use]
    pub const fn is_unreachable(self) -> bool {
        match (self.v6, self.kind, self.code) {
            (false, 3, code) => code != 4,
            (true, 1, _) => true,
            _ => false,
        }
    }
}

impl fmt::Display for IcmpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.v6, self.kind, self.code) {
            (false, 3, 0) => "network unreachable",
            (false, 3, 1) | (true, 1, 3) => "host unreachable",
            (false, 3, 2) => "protocol unreachable",
            (false, 3, 3) | (true, 1, 4) => "port unreachable",
            (false, 3, 4) => "fragmentation needed",
            (false, 3, 9 | 10 | 13) | (true, 1, 1) => "administratively prohibited",
            (true, 1, 0) => "no route",
            (true, 1, 5 | 6) => "rejected by policy",
            (true, 2, _) => "packet too big",
            (false, 11, 0) | (true, 3, 0) => "hop limit exceeded",
            (false, 11, _) | (true, 3, _) => "reassembly timed out",
            _ => return write!(f, "ICMP type {} code {}", self.kind, self.code),
        };
        f.write_str(text)
    }
}

pub(super) fn read_v4(from: Endpoint, bytes: &[u8]) -> Option<IcmpError> {
    let &[kind @ (3 | 11 | 12), code, ..] = bytes else {
        return None;
    };
    let quoted = bytes.get(8..)?;
    let inner = ip::read_v4(quoted, usize::MAX)?;
    about(from, IcmpKind { v6: false, kind, code }, quoted, &inner)
}

pub(super) fn read_v6(from: Endpoint, bytes: &[u8]) -> Option<IcmpError> {
    let &[kind @ 1..=4, code, ..] = bytes else {
        return None;
    };
    let quoted = bytes.get(8..)?;
    let inner = ip::read_v6(quoted, usize::MAX)?;
    about(from, IcmpKind { v6: true, kind, code }, quoted, &inner)
}

/// Eight octets of the segment are always quoted: its ports and sequence number.
fn about(from: Endpoint, kind: IcmpKind, quoted: &[u8], inner: &ip::Network) -> Option<IcmpError> {
    let later_fragment = inner.fragment.as_ref().is_some_and(|fragment| fragment.at > 0);
    if inner.protocol != TCP || later_fragment {
        return None;
    }
    let tcp = quoted.get(inner.transport_at..inner.transport_at.checked_add(8)?)?;
    let port = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    Some(IcmpError {
        from,
        kind,
        source: inner.source.with_port(port(0)),
        destination: inner.destination.with_port(port(2)),
        seq: SeqNumber(u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]])),
    })
}
