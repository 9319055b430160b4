//! The wrapper that records.

use super::Capture;
use super::pcapng::{Direction, Interface};
use crate::{Link, Medium, Offload, Readiness};
use sockeye_wire::{Instant, Packet};
use std::collections::VecDeque;
use std::io;

/// A link whose packets are recorded in a [`Capture`]; the file is flushed when the tap is dropped.
///
/// An arriving packet is recorded with its arrival time, a sent one with the time of sending and only once the link has taken it.
#[derive(Debug)]
pub struct Tap<L: Link> {
    link: L,
    capture: Capture,
    interface: Interface,
    /// Copies (of references) of what is offered to the link, until it is known how much of it was taken.
    offered: Vec<Packet>,
}

impl<L: Link> Tap<L> {
    pub(super) fn new(link: L, capture: Capture, interface: Interface) -> Self {
        Self { link, capture, interface, offered: Vec::new() }
    }

    /// The file.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// The link inside.
    pub fn get_ref(&self) -> &L {
        &self.link
    }
}

impl<L: Link> Link for Tap<L> {
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
        if received > 0 {
            let packets = batch[before..].iter().map(|packet| (packet.meta.arrival, packet));
            self.capture.record((self.interface, self.link.medium()), Direction::Inbound, packets);
        }
        Ok(received)
    }

    fn transmit(&mut self, now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        self.offered.extend(batch.iter().cloned());
        let sent = self.link.transmit(now, batch);
        let taken = *sent.as_ref().unwrap_or(&0);
        if taken > 0 {
            let packets = self.offered[..taken].iter().map(|packet| (now, packet));
            self.capture.record((self.interface, self.link.medium()), Direction::Outbound, packets);
        }
        self.offered.clear();
        sent
    }

    fn readiness(&self) -> Readiness<'_> {
        self.link.readiness()
    }
}

impl<L: Link> Drop for Tap<L> {
    fn drop(&mut self) {
        // The capture keeps an error for whoever asks; nobody can be told here.
        let _ = self.capture.flush();
    }
}
