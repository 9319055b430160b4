//! What a script says, parsed: events in order, each with its line.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// Microseconds of script time.
pub type Micros = i64;

/// A parsed script.
#[derive(Clone, Debug)]
pub struct Script {
    /// Where it came from, as it is shown in messages; files that its commands name are looked for beside it.
    pub path: PathBuf,
    /// Its `--name=value` lines.
    pub options: Vec<ScriptOption>,
    /// The command before the first event.
    pub init: Option<Command>,
    /// What happens.
    pub events: Vec<Event>,
    /// The command after the last event.
    pub cleanup: Option<Command>,
}

/// A `--name=value` or `--name` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptOption {
    /// Its line, from 1.
    pub line: u32,
    /// Without the dashes.
    pub name: String,
    /// What follows the equals sign.
    pub value: Option<String>,
}

/// A back-quoted shell command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Its line, from 1.
    pub line: u32,
    /// The text between the quotes.
    pub text: String,
}

/// Something that is done or expected at a time.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its line, from 1.
    pub line: u32,
    /// When.
    pub time: EventTime,
    /// What.
    pub action: Action,
}

/// When an event happens, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventTime {
    /// From the script's start.
    Absolute(Micros),
    /// From the event before.
    Relative(Micros),
    /// At any time; outbound packets only.
    Any,
    /// Within a range from the script's start; outbound packets only.
    AbsoluteRange(Micros, Micros),
    /// Within a range from the event before; outbound packets only.
    RelativeRange(Micros, Micros),
}

/// What an event does or expects.
#[derive(Clone, Debug)]
pub enum Action {
    /// A packet to be sent to the stack, or expected from it.
    Packet(PacketSpec),
    /// A system call.
    Call(CallSpec),
    /// A shell command.
    Command(String),
    /// Python code over the connection's `TCP_INFO`.
    Code(String),
}

/// Which way a packet goes, seen from the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// `<`: to the stack.
    Inbound,
    /// `>`: from the stack.
    Outbound,
}

/// A packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PacketSpec {
    /// Which way.
    pub direction: Direction,
    /// What is asked of the IP header.
    pub ip: IpInfo,
    /// What it carries.
    pub body: Body,
}

/// What a packet carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A TCP segment.
    Tcp(TcpSpec),
    /// An ICMP message that quotes a segment.
    Icmp(IcmpSpec),
}

/// What is asked of an IP header, `[ect0]`, `(tos 0x10)` and so on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IpInfo {
    /// Traffic class.
    pub tos: TosCheck,
    /// TTL or hop limit; 0 is not checked, and 255 when sent.
    pub ttl: u8,
    /// IPv6 flow label, relative: equal labels in the script are equal on the wire; 0 is not checked.
    pub flow_label: u32,
    /// Inbound packets only: four octets of IPv4 options, or of an IPv6 destination options header.
    pub option_word: Option<u32>,
    /// Inbound segments only: the TCP checksum is wrong by one bit.
    pub bad_checksum: bool,
}

/// What is asked of a traffic class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TosCheck {
    /// Nothing.
    #[default]
    None,
    /// These ECN bits.
    Ecn(u8),
    /// ECT(0) or ECT(1).
    Ect01,
    /// This whole octet.
    Tos(u8),
}

/// A TCP segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TcpSpec {
    /// Ports other than the connection's, source and destination.
    pub ports: Option<(u16, u16)>,
    /// Control bits.
    pub flags: sockeye_wire::Flags,
    /// First sequence number: absolute with SYN, else relative to the SYN's.
    pub seq: u32,
    /// Octets of payload.
    pub len: u16,
    /// Acknowledgement number; 0 where none is given.
    pub ack: u32,
    /// Window as in the header; none is not checked.
    pub window: Option<u16>,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options in order; none (`<...>`) is not checked.
    pub options: Option<Vec<OptionSpec>>,
}

/// A TCP option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OptionSpec {
    /// `nop`
    Nop,
    /// `eol`
    Eol,
    /// `TS val … ecr …`
    Timestamps {
        /// Value.
        val: u32,
        /// Echo reply.
        ecr: u32,
    },
    /// `sack l:r …`
    Sack(Vec<(u32, u32)>),
    /// `md5 valid`, `ao keyid 1 rnext 2 wrong`: made, or verified, with the key that the script has set.
    Signature {
        /// Which.
        kind: SignatureKind,
        /// `valid`; otherwise it is wrong by one bit.
        valid: bool,
    },
    /// `raw 0200`: these octets, whether they are an option or not; inbound packets only.
    Raw(Vec<u8>),
    /// Any other: kind and what follows the length.
    Other {
        /// Kind.
        kind: u8,
        /// Data.
        data: Vec<u8>,
    },
}

/// A signature option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureKind {
    /// `md5`: RFC 2385.
    Md5,
    /// `ao`: RFC 5925.
    Ao {
        /// KeyID: the key that signs.
        key: u8,
        /// RNextKeyID: the key that is wanted of the other end.
        next: u8,
    },
}

/// An ICMP message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IcmpSpec {
    /// Type as a word; its number depends on the version of IP.
    pub kind: String,
    /// Code as a word.
    pub code: Option<String>,
    /// `mtu N`
    pub mtu: Option<u32>,
    /// `id N` of an echo.
    pub echo_id: u16,
    /// Sequence number of the quoted segment, relative to the SYN's, and its octets of payload.
    pub quoted: (u32, u16),
}

/// A system call and what comes of it.
#[derive(Clone, Debug)]
pub struct CallSpec {
    /// For a blocking call: when it returns, as the event's time is given (absolute or relative).
    pub end: Option<Micros>,
    /// Name.
    pub name: String,
    /// Arguments.
    pub arguments: Vec<Expr>,
    /// Expected return value.
    pub result: Expr,
    /// Expected `errno`.
    pub errno: Option<String>,
}

/// An expression of a system call.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// `...`: whatever.
    Ellipsis,
    /// A number.
    Int(i64),
    /// A symbol.
    Word(String),
    /// A string, escapes resolved.
    Str(Vec<u8>),
    /// `a | b`
    Or(Box<Expr>, Box<Expr>),
    /// `name = value`
    Assign(String, Box<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{a, b}`
    Braces(Vec<Expr>),
    /// `inet6_addr("…")`
    In6Addr(Ipv6Addr),
    /// `{sa_family = …, sin_port = htons(…), sin_addr = inet_addr("…")}`
    SockAddr(SocketAddr),
    /// `{msg_name(...)=..., msg_iov(n)=[…], msg_flags=…, msg_control=[…]}`
    MsgHdr(Box<MsgHdr>),
    /// `{..., len}`
    Iovec(u32),
    /// `{fd=…, events=…, revents=…}`
    PollFd {
        /// Descriptor.
        fd: Box<Expr>,
        /// Asked for.
        events: Box<Expr>,
        /// Expected.
        revents: Box<Expr>,
    },
    /// `{events=…, fd=…}` and its kin.
    EpollEvent {
        /// Mask.
        events: Box<Expr>,
        /// `fd`, `ptr`, `u32` or `u64`.
        data: (String, Box<Expr>),
    },
    /// `{onoff=…, linger=…}`
    Linger {
        /// Switch.
        onoff: i32,
        /// Seconds.
        linger: i32,
    },
    /// `{cmsg_level=…, cmsg_type=…, cmsg_data=…}`
    Cmsg {
        /// Level.
        level: Box<Expr>,
        /// Type.
        kind: Box<Expr>,
        /// Data.
        data: Box<Expr>,
    },
    /// `{md5_key="…"}`: a `struct tcp_md5sig` for the other end.
    Md5Key(Vec<u8>),
    /// `{ao_key="…", sndid=1, …}`: a `struct tcp_ao_add` for the other end, and its further fields by their names.
    AoKey(Vec<u8>, Vec<(String, Self)>),
    /// `{scm_sec=…, scm_nsec=…}`
    Timestamping {
        /// Seconds.
        seconds: i64,
        /// Nanoseconds.
        nanoseconds: i64,
    },
    /// `{ee_errno=…, ee_origin=…, ee_type=…, ee_code=…, ee_info=…, ee_data=…}`
    ExtendedError(Vec<(String, Expr)>),
}

/// A `struct msghdr`.
#[derive(Clone, PartialEq, Debug)]
pub struct MsgHdr {
    /// Lengths of the vectors.
    pub iov: Vec<u32>,
    /// Flags: given, or expected of `recvmsg`.
    pub flags: Expr,
    /// Control messages: given, or expected.
    pub control: Vec<Expr>,
}
