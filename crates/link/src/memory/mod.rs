//! Two links joined in memory.
//!
//! What one side sends, the other receives: the same buffers, never copied. Each direction holds a bounded queue; a full
//! one makes [`transmit`](Link::transmit) leave packets with the sender.

#[cfg(test)]
mod tests;

use crate::{Link, Medium, Readiness, SharedWaker};
use sockeye_wire::{Instant, Packet};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a pair is made; [`Default`] is 1,024 packets each way of bare IP with an MTU of 1,500.
#[derive(Clone, Copy, Debug)]
pub struct PairConfig {
    /// Medium of each side.
    pub media: [Medium; 2],
    /// Octets of the largest IP packet.
    pub mtu: usize,
    /// Packets that may wait in each direction; at least 1.
    pub capacity: usize,
}

impl Default for PairConfig {
    fn default() -> Self {
        Self { media: [Medium::Ip; 2], mtu: 1_500, capacity: 1_024 }
    }
}

/// Two joined links.
#[must_use]
pub fn pair(config: PairConfig) -> (MemoryLink, MemoryLink) {
    let left_to_right = Arc::new(Direction::default());
    let right_to_left = Arc::new(Direction::default());
    let wakers = [Arc::new(SharedWaker::new()), Arc::new(SharedWaker::new())];
    let side =
        |medium, mine: usize, incoming: &Arc<Direction>, outgoing: &Arc<Direction>| MemoryLink {
            medium,
            mtu: config.mtu,
            capacity: config.capacity.max(1),
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            waker: Arc::clone(&wakers[mine]),
            peer_waker: Arc::clone(&wakers[1 - mine]),
        };
    (
        side(config.media[0], 0, &right_to_left, &left_to_right),
        side(config.media[1], 1, &left_to_right, &right_to_left),
    )
}

/// One side of a [`pair`].
///
/// When the other side is dropped this is a link with the cable pulled: what is sent vanishes, nothing arrives.
#[derive(Debug)]
pub struct MemoryLink {
    medium: Medium,
    mtu: usize,
    capacity: usize,
    incoming: Arc<Direction>,
    outgoing: Arc<Direction>,
    waker: Arc<SharedWaker>,
    peer_waker: Arc<SharedWaker>,
}

impl Link for MemoryLink {
    fn medium(&self) -> Medium {
        self.medium
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    /// The queue stands for the wire, so packets arrive when they are taken from it.
    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        let (taken, was_full) = {
            let mut queue = self.incoming.lock();
            let was_full = queue.packets.len() >= self.capacity;
            let taken = queue.packets.len().min(max);
            batch.extend(queue.packets.drain(..taken).map(|mut packet| {
                packet.meta.arrival = now;
                packet
            }));
            (taken, was_full)
        };
        if was_full && taken > 0 {
            self.peer_waker.wake();
        }
        Ok(taken)
    }

    fn transmit(&mut self, _now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let (taken, was_empty) = {
            let mut queue = self.outgoing.lock();
            if queue.receiver_gone {
                let vanished = batch.len();
                batch.clear();
                return Ok(vanished);
            }
            let was_empty = queue.packets.is_empty();
            let taken = batch.len().min(self.capacity.saturating_sub(queue.packets.len()));
            if was_empty && taken == batch.len() {
                std::mem::swap(&mut queue.packets, batch);
            } else {
                queue.packets.extend(batch.drain(..taken));
            }
            (taken, was_empty)
        };
        if was_empty && taken > 0 {
            self.peer_waker.wake();
        }
        Ok(taken)
    }

    fn readiness(&self) -> Readiness<'_> {
        Readiness::Waker(&self.waker)
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        let mut incoming = self.incoming.lock();
        incoming.receiver_gone = true;
        incoming.packets.clear();
        drop(incoming);
        self.peer_waker.wake();
    }
}

#[derive(Default, Debug)]
struct Direction(Mutex<Queue>);

#[derive(Default, Debug)]
struct Queue {
    packets: VecDeque<Packet>,
    receiver_gone: bool,
}

impl Direction {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
