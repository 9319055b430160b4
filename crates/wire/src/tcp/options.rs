//! TCP options: every kind that is in use, unknown ones kept.

use super::MAX_OPTION_BYTES;
use crate::SeqNumber;
use arrayvec::ArrayVec;
use thiserror::Error;

/// Option kinds as IANA assigned them.
pub mod kind {
    /// End of option list (RFC 9293).
    pub const END_OF_LIST: u8 = 0;
    /// No operation (RFC 9293).
    pub const NO_OPERATION: u8 = 1;
    /// Maximum segment size (RFC 9293).
    pub const MAXIMUM_SEGMENT_SIZE: u8 = 2;
    /// Window scale (RFC 7323).
    pub const WINDOW_SCALE: u8 = 3;
    /// SACK permitted (RFC 2018).
    pub const SACK_PERMITTED: u8 = 4;
    /// SACK (RFC 2018).
    pub const SACK: u8 = 5;
    /// Timestamps (RFC 7323).
    pub const TIMESTAMPS: u8 = 8;
    /// MD5 signature (RFC 2385).
    pub const MD5: u8 = 19;
    /// User timeout (RFC 5482).
    pub const USER_TIMEOUT: u8 = 28;
    /// TCP-AO (RFC 5925).
    pub const AUTHENTICATION: u8 = 29;
    /// Multipath TCP (RFC 8684).
    pub const MULTIPATH: u8 = 30;
    /// Fast Open cookie (RFC 7413).
    pub const FAST_OPEN: u8 = 34;
    /// AccECN, byte counters in the order EE0B, ECEB, EE1B (RFC 9768).
    pub const ACC_ECN_0: u8 = 172;
    /// AccECN, byte counters in the order EE1B, ECEB, EE0B (RFC 9768).
    pub const ACC_ECN_1: u8 = 174;
    /// Experiments (RFC 6994).
    pub const EXPERIMENT_1: u8 = 253;
    /// Experiments (RFC 6994).
    pub const EXPERIMENT_2: u8 = 254;
}

/// Which end of the option area was illegal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "TCP option kind {kind} at byte {offset} of the option area has the illegal length {len:?}"
)]
pub struct OptionError {
    /// The option's kind.
    pub kind: u8,
    /// Its place in the option area.
    pub offset: usize,
    /// The length byte, if there was one.
    pub len: Option<u8>,
}

/// The options did not fit into 40 octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("TCP options take more than 40 bytes")]
pub struct OptionsFull;

/// One option, its data borrowed from the segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpOption<'a> {
    /// Padding between options.
    NoOperation,
    /// Largest segment the sender of this option can receive.
    MaximumSegmentSize(u16),
    /// Shift count of the sender's windows.
    WindowScale(u8),
    /// SACK may be sent.
    SackPermitted,
    /// Blocks received above the cumulative acknowledgement.
    Sack(SackBlocks<'a>),
    /// Timestamp value and echo reply.
    Timestamps {
        /// TSval.
        value: u32,
        /// TSecr.
        echo: u32,
    },
    /// MD5 digest.
    Md5(&'a [u8]),
    /// User timeout.
    UserTimeout {
        /// Granularity: minutes if set, seconds otherwise.
        minutes: bool,
        /// 15-bit value.
        value: u16,
    },
    /// TCP-AO.
    Authentication {
        /// KeyID.
        key_id: u8,
        /// RNextKeyID.
        next_key_id: u8,
        /// Message authentication code.
        mac: &'a [u8],
    },
    /// Multipath TCP, undecoded.
    Multipath(&'a [u8]),
    /// Fast Open cookie; empty is a request for one.
    FastOpen(&'a [u8]),
    /// AccECN byte counters.
    AccEcn {
        /// `false`: kind 172 (EE0B first); `true`: kind 174 (EE1B first).
        e1_first: bool,
        /// Up to three 24-bit counters, undecoded.
        counters: &'a [u8],
    },
    /// Any other kind, or a known kind with a length that it cannot have.
    Unknown {
        /// Kind.
        kind: u8,
        /// Data after the length byte.
        data: &'a [u8],
    },
}

impl TcpOption<'_> {
    /// The option's kind byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match *self {
            Self::NoOperation => kind::NO_OPERATION,
            Self::MaximumSegmentSize(_) => kind::MAXIMUM_SEGMENT_SIZE,
            Self::WindowScale(_) => kind::WINDOW_SCALE,
            Self::SackPermitted => kind::SACK_PERMITTED,
            Self::Sack(_) => kind::SACK,
            Self::Timestamps { .. } => kind::TIMESTAMPS,
            Self::Md5(_) => kind::MD5,
            Self::UserTimeout { .. } => kind::USER_TIMEOUT,
            Self::Authentication { .. } => kind::AUTHENTICATION,
            Self::Multipath(_) => kind::MULTIPATH,
            Self::FastOpen(_) => kind::FAST_OPEN,
            Self::AccEcn { e1_first: false, .. } => kind::ACC_ECN_0,
            Self::AccEcn { e1_first: true, .. } => kind::ACC_ECN_1,
            Self::Unknown { kind, .. } => kind,
        }
    }
}

/// One SACK block: `left ≤ octet < right`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SackBlock {
    /// First octet held.
    pub left: SeqNumber,
    /// The octet after the last one held.
    pub right: SeqNumber,
}

/// The blocks of a SACK option, read in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SackBlocks<'a>(&'a [u8]);

impl<'a> SackBlocks<'a> {
    /// The blocks in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = SackBlock> + use<'a> {
        self.0.chunks_exact(8).map(|block| SackBlock {
            left: SeqNumber(be32(&block[..4])),
            right: SeqNumber(be32(&block[4..])),
        })
    }
}

#[inline]
fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[inline]
fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

/// Walks an option area, at any alignment; stops at the end-of-list option, and after an illegal length (RFC 9293 MUST-4, MUST-7,
/// MUST-64).
#[derive(Clone, Debug)]
pub struct Options<'a> {
    area: &'a [u8],
    at: usize,
}

impl<'a> Options<'a> {
    /// Over the octets between fixed header and data.
    #[inline]
    #[must_use]
    pub const fn new(area: &'a [u8]) -> Self {
        Self { area, at: 0 }
    }

    /// Octets of the area that were read.
    #[must_use]
    pub(super) const fn position(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<TcpOption<'a>, OptionError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.area.get(self.at..)?;
        let &kind = rest.first()?;
        match kind {
            kind::END_OF_LIST => {
                self.at = self.area.len();
                None
            }
            kind::NO_OPERATION => {
                self.at += 1;
                Some(Ok(TcpOption::NoOperation))
            }
            _ => {
                let len = rest.get(1).copied();
                let Some(data) = len.and_then(|len| rest.get(2..usize::from(len))) else {
                    let error = OptionError { kind, offset: self.at, len };
                    self.at = self.area.len();
                    return Some(Err(error));
                };
                self.at += data.len() + 2;
                Some(Ok(decode(kind, data)))
            }
        }
    }
}

#[inline]
fn decode(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data.len()) {
        (kind::TIMESTAMPS, 8) => {
            TcpOption::Timestamps { value: be32(data), echo: be32(&data[4..]) }
        }
        (kind::SACK, 8 | 16 | 24 | 32) => TcpOption::Sack(SackBlocks(data)),
        (kind::MAXIMUM_SEGMENT_SIZE, 2) => TcpOption::MaximumSegmentSize(be16(data)),
        (kind::WINDOW_SCALE, 1) => TcpOption::WindowScale(data[0]),
        (kind::SACK_PERMITTED, 0) => TcpOption::SackPermitted,
        (kind::MD5, 16) => TcpOption::Md5(data),
        (kind::USER_TIMEOUT, 2) => {
            let field = be16(data);
            TcpOption::UserTimeout { minutes: field & 0x8000 != 0, value: field & 0x7fff }
        }
        (kind::AUTHENTICATION, 2..) => {
            TcpOption::Authentication { key_id: data[0], next_key_id: data[1], mac: &data[2..] }
        }
        (kind::MULTIPATH, _) => TcpOption::Multipath(data),
        (kind::FAST_OPEN, 0 | 4 | 6 | 8 | 10 | 12 | 14 | 16) => TcpOption::FastOpen(data),
        (kind::ACC_ECN_0, 0 | 3 | 6 | 9) => TcpOption::AccEcn { e1_first: false, counters: data },
        (kind::ACC_ECN_1, 0 | 3 | 6 | 9) => TcpOption::AccEcn { e1_first: true, counters: data },
        _ => TcpOption::Unknown { kind, data },
    }
}

/// Options encoded for sending.
///
/// Padding to a whole word is added on the way out, with zeros after an end-of-list (RFC 9293 MUST-69).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OptionBytes(ArrayVec<u8, MAX_OPTION_BYTES>);

impl OptionBytes {
    /// No options.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(ArrayVec::new_const())
    }

    /// The encoded octets without padding.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Octets with padding.
    #[inline]
    #[must_use]
    pub fn padded_len(&self) -> usize {
        self.0.len().next_multiple_of(4)
    }

    /// Octets still free.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.0.remaining_capacity()
    }

    /// Appends an option; all but no-operation and end-of-list carry their length (RFC 9293 MUST-68).
    ///
    /// # Errors
    /// [`OptionsFull`] if it does not fit; nothing is written then.
    pub fn push(&mut self, option: &TcpOption<'_>) -> Result<(), OptionsFull> {
        let kind = option.kind();
        match *option {
            TcpOption::NoOperation => self.0.try_push(kind).map_err(|_| OptionsFull),
            TcpOption::MaximumSegmentSize(mss) => self.put(kind, &[&mss.to_be_bytes()]),
            TcpOption::WindowScale(shift) => self.put(kind, &[&[shift]]),
            TcpOption::SackPermitted => self.put(kind, &[]),
            TcpOption::Sack(blocks) => self.put(kind, &[blocks.0]),
            TcpOption::Timestamps { value, echo } => {
                self.put(kind, &[&value.to_be_bytes(), &echo.to_be_bytes()])
            }
            TcpOption::UserTimeout { minutes, value } => {
                let field = u16::from(minutes) << 15 | value & 0x7fff;
                self.put(kind, &[&field.to_be_bytes()])
            }
            TcpOption::Authentication { key_id, next_key_id, mac } => {
                self.put(kind, &[&[key_id, next_key_id], mac])
            }
            TcpOption::Md5(data)
            | TcpOption::Multipath(data)
            | TcpOption::FastOpen(data)
            | TcpOption::AccEcn { counters: data, .. }
            | TcpOption::Unknown { data, .. } => self.put(kind, &[data]),
        }
    }

    /// Appends a SACK option with as many of `blocks` as fit, preceded by two no-operations so that it lies on a word.
    ///
    /// # Errors
    /// [`OptionsFull`] if not even one block fits.
    pub fn push_sack(&mut self, blocks: &[SackBlock]) -> Result<(), OptionsFull> {
        let fitting = blocks.len().min(self.remaining().saturating_sub(4) / 8);
        if fitting == 0 {
            return Err(OptionsFull);
        }
        self.extend(&[kind::NO_OPERATION, kind::NO_OPERATION, kind::SACK, (2 + 8 * fitting) as u8]);
        for block in &blocks[..fitting] {
            self.extend(&block.left.0.to_be_bytes());
            self.extend(&block.right.0.to_be_bytes());
        }
        Ok(())
    }

    /// Appends timestamps preceded by two no-operations: the form that every stack sends on data and ACKs.
    ///
    /// # Errors
    /// [`OptionsFull`] if fewer than 12 octets are free.
    #[inline]
    pub fn push_timestamps(&mut self, value: u32, echo: u32) -> Result<(), OptionsFull> {
        if self.remaining() < 12 {
            return Err(OptionsFull);
        }
        self.extend(&[kind::NO_OPERATION, kind::NO_OPERATION, kind::TIMESTAMPS, 10]);
        self.extend(&value.to_be_bytes());
        self.extend(&echo.to_be_bytes());
        Ok(())
    }

    fn put(&mut self, kind: u8, parts: &[&[u8]]) -> Result<(), OptionsFull> {
        let len = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
        if len > self.remaining() {
            return Err(OptionsFull);
        }
        self.extend(&[kind, len as u8]);
        for part in parts {
            self.extend(part);
        }
        Ok(())
    }

    /// Callers have checked the room.
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        let fits = self.0.try_extend_from_slice(bytes);
        debug_assert!(fits.is_ok());
    }

    #[inline]
    pub(super) fn emit_padded(&self, out: &mut [u8]) {
        let (options, padding) = out.split_at_mut(self.0.len());
        options.copy_from_slice(&self.0);
        padding.fill(kind::END_OF_LIST);
    }
}
