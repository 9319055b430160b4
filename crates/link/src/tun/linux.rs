//! The device of Linux.

use super::common::fill;
use super::{TunConfig, TunCounts, TunError, offload, open};
use crate::device::PacketIo;
use crate::{Link, Medium, Offload, Readiness};
use rustix::io::Errno;
use sockeye_wire::{Instant, Packet};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use tun_rs::SyncDevice;

/// A TUN device, one packet a system call.
pub struct Tun {
    device: SyncDevice,
    name: String,
    created: bool,
    mtu: usize,
    offload: Offload,
    io: PacketIo,
    counts: TunCounts,
}

impl Tun {
    /// Attaches to the device of that name, or creates and sets it up; one that was created goes with this value.
    ///
    /// # Errors
    /// [`TunError`], whose text says what to do.
    pub fn open(config: &TunConfig) -> Result<Self, TunError> {
        open::device(config, false).and_then(|(device, created)| {
            Self::on_queue(device, created, config)
                .map_err(|error| TunError::from_io(error, config, created))
        })
    }

    /// As [`open`](Self::open), with that many queues, at least one: each a link of its own, for a thread of its own. A device that was created
    /// goes with the last of them; one that was there before must have been made for it (`multi_queue`).
    ///
    /// Linux hands a connection's packets to the queue on which it was last seen sent, but forgets that after three seconds of silence: a
    /// hint, on which no order and no ownership can rest.
    ///
    /// # Errors
    /// [`TunError`], whose text says what to do.
    pub fn open_queues(config: &TunConfig, queues: usize) -> Result<Vec<Self>, TunError> {
        let (device, created) = open::device(config, true)?;
        let failed = |error| TunError::from_io(error, config, created);
        let mut links = Vec::with_capacity(queues.max(1));
        for _ in 1..queues {
            let queue = device.try_clone().map_err(failed)?;
            links.push(Self::on_queue(queue, created, config).map_err(failed)?);
        }
        links.push(Self::on_queue(device, created, config).map_err(failed)?);
        Ok(links)
    }

    fn on_queue(device: SyncDevice, created: bool, config: &TunConfig) -> io::Result<Self> {
        device.set_nonblocking(true)?;
        let mtu = usize::from(device.mtu()?);
        let name = device.name()?;
        let (io, offload) = if config.offload {
            offload::tcp_only(&device)?;
            (PacketIo::with_header(Medium::Ip), Offload::FULL)
        } else {
            (PacketIo::plain(Medium::Ip, mtu), Offload::NONE)
        };
        Ok(Self { device, name, created, mtu, offload, io, counts: TunCounts::default() })
    }

    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the device was not there before, so that we set it up.
    #[must_use]
    pub const fn created(&self) -> bool {
        self.created
    }

    /// Whether the kernel passes packets: the interface is up and its carrier has been noticed, which may take a second.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.device.is_running().unwrap_or(false)
    }

    /// Packets lost so far.
    #[must_use]
    pub const fn counts(&self) -> TunCounts {
        self.counts
    }

    /// Reads one packet, if one waits.
    fn read(&mut self, now: Instant) -> io::Result<Option<Packet>> {
        loop {
            match self.io.read(now, &self.device) {
                Ok(packet) if packet.len() <= self.mtu || packet.meta.wire_segments > 1 => {
                    return Ok(Some(packet));
                }
                Ok(packet) => {
                    // The MTU was raised while in use.
                    self.mtu = self.device.mtu().map_or(usize::from(u16::MAX), usize::from);
                    self.io.set_packet_bytes(self.mtu);
                    if self.offload != Offload::NONE {
                        return Ok(Some(packet));
                    }
                    // The kernel cut the packet to our buffer.
                    self.counts.dropped_cut += 1;
                }
                Err(Errno::INTR) => {}
                Err(error) if is_for_now(error) => return Ok(None),
                Err(error) => return Err(self.gone(error)),
            }
        }
    }

    fn gone(&self, error: Errno) -> io::Error {
        let name = &self.name;
        io::Error::new(
            io::Error::from(error).kind(),
            format!("TUN device {name:?} is gone: {error}"),
        )
    }
}

impl Link for Tun {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        fill(batch, max, || self.read(now))
    }

    fn transmit(&mut self, _now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(packet) = batch.front() {
            match self.io.write(self.device.as_fd(), packet) {
                Ok(()) => {}
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => break,
                // The interface is down. What it would do with a packet, we do: TCP sends it again.
                Err(Errno::IO) => self.counts.dropped_link_down += 1,
                Err(Errno::INVAL | Errno::MSGSIZE) => self.counts.dropped_refused += 1,
                Err(error) => return Err(self.gone(error)),
            }
            batch.pop_front();
            taken += 1;
        }
        Ok(taken)
    }

    fn offload(&self) -> Offload {
        self.offload
    }

    fn readiness(&self) -> Readiness<'_> {
        Readiness::Fd(self.device.as_fd())
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

/// Whether a read may succeed later: nothing waits, or the interface is down.
fn is_for_now(error: Errno) -> bool {
    matches!(error, Errno::AGAIN | Errno::IO | Errno::NOBUFS | Errno::NOMEM)
}
