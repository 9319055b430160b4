//! A program's memory and messages.

use core::net::SocketAddr;

/// Octets that a program hands over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input<'a> {
    /// These.
    Bytes(&'a [u8]),
    /// So many at an address that cannot be read: `EFAULT`.
    BadAddress(usize),
}

impl<'a> Input<'a> {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::BadAddress(len) => *len,
        }
    }
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Input<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Where a program wants octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Room for so many.
    Bytes(usize),
    /// So many at an address that cannot be written: `EFAULT`.
    BadAddress(usize),
}

impl Room {
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Bytes(len) | Self::BadAddress(len) => len,
        }
    }
}

impl From<usize> for Room {
    fn from(len: usize) -> Self {
        Self::Bytes(len)
    }
}

/// What was received. The caller distributes it over the buffers it has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Received {
    /// The data; empty at the end of the stream, and with `MSG_TRUNC`.
    pub data: Vec<u8>,
    /// What the C function returns: the length of the data, or with `MSG_TRUNC` what was skipped.
    pub returned: usize,
    /// `msg_flags`.
    pub flags: i32,
    /// `msg_control`.
    pub control: Vec<ControlMessage>,
    /// `msg_name`: a stream socket gives none.
    pub from: Option<SocketAddr>,
}

/// A piece of ancillary data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlMessage {
    /// `cmsg_level`.
    pub level: i32,
    /// `cmsg_type`.
    pub kind: i32,
    /// Its data, in the machine's byte order.
    pub data: Vec<u8>,
}
