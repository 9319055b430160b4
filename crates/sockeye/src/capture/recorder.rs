//! Between the stack, which does not wait, and a file, which may be slow.

use super::{CaptureConfig, CaptureStats};
use sockeye_link::capture::pcapng::{Direction, Interface, Writer};
use sockeye_link::{Medium, segmentation};
use sockeye_wire::{Instant, Packet};
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// About what a block has beside the packet.
const BLOCK_BYTES: usize = 48;

/// A bounded buffer that is a pcapng file, and whose front a thread writes out.
pub(crate) struct Recorder {
    config: CaptureConfig,
    file: Mutex<File>,
    changed: Condvar,
}

struct File {
    /// Its output is what waits to be written.
    writer: Writer<Vec<u8>>,
    stats: CaptureStats,
    is_over: bool,
    error: Option<io::Error>,
}

impl Recorder {
    pub(super) fn new(writer: Writer<Vec<u8>>, config: CaptureConfig) -> Self {
        let file = File { writer, stats: CaptureStats::default(), is_over: false, error: None };
        Self { config, file: Mutex::new(file), changed: Condvar::new() }
    }

    /// Takes packets in as long as there is room. Checksums that were left to a device are completed, or every such packet would look
    /// damaged.
    pub(super) fn record<'a>(
        &self,
        (interface, medium): (Interface, Medium),
        direction: Direction,
        packets: impl Iterator<Item = (Instant, &'a Packet)>,
    ) {
        let mut file = self.lock();
        if file.is_over || file.error.is_some() {
            return;
        }
        let snap = self.config.snap_bytes;
        let mut waiting = file.writer.get_mut().len();
        for (time, packet) in packets {
            waiting += packet.len().min(snap) + BLOCK_BYTES;
            if waiting > self.config.buffer_bytes {
                waiting -= packet.len().min(snap) + BLOCK_BYTES;
                file.stats.dropped += 1;
                continue;
            }
            let packet = segmentation::complete(packet, medium);
            match file.writer.write_front(time, interface, direction, &packet, snap) {
                Ok(()) => file.stats.packets += 1,
                // Memory takes everything; a packet of 4 GiB does not fit the format.
                Err(_) => file.stats.dropped += 1,
            }
        }
        // Into the buffer in memory: cannot fail.
        let _ = file.writer.flush();
        drop(file);
        self.changed.notify_one();
    }

    /// Writes until the capture is over and nothing is left.
    pub(super) fn write_to(&self, mut out: impl Write) {
        let mut block = Vec::new();
        while self.take(&mut block) {
            if let Err(error) = out.write_all(&block).and_then(|()| out.flush()) {
                let mut file = self.lock();
                file.error = Some(error);
                file.writer.get_mut().clear();
                return;
            }
            block.clear();
        }
    }

    /// Waits for something to write; false once all is written.
    fn take(&self, block: &mut Vec<u8>) -> bool {
        let mut file = self.lock();
        loop {
            let _ = file.writer.flush();
            if !file.writer.get_mut().is_empty() {
                std::mem::swap(file.writer.get_mut(), block);
                return true;
            }
            if file.is_over {
                return false;
            }
            file = self.changed.wait(file).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_one();
    }

    pub(super) fn stats(&self) -> CaptureStats {
        self.lock().stats
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.lock().error.take()
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
