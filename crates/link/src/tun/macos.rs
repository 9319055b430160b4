//! Packets from a descriptor.

use crate::Readiness;
use bytes::Bytes;
use sockeye_wire::{Instant, Meta, Packet};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use tun_rs::SyncDevice;

pub(super) struct Source {
    device: SyncDevice,
    buffer: Vec<u8>,
}

impl Source {
    pub(super) fn new(device: SyncDevice, mtu: usize) -> io::Result<Self> {
        device.set_nonblocking(true)?;
        Ok(Self { device, buffer: vec![0; mtu] })
    }

    pub(super) const fn device(&self) -> &SyncDevice {
        &self.device
    }

    pub(super) fn receive(&mut self, now: Instant) -> io::Result<Option<Packet>> {
        loop {
            match self.device.recv(&mut self.buffer) {
                Ok(len) => {
                    let bytes = Bytes::copy_from_slice(&self.buffer[..len]);
                    return Ok(Some(Packet::from_bytes(Meta::at(now), bytes)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn readiness(&self) -> Readiness<'_> {
        // SAFETY: the descriptor is the device's, which is open as long as `self` is.
        Readiness::Fd(unsafe { BorrowedFd::borrow_raw(self.device.as_raw_fd()) })
    }
}
