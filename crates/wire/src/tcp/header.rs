//! The fixed header, read in place and written into a caller's buffer.

use super::options::{OptionBytes, Options};
use super::{MAX_HEADER_BYTES, MIN_HEADER_BYTES};
use crate::{Flags, SeqNumber};
use thiserror::Error;

/// Why bytes are no TCP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum HeaderError {
    /// Fewer octets than the fixed header, or than the data offset promises.
    #[error("TCP header cut short: {have} of {need} bytes")]
    Truncated {
        /// Octets present.
        have: usize,
        /// Octets needed.
        need: usize,
    },
    /// A data offset below 5 words.
    #[error("TCP data offset {words} is below 5 words")]
    BadDataOffset {
        /// The offset in 32-bit words.
        words: u8,
    },
}

/// A TCP segment read where it lies.
///
/// The slice may reach into the payload or end with the header; checksums are the business of whoever knows the addresses.
#[derive(Clone, Copy, Debug)]
pub struct TcpView<'a> {
    bytes: &'a [u8],
    header_len: usize,
    /// Where the options that are there end.
    options_end: usize,
}

impl<'a> TcpView<'a> {
    /// Checks that a whole header is there.
    ///
    /// # Errors
    /// [`HeaderError`] if the bytes are too few or the data offset is impossible. Options are not looked at.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        if bytes.len() < MIN_HEADER_BYTES {
            return Err(HeaderError::Truncated { have: bytes.len(), need: MIN_HEADER_BYTES });
        }
        let words = bytes[12] >> 4;
        let header_len = usize::from(words) * 4;
        if header_len < MIN_HEADER_BYTES {
            return Err(HeaderError::BadDataOffset { words });
        }
        if bytes.len() < header_len {
            return Err(HeaderError::Truncated { have: bytes.len(), need: header_len });
        }
        Ok(Self { bytes, header_len, options_end: header_len })
    }

    /// Reads a header of a packet that a capture cut short: the fixed part must be there, of the options those that are whole.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), but for options that are missing.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        match Self::parse(bytes) {
            Err(HeaderError::Truncated { need, .. }) if bytes.len() >= MIN_HEADER_BYTES => {
                let mut options = Options::new(&bytes[MIN_HEADER_BYTES..]);
                let mut whole = 0;
                while let Some(Ok(_)) = options.next() {
                    whole = options.position();
                }
                let options_end = MIN_HEADER_BYTES + whole;
                Ok(Self { bytes, header_len: need, options_end })
            }
            parsed => parsed,
        }
    }

    #[inline]
    fn u16_at(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    #[inline]
    fn u32_at(&self, at: usize) -> u32 {
        u32::from_be_bytes([
            self.bytes[at],
            self.bytes[at + 1],
            self.bytes[at + 2],
            self.bytes[at + 3],
        ])
    }

    /// Source port.
    #[inline]
    #[must_use]
    pub fn source_port(&self) -> u16 {
        self.u16_at(0)
    }

    /// Destination port.
    #[inline]
    #[must_use]
    pub fn destination_port(&self) -> u16 {
        self.u16_at(2)
    }

    /// Sequence number of the first data octet, or of the SYN.
    #[inline]
    #[must_use]
    pub fn seq(&self) -> SeqNumber {
        SeqNumber(self.u32_at(4))
    }

    /// Acknowledgement number; meaningful only with ACK set.
    #[inline]
    #[must_use]
    pub fn ack(&self) -> SeqNumber {
        SeqNumber(self.u32_at(8))
    }

    /// Octets of header and options.
    #[inline]
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// The control bits.
    #[inline]
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags::from_bits(self.u16_at(12))
    }

    /// The window as it stands, unscaled and unsigned (RFC 9293 MUST-1).
    #[inline]
    #[must_use]
    pub fn window(&self) -> u16 {
        self.u16_at(14)
    }

    /// The checksum field.
    #[inline]
    #[must_use]
    pub fn checksum(&self) -> u16 {
        self.u16_at(16)
    }

    /// The urgent pointer; meaningful only with URG set.
    #[inline]
    #[must_use]
    pub fn urgent_pointer(&self) -> u16 {
        self.u16_at(18)
    }

    /// The option area, padding included.
    #[inline]
    #[must_use]
    pub fn option_bytes(&self) -> &'a [u8] {
        &self.bytes[MIN_HEADER_BYTES..self.options_end]
    }

    /// The options one by one.
    #[inline]
    #[must_use]
    pub fn options(&self) -> Options<'a> {
        Options::new(self.option_bytes())
    }

    /// What the slice holds after the header.
    #[inline]
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.header_len..).unwrap_or(&[])
    }
}

/// A TCP header to be sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TcpHeader {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number.
    pub seq: SeqNumber,
    /// Acknowledgement number; 0 where ACK is clear.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// Window as it goes on the wire, already scaled down.
    pub window: u16,
    /// Urgent pointer; 0 where URG is clear.
    pub urgent_pointer: u16,
    /// Options, already encoded.
    pub options: OptionBytes,
}

impl TcpHeader {
    /// Octets of the header with its options, padded to whole words.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        MIN_HEADER_BYTES + self.options.padded_len()
    }

    /// Never: a header has at least 20 octets.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Writes the header with a checksum field of zero; says how many octets it took.
    #[inline]
    pub fn emit(&self, out: &mut [u8; MAX_HEADER_BYTES]) -> usize {
        let len = self.len();
        out[0..2].copy_from_slice(&self.source_port.to_be_bytes());
        out[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        out[4..8].copy_from_slice(&self.seq.0.to_be_bytes());
        out[8..12].copy_from_slice(&self.ack.0.to_be_bytes());
        let offset_and_flags = ((len / 4) as u16) << 12 | self.flags.bits();
        out[12..14].copy_from_slice(&offset_and_flags.to_be_bytes());
        out[14..16].copy_from_slice(&self.window.to_be_bytes());
        out[16..18].copy_from_slice(&[0, 0]);
        out[18..20].copy_from_slice(&self.urgent_pointer.to_be_bytes());
        self.options.emit_padded(&mut out[MIN_HEADER_BYTES..len]);
        len
    }
}
