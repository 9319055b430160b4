//! Where packets come from and go to.
//!
//! A [`Link`] moves batches of [`Packet`]s between a stack and the outside; it knows nothing of TCP.
//!
//! | module | what it is |
//! |---|---|
//! | [`memory`] | two links joined in memory, for tests, demonstrations and in-process use |
//! | [`tun`] | a TUN device: the stack behind a network interface of this machine |
//! | [`packet_socket`] | Ethernet frames of an interface that Linux has too |
//! | [`xdp`] | Ethernet frames of an interface that is ours alone, in shared memory |
//! | [`capture`] | a tap around any link that writes pcapng, and the pcapng writer itself |
//! | [`impair`] | what a bad network does to a packet: one pure function of seed, time and packet number |
//! | [`offload`] | what a link does besides carrying packets |
//! | [`segmentation`] | super-segments in software |
//! | [`vnet`] | the virtio-net header, by which Linux hands super-segments over |
//! | [`readiness`] | how a link says that it is worth calling again |

#[cfg(target_os = "linux")]
mod buffers;
pub mod capture;
#[cfg(target_os = "linux")]
mod device;
pub mod impair;
pub mod memory;
#[cfg(target_os = "linux")]
mod netdevice;
pub mod offload;
#[cfg(target_os = "linux")]
pub mod packet_socket;
pub mod readiness;
pub mod segmentation;
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
pub mod tun;
pub mod vnet;
#[cfg(target_os = "linux")]
pub mod xdp;

pub use capture::{Capture, Tap};
pub use impair::{Impairer, Impairment};
pub use memory::MemoryLink;
pub use offload::Offload;
#[cfg(target_os = "linux")]
pub use packet_socket::{PacketSocket, PacketSocketConfig, PacketSocketError};
pub use readiness::{Readiness, SharedWaker};
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
pub use tun::{Tun, TunConfig, TunError};
#[cfg(target_os = "linux")]
pub use xdp::{Xdp, XdpConfig, XdpError, XdpMode};

use sockeye_wire::{Instant, MacAddr, Packet};
use std::collections::VecDeque;
use std::io;

/// What a link carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Medium {
    /// Bare IP packets, as a TUN device.
    Ip,
    /// Ethernet frames; our own address on that network.
    Ethernet(MacAddr),
}

/// A source and a sink of packets, used by one owner and never blocking.
///
/// Packets travel in batches, so that whatever can be shared by several packets (a lock, a wake-up, a look-up) is.
pub trait Link: Send {
    /// What the packets are.
    fn medium(&self) -> Medium;

    /// Octets of the largest IP packet that the link carries, without link-layer header. May change while in use.
    fn mtu(&self) -> usize;

    /// What whoever sends on this link need not do. Does not change while in use.
    ///
    /// A packet that asks for more than this is sent as it is, or lost.
    fn offload(&self) -> Offload {
        Offload::NONE
    }

    /// Puts up to `max` packets that have arrived at the end of `batch` and says how many; 0 when none is waiting. A link that puts
    /// packets together counts them as they came.
    ///
    /// `now` becomes [`Meta::arrival`](sockeye_wire::Meta::arrival) where the link knows nothing better.
    ///
    /// # Errors
    /// Only when the link is gone for good. A link that is down for now delivers nothing.
    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize>;

    /// Sends from the front of `batch` and says how many packets it took; what found no room stays, in order.
    ///
    /// A packet taken may still be lost, as on any network.
    ///
    /// # Errors
    /// Only when the link is gone for good.
    fn transmit(&mut self, now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize>;

    /// What to wait for when [`receive`](Self::receive) gave nothing or [`transmit`](Self::transmit) left something.
    fn readiness(&self) -> Readiness<'_>;
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn medium(&self) -> Medium {
        (**self).medium()
    }

    fn mtu(&self) -> usize {
        (**self).mtu()
    }

    fn offload(&self) -> Offload {
        (**self).offload()
    }

    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        (**self).receive(now, batch, max)
    }

    fn transmit(&mut self, now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        (**self).transmit(now, batch)
    }

    fn readiness(&self) -> Readiness<'_> {
        (**self).readiness()
    }
}
