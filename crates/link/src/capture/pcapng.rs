//! A pcapng writer (draft-ietf-opsawg-pcapng): nanosecond timestamps, several interfaces, packet directions.

use crate::Medium;
use sockeye_wire::{Instant, Packet};
use std::io::{self, BufWriter, Write};

/// An interface of a file, as [`Writer::add_interface`] numbered it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Interface(u32);

impl Interface {
    pub(super) const FIRST: Self = Self(0);
}

/// Which way a packet went, seen from the interface.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// It arrived.
    Inbound,
    /// It was sent.
    Outbound,
}

/// Writes packets to a pcapng file, buffered; dropping it flushes, as far as that succeeds.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: BufWriter<W>,
    epoch_nanos: u64,
    interfaces: u32,
}

impl<W: Write> Writer<W> {
    /// Begins a file. `epoch_nanos` is what [`Instant::ZERO`] stands for, in nanoseconds since 1970 (UTC).
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, epoch_nanos: u64) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let mut options = Vec::new();
        push_option(
            &mut options,
            SHB_USERAPPL,
            concat!("Sockeye ", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
        push_option(&mut options, OPT_ENDOFOPT, &[]);
        write_block(
            &mut out,
            SECTION_HEADER,
            &[
                &0x1a2b_3c4d_u32.to_le_bytes(),
                &[1, 0, 0, 0],
                // Section length: unknown.
                &[0xff; 8],
                &options,
            ],
        )?;
        Ok(Self { out, epoch_nanos, interfaces: 0 })
    }

    /// Declares one more interface; `name` is for the reader's eyes and cut to 65,535 octets.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn add_interface(&mut self, medium: Medium, name: &str) -> io::Result<Interface> {
        let link_type = match medium {
            Medium::Ethernet(_) => LINKTYPE_ETHERNET,
            Medium::Ip => LINKTYPE_RAW,
        };
        let mut options = Vec::new();
        push_option(&mut options, IF_NAME, name.as_bytes());
        if let Medium::Ethernet(address) = medium {
            push_option(&mut options, IF_MACADDR, &address.0);
        }
        // Resolution 10⁻⁹ s.
        push_option(&mut options, IF_TSRESOL, &[9]);
        push_option(&mut options, OPT_ENDOFOPT, &[]);
        write_block(
            &mut self.out,
            INTERFACE_DESCRIPTION,
            &[
                &link_type.to_le_bytes(),
                &[0; 2],
                // Snap length: no limit.
                &[0; 4],
                &options,
            ],
        )?;
        let interface = Interface(self.interfaces);
        self.interfaces += 1;
        Ok(interface)
    }

    /// Writes one packet.
    ///
    /// # Errors
    /// When the output cannot be written; the file may then end within a block.
    pub fn write(
        &mut self,
        time: Instant,
        interface: Interface,
        direction: Direction,
        packet: &Packet,
    ) -> io::Result<()> {
        self.write_front(time, interface, direction, packet, usize::MAX)
    }

    /// Writes the first `snap_bytes` octets of a packet, and how long it was.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_front(
        &mut self,
        time: Instant,
        interface: Interface,
        direction: Direction,
        packet: &Packet,
        snap_bytes: usize,
    ) -> io::Result<()> {
        let original = u32::try_from(packet.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut left = packet.len().min(snap_bytes);
        let len = left as u32;
        let padding = &[0; 3][..(left.next_multiple_of(4) - left)];
        let total = (EPB_FIXED_BYTES + EPB_OPTION_BYTES + len.next_multiple_of(4)).to_le_bytes();
        let nanos = self.epoch_nanos.saturating_add(time.as_nanos());

        let mut front = [0; 28];
        front[0..4].copy_from_slice(&ENHANCED_PACKET.to_le_bytes());
        front[4..8].copy_from_slice(&total);
        front[8..12].copy_from_slice(&interface.0.to_le_bytes());
        front[12..16].copy_from_slice(&((nanos >> 32) as u32).to_le_bytes());
        front[16..20].copy_from_slice(&(nanos as u32).to_le_bytes());
        front[20..24].copy_from_slice(&len.to_le_bytes());
        front[24..28].copy_from_slice(&original.to_le_bytes());
        self.out.write_all(&front)?;
        for piece in packet.pieces() {
            let piece = &piece[..piece.len().min(left)];
            left -= piece.len();
            self.out.write_all(piece)?;
        }
        self.out.write_all(padding)?;

        let mut back = [0; 16];
        back[0..2].copy_from_slice(&EPB_FLAGS.to_le_bytes());
        back[2..4].copy_from_slice(&4_u16.to_le_bytes());
        back[4] = match direction {
            Direction::Inbound => 1,
            Direction::Outbound => 2,
        };
        // Octets 8 to 12 are the end-of-options option: all zero.
        back[12..16].copy_from_slice(&total);
        self.out.write_all(&back)
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The output, without what is still buffered.
    pub fn get_mut(&mut self) -> &mut W {
        self.out.get_mut()
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        self.out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

const BUFFER_BYTES: usize = 64 * 1024;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
/// Type, two lengths, interface, time, captured and original length.
const EPB_FIXED_BYTES: u32 = 32;
/// The flags option and the end of options.
const EPB_OPTION_BYTES: u32 = 12;

const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_RAW: u16 = 101;

const OPT_ENDOFOPT: u16 = 0;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_MACADDR: u16 = 6;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;

fn push_option(options: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    options.extend_from_slice(&code.to_le_bytes());
    options.extend_from_slice(&(value.len() as u16).to_le_bytes());
    options.extend_from_slice(value);
    options.resize(options.len().next_multiple_of(4), 0);
}

/// Writes a block whose parts together have a multiple of four octets.
fn write_block(out: &mut impl Write, kind: u32, parts: &[&[u8]]) -> io::Result<()> {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let total = (body as u32 + 12).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total)?;
    for part in parts {
        out.write_all(part)?;
    }
    out.write_all(&total)
}
