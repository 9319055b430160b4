//! The ring for stacks that want contiguous packets: buffers made once.

use super::RING_PACKETS;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// One direction.
pub(super) struct Ring {
    slots: Vec<Slot>,
    first: usize,
    waiting: usize,
    /// Packets that ever went in, and those of them that were full enough to carry data.
    pub(super) packets: u64,
}

struct Slot {
    bytes: Vec<u8>,
    len: usize,
}

impl Ring {
    pub(super) fn new(mtu: usize) -> Self {
        Self::with_capacity(mtu, RING_PACKETS)
    }

    pub(super) fn with_capacity(mtu: usize, packets: usize) -> Self {
        let slots = (0..packets).map(|_| Slot { bytes: vec![0; mtu], len: 0 }).collect();
        Self { slots, first: 0, waiting: 0, packets: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    fn is_full(&self) -> bool {
        self.waiting == self.slots.len()
    }

    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        let slot = &self.slots[self.first];
        let result = read(&slot.bytes[..slot.len]);
        self.first = (self.first + 1) % self.slots.len();
        self.waiting -= 1;
        result
    }

    fn put<R>(&mut self, len: usize, write: impl FnOnce(&mut [u8]) -> R) -> R {
        let at = (self.first + self.waiting) % self.slots.len();
        let slot = &mut self.slots[at];
        slot.len = len;
        self.waiting += 1;
        self.packets += 1;
        write(&mut slot.bytes[..len])
    }
}

/// What one end sees of the two rings.
pub(super) struct Port<'a> {
    pub(super) incoming: &'a mut Ring,
    pub(super) outgoing: &'a mut Ring,
    pub(super) mtu: usize,
}

pub(super) struct Take<'a>(&'a mut Ring);
pub(super) struct Put<'a>(&'a mut Ring);

impl Device for Port<'_> {
    type RxToken<'t>
        = Take<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Put<'t>
    where
        Self: 't;

    fn receive(&mut self, _: Instant) -> Option<(Take<'_>, Put<'_>)> {
        (!self.incoming.is_empty() && !self.outgoing.is_full())
            .then_some((Take(self.incoming), Put(self.outgoing)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Put<'_>> {
        (!self.outgoing.is_full()).then_some(Put(self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

impl RxToken for Take<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        self.0.take(read)
    }
}

impl TxToken for Put<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        self.0.put(len, write)
    }
}
