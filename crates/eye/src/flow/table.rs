//! The connections that may still see a packet.

use super::FlowKey;
use crate::config::Config;
use crate::tracker::Connection;
use hashbrown::HashMap;
use slab::Slab;
use sockeye_wire::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// Connections by their ends, and when to let go of them.
pub(crate) struct FlowTable {
    by_key: HashMap<FlowKey, usize>,
    connections: Slab<Box<Connection>>,
    /// Packets come in trains: the connection of the packet before.
    last: Option<(FlowKey, usize)>,
    closed: Lingering,
    attempts: Lingering,
}

impl FlowTable {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            by_key: HashMap::new(),
            connections: Slab::new(),
            last: None,
            closed: Lingering::new(config.closed_linger),
            attempts: Lingering::new(config.attempt_linger),
        }
    }

    #[inline]
    pub(crate) fn find(&mut self, key: &FlowKey) -> Option<usize> {
        match &self.last {
            Some((last, slot)) if last == key => Some(*slot),
            _ => {
                let slot = *self.by_key.get(key)?;
                self.last = Some((*key, slot));
                Some(slot)
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<&Connection> {
        self.connections.get(slot).map(Box::as_ref)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: usize) -> Option<&mut Connection> {
        self.connections.get_mut(slot).map(Box::as_mut)
    }

    /// Adds a connection that has seen its first packet. Who had these ends before is returned.
    pub(crate) fn insert(
        &mut self,
        key: FlowKey,
        connection: Connection,
        now: Instant,
    ) -> (usize, Option<Box<Connection>>) {
        let id = connection.id();
        let slot = self.connections.insert(Box::new(connection));
        let before = self.by_key.insert(key, slot);
        self.last = Some((key, slot));
        self.attempts.enter(slot, id, now);
        let before = before.and_then(|before| self.connections.try_remove(before));
        (slot, before)
    }

    /// Notes that a connection has closed.
    pub(crate) fn closed(&mut self, slot: usize, id: u64, now: Instant) {
        self.closed.enter(slot, id, now);
    }

    /// A connection that has lingered long enough, if there is one; ask until there is none.
    #[inline]
    pub(crate) fn next_expired(&mut self, now: Instant) -> Option<Box<Connection>> {
        if !self.closed.due(now) && !self.attempts.due(now) {
            return None;
        }
        self.expire(now)
    }

    fn expire(&mut self, now: Instant) -> Option<Box<Connection>> {
        let Self { connections, closed, attempts, .. } = self;
        let slot = closed
            .next(now, |slot, id| {
                let connection = connections.get(slot)?;
                (connection.id() == id).then(|| connection.last())
            })
            .or_else(|| {
                attempts.next(now, |slot, id| {
                    let connection = connections.get(slot)?;
                    let same = connection.id() == id && connection.is_attempt();
                    same.then(|| connection.last())
                })
            })?;
        let connection = self.connections.try_remove(slot)?;
        if self.by_key.get(connection.key()) == Some(&slot) {
            self.by_key.remove(connection.key());
        }
        self.last = None;
        Some(connection)
    }

    /// Everything that is left.
    pub(crate) fn into_connections(self) -> impl Iterator<Item = Box<Connection>> {
        self.connections.into_iter().map(|(_, connection)| connection)
    }
}

/// Connections in the order in which they may be let go. All wait equally long, so a queue is in order by itself; one that
/// has seen a packet since goes to its end again.
struct Lingering {
    wait: Duration,
    queue: VecDeque<(Instant, usize, u64)>,
}

impl Lingering {
    const fn new(wait: Duration) -> Self {
        Self { wait, queue: VecDeque::new() }
    }

    fn enter(&mut self, slot: usize, id: u64, now: Instant) {
        self.queue.push_back((now + self.wait, slot, id));
    }

    #[inline]
    fn due(&self, now: Instant) -> bool {
        self.queue.front().is_some_and(|&(deadline, ..)| deadline < now)
    }

    /// The next slot whose time has come; `last_packet` is `None` for one that is not to be let go from here.
    fn next(
        &mut self,
        now: Instant,
        last_packet: impl Fn(usize, u64) -> Option<Instant>,
    ) -> Option<usize> {
        while self.due(now) {
            let (_, slot, id) = self.queue.pop_front()?;
            let Some(last) = last_packet(slot, id) else {
                continue;
            };
            let deadline = last + self.wait;
            if deadline < now {
                return Some(slot);
            }
            self.queue.push_back((deadline, slot, id));
        }
        None
    }
}
