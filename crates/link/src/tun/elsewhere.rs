//! The device of macOS and Windows, through `tun-rs`.
//!
//! macOS has a descriptor to wait for. Windows has none: a thread reads, and wakes whoever waits.

#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod source;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod source;

use super::common::{fill, with_addresses};
use super::{TunConfig, TunCounts, TunError};
use crate::{Link, Medium, Readiness};
use sockeye_wire::{Instant, Packet};
use source::Source;
use std::collections::VecDeque;
use std::io;
use tun_rs::{DeviceBuilder, SyncDevice};

/// A TUN device, one packet a system call.
pub struct Tun {
    source: Source,
    name: String,
    mtu: usize,
    counts: TunCounts,
    /// Where a packet in pieces is put together.
    whole: Vec<u8>,
}

impl Tun {
    /// Creates and sets up a device, which goes with this value.
    ///
    /// # Errors
    /// [`TunError`], whose text says what to do.
    pub fn open(config: &TunConfig) -> Result<Self, TunError> {
        let failed = |source: io::Error| TunError::Elsewhere { name: config.name.clone(), source };
        let device = create(config)?;
        let name = device.name().map_err(failed)?;
        let mtu = usize::from(device.mtu().map_err(failed)?);
        let source = Source::new(device, mtu).map_err(failed)?;
        Ok(Self { source, name, mtu, counts: TunCounts::default(), whole: Vec::new() })
    }

    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the device was not there before: always.
    #[must_use]
    pub const fn created(&self) -> bool {
        true
    }

    /// Whether the kernel passes packets: from the beginning.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        true
    }

    /// Packets lost so far.
    #[must_use]
    pub const fn counts(&self) -> TunCounts {
        self.counts
    }
}

fn create(config: &TunConfig) -> Result<SyncDevice, TunError> {
    let builder = DeviceBuilder::new().name(&config.name).mtu(config.mtu);
    with_addresses(builder, config)?
        .build_sync()
        .map_err(|source| TunError::Elsewhere { name: config.name.clone(), source })
}

impl Link for Tun {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        fill(batch, max, || self.source.receive(now))
    }

    fn transmit(&mut self, _now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(packet) = batch.front() {
            self.whole.resize(packet.len(), 0);
            packet.copy_to(&mut self.whole);
            match self.source.device().send(&self.whole) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.counts.dropped_refused += 1;
                }
                Err(error) => return Err(error),
            }
            batch.pop_front();
            taken += 1;
        }
        Ok(taken)
    }

    fn readiness(&self) -> Readiness<'_> {
        self.source.readiness()
    }
}

impl std::fmt::Debug for Tun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tun")
            .field("name", &self.name)
            .field("mtu", &self.mtu)
            .finish_non_exhaustive()
    }
}
