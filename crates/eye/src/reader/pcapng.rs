//! The block format: sections, interfaces with their own clocks, packets.

use super::bytes::ByteOrder;
use super::source::Source;
use super::{Damage, Found, LinkType, MAX_RECORD_BYTES};
use sockeye_wire::Instant;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// Type and length before a block's body, the length again after it.
const FRAME_BYTES: usize = 12;
const BODY_AT: usize = 8;
/// A file that describes more interfaces than this is damaged, or meant to exhaust memory.
const MAX_INTERFACES: usize = 1 << 16;

pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
}

struct Interface {
    link_type: LinkType,
    /// 0 is without limit.
    snap_len: u32,
    resolution: Resolution,
    offset_seconds: i64,
}

#[derive(Clone, Copy)]
enum Resolution {
    /// Units of 10⁻ⁿ s.
    Decimal(u8),
    /// Units of 2⁻ⁿ s.
    Binary(u8),
}

impl Pcapng {
    pub(super) const fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new() }
    }

    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Found>, Damage> {
        loop {
            let Some((kind, len)) = self.next_block(source)? else {
                return Ok(None);
            };
            let block = source.peek(len).map_err(Damage::Io)?;
            if block.len() < len {
                return Err(Damage::CutShort { what: "a block", have: block.len(), need: len });
            }
            if self.order.u32(block, len - 4) as usize != len {
                return Err(Damage::Malformed { what: "a block's two lengths differ" });
            }
            let body = &block[BODY_AT..len - 4];
            let found = match kind {
                INTERFACE_DESCRIPTION => {
                    self.describe_interface(body)?;
                    None
                }
                ENHANCED_PACKET => Some(self.enhanced_packet(body)?),
                SIMPLE_PACKET => Some(self.simple_packet(body)?),
                OBSOLETE_PACKET => Some(self.obsolete_packet(body)?),
                _ => None,
            };
            source.take(len);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Type and length of the block that comes next; a section header sets the byte order.
    fn next_block(&mut self, source: &mut Source<'_>) -> Result<Option<(u32, usize)>, Damage> {
        let head = source.peek(FRAME_BYTES).map_err(Damage::Io)?;
        if head.is_empty() {
            return Ok(None);
        }
        if head.len() < FRAME_BYTES {
            return Err(Damage::CutShort {
                what: "a block header",
                have: head.len(),
                need: FRAME_BYTES,
            });
        }
        // A section header's type reads the same in both byte orders.
        if self.order.u32(head, 0) == SECTION_HEADER {
            self.order = match head[8..12] {
                [0x4d, 0x3c, 0x2b, 0x1a] => ByteOrder::Little,
                [0x1a, 0x2b, 0x3c, 0x4d] => ByteOrder::Big,
                _ => return Err(Damage::Malformed { what: "a section without byte order" }),
            };
            self.interfaces.clear();
        }
        let len = self.order.u32(head, 4);
        if len as usize > MAX_RECORD_BYTES || (len as usize) < FRAME_BYTES || !len.is_multiple_of(4)
        {
            return Err(Damage::AbsurdLength { what: "a block", len: u64::from(len) });
        }
        Ok(Some((self.order.u32(head, 0), len as usize)))
    }

    fn describe_interface(&mut self, body: &[u8]) -> Result<(), Damage> {
        if body.len() < 8 {
            return Err(Damage::Malformed { what: "an interface description of too few bytes" });
        }
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(Damage::Malformed { what: "more than 65,536 interfaces" });
        }
        let mut interface = Interface {
            link_type: LinkType(u32::from(self.order.u16(body, 0))),
            snap_len: self.order.u32(body, 4),
            resolution: Resolution::Decimal(6),
            offset_seconds: 0,
        };
        let mut options = &body[8..];
        while options.len() >= 4 {
            let (code, len) = (self.order.u16(options, 0), self.order.u16(options, 2));
            let Some(value) = options.get(4..4 + usize::from(len)) else {
                break;
            };
            match (code, len) {
                (OPTION_END, _) => break,
                (OPTION_TIME_RESOLUTION, 1..) if value[0] & 0x80 != 0 => {
                    interface.resolution = Resolution::Binary(value[0] & 0x7f);
                }
                (OPTION_TIME_RESOLUTION, 1..) => {
                    interface.resolution = Resolution::Decimal(value[0]);
                }
                (OPTION_TIME_OFFSET, 8..) => {
                    interface.offset_seconds = self.order.u64(value, 0).cast_signed();
                }
                _ => {}
            }
            let padded = 4 + usize::from(len).next_multiple_of(4);
            options = options.get(padded..).unwrap_or_default();
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn enhanced_packet(&self, body: &[u8]) -> Result<Found, Damage> {
        if body.len() < 20 {
            return Err(Damage::Malformed { what: "a packet block of too few bytes" });
        }
        let interface = self.interface(self.order.u32(body, 0))?;
        let ticks = u64::from(self.order.u32(body, 4)) << 32 | u64::from(self.order.u32(body, 8));
        let (captured, original) = (self.order.u32(body, 12), self.order.u32(body, 16));
        found(interface, interface.time(ticks), body, 20, captured, original)
    }

    fn obsolete_packet(&self, body: &[u8]) -> Result<Found, Damage> {
        if body.len() < 20 {
            return Err(Damage::Malformed { what: "a packet block of too few bytes" });
        }
        let interface = self.interface(u32::from(self.order.u16(body, 0)))?;
        let ticks = u64::from(self.order.u32(body, 4)) << 32 | u64::from(self.order.u32(body, 8));
        let (captured, original) = (self.order.u32(body, 12), self.order.u32(body, 16));
        found(interface, interface.time(ticks), body, 20, captured, original)
    }

    /// Of the first interface, without a time.
    fn simple_packet(&self, body: &[u8]) -> Result<Found, Damage> {
        if body.len() < 4 {
            return Err(Damage::Malformed { what: "a packet block of too few bytes" });
        }
        let interface = self.interface(0)?;
        let original = self.order.u32(body, 0);
        let snap = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
        found(interface, Instant::ZERO, body, 4, original.min(snap), original)
    }

    fn interface(&self, number: u32) -> Result<&Interface, Damage> {
        self.interfaces
            .get(number as usize)
            .ok_or(Damage::UnknownInterface { interface: number, known: self.interfaces.len() })
    }
}

fn found(
    interface: &Interface,
    time: Instant,
    body: &[u8],
    data_at: usize,
    captured: u32,
    original: u32,
) -> Result<Found, Damage> {
    if captured as usize > body.len() - data_at {
        return Err(Damage::AbsurdLength { what: "a packet", len: u64::from(captured) });
    }
    Ok(Found {
        time,
        link_type: interface.link_type,
        skip: BODY_AT + data_at,
        captured: captured as usize,
        original_len: original.max(captured),
    })
}

impl Interface {
    fn time(&self, ticks: u64) -> Instant {
        let ticks = u128::from(ticks);
        let nanos = match self.resolution {
            Resolution::Decimal(digits @ 0..=9) => ticks * 10u128.pow(9 - u32::from(digits)),
            Resolution::Decimal(digits) => {
                10u128.checked_pow(u32::from(digits) - 9).map_or(0, |divisor| ticks / divisor)
            }
            Resolution::Binary(bits) => (ticks * 1_000_000_000) >> bits,
        };
        let offset = i128::from(self.offset_seconds) * 1_000_000_000;
        let nanos = i128::try_from(nanos).unwrap_or(i128::MAX).saturating_add(offset);
        Instant::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}
