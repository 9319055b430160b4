//! The classic format: one header, then records.

use super::bytes::ByteOrder;
use super::source::Source;
use super::{Damage, Found, LinkType, MAX_RECORD_BYTES};
use sockeye_wire::Instant;

const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
/// What tcpdump and its kin use when no snap length is asked for.
const USUAL_SNAP_BYTES: u32 = 262_144;

pub(super) struct Pcap {
    order: ByteOrder,
    link_type: LinkType,
    /// Nanoseconds in one unit of a record's second time field.
    unit_nanos: u64,
    max_captured: usize,
}

impl Pcap {
    pub(super) fn open(source: &mut Source<'_>) -> Result<Self, Damage> {
        let header = source.peek(FILE_HEADER_BYTES).map_err(Damage::Io)?;
        let have = header.len();
        let mut start = [0; 4];
        start[..have.min(4)].copy_from_slice(&header[..have.min(4)]);
        let (order, unit_nanos) = match start {
            [0xd4, 0xc3, 0xb2, 0xa1] => (ByteOrder::Little, 1_000),
            [0xa1, 0xb2, 0xc3, 0xd4] => (ByteOrder::Big, 1_000),
            [0x4d, 0x3c, 0xb2, 0xa1] => (ByteOrder::Little, 1),
            [0xa1, 0xb2, 0x3c, 0x4d] => (ByteOrder::Big, 1),
            _ => return Err(Damage::Foreign { start }),
        };
        if have < FILE_HEADER_BYTES {
            return Err(Damage::CutShort {
                what: "the file header",
                have,
                need: FILE_HEADER_BYTES,
            });
        }
        let snap = order.u32(header, 16).max(USUAL_SNAP_BYTES);
        // The upper bits tell the length of a frame check sequence, which the IP length cuts off anyway.
        let link_type = LinkType(order.u32(header, 20) & 0x03ff_ffff);
        source.take(FILE_HEADER_BYTES);
        Ok(Self {
            order,
            link_type,
            unit_nanos,
            max_captured: MAX_RECORD_BYTES.min(usize::try_from(snap).unwrap_or(MAX_RECORD_BYTES)),
        })
    }

    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Found>, Damage> {
        let header = source.peek(RECORD_HEADER_BYTES).map_err(Damage::Io)?;
        if header.is_empty() {
            return Ok(None);
        }
        if header.len() < RECORD_HEADER_BYTES {
            return Err(Damage::CutShort {
                what: "a record header",
                have: header.len(),
                need: RECORD_HEADER_BYTES,
            });
        }
        let seconds = u64::from(self.order.u32(header, 0));
        let fraction = u64::from(self.order.u32(header, 4));
        let captured = self.order.u32(header, 8);
        let original = self.order.u32(header, 12);
        let len = captured as usize;
        if len > self.max_captured {
            return Err(Damage::AbsurdLength { what: "a packet", len: u64::from(captured) });
        }
        let need = RECORD_HEADER_BYTES + len;
        let have = source.peek(need).map_err(Damage::Io)?.len();
        if have < need {
            return Err(Damage::CutShort { what: "a packet", have, need });
        }
        source.take(need);
        Ok(Some(Found {
            time: Instant::from_nanos(seconds * 1_000_000_000 + fraction * self.unit_nanos),
            link_type: self.link_type,
            skip: RECORD_HEADER_BYTES,
            captured: len,
            original_len: original.max(captured),
        }))
    }
}
