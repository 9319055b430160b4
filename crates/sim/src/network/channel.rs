//! One direction between two hosts: what is under way, in order of arrival.

use super::path_mtu::PathMtu;
use super::{JunctionId, NodeId};
use sockeye_host::InterfaceId;
use sockeye_link::Medium;
use sockeye_link::impair::{Impairer, Impairment, ImpairmentCounts, carry};
use sockeye_wire::{Instant, Packet};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// Where a channel ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Host(NodeId, InterfaceId),
    Junction(JunctionId),
}

/// Packets on their way from one end to the other.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) to: Target,
    /// The channel in the other direction: its place.
    pub(super) back: usize,
    pub(super) path_mtu: Option<PathMtu>,
    impairer: Impairer,
    /// Those that keep their order, which are nearly all: arrival times only grow.
    ordered: VecDeque<Packet>,
    /// Those that were delayed behind later ones.
    late: BinaryHeap<Reverse<Late>>,
    late_count: u64,
}

impl Channel {
    pub(super) fn new(to: Target, back: usize, impairer: Impairer) -> Self {
        Self {
            to,
            back,
            path_mtu: None,
            impairer,
            ordered: VecDeque::new(),
            late: BinaryHeap::new(),
            late_count: 0,
        }
    }

    /// What happens to packets from now on.
    pub(super) fn set_impairment(&mut self, impairment: Impairment) {
        self.impairer.set_impairment(impairment);
    }

    /// A packet from nowhere: it arrives at `at`, untouched.
    pub(super) fn inject(&mut self, at: Instant, mut packet: Packet) {
        packet.meta.arrival = at;
        self.put(packet, true);
    }

    /// Sends a packet; says how often it will arrive.
    #[inline]
    pub(super) fn send(&mut self, now: Instant, mut packet: Packet) -> usize {
        let reordered = self.impairer.counts().reordered;
        let mut fates = self.impairer.send(now, packet.len());
        let is_late = self.impairer.counts().reordered != reordered;
        let copies = fates.len();
        // The last arrival takes the packet itself; most packets have but one.
        let Some(last) = fates.pop() else { return 0 };
        for fate in &fates {
            self.put(carry(&packet, fate, Medium::Ip), is_late);
        }
        if last.corrupt_bit.is_some() || last.mark_ce {
            packet = carry(&packet, &last, Medium::Ip);
        }
        packet.meta.arrival = last.deliver_at;
        self.put(packet, is_late);
        copies
    }

    #[inline]
    fn put(&mut self, packet: Packet, is_late: bool) {
        if is_late {
            self.late_count += 1;
            self.late.push(Reverse(Late { number: self.late_count, packet }));
        } else {
            self.ordered.push_back(packet);
        }
    }

    /// When the next packet arrives.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        let ordered = self.ordered.front().map(|packet| packet.meta.arrival);
        let late = self.late.peek().map(|Reverse(late)| late.packet.meta.arrival);
        ordered.into_iter().chain(late).min()
    }

    /// Moves everything that has arrived by `now` to `out`, first come first.
    pub(super) fn take_arrived(&mut self, now: Instant, out: &mut Vec<Packet>) {
        while let Some(next) = self.deadline().filter(|&next| next <= now) {
            let late_first = self.late.peek().is_some_and(|Reverse(late)| {
                let ordered = self.ordered.front().map(|packet| packet.meta.arrival);
                late.packet.meta.arrival == next && ordered != Some(next)
            });
            if late_first {
                out.extend(self.late.pop().map(|Reverse(late)| late.packet));
            } else {
                out.extend(self.ordered.pop_front());
            }
        }
    }

    pub(super) fn counts(&self) -> ImpairmentCounts {
        self.impairer.counts()
    }
}

/// Ordered by arrival, then by sending, so that a run is the same every time.
#[derive(Debug)]
struct Late {
    number: u64,
    packet: Packet,
}

impl Late {
    fn key(&self) -> (Instant, u64) {
        (self.packet.meta.arrival, self.number)
    }
}

impl PartialEq for Late {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Late {}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Late {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
