//! A tap around any link, written as pcapng.
//!
//! One [`Capture`] is one file; each link tapped with [`Capture::tap`] is one interface of it. Copies of the `Capture` stay with
//! whoever wants to flush the file or learn of a write error: traffic itself never stops for one.

pub mod pcapng;
mod tap;
#[cfg(test)]
mod tests;

pub use tap::Tap;

use crate::{Link, Medium, segmentation};
use pcapng::{Direction, Interface, Writer};
use sockeye_wire::{Instant, Packet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A capture file that several taps may write to.
#[derive(Clone)]
pub struct Capture {
    file: Arc<Mutex<File>>,
}

struct File {
    writer: Writer<Box<dyn Write + Send>>,
    /// The first error; nothing is written after it, as the file may end within a block.
    error: Option<io::Error>,
}

impl Capture {
    /// Begins a capture. `epoch_nanos` is what [`Instant::ZERO`] stands for, in nanoseconds since 1970 (UTC);
    /// 0 is a good choice for virtual time.
    ///
    /// Writes are buffered here; `out` needs no buffer of its own.
    ///
    /// # Errors
    /// When the file's first block cannot be written.
    pub fn new(out: impl Write + Send + 'static, epoch_nanos: u64) -> io::Result<Self> {
        let writer = Writer::new(Box::new(out) as Box<dyn Write + Send>, epoch_nanos)?;
        Ok(Self { file: Arc::new(Mutex::new(File { writer, error: None })) })
    }

    /// Wraps a link so that all that passes it, both ways, is recorded as the interface `name`.
    #[must_use]
    pub fn tap<L: Link>(&self, link: L, name: &str) -> Tap<L> {
        let interface = self.add_interface(link.medium(), name);
        Tap::new(link, self.clone(), interface)
    }

    /// Writes out what is buffered and reports the first error since the beginning.
    ///
    /// # Errors
    /// The first error of any write; the file is good up to there.
    pub fn flush(&self) -> io::Result<()> {
        let mut file = self.lock();
        if file.error.is_none() {
            file.error = file.writer.flush().err();
        }
        match &file.error {
            // An io::Error cannot be copied; its kind and text can.
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Ok(()),
        }
    }

    fn add_interface(&self, medium: Medium, name: &str) -> Interface {
        let mut file = self.lock();
        match file.writer.add_interface(medium, name) {
            Ok(interface) => interface,
            Err(error) => {
                file.error.get_or_insert(error);
                Interface::FIRST
            }
        }
    }

    /// Checksums that were left to a device are completed, or every such packet would look damaged.
    fn record<'a>(
        &self,
        (interface, medium): (Interface, Medium),
        direction: Direction,
        packets: impl Iterator<Item = (Instant, &'a Packet)>,
    ) {
        let mut file = self.lock();
        if file.error.is_some() {
            return;
        }
        for (time, packet) in packets {
            let packet = segmentation::complete(packet, medium);
            if let Err(error) = file.writer.write(time, interface, direction, &packet) {
                file.error = Some(error);
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
