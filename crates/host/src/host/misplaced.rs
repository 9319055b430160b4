//! Packets that arrived at another shard than the one that they are for.

use super::Host;
use super::ingress::Datagram;
use crate::config::InterfaceId;
use sockeye_tcp::Endpoints;
use sockeye_wire::ip::{Fragment, IpView};
use sockeye_wire::{ChecksumState, Instant, Packet};

/// A packet on its way to the shard that it is for, and what was read of it already.
#[derive(Clone, Debug)]
pub struct Misplaced {
    interface: InterfaceId,
    kind: Kind,
    packet: Packet,
}

/// Whom a [`Misplaced`] is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// The shard with this index.
    Shard(u32),
    /// All shards but the one that gave it: it tells of neighbours, whom each of them talks to.
    Others,
}

#[derive(Clone, Debug)]
enum Kind {
    Datagram { ip: IpView, ip_at: Option<usize>, transport_at: usize },
    Piece { ip: IpView, fragment: Fragment, transport_at: usize },
    Arp { at: usize },
}

impl Host {
    /// The next packet that arrived here and is for another [shard](crate::Shard) or for all others; to be given to their
    /// [`on_misplaced`](Self::on_misplaced). Call until `None` after every batch of packets or calls. There are none on a host that is alone.
    pub fn poll_misplaced(&mut self) -> Option<(Goal, Misplaced)> {
        self.misplaced.pop_front()
    }

    /// A packet that arrived on another shard.
    pub fn on_misplaced(&mut self, now: Instant, misplaced: Misplaced) {
        let Misplaced { interface, kind, mut packet } = misplaced;
        match kind {
            Kind::Datagram { ip, ip_at, transport_at } => {
                let packet = &mut packet;
                let hearsay = true;
                self.on_datagram(
                    now,
                    Datagram { interface, ip, ip_at, transport_at, packet, hearsay },
                );
            }
            Kind::Piece { ip, fragment, transport_at } => {
                let data = packet.to_bytes().slice(transport_at..);
                self.on_fragment(now, interface, ip, fragment, packet.meta, &data);
            }
            Kind::Arp { at } => self.on_arp(now, interface, at, &packet, true),
        }
    }

    /// Sends a datagram about a connection of another shard there; false if the connection would be here.
    #[inline]
    pub(super) fn misplace(&mut self, datagram: &mut Datagram<'_>, endpoints: &Endpoints) -> bool {
        let Some(shard) = self.placement.elsewhere(endpoints) else { return false };
        let mut packet = core::mem::replace(datagram.packet, Packet::empty());
        if packet.meta.checksum == ChecksumState::Unverified {
            // What is not right does not get this far.
            packet.meta.checksum = ChecksumState::Valid;
        }
        self.misplaced_datagram(Goal::Shard(shard), datagram, packet);
        true
    }

    /// Lets the other shards hear what a neighbour says.
    pub(super) fn spread_datagram(&mut self, datagram: &Datagram<'_>) {
        if !self.placement.is_alone() && !datagram.hearsay {
            self.misplaced_datagram(Goal::Others, datagram, datagram.packet.clone());
        }
    }

    /// As [`spread_datagram`](Self::spread_datagram), for ARP.
    pub(super) fn spread_arp(&mut self, interface: InterfaceId, at: usize, packet: &Packet) {
        if !self.placement.is_alone() {
            let misplaced = Misplaced { interface, kind: Kind::Arp { at }, packet: packet.clone() };
            self.put_misplaced(Goal::Others, misplaced);
        }
    }

    /// Sends a piece of a datagram to where it is put together; gives the packet back if that is here.
    pub(super) fn misplace_piece(
        &mut self,
        interface: InterfaceId,
        (ip, fragment): (&IpView, Fragment),
        transport_at: usize,
        packet: &mut Packet,
    ) -> bool {
        let ends = (ip.source, ip.destination);
        let Some(shard) = self.placement.pieces_elsewhere(ends, fragment.id) else { return false };
        let packet = core::mem::replace(packet, Packet::empty());
        let kind = Kind::Piece { ip: *ip, fragment, transport_at };
        self.put_misplaced(Goal::Shard(shard), Misplaced { interface, kind, packet });
        true
    }

    fn misplaced_datagram(&mut self, goal: Goal, datagram: &Datagram<'_>, packet: Packet) {
        let Datagram { interface, ip, ip_at, transport_at, .. } = *datagram;
        let kind = Kind::Datagram { ip, ip_at, transport_at };
        self.put_misplaced(goal, Misplaced { interface, kind, packet });
    }

    fn put_misplaced(&mut self, goal: Goal, misplaced: Misplaced) {
        if self.misplaced.len() < self.config.limits.outbox {
            self.misplaced.push_back((goal, misplaced));
        } else {
            self.counters.dropped_queue_full += 1;
        }
    }
}
