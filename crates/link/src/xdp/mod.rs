//! AF_XDP: the frames of an Ethernet interface in memory that the kernel and we share, before Linux sees them.
//!
//! The interface's queue is the stack's alone: Linux receives nothing from it any more. One system call serves a whole batch
//! that is sent, and none is needed to receive. There is no offload: see
//! [`SoftwareOffload`](crate::segmentation::SoftwareOffload).

mod config;
mod error;
mod program;
#[cfg(test)]
mod tests;

pub use config::{XdpConfig, XdpCounts, XdpMode};
pub use error::XdpError;

use crate::netdevice::NetDevice;
use crate::{Link, Medium, Readiness};
use ::xdp::nic::NicIndex;
use ::xdp::slab::{HeapSlab, Slab};
use ::xdp::socket::{XdpSocket, XdpSocketBuilder};
use ::xdp::umem::{FrameSize, UmemCfgBuilder};
use ::xdp::{RingConfigBuilder, Rings, Umem};
use bytes::Bytes;
use program::Program;
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::net::{SendFlags, sockopt};
use sockeye_wire::{ChecksumState, Instant, MacAddr, Meta, Packet, ethernet};
use std::collections::VecDeque;
use std::io;

/// A queue of an interface, taken over by an AF_XDP socket.
pub struct Xdp {
    name: String,
    mac: MacAddr,
    mtu: usize,
    checksum: ChecksumState,
    _program: Program,
    rings: Rings,
    /// Descriptors have been put into the ring since the kernel last looked through all of it.
    unsent: bool,
    counts: XdpCounts,
    socket: XdpSocket,
    /// Last, as the kernel may use it as long as there is the socket.
    memory: Umem,
}

/// Frames in each ring.
const RING_FRAMES: u32 = 1_024;
/// Frames in the shared memory: as many as all four rings hold.
const FRAMES: u32 = 4 * RING_FRAMES;
/// Frames moved at a time.
const BATCH: usize = 64;
/// What the kernel keeps in front of a frame (XDP_PACKET_HEADROOM).
const HEADROOM_BYTES: usize = 256;
const LARGEST_FRAME_BYTES: usize = 4_096 - HEADROOM_BYTES;

impl Xdp {
    /// Takes the queue over; dropping this gives it back to Linux.
    ///
    /// # Errors
    /// [`XdpError`], whose text says what to do.
    pub fn open(config: &XdpConfig) -> Result<Self, XdpError> {
        let name = &config.interface;
        let failed = |source: io::Error| XdpError::from_io(source, name);
        let socket_failed = |error| XdpError::from_socket(error, name);
        let device = NetDevice::find(name).map_err(failed)?;
        let Some(mac) = device.mac else {
            return Err(XdpError::NotEthernet { name: name.clone() });
        };
        let frame_bytes = device.mtu + ethernet::HEADER_BYTES;
        if frame_bytes > LARGEST_FRAME_BYTES {
            let most = LARGEST_FRAME_BYTES - ethernet::HEADER_BYTES;
            return Err(XdpError::MtuTooLarge { name: name.clone(), mtu: device.mtu, most });
        }
        let frame_size =
            if frame_bytes + HEADROOM_BYTES <= 2_048 { FrameSize::TwoK } else { FrameSize::FourK };
        let impossible = |error: ::xdp::error::Error| failed(io::Error::other(error.to_string()));
        let memory = UmemCfgBuilder { frame_size, frame_count: FRAMES, ..Default::default() };
        let mut memory = Umem::map(memory.build().map_err(impossible)?).map_err(failed)?;
        let sizes = RingConfigBuilder {
            rx_count: RING_FRAMES,
            tx_count: RING_FRAMES,
            fill_count: RING_FRAMES,
            completion_count: RING_FRAMES,
        };
        let sizes = sizes.build().map_err(impossible)?;
        let mut builder = XdpSocketBuilder::new().map_err(socket_failed)?;
        let (mut rings, flags) = builder.build_rings(&memory, sizes).map_err(socket_failed)?;
        // SAFETY: the memory lives as long as the rings and the socket: it is dropped after them, on every way out of here.
        unsafe { rings.fill_ring.enqueue(&mut memory, RING_FRAMES as usize) };
        let socket = builder
            .bind(NicIndex::new(device.index), config.queue, flags)
            .map_err(socket_failed)?;
        let program = Program::attach(device.index, config.queue + 1, config.mode.flags())
            .and_then(|program| {
                program.serve(config.queue, socket.raw_fd())?;
                Ok(program)
            })
            .map_err(failed)?;
        Ok(Self {
            name: name.clone(),
            mac,
            mtu: device.mtu,
            checksum: if config.trust_checksums {
                ChecksumState::Valid
            } else {
                ChecksumState::Unverified
            },
            _program: program,
            rings,
            unsent: false,
            counts: XdpCounts::default(),
            socket,
            memory,
        })
    }

    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames lost so far.
    #[must_use]
    pub const fn counts(&self) -> XdpCounts {
        self.counts
    }

    fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is the socket's, which is open as long as `self` is.
        unsafe { BorrowedFd::borrow_raw(self.socket.raw_fd()) }
    }

    /// Copies frames that lie in the ring, and gives their memory back to be filled.
    fn take_frames(&mut self, meta: Meta, batch: &mut Vec<Packet>, max: usize) -> usize {
        let Some(ring) = &mut self.rings.rx_ring else { return 0 };
        let mut frames = HeapSlab::with_capacity(max.min(BATCH));
        // SAFETY: the frames are gone before this function returns, long before the memory.
        unsafe { ring.recv(&self.memory, &mut frames) };
        let mut taken = 0;
        while let Some(frame) = frames.pop_back() {
            batch.push(Packet::from_bytes(meta, Bytes::copy_from_slice(&frame)));
            self.memory.free_packet(frame);
            taken += 1;
        }
        // SAFETY: as above; the kernel fills only memory of ours.
        unsafe { self.rings.fill_ring.enqueue(&mut self.memory, taken) };
        taken
    }

    /// Copies packets from the front of `batch` into the ring; says how many, and leaves those without room.
    fn put_frames(&mut self, batch: &mut VecDeque<Packet>) -> usize {
        let Some(ring) = &mut self.rings.tx_ring else { return 0 };
        self.rings.completion_ring.dequeue(&mut self.memory, RING_FRAMES as usize);
        let largest = self.mtu + ethernet::HEADER_BYTES;
        if batch.front().is_some_and(|packet| packet.len() > largest) {
            batch.pop_front();
            self.counts.dropped_refused += 1;
            return 1;
        }
        let fitting = batch.iter().take_while(|packet| packet.len() <= largest);
        let mut frames = HeapSlab::with_capacity(BATCH);
        for packet in fitting.take(BATCH) {
            // SAFETY: the frame goes into the ring or back to the memory before this function returns.
            let Some(mut frame) = (unsafe { self.memory.alloc() }) else { break };
            for piece in packet.pieces() {
                let appended = frame.append(piece);
                debug_assert!(appended.is_ok(), "the MTU is less than a frame holds");
            }
            let full = frames.push_front(frame);
            debug_assert!(full.is_none(), "there is room for the whole batch");
        }
        // SAFETY: the memory outlives the socket, as the order of the fields says.
        let sent = unsafe { ring.send(&mut frames) };
        while let Some(frame) = frames.pop_back() {
            self.memory.free_packet(frame);
        }
        batch.drain(..sent);
        self.unsent |= sent > 0;
        sent
    }

    /// Lets the kernel look through the ring, which it does in lots.
    fn send(&mut self) -> io::Result<()> {
        for _ in 0..RING_FRAMES {
            if !self.unsent {
                break;
            }
            match rustix::net::send(self.fd(), &[], SendFlags::DONTWAIT) {
                Ok(_) => self.unsent = false,
                Err(Errno::INTR | Errno::AGAIN) => {}
                // Full, down or out of memory: later.
                Err(Errno::BUSY | Errno::NOBUFS | Errno::NETDOWN) => break,
                Err(error) => return Err(self.gone(error)),
            }
        }
        Ok(())
    }

    fn gone(&self, error: Errno) -> io::Error {
        let name = &self.name;
        let kind = io::Error::from(error).kind();
        io::Error::new(kind, format!("interface {name:?} is gone: {error}"))
    }
}

impl Link for Xdp {
    fn medium(&self) -> Medium {
        Medium::Ethernet(self.mac)
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        let meta = Meta { checksum: self.checksum, ..Meta::at(now) };
        let mut received = 0;
        while received < max {
            match self.take_frames(meta, batch, max - received) {
                0 => break,
                taken => received += taken,
            }
        }
        if received == 0 {
            // An interface that is deleted leaves its error with the socket, which nothing else would show.
            if let Ok(Err(error)) = sockopt::socket_error(self.fd()) {
                return Err(self.gone(error));
            }
        }
        self.send()?;
        Ok(received)
    }

    fn transmit(&mut self, _now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let mut taken = 0;
        while !batch.is_empty() {
            let put = self.put_frames(batch);
            self.send()?;
            if put == 0 {
                break;
            }
            taken += put;
        }
        Ok(taken)
    }

    fn readiness(&self) -> Readiness<'_> {
        Readiness::Fd(self.fd())
    }
}

impl std::fmt::Debug for Xdp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Xdp")
            .field("name", &self.name)
            .field("mac", &self.mac)
            .finish_non_exhaustive()
    }
}
