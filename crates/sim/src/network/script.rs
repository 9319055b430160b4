//! Who acts on a network: the applications, and whoever plays fate.

use super::{Network, NodeId};
use sockeye_host::{Event, Host};
use sockeye_wire::{Instant, Packet};

/// What is to be done when something happens.
pub trait Script {
    /// Something happened at a host. Everything may be asked of it; its packets leave afterwards.
    fn on_event(&mut self, node: NodeId, now: Instant, host: &mut Host, event: Event);

    /// When [`on_time`](Self::on_time) is to be called; nothing to do at a fixed time if `None`.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline is reached.
    fn on_time(&mut self, _network: &mut Network) {}

    /// A host has sent a packet.
    fn on_sent(&mut self, _node: NodeId, _now: Instant, _packet: &Packet) {}

    /// A packet reaches a host, damaged perhaps, and is about to be processed.
    fn on_arrival(&mut self, _node: NodeId, _now: Instant, _packet: &Packet) {}
}

/// Nobody acts.
impl Script for () {
    fn on_event(&mut self, _node: NodeId, _now: Instant, _host: &mut Host, _event: Event) {}
}
