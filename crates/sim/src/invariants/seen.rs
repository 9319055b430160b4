//! A segment as anyone sees it.

use sockeye_wire::ip::{IpView, protocol};
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::tcp::{TcpOption, TcpView};
use sockeye_wire::{Ecn, Flags, Packet, SeqNumber};
use std::net::SocketAddr;

/// A segment whose checksums are right.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) seq: SeqNumber,
    pub(super) ack: SeqNumber,
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) window_scale: Option<u8>,
    pub(super) sack_permitted: bool,
    pub(super) sack: Vec<SackBlock>,
    /// TSval and TSecr.
    pub(super) timestamps: Option<(u32, u32)>,
    pub(super) ecn: Ecn,
    /// What AccECN's option says arrived, in octets: with ECT(0), CE, ECT(1).
    pub(super) octets: [Option<u32>; 3],
    pub(super) is_signed: bool,
    /// Of the whole segment: tells it from every other.
    pub(super) digest: u64,
    pub(super) payload: Vec<u8>,
}

impl Seen {
    /// `None` if the packet is no TCP segment, or a damaged one.
    pub(super) fn parse(packet: &Packet) -> Option<Self> {
        let bytes = packet.to_bytes();
        let ip = IpView::parse(&bytes, bytes.len()).ok()?;
        if ip.protocol != protocol::TCP || ip.fragment.is_some() {
            return None;
        }
        let segment = bytes.get(ip.header_len..ip.total_len)?;
        if !ip.pseudo_header().with(segment).is_valid() {
            return None;
        }
        let tcp = TcpView::parse(segment).ok()?;
        let mut seen = Self {
            source: SocketAddr::new(ip.source, tcp.source_port()),
            destination: SocketAddr::new(ip.destination, tcp.destination_port()),
            seq: tcp.seq(),
            ack: tcp.ack(),
            flags: tcp.flags(),
            window: tcp.window(),
            window_scale: None,
            sack_permitted: false,
            sack: Vec::new(),
            timestamps: None,
            ecn: ip.ecn,
            octets: [None; 3],
            is_signed: false,
            digest: xxhash_rust::xxh3::xxh3_64(segment),
            payload: tcp.rest().to_vec(),
        };
        for option in tcp.options().flatten() {
            match option {
                TcpOption::WindowScale(shift) => seen.window_scale = Some(shift.min(14)),
                TcpOption::SackPermitted => seen.sack_permitted = true,
                TcpOption::Sack(blocks) => seen.sack = blocks.iter().collect(),
                TcpOption::Timestamps { value, echo } => seen.timestamps = Some((value, echo)),
                TcpOption::Md5(_) | TcpOption::Authentication { .. } => seen.is_signed = true,
                TcpOption::AccEcn { e1_first, counters } => {
                    let order = if e1_first { [2, 1, 0] } else { [0, 1, 2] };
                    for (place, octets) in order.into_iter().zip(counters.chunks_exact(3)) {
                        let count =
                            octets.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet));
                        seen.octets[place] = Some(count);
                    }
                }
                _ => {}
            }
        }
        Some(seen)
    }

    /// Numbers that it takes.
    pub(super) fn len(&self) -> i64 {
        self.payload.len() as i64 + i64::from(self.flags.sequence_len())
    }

    /// The number of its first data octet, as a distance from its own.
    pub(super) fn data_at(&self) -> i64 {
        i64::from(self.flags.syn())
    }
}

/// The place of `number` in a sequence that began with `first`, next to `near`.
pub(super) fn place(first: SeqNumber, near: i64, number: SeqNumber) -> i64 {
    let reference = first + near as u32;
    near + i64::from(reference.distance_to(number))
}
