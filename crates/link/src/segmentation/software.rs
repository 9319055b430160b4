//! A link that cannot cut or coalesce, made one that can.

use super::{Merger, cut};
use crate::{Link, Medium, Offload, Readiness};
use sockeye_wire::{Instant, Packet};
use std::collections::VecDeque;
use std::io;

/// A link around one without offload: takes super-segments and cuts them, and puts together what arrives in a batch.
///
/// The stack above then does its work once for many segments, and acknowledges them once.
#[derive(Debug)]
pub struct SoftwareOffload<L: Link> {
    link: L,
    merger: Merger,
    /// What is left of the packet at the front of the batch that was not taken whole.
    cut: VecDeque<Packet>,
}

impl<L: Link> SoftwareOffload<L> {
    /// Wraps a link.
    #[must_use]
    pub fn new(link: L) -> Self {
        let merger = Merger::new(link.medium());
        Self { link, merger, cut: VecDeque::new() }
    }

    /// The link inside.
    pub fn get_ref(&self) -> &L {
        &self.link
    }
}

impl<L: Link> Link for SoftwareOffload<L> {
    fn medium(&self) -> Medium {
        self.link.medium()
    }

    fn mtu(&self) -> usize {
        self.link.mtu()
    }

    fn offload(&self) -> Offload {
        Offload::FULL
    }

    /// Says how many packets came over the link inside, of which fewer may be left: that it has no more is known if these were
    /// fewer than `max`.
    fn receive(&mut self, now: Instant, batch: &mut Vec<Packet>, max: usize) -> io::Result<usize> {
        let from = batch.len();
        let received = self.link.receive(now, batch, max)?;
        if received > 1 {
            self.merger.merge(batch, from);
        }
        Ok(received)
    }

    /// The packet at the front stays there until the link inside has taken all its segments.
    fn transmit(&mut self, now: Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let mut taken = 0;
        let mut is_begun = !self.cut.is_empty();
        loop {
            if is_begun {
                self.link.transmit(now, &mut self.cut)?;
                if !self.cut.is_empty() {
                    return Ok(taken);
                }
                batch.pop_front();
                taken += 1;
            }
            let Some(packet) = batch.front() else { return Ok(taken) };
            let medium = self.link.medium();
            cut(packet.clone(), medium, |segment| self.cut.push_back(segment));
            is_begun = true;
        }
    }

    fn readiness(&self) -> Readiness<'_> {
        self.link.readiness()
    }
}
