//! A received message.

use crate::Checksum;
use crate::ip::protocol;
use core::net::IpAddr;
use etherparse::icmpv4::{DestUnreachableHeader, TimeExceededCode};
use etherparse::icmpv6::DestUnreachableCode;
use etherparse::{Icmpv4Slice, Icmpv4Type, Icmpv6Slice, Icmpv6Type};

/// What an error message reports, both versions' codes folded into the classes that matter to TCP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// No route to the network.
    NetworkUnreachable,
    /// The network is reached, the host is not; also a failed source route.
    HostUnreachable,
    /// The host does not speak the protocol.
    ProtocolUnreachable,
    /// Nobody listens at the port.
    PortUnreachable,
    /// A filter refused the packet.
    Prohibited,
    /// Too long for a link on the way.
    PacketTooBig {
        /// The link's MTU in octets; 0 where an old router did not say (RFC 1191 §5).
        mtu: u32,
    },
    /// Hop limit or reassembly time ran out.
    TimeExceeded,
    /// A field was not understood.
    ParameterProblem,
    /// Historic: to be ignored (RFC 6633).
    SourceQuench,
}

/// A message read where it lies, its checksum verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IcmpView<'a> {
    /// To be sent back as it is.
    EchoRequest {
        /// Identifier and sequence number.
        token: [u8; 4],
        /// Everything after them.
        data: &'a [u8],
    },
    /// The answer to an echo request.
    EchoReply {
        /// Identifier and sequence number.
        token: [u8; 4],
        /// Everything after them.
        data: &'a [u8],
    },
    /// A packet could not be delivered.
    Error {
        /// Why.
        kind: ErrorKind,
        /// The packet's beginning; see [`Quoted`](super::Quoted).
        quoted: &'a [u8],
    },
    /// Anything else, neighbour discovery included.
    Other {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// What follows the checksum.
        body: &'a [u8],
    },
}

impl<'a> IcmpView<'a> {
    /// Reads an ICMP message for IPv4; `None` if it is too short or its checksum is wrong.
    #[must_use]
    pub fn parse_v4(bytes: &'a [u8]) -> Option<Self> {
        if !Checksum::new().with(bytes).is_valid() {
            return None;
        }
        let message = Icmpv4Slice::from_slice(bytes).ok()?;
        let data = bytes.get(super::HEADER_BYTES..)?;
        let kind = match message.icmp_type() {
            Icmpv4Type::EchoRequest(_) => {
                return Some(Self::EchoRequest { token: message.bytes5to8(), data });
            }
            Icmpv4Type::EchoReply(_) => {
                return Some(Self::EchoReply { token: message.bytes5to8(), data });
            }
            Icmpv4Type::DestinationUnreachable(reason) => unreachable_v4(reason),
            // Fragment reassembly time is as soft an error as a hop limit.
            Icmpv4Type::TimeExceeded(
                TimeExceededCode::TtlExceededInTransit
                | TimeExceededCode::FragmentReassemblyTimeExceeded,
            ) => ErrorKind::TimeExceeded,
            Icmpv4Type::ParameterProblem(_) => ErrorKind::ParameterProblem,
            Icmpv4Type::Unknown { type_u8: 4, .. } => ErrorKind::SourceQuench,
            _ => return Some(other(bytes)),
        };
        Some(Self::Error { kind, quoted: data })
    }

    /// Reads an ICMPv6 message between these addresses; `None` if it is too short or its checksum is wrong.
    #[must_use]
    pub fn parse_v6(source: IpAddr, destination: IpAddr, bytes: &'a [u8]) -> Option<Self> {
        let len = u32::try_from(bytes.len()).ok()?;
        let sum = Checksum::pseudo_header(source, destination, protocol::ICMPV6, len);
        if !sum.with(bytes).is_valid() {
            return None;
        }
        let message = Icmpv6Slice::from_slice(bytes).ok()?;
        let data = bytes.get(super::HEADER_BYTES..)?;
        let kind = match message.icmp_type() {
            Icmpv6Type::EchoRequest(_) => {
                return Some(Self::EchoRequest { token: message.bytes5to8(), data });
            }
            Icmpv6Type::EchoReply(_) => {
                return Some(Self::EchoReply { token: message.bytes5to8(), data });
            }
            Icmpv6Type::DestinationUnreachable(reason) => unreachable_v6(reason),
            Icmpv6Type::PacketTooBig { mtu } => ErrorKind::PacketTooBig { mtu },
            Icmpv6Type::TimeExceeded(_) => ErrorKind::TimeExceeded,
            Icmpv6Type::ParameterProblem(problem) if problem.code.code_u8() == 1 => {
                // RFC 5461 §2.2: an unrecognized next header is what protocol unreachable is in IPv4.
                ErrorKind::ProtocolUnreachable
            }
            Icmpv6Type::ParameterProblem(_) => ErrorKind::ParameterProblem,
            _ => return Some(other(bytes)),
        };
        Some(Self::Error { kind, quoted: data })
    }
}

fn other(bytes: &[u8]) -> IcmpView<'_> {
    IcmpView::Other { kind: bytes[0], code: bytes[1], body: &bytes[4..] }
}

fn unreachable_v4(reason: DestUnreachableHeader) -> ErrorKind {
    use DestUnreachableHeader as Reason;
    match reason {
        Reason::Network | Reason::NetworkUnknown | Reason::TosNetwork => {
            ErrorKind::NetworkUnreachable
        }
        Reason::Protocol => ErrorKind::ProtocolUnreachable,
        Reason::Port => ErrorKind::PortUnreachable,
        Reason::FragmentationNeeded { next_hop_mtu } => {
            ErrorKind::PacketTooBig { mtu: u32::from(next_hop_mtu) }
        }
        Reason::NetworkProhibited | Reason::HostProhibited | Reason::FilterProhibited => {
            ErrorKind::Prohibited
        }
        _ => ErrorKind::HostUnreachable,
    }
}

fn unreachable_v6(reason: DestUnreachableCode) -> ErrorKind {
    match reason {
        DestUnreachableCode::NoRoute => ErrorKind::NetworkUnreachable,
        DestUnreachableCode::Prohibited
        | DestUnreachableCode::SourceAddressFailedPolicy
        | DestUnreachableCode::RejectRoute => ErrorKind::Prohibited,
        DestUnreachableCode::Port => ErrorKind::PortUnreachable,
        _ => ErrorKind::HostUnreachable,
    }
}
