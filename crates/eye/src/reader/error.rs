//! Why a capture could not be read on, and where.

use std::io;
use thiserror::Error;

/// A capture that is damaged, foreign or out of reach.
#[derive(Debug, Error)]
#[error("{}", self.describe())]
pub struct ReadError {
    /// The file.
    pub file: String,
    /// Number of the packet that could not be read, from 1.
    pub packet: u64,
    /// Where in the file (unpacked, if it is compressed) the damage was met.
    pub offset: u64,
    /// Whether the offset counts unpacked bytes.
    pub compressed: bool,
    /// What is wrong.
    #[source]
    pub damage: Damage,
}

/// What is wrong with a capture.
#[derive(Debug, Error)]
pub enum Damage {
    /// The file could not be opened.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// The operating system or the decompressor failed.
    #[error("reading failed: {0}; if it is a damaged archive, fetch the file again")]
    Io(#[source] io::Error),
    /// Not a single byte.
    #[error("is empty; was the capture started, and with the right to capture?")]
    Empty,
    /// The first bytes are of no format known here.
    #[error(
        "is no capture that can be read here: it begins with {start:02x?}; expected is pcap or pcapng, plain or in gzip"
    )]
    Foreign {
        /// The first bytes.
        start: [u8; 4],
    },
    /// Zstandard.
    #[error("is compressed with zstd; unpack it first: zstd -dc FILE | sockeye read -")]
    Zstd,
    /// The file ends inside something.
    #[error(
        "the file ends inside {what} ({have} of {need} bytes); it was cut, or is still being written"
    )]
    CutShort {
        /// What was being read.
        what: &'static str,
        /// Bytes there.
        have: usize,
        /// Bytes that should be there.
        need: usize,
    },
    /// A length that cannot be true.
    #[error("{what} says it has {len} bytes, which cannot be; the file is damaged here")]
    AbsurdLength {
        /// Whose length.
        what: &'static str,
        /// The length.
        len: u64,
    },
    /// A structure that breaks its format's rules.
    #[error("{what}; the file is damaged here")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// A packet of an interface that the file does not describe.
    #[error("the packet is of interface {interface}, but only {known} are described")]
    UnknownInterface {
        /// Its number.
        interface: u32,
        /// Interfaces described so far.
        known: usize,
    },
}

impl ReadError {
    pub(super) fn new(
        file: &str,
        packet: u64,
        offset: u64,
        compressed: bool,
        damage: Damage,
    ) -> Self {
        Self { file: file.to_owned(), packet, offset, compressed, damage }
    }

    pub(super) fn opening(file: String, error: io::Error) -> Self {
        Self { file, packet: 1, offset: 0, compressed: false, damage: Damage::Open(error) }
    }

    fn describe(&self) -> String {
        let Self { file, packet, offset, damage, .. } = self;
        match damage {
            Damage::Open(_) | Damage::Empty | Damage::Foreign { .. } | Damage::Zstd => {
                format!("{file}: {damage}")
            }
            _ => {
                let unpacked = if self.compressed { " (unpacked)" } else { "" };
                let before = match packet - 1 {
                    0 => "no packet was read before it".to_owned(),
                    1 => "the packet before it was read".to_owned(),
                    count => format!("the {count} packets before it were read"),
                };
                format!("{file}: packet {packet} at byte {offset}{unpacked}: {damage}; {before}")
            }
        }
    }
}
