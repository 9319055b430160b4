//! Options: what a segment carried, what an end offers, and what both agreed on.

use crate::Config;
use crate::auth::Signature;
use crate::fast_open::FastOpenOption;
use alloc::boxed::Box;
use arrayvec::ArrayVec;
use sockeye_wire::SeqNumber;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::tcp::{OptionBytes, TcpOption, TcpView};

/// Window shifts above this are used as this (RFC 7323 §2.3).
const MAX_WINDOW_SHIFT: u8 = 14;
/// Peers that announce less are absurd or hostile; Linux has the same floor.
const MIN_MSS: u16 = 48;
/// What IPv6's smallest MTU of 1,280 octets leaves for a segment.
const IPV6_MSS: u16 = 1_220;

/// A timestamps option (RFC 7323 §3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timestamps {
    /// TSval.
    pub value: u32,
    /// TSecr.
    pub echo: u32,
}

impl Timestamps {
    /// Whether TSval lies before `recent`, modulo 2^32 (RFC 7323 §5.2).
    #[inline]
    pub(crate) const fn is_older_than(self, recent: u32) -> bool {
        (self.value.wrapping_sub(recent) as i32) < 0
    }
}

/// What the machine wants to know of a segment's options.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SegmentOptions {
    /// MSS; only meaningful on a SYN (RFC 9293 MUST-65).
    pub mss: Option<u16>,
    /// Window shift; only meaningful on a SYN.
    pub window_scale: Option<u8>,
    /// SACK permitted; only meaningful on a SYN.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// SACK blocks.
    pub sack: ArrayVec<SackBlock, 4>,
    /// Fast Open; only read from a SYN.
    pub fast_open: Option<Box<FastOpenOption>>,
    /// AccECN octet counters.
    pub acc_ecn: Option<AccEcnCounters>,
    /// User timeout (RFC 5482) as it stands in the option, its highest bit for minutes; 0 if there was none.
    pub user_timeout: u16,
    /// How the segment claims to be signed; the last claim if there are several.
    pub signature: Signature,
}

/// The octet counters of an AccECN option (RFC 9768 §3.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AccEcnCounters {
    e1_first: bool,
    len: u8,
    bytes: [u8; 9],
}

impl AccEcnCounters {
    /// No counter yet; with `e1_first` they stand in the order ECT(1), CE, ECT(0), otherwise the other way round.
    #[must_use]
    pub const fn new(e1_first: bool) -> Self {
        Self { e1_first, len: 0, bytes: [0; 9] }
    }

    /// Adds the next counter, modulo 2^24; a fourth is not taken.
    pub fn push(&mut self, octets: u32) {
        let at = usize::from(self.len);
        if let Some(place) = self.bytes.get_mut(at..at + 3) {
            place.copy_from_slice(&octets.to_be_bytes()[1..]);
            self.len += 3;
        }
    }

    /// The counters that there are: of ECT(0), of "congestion experienced", of ECT(1).
    #[must_use]
    pub fn octets(&self) -> [Option<u32>; 3] {
        let places = if self.e1_first { [2, 1, 0] } else { [0, 1, 2] };
        places.map(|place| {
            let [a, b, c] = *self.as_slice().get(3 * place..)?.first_chunk()?;
            Some(u32::from_be_bytes([0, a, b, c]))
        })
    }

    /// No counter at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The option to send.
    #[must_use]
    pub fn as_option(&self) -> TcpOption<'_> {
        TcpOption::AccEcn { e1_first: self.e1_first, counters: self.as_slice() }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn decode(e1_first: bool, counters: &[u8]) -> Self {
        let mut decoded = Self { e1_first, ..Self::default() };
        let len = counters.len().min(decoded.bytes.len());
        decoded.bytes[..len].copy_from_slice(&counters[..len]);
        decoded.len = len as u8;
        decoded
    }
}

impl SegmentOptions {
    /// Reads the options; anything after an illegal length is lost, anything unknown is skipped (RFC 9293 MUST-4 to MUST-7).
    #[inline]
    #[must_use]
    pub fn decode(view: &TcpView<'_>) -> Self {
        // What nearly every segment carries needs no walk: timestamps where everybody puts them (RFC 7323 appendix A).
        if let [1, 1, 8, 10, values @ ..] = view.option_bytes()
            && let Some((value, [a, b, c, d])) = values.split_first_chunk()
        {
            let echo = u32::from_be_bytes([*a, *b, *c, *d]);
            let timestamps = Some(Timestamps { value: u32::from_be_bytes(*value), echo });
            return Self { timestamps, ..Self::default() };
        }
        let mut options = Self::default();
        for option in view.options().map_while(Result::ok) {
            match option {
                TcpOption::Timestamps { value, echo } => {
                    options.timestamps = Some(Timestamps { value, echo })
                }
                TcpOption::Sack(blocks) => options.sack = blocks.iter().take(4).collect(),
                TcpOption::MaximumSegmentSize(mss) => options.mss = Some(mss),
                TcpOption::WindowScale(shift) => {
                    options.window_scale = Some(shift.min(MAX_WINDOW_SHIFT))
                }
                TcpOption::SackPermitted => options.sack_permitted = true,
                TcpOption::UserTimeout { minutes, value } => {
                    options.user_timeout = u16::from(minutes) << 15 | value;
                }
                TcpOption::AccEcn { e1_first, counters } => {
                    options.acc_ecn = Some(AccEcnCounters::decode(e1_first, counters));
                }
                TcpOption::Md5(_) => options.signature = Signature::Md5,
                TcpOption::Authentication { .. } => options.signature = Signature::Ao,
                option if view.flags().syn() => {
                    if let Some(fast_open) = FastOpenOption::decode(&option) {
                        options.fast_open = Some(Box::new(fast_open));
                    }
                }
                _ => {}
            }
        }
        options
    }
}

/// What a host chooses for a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// The MSS to advertise: what the interface receives, less the fixed headers (RFC 9293 MUST-67).
    pub mss: u16,
    /// What the path is known to carry, less the fixed headers: it limits what is sent and is nobody else's business (RFC 6691).
    pub path_mss: u16,
    /// MSS to assume while the peer has announced none: 536 for IPv4, 1220 for IPv6 (RFC 9293 MUST-15).
    pub default_mss: u16,
    /// Initial send sequence number (RFC 6528).
    pub iss: SeqNumber,
    /// Added to the millisecond clock in every TSval (RFC 7323 §5.4).
    pub timestamp_offset: u32,
    /// How all segments are signed, for which they must leave room.
    pub signature: Signature,
}

impl Opening {
    pub(crate) const fn offers_timestamps(&self, config: &Config) -> bool {
        config.timestamps && self.signature.allows_timestamps()
    }
}

/// What is in force on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Negotiated {
    /// Largest segment the peer takes, options included.
    pub(crate) peer_mss: u16,
    /// Largest segment we said we take.
    pub(crate) own_mss: u16,
    /// MSS below which none is guessed: what every IPv6 path carries (RFC 8200 §5), or next to nothing.
    least_mss: u16,
    /// How far the peer's windows are shifted.
    pub(crate) send_shift: u8,
    /// How far ours are.
    pub(crate) receive_shift: u8,
    pub(crate) scaling: bool,
    pub(crate) timestamps: bool,
    pub(crate) sack: bool,
    pub(crate) timestamp_offset: u32,
    pub(crate) signature: Signature,
}

impl Negotiated {
    /// What our offer (`config`) and the peer's SYN agree on: window scale and timestamps only if both offered them
    /// (RFC 7323 §2.2, §3.2).
    pub(crate) fn new(config: &Config, opening: &Opening, peer: &SegmentOptions) -> Self {
        let scaling = config.window_scaling && peer.window_scale.is_some();
        Self {
            peer_mss: peer.mss.filter(|mss| *mss != 0).unwrap_or(opening.default_mss).max(MIN_MSS),
            own_mss: opening.mss,
            least_mss: if opening.default_mss >= IPV6_MSS { IPV6_MSS } else { MIN_MSS },
            send_shift: if scaling { peer.window_scale.unwrap_or(0) } else { 0 },
            receive_shift: if scaling { config.window_shift() } else { 0 },
            scaling,
            timestamps: opening.offers_timestamps(config) && peer.timestamps.is_some(),
            sack: config.sack && peer.sack_permitted,
            timestamp_offset: opening.timestamp_offset,
            signature: opening.signature,
        }
    }

    /// What a sender has to know: a path that takes `path_mss` octets after the fixed headers is as good as such a peer.
    pub(crate) fn over(mut self, path_mss: u16) -> Self {
        self.peer_mss = self.peer_mss.min(path_mss.max(MIN_MSS));
        self
    }

    /// Payload of a full segment: options other than timestamps and signatures are rare enough to be subtracted one by one
    /// (RFC 9293 MUST-16, RFC 6691).
    pub(crate) fn effective_mss(&self) -> u16 {
        self.peer_mss - self.option_bytes()
    }

    /// Payload below which no segment is made by guessing.
    pub(crate) fn least_payload(&self) -> u16 {
        (self.least_mss - self.option_bytes()).max(MIN_MSS)
    }

    /// What the options of every segment take.
    fn option_bytes(&self) -> u16 {
        self.signature.option_bytes() + if self.timestamps { 12 } else { 0 }
    }
}

/// The options of a SYN or SYN-ACK, in the order and with the padding that Linux uses; the MSS is always one of them (RFC 9293
/// MUST-14, SHLD-5, MAY-3).
pub(crate) fn syn_options(
    mss: u16,
    sack: bool,
    timestamps: Option<Timestamps>,
    window_shift: Option<u8>,
) -> OptionBytes {
    let mut options = OptionBytes::new();
    let mut push = |option: TcpOption<'_>| {
        let fits = options.push(&option);
        debug_assert!(fits.is_ok(), "SYN options take 20 of 40 octets");
    };
    push(TcpOption::MaximumSegmentSize(mss));
    match (sack, timestamps) {
        (true, Some(Timestamps { value, echo })) => {
            push(TcpOption::SackPermitted);
            push(TcpOption::Timestamps { value, echo });
        }
        (false, Some(Timestamps { value, echo })) => {
            push(TcpOption::NoOperation);
            push(TcpOption::NoOperation);
            push(TcpOption::Timestamps { value, echo });
        }
        (true, None) => {
            push(TcpOption::NoOperation);
            push(TcpOption::NoOperation);
            push(TcpOption::SackPermitted);
        }
        (false, None) => {}
    }
    if let Some(shift) = window_shift {
        push(TcpOption::NoOperation);
        push(TcpOption::WindowScale(shift));
    }
    options
}
