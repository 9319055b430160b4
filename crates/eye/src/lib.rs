//! Captures in, connections and findings out.
//!
//! The eye follows every TCP connection it is shown, from a file ([`CaptureReader`]) or packet by packet, and says of each
//! what happened and whose fault it was ([`ConnectionReport`]). It judges the stack, so it shares no rule with it: only the
//! wire format and the names of the states.
//!
//! | module | what it is |
//! |---|---|
//! | [`reader`] | pcap, pcapng, gzip: a stream of [`Record`]s, damage located |
//! | [`decode`] | a record to a TCP segment, or an ICMP error about one; fragments put together |
//! | [`flow`] | which connection a segment belongs to |
//! | [`tracker`] | one connection, both ends: handshake, sequence space, states, close |
//! | [`judge`] | which rules of the RFCs a segment breaks |
//! | [`report`] | what is said of a connection, as it is serialized |
//! | [`mod@write`] | the table, JSON lines and the ladder |
//!
//! ```
//! use sockeye_eye::{CaptureReader, Config, Eye};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file: &[u8] = &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
//! let mut capture = CaptureReader::new("example.pcap", file)?;
//! let mut eye = Eye::new(Config::default());
//! while let Some(record) = capture.next_record()? {
//!     eye.packet(&record);
//! }
//! let (reports, summary) = eye.finish();
//! assert_eq!((reports.len(), summary.connections), (0, 0));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod config;
pub mod decode;
mod eye;
pub mod flow;
pub mod judge;
mod observation;
pub mod reader;
pub mod report;
#[cfg(test)]
mod testing;
pub mod tracker;
pub mod write;

pub use config::{Config, Vantage};
pub use eye::Eye;
pub use observation::{Marks, Observation};
pub use reader::{CaptureReader, LinkType, ReadError, Record};
pub use report::{ConnectionReport, Finding, FindingCode, Severity, Summary};
pub use tracker::Side;
