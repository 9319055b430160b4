//! A Linux packet socket (packet(7)): Ethernet frames of an interface that Linux has too, as on a bridge between both.
//!
//! The stack answers ARP and neighbour discovery for its own addresses, which Linux must not have. It may share Linux's hardware
//! address: Linux drops what is not for its own addresses, as long as it does not forward packets.
//! With the virtio-net header, super-segments and open checksums pass both ways.

mod error;
#[cfg(test)]
mod tests;

pub use error::PacketSocketError;

use crate::device::PacketIo;
use crate::netdevice::NetDevice;
use crate::{Link, Medium, Offload, Readiness};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};
use sockeye_wire::{Instant, MacAddr, Packet};
use std::collections::VecDeque;
use std::io;

/// Which interface to use, and how.
#[derive(Clone, Debug)]
pub struct PacketSocketConfig {
    /// The interface's name.
    pub interface: String,
    /// The stack's own hardware address, if not the interface's: the interface then receives everybody's frames.
    pub mac: Option<MacAddr>,
    /// Leave cutting and checksums of what is sent to Linux and the device.
    pub offload: bool,
}

impl PacketSocketConfig {
    /// With the interface's hardware address, and offload.
    #[must_use]
    pub fn new(interface: impl Into<String>) -> Self {
        Self { interface: interface.into(), mac: None, offload: true }
    }
}

/// Frames that a [`PacketSocket`] lost, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PacketSocketCounts {
    /// Sent while the interface was down.
    pub dropped_link_down: u64,
    /// Sent, and refused by the kernel as too long or without a header.
    pub dropped_refused: u64,
}

/// A packet socket, one frame or super-segment a system call.
pub struct PacketSocket {
    socket: OwnedFd,
    name: String,
    index: u32,
    mac: MacAddr,
    mtu: usize,
    offload: Offload,
    io: PacketIo,
    counts: PacketSocketCounts,
}

impl PacketSocket {
    /// Begins to receive the interface's frames; those that Linux itself sends there are not among them.
    ///
    /// # Errors
    /// [`PacketSocketError`], whose text says what to do.
    pub fn open(config: &PacketSocketConfig) -> Result<Self, PacketSocketError> {
        let name = &config.interface;
        let failed = |source: io::Error| PacketSocketError::from_io(source, name);
        let device = NetDevice::find(name).map_err(failed)?;
        let Some(own) = device.mac else {
            return Err(PacketSocketError::NotEthernet { name: name.clone() });
        };
        let mac = config.mac.unwrap_or(own);
        let medium = Medium::Ethernet(mac);
        let socket = open_socket(device.index, mac != own).map_err(failed)?;
        Ok(Self {
            socket,
            name: name.clone(),
            index: device.index,
            mac,
            mtu: device.mtu,
            offload: if config.offload { Offload::FULL } else { Offload::NONE },
            io: PacketIo::with_header(medium),
            counts: PacketSocketCounts::default(),
        })
    }

    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stack's hardware address.
    #[must_use]
    pub const fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Frames lost so far.
    #[must_use]
    pub const fn counts(&self) -> PacketSocketCounts {
        self.counts
    }

    /// An interface that is down comes back, one that is deleted does not.
    fn check_presence(&self) -> io::Result<()> {
        match NetDevice::find(&self.name) {
            Ok(device) if device.index == self.index => Ok(()),
            _ => Err(self.gone(Errno::NODEV)),
        }
    }

    fn gone(&self, error: Errno) -> io::Error {
        let name = &self.name;
        let kind = io::Error::from(error).kind();
        io::Error::new(kind, format!("interface {name:?} is gone: {error}"))
    }
}

impl Link for PacketSocket {
    fn medium(&self) -> Medium {
        Medium::Ethernet(self.mac)
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn offload(&self) -> Offload {
        self.offload
    }

    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        let mut received = 0;
        while received < max {
            match self.io.read(now, &self.socket) {
                Ok(packet) => {
                    batch.push(packet);
                    received += 1;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => break,
                Err(Errno::NETDOWN) => self.check_presence()?,
                Err(error) => return Err(self.gone(error)),
            }
        }
        Ok(received)
    }

    fn transmit(&mut self, _now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(packet) = batch.front() {
            match self.io.write(self.socket.as_fd(), packet) {
                Ok(()) => {}
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => break,
                Err(Errno::NETDOWN) => self.counts.dropped_link_down += 1,
                Err(Errno::INVAL | Errno::MSGSIZE) => self.counts.dropped_refused += 1,
                Err(error) => return Err(self.gone(error)),
            }
            batch.pop_front();
            taken += 1;
        }
        Ok(taken)
    }

    fn readiness(&self) -> Readiness<'_> {
        Readiness::Fd(self.socket.as_fd())
    }
}

impl std::fmt::Debug for PacketSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PacketSocket")
            .field("name", &self.name)
            .field("mac", &self.mac)
            .finish_non_exhaustive()
    }
}

/// Octets that may wait in either direction: some 60 super-segments.
const BUFFER_BYTES: usize = 4 << 20;

/// A socket that receives nothing before it is bound, so that no frame comes without its virtio-net header.
fn open_socket(interface: u32, is_promiscuous: bool) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)?;
    set_option(&socket, libc::PACKET_VNET_HDR, &1_i32)?;
    set_option(&socket, libc::PACKET_IGNORE_OUTGOING, &1_i32)?;
    // As far as we may: with less, bursts are lost.
    let _ = sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER_BYTES);
    let _ = sockopt::set_socket_send_buffer_size_force(&socket, BUFFER_BYTES);
    if is_promiscuous {
        let membership = libc::packet_mreq {
            mr_ifindex: interface as i32,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set_option(&socket, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    }
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: interface as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: the address is a whole `sockaddr_ll`, of the length given, and lives until the call returns.
    let bound = unsafe {
        let len = size_of::<libc::sockaddr_ll>() as u32;
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len)
    };
    if bound == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}

fn set_option<T>(socket: &OwnedFd, option: i32, value: &T) -> io::Result<()> {
    // SAFETY: the value is a whole `T`, of the length given, and lives until the call returns; the kernel only reads it.
    let set = unsafe {
        let len = size_of::<T>() as u32;
        let value: *const T = value;
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, value.cast(), len)
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
