//! A pipe: what `splice` goes through.

use crate::files::FileId;
use std::collections::VecDeque;

/// Octets that a pipe holds, as Linux's 16 pages.
pub(crate) const CAPACITY: usize = 65_536;

#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) data: VecDeque<u8>,
    /// The end that reads, while it is open.
    pub(crate) reader: Option<FileId>,
    /// The end that writes, while it is open.
    pub(crate) writer: Option<FileId>,
}

impl Pipe {
    pub(crate) fn room(&self) -> usize {
        CAPACITY - self.data.len().min(CAPACITY)
    }
}

/// One end of a pipe, as an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PipeEnd {
    /// Where the pipe is in its table.
    pub(crate) pipe: usize,
    pub(crate) writes: bool,
}
