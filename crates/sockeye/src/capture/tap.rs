//! The place where captures listen: around every link, and free while none does.

use super::recorder::Recorder;
use sockeye_link::capture::pcapng::{Direction, Interface};
use sockeye_link::{Link, Medium, Offload, Readiness};
use sockeye_wire::{Instant, Packet};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What an interface's links and the captures have in common.
#[derive(Debug)]
pub(crate) struct TapPoint {
    medium: Medium,
    /// Whether there is any recorder: looked at once a batch.
    is_active: AtomicBool,
    recorders: Mutex<Vec<(Arc<Recorder>, Interface)>>,
}

impl TapPoint {
    pub(crate) fn new(medium: Medium) -> Arc<Self> {
        let is_active = AtomicBool::new(false);
        Arc::new(Self { medium, is_active, recorders: Mutex::default() })
    }

    pub(crate) const fn medium(&self) -> Medium {
        self.medium
    }

    pub(crate) fn begin(&self, recorder: &Arc<Recorder>, interface: Interface) {
        let mut recorders = self.lock();
        recorders.push((Arc::clone(recorder), interface));
        self.is_active.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, recorder: &Arc<Recorder>) {
        let mut recorders = self.lock();
        recorders.retain(|(known, _)| !Arc::ptr_eq(known, recorder));
        self.is_active.store(!recorders.is_empty(), Ordering::Relaxed);
    }

    fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    fn record<'a>(
        &self,
        direction: Direction,
        packets: impl Iterator<Item = (Instant, &'a Packet)> + Clone,
    ) {
        for (recorder, interface) in &*self.lock() {
            recorder.record((*interface, self.medium), direction, packets.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<Recorder>, Interface)>> {
        self.recorders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A link at which captures can listen.
///
/// An arriving packet is recorded with its arrival time, a sent one with the time of sending and only once the link has taken it.
pub(crate) struct Tapped<L> {
    link: L,
    point: Arc<TapPoint>,
    /// Copies (of references) of what is offered to the link, until it is known how much of it was taken.
    offered: Vec<Packet>,
}

impl<L: Link> Tapped<L> {
    pub(crate) fn new(link: L, point: Arc<TapPoint>) -> Self {
        Self { link, point, offered: Vec::new() }
    }
}

impl<L: Link> Link for Tapped<L> {
    fn medium(&self) -> Medium {
        self.link.medium()
    }

    fn mtu(&self) -> usize {
        self.link.mtu()
    }

    fn offload(&self) -> Offload {
        self.link.offload()
    }

    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        let before = batch.len();
        let received = self.link.receive(now, batch, max)?;
        if batch.len() > before && self.point.is_active() {
            let packets = batch[before..].iter().map(|packet| (packet.meta.arrival, packet));
            self.point.record(Direction::Inbound, packets);
        }
        Ok(received)
    }

    fn transmit(&mut self, now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        if !self.point.is_active() {
            return self.link.transmit(now, batch);
        }
        self.offered.extend(batch.iter().cloned());
        let sent = self.link.transmit(now, batch);
        let taken = *sent.as_ref().unwrap_or(&0);
        if taken > 0 {
            let packets = self.offered[..taken].iter().map(|packet| (now, packet));
            self.point.record(Direction::Outbound, packets);
        }
        self.offered.clear();
        sent
    }

    fn readiness(&self) -> Readiness<'_> {
        self.link.readiness()
    }
}
