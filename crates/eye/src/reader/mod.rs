//! Capture files as a stream of records.
//!
//! The format is known by its first bytes: pcap (micro- and nanoseconds, both byte orders), pcapng, either of them in gzip.
//! Files and pipes are read in blocks, so memory is bounded by the largest record. Damage ends the stream with one
//! [`ReadError`] that says where; everything before it has been delivered.
//!
//! Both formats are parsed here: of the crates at hand, those that would do either refuse binary time resolutions and read
//! the time offset of big-endian files wrongly, or allocate for each packet that carries an option.

mod bytes;
mod error;
mod pcap;
mod pcapng;
mod source;
#[cfg(test)]
mod tests;

pub use error::{Damage, ReadError};

use flate2::bufread::MultiGzDecoder;
use pcap::Pcap;
use pcapng::Pcapng;
use sockeye_wire::Instant;
use source::Source;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// The largest record that is believed. Interfaces with 512 KiB packets exist; lengths above this are damage.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// How a packet begins: one of the registered LINKTYPE values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: the address family in the byte order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// IPv4 or IPv6 without anything before it.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture.
    pub const LINUX_SLL: Self = Self(113);
    /// IPv4.
    pub const IPV4: Self = Self(228);
    /// IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// Whether IP packets can be found behind it.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        matches!(self.0, 0 | 1 | 12 | 14 | 101 | 108 | 113 | 228 | 229 | 276)
    }
}

/// One captured packet.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// When it was captured; nanoseconds since the Unix epoch, or since any other if fed by hand.
    pub time: Instant,
    /// How its bytes begin.
    pub link_type: LinkType,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Its length on the wire, before the snap length cut it.
    pub original_len: u32,
}

/// A capture being read.
pub struct CaptureReader<'r> {
    file: String,
    source: Source<'r>,
    format: Format,
    /// Records delivered so far.
    packets: u64,
    ended: bool,
    compressed: bool,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl CaptureReader<'static> {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// If it cannot be opened or does not begin as a capture does.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        if path.as_os_str() == "-" {
            return CaptureReader::new("standard input", std::io::stdin());
        }
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => CaptureReader::new(name, file),
            Err(error) => Err(ReadError::opening(name, error)),
        }
    }
}

impl<'r> CaptureReader<'r> {
    /// Reads a capture from anything; `name` stands for it in errors.
    ///
    /// # Errors
    /// If the first bytes are not those of a capture.
    pub fn new(name: impl Into<String>, input: impl Read + 'r) -> Result<Self, ReadError> {
        let file = name.into();
        let fail = |damage, compressed| ReadError::new(&file, 1, 0, compressed, damage);
        let mut source = Source::new(input);
        let start = source.peek(4).map_err(|error| fail(Damage::Io(error), false))?;
        let compressed = start.starts_with(&[0x1f, 0x8b]);
        if compressed {
            let plain = unpack(source);
            source = Source::new(plain);
        }
        let start = source.peek(4).map_err(|error| fail(Damage::Io(error), compressed))?;
        let format = match *start {
            [0x0a, 0x0d, 0x0d, 0x0a] => Format::Pcapng(Pcapng::new()),
            [0x28, 0xb5, 0x2f, 0xfd] => return Err(fail(Damage::Zstd, compressed)),
            [] => return Err(fail(Damage::Empty, compressed)),
            _ => Format::Pcap(Pcap::open(&mut source).map_err(|damage| fail(damage, compressed))?),
        };
        Ok(Self { file, source, format, packets: 0, ended: false, compressed })
    }

    /// The next packet, or `None` after the last one.
    ///
    /// # Errors
    /// If the file is damaged here. Every record before it has been delivered; the next call returns `None`.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap(format) => format.next(&mut self.source),
            Format::Pcapng(format) => format.next(&mut self.source),
        };
        match found {
            Ok(Some(found)) => {
                self.packets += 1;
                Ok(Some(Record {
                    number: self.packets,
                    time: found.time,
                    link_type: found.link_type,
                    bytes: self.source.taken(found.skip, found.captured),
                    original_len: found.original_len,
                }))
            }
            Ok(None) => {
                self.ended = true;
                Ok(None)
            }
            Err(damage) => {
                self.ended = true;
                let offset = self.source.offset();
                Err(ReadError::new(&self.file, self.packets + 1, offset, self.compressed, damage))
            }
        }
    }

    /// What the capture is called in errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file
    }

    /// Records delivered so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }
}

/// Where a record lies in the bytes that the source has just given out.
struct Found {
    time: Instant,
    link_type: LinkType,
    skip: usize,
    captured: usize,
    original_len: u32,
}

fn unpack<'r>(source: Source<'r>) -> impl Read + 'r {
    let (seen, rest) = source.into_parts();
    MultiGzDecoder::new(BufReader::with_capacity(64 << 10, Cursor::new(seen).chain(rest)))
}
