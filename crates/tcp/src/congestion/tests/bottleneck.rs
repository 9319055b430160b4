//! Flows that share one bottleneck: a link of some rate with a queue that drops what does not fit, a delay, and losses by chance.

use crate::Config;
use crate::connection::tests::harness::{End, deliver, opening};
use crate::{Connection, Segment, Transmit};
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::vec::Vec;

/// IPv4 header without options.
const IP_HEADER: usize = 20;
/// What a reader takes at once, and a writer writes.
const CHUNK: usize = 64 * 1024;

/// The network between all senders and all receivers.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) bits_per_second: u64,
    pub(crate) round_trip: Duration,
    /// Octets that the queue holds.
    pub(crate) queue: usize,
    /// Packets lost by chance, in either direction, of a million.
    pub(crate) loss: u64,
    /// Packets to the receiver that later ones overtake, of a million.
    pub(crate) reorder: u64,
    pub(crate) seed: u64,
}

impl Link {
    /// 100 Mbit/s, 50 ms, and a queue of one bandwidth-delay product.
    pub(crate) fn fast() -> Self {
        Self {
            bits_per_second: 100_000_000,
            round_trip: Duration::from_millis(50),
            queue: 625_000,
            loss: 0,
            reorder: 0,
            seed: 1,
        }
    }

    fn serialization(&self, octets: usize) -> Duration {
        Duration::from_nanos(octets as u64 * 8 * 1_000_000_000 / self.bits_per_second)
    }
}

/// A sender with always more to send, and its receiver.
#[derive(Debug)]
pub(crate) struct Flow {
    sender: End,
    receiver: End,
    starts_at: Instant,
    /// What the application hands over at a time, and how often; without limit if it is zero.
    pub(crate) trickle: Option<(usize, Duration)>,
    next_write: Instant,
    started: bool,
    pub(crate) received: u64,
}

impl Flow {
    pub(crate) fn sender(&self) -> &Connection {
        match &self.sender {
            End::Open(connection) => connection,
            other => panic!("sender is {:?}", other.state()),
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    at: core::cmp::Reverse<(Instant, u64)>,
    flow: usize,
    to_receiver: bool,
}

/// Flows over a link, in virtual time.
pub(crate) struct Bottleneck {
    pub(crate) now: Instant,
    pub(crate) link: Link,
    pub(crate) flows: Vec<Flow>,
    /// When the link has sent all that is queued.
    busy_until: Instant,
    arrivals: BinaryHeap<Arrival>,
    segments: std::collections::HashMap<u64, Segment>,
    count: u64,
    chance: u64,
    pub(crate) dropped: u64,
}

impl Bottleneck {
    /// One flow for each configuration; each starts the given time after the one before.
    pub(crate) fn new(link: Link, configs: &[Config], apart: Duration) -> Self {
        let now = Instant::from_millis(1_000);
        let flow = |(index, config): (usize, &Config)| {
            let starts_at = now + apart * index as u32;
            let iss = SeqNumber(1_000_000 * (index as u32 + 1));
            let config = Arc::new(config.clone());
            let connection = Connection::connect(Arc::clone(&config), opening(iss), starts_at);
            let receiver = End::Listen { config, iss: iss + 77 };
            Flow {
                sender: End::Open(connection),
                receiver,
                starts_at,
                trickle: None,
                next_write: starts_at,
                started: false,
                received: 0,
            }
        };
        Self {
            now,
            chance: link.seed,
            link,
            flows: configs.iter().enumerate().map(flow).collect(),
            busy_until: now,
            arrivals: BinaryHeap::new(),
            segments: std::collections::HashMap::new(),
            count: 0,
            dropped: 0,
        }
    }

    pub(crate) fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.run_until(until, |_| false);
    }

    /// Until then, or until `done` says so after an event; true if it did.
    pub(crate) fn run_until(
        &mut self,
        until: Instant,
        mut done: impl FnMut(&Self) -> bool,
    ) -> bool {
        for index in 0..self.flows.len() {
            self.transmit(index);
        }
        loop {
            let arrival = self.arrivals.peek().map(|arrival| arrival.at.0.0);
            let timer = (0..self.flows.len()).filter_map(|index| self.timer(index)).min();
            let Some(next) = [arrival, timer].into_iter().flatten().min() else { break };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            if arrival.is_some_and(|arrival| timer.is_none_or(|timer| arrival <= timer)) {
                self.arrive();
            } else {
                self.expire();
            }
            if done(self) {
                return true;
            }
        }
        self.now = until;
        false
    }

    fn timer(&self, index: usize) -> Option<Instant> {
        let flow = &self.flows[index];
        if !flow.started {
            return Some(flow.starts_at);
        }
        let write = flow.trickle.map(|_| flow.next_write);
        let own = [flow.sender.deadline(), flow.receiver.deadline(), write];
        own.into_iter().flatten().min()
    }

    fn expire(&mut self) {
        for index in 0..self.flows.len() {
            if self.timer(index).is_some_and(|at| at <= self.now) {
                self.flows[index].sender.on_timer(self.now);
                self.flows[index].receiver.on_timer(self.now);
                self.transmit(index);
            }
        }
    }

    fn arrive(&mut self) {
        let Some(Arrival { at, flow: index, to_receiver }) = self.arrivals.pop() else { return };
        let segment = self.segments.remove(&at.0.1).unwrap();
        let flow = &mut self.flows[index];
        let end = if to_receiver { &mut flow.receiver } else { &mut flow.sender };
        let reset = end.on_segment(self.now, segment);
        assert!(reset.is_none());
        self.transmit(index);
    }

    fn transmit(&mut self, index: usize) {
        if self.flows[index].starts_at > self.now {
            return;
        }
        self.flows[index].started = true;
        self.read_and_write(index);
        while let Some(transmit) = self.flows[index].sender.poll_transmit(self.now, 0) {
            self.forward(index, &transmit);
        }
        while let Some(transmit) = self.flows[index].receiver.poll_transmit(self.now, 0) {
            let at = self.now + self.link.round_trip / 2;
            if !self.happens(self.link.loss) {
                self.schedule(index, false, at, &transmit);
            }
        }
    }

    fn read_and_write(&mut self, index: usize) {
        static ZEROS: [u8; CHUNK] = [0; CHUNK];
        let (now, flow) = (self.now, &mut self.flows[index]);
        if let End::Open(receiver) = &mut flow.receiver {
            while let Ok(chunk) = receiver.read_chunk(CHUNK) {
                flow.received += chunk.len() as u64;
            }
            receiver.on_read(now);
        }
        let End::Open(sender) = &mut flow.sender else { return };
        match flow.trickle {
            None => while sender.write(now, &ZEROS).is_ok() {},
            Some((octets, every)) if flow.next_write <= now => {
                // What does not fit is left out.
                let _written = sender.write(now, &ZEROS[..octets]);
                flow.next_write = now + every;
            }
            Some(_) => {}
        }
    }

    /// Through the bottleneck.
    fn forward(&mut self, index: usize, transmit: &Transmit) {
        let octets = transmit.payload.len() + transmit.header.len() + IP_HEADER;
        let free_at = self.busy_until.max(self.now);
        let queued = free_at.since(self.now).as_nanos() * u128::from(self.link.bits_per_second);
        if queued / 8_000_000_000 + octets as u128 > self.link.queue as u128 {
            self.dropped += 1;
            return;
        }
        self.busy_until = free_at + self.link.serialization(octets);
        if self.happens(self.link.loss) {
            self.dropped += 1;
            return;
        }
        let late = if self.happens(self.link.reorder) {
            self.link.round_trip / 20
        } else {
            Duration::ZERO
        };
        let at = self.busy_until + self.link.round_trip / 2 + late;
        self.schedule(index, true, at, transmit);
    }

    fn schedule(&mut self, flow: usize, to_receiver: bool, at: Instant, transmit: &Transmit) {
        self.count += 1;
        self.segments.insert(self.count, deliver(transmit, at));
        let at = core::cmp::Reverse((at, self.count));
        self.arrivals.push(Arrival { at, flow, to_receiver });
    }

    /// Whether something happens that does in `rate` of a million cases (SplitMix64).
    fn happens(&mut self, rate: u64) -> bool {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.chance;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % 1_000_000 < rate
    }
}
