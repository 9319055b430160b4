//! One packet a system call, with or without a virtio-net header: what TUN devices and packet sockets have in common.

use crate::buffers::Buffers;
use crate::vnet::{self, VnetHeader};
use crate::{Medium, segmentation};
use arrayvec::ArrayVec;
use bytes::Buf;
use rustix::io::Errno;
use sockeye_wire::{Instant, Meta, Packet};
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};

/// Reads and writes packets of one descriptor.
pub(crate) struct PacketIo {
    medium: Medium,
    /// Each packet has a virtio-net header.
    has_header: bool,
    buffers: Buffers,
}

impl PacketIo {
    /// Packets without header; longer ones than `packet_bytes` come cut, one octet too long.
    pub(crate) fn plain(medium: Medium, packet_bytes: usize) -> Self {
        Self { medium, has_header: false, buffers: Buffers::new(packet_bytes + 1) }
    }

    /// Packets of any size, each with a virtio-net header.
    pub(crate) fn with_header(medium: Medium) -> Self {
        Self { medium, has_header: true, buffers: Buffers::new(LARGEST_READ_BYTES) }
    }

    /// As [`plain`](Self::plain) from now on; nothing changes where packets have a header.
    pub(crate) fn set_packet_bytes(&mut self, packet_bytes: usize) {
        if !self.has_header {
            self.buffers.set_read_bytes(packet_bytes + 1);
        }
    }

    /// Reads one packet.
    #[inline]
    pub(crate) fn read(&mut self, now: Instant, device: impl AsFd) -> rustix::io::Result<Packet> {
        let mut bytes = self.buffers.read(device)?;
        if !self.has_header {
            return Ok(Packet::from_bytes(Meta::at(now), bytes));
        }
        let Some(header) = bytes.first_chunk() else { return Err(Errno::BADMSG) };
        let meta = VnetHeader::from_bytes(*header).meta(now, &bytes[vnet::HEADER_BYTES..]);
        bytes.advance(vnet::HEADER_BYTES);
        Ok(Packet::from_bytes(meta, bytes))
    }

    /// Writes one packet.
    ///
    /// What the device cannot do for it is done here first; of the segments that this makes, those that the device does not take are
    /// lost, unless it is the first: then nothing of the packet was sent.
    #[inline]
    pub(crate) fn write(&self, device: BorrowedFd<'_>, packet: &Packet) -> rustix::io::Result<()> {
        if !self.has_header && !segmentation::is_unfinished(packet) {
            return write_pieces(device, None, packet);
        }
        match VnetHeader::of_packet(packet, self.medium) {
            Some(header) if self.has_header => write_pieces(device, Some(header), packet),
            _ => self.write_cut(device, packet),
        }
    }

    fn write_cut(&self, device: BorrowedFd<'_>, packet: &Packet) -> rustix::io::Result<()> {
        let header = self.has_header.then(VnetHeader::default);
        let mut first = None;
        segmentation::cut(packet.clone(), self.medium, |segment| {
            if !matches!(first, Some(Err(_))) {
                let written = write_pieces(device, header, &segment);
                first.get_or_insert(written);
            }
        });
        first.unwrap_or(Ok(()))
    }
}

/// A header, a frame's header with tags, and the largest IP packet without jumbograms: IPv6 does not count its header.
const LARGEST_READ_BYTES: usize = vnet::HEADER_BYTES + 22 + 40 + 65_535;

/// More pieces than any segment has; a packet of still more is copied together.
const MAX_PIECES: usize = 32;

#[inline]
fn write_pieces(
    device: BorrowedFd<'_>,
    header: Option<VnetHeader>,
    packet: &Packet,
) -> rustix::io::Result<()> {
    let header = header.map(VnetHeader::to_bytes);
    let header = header.as_ref().map_or(&[][..], |bytes| &bytes[..]);
    let mut slices = ArrayVec::<IoSlice<'_>, MAX_PIECES>::new();
    if !header.is_empty() {
        slices.push(IoSlice::new(header));
    }
    for piece in packet.pieces() {
        if slices.try_push(IoSlice::new(piece)).is_err() {
            let whole = packet.to_bytes();
            rustix::io::writev(device, &[IoSlice::new(header), IoSlice::new(&whole)])?;
            return Ok(());
        }
    }
    rustix::io::writev(device, &slices)?;
    Ok(())
}
