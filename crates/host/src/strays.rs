//! Packets of other protocols than TCP that wait for whoever asked for them.

use crate::config::InterfaceId;
use alloc::collections::VecDeque;
use sockeye_wire::Packet;

/// A packet that the host has no use for.
#[derive(Clone, Debug)]
pub struct StrayPacket {
    /// Where it arrived.
    pub interface: InterfaceId,
    /// The whole packet, from its IP header on; fragments are put together. If its `meta` says that the checksum is `Partial`, the
    /// link has vouched for the packet and the field of UDP's or TCP's checksum holds the sum of the pseudo-header alone.
    pub packet: Packet,
}

pub(crate) struct Strays {
    /// Packets kept at most.
    pub(crate) limit: usize,
    pub(crate) queue: VecDeque<StrayPacket>,
    /// An event about it is on its way.
    pub(crate) announced: bool,
}

impl Strays {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, queue: VecDeque::new(), announced: false }
    }
}
