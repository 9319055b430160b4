//! The TCP header (RFC 9293 §3.1) and its options.
//!
//! [`TcpView`] reads a segment where it lies; [`TcpHeader`] is one to be built. [`options`] has the kinds.

mod header;
pub mod options;
#[cfg(test)]
mod tests;

pub use header::{HeaderError, TcpHeader, TcpView};
pub use options::{OptionBytes, OptionError, TcpOption};

/// Octets of a header without options.
pub const MIN_HEADER_BYTES: usize = 20;
/// Octets of a header with all options that fit.
pub const MAX_HEADER_BYTES: usize = 60;
/// Room for options.
pub const MAX_OPTION_BYTES: usize = 40;
/// IP protocol number of TCP.
pub const PROTOCOL: u8 = 6;
