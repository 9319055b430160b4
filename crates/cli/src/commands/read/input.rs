//! Opens a capture; shows how far a large one has been read.

use crate::terminal;
use indicatif::ProgressBar;
use sockeye_eye::{CaptureReader, ReadError};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Below this, reading is over before a bar could be seen.
const LARGE_BYTES: u64 = 64 << 20;

pub(super) fn open(path: &Path) -> Result<CaptureReader<'static>, ReadError> {
    let large =
        std::fs::metadata(path).ok().filter(|found| found.is_file() && found.len() >= LARGE_BYTES);
    let file = large.filter(|_| io::stderr().is_terminal()).and_then(|found| {
        let file = File::open(path).ok()?;
        Some(Counted { file, bar: terminal::byte_bar(found.len()) })
    });
    match file {
        Some(counted) => CaptureReader::new(path.display().to_string(), counted),
        None => CaptureReader::open(path),
    }
}

/// A file whose reader is watched.
struct Counted {
    file: File,
    bar: ProgressBar,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
