//! What the lock guards: the host, its links, and who waits.

use crate::clock::Clock;
use crate::error;
use crate::handover::Common;
use crate::telemetry;
use crate::waiters::{Waiters, Wakes};
use sockeye_host::{ConnectionId, Counters, Goal, Host, InterfaceId, Misplaced};
use sockeye_link::Link;
use sockeye_wire::{Instant, Packet, StateName};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Packets that are moved under one lock before others get it.
const BATCH_PACKETS: usize = 64;
/// Packets that wait for a link; while they do, the host is asked for no more.
const QUEUE_PACKETS: usize = 256;

pub(crate) struct Core {
    pub(crate) host: Host,
    pub(crate) waiters: Waiters,
    /// To be woken when the lock is free.
    pub(crate) wakes: Wakes,
    links: Vec<LinkSlot>,
    pub(crate) lifecycle: Lifecycle,
    /// Connections that the application let go of and that may not have ended yet.
    released: Vec<ConnectionId>,
    clock: Clock,
    /// The latest time seen: what the host is told never goes back.
    now: Instant,
    /// When the driver will look by itself.
    armed: Instant,
    driver: Option<Waker>,
    inbox: Vec<Packet>,
    outgoing: Vec<(InterfaceId, Packet)>,
    handover: Handover,
}

/// Packets on their way from and to other shards.
struct Handover {
    index: usize,
    common: Arc<Common>,
    from_others: Vec<Misplaced>,
    to_others: Vec<Vec<Misplaced>>,
    /// That found no room at another shard.
    lost: u64,
}

/// A link and what waits to be sent on it.
struct LinkSlot {
    interface: InterfaceId,
    link: Box<dyn Link>,
    queue: VecDeque<Packet>,
    /// The link is gone; what is sent there vanishes.
    is_dead: bool,
}

/// How far the stack is on its way to its end.
#[derive(Default)]
pub(crate) struct Lifecycle {
    /// No handle is left: end once the last connection has.
    pub(crate) is_abandoned: bool,
    /// Abandoned, and the last connection of this shard has ended.
    is_finished: bool,
    /// Shutting down: nothing new is opened.
    pub(crate) is_closing: bool,
    /// The driver is to end, or has ended: nothing happens any more.
    pub(crate) is_stopped: bool,
    /// Told when a connection has ended during shutdown.
    pub(crate) shutdown_waiter: Option<Waker>,
    /// Told when a link fails.
    pub(crate) failure_waiters: Vec<Waker>,
    /// Why links failed.
    pub(crate) failures: Vec<io::Error>,
}

impl Lifecycle {
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once nothing new is opened any more.
    pub(crate) fn ensure_open(&self) -> io::Result<()> {
        if self.is_closing || self.is_stopped { Err(error::stopped()) } else { Ok(()) }
    }
}

/// What a turn left to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// More packets wait: another turn at once.
    More,
    /// Nothing to do before the deadline or a link's readiness.
    Idle,
}

impl Core {
    /// The shard with this `index`.
    pub(crate) fn new(
        host: Host,
        links: Vec<(InterfaceId, Box<dyn Link>)>,
        clock: Clock,
        (index, common): (usize, Arc<Common>),
    ) -> Self {
        let slot = |(interface, link)| LinkSlot {
            interface,
            link,
            queue: VecDeque::new(),
            is_dead: false,
        };
        Self {
            host,
            waiters: Waiters::default(),
            wakes: Wakes::default(),
            released: Vec::new(),
            links: links.into_iter().map(slot).collect(),
            lifecycle: Lifecycle::default(),
            clock,
            now: Instant::ZERO,
            armed: Instant::FAR_FUTURE,
            driver: None,
            inbox: Vec::with_capacity(BATCH_PACKETS),
            outgoing: Vec::with_capacity(BATCH_PACKETS),
            handover: Handover {
                index,
                to_others: common.inboxes().iter().map(|_| Vec::new()).collect(),
                common,
                from_others: Vec::new(),
                lost: 0,
            },
        }
    }

    pub(crate) fn links(&self) -> impl Iterator<Item = &dyn Link> {
        self.links.iter().map(|slot| &*slot.link as &dyn Link)
    }

    pub(crate) fn now(&mut self) -> Instant {
        self.now = self.now.max(self.clock.now());
        self.now
    }

    /// After a call changed something: sends what is to be sent from the caller's own thread, and calls the driver only if
    /// there is something that the caller cannot do.
    pub(crate) fn settle(&mut self, now: Instant) {
        let sent_all = self.send(now) == Turn::Idle;
        self.hand_over();
        self.tell();
        let is_due = self.host.deadline().is_some_and(|deadline| deadline < self.armed);
        if !sent_all || is_due || self.lifecycle.is_abandoned || self.lifecycle.is_stopped {
            self.call_driver();
        }
    }

    /// Takes in a batch from the link at `index`; says whether it may have more.
    pub(crate) fn receive(&mut self, index: usize, now: Instant) -> Turn {
        let Some(slot) = self.links.get_mut(index).filter(|slot| !slot.is_dead) else {
            return Turn::Idle;
        };
        match slot.link.receive(now, &mut self.inbox, BATCH_PACKETS) {
            Ok(received) => {
                self.host.on_batch(now, slot.interface, self.inbox.drain(..));
                if received == BATCH_PACKETS { Turn::More } else { Turn::Idle }
            }
            Err(error) => {
                self.fail_link(index, error);
                Turn::Idle
            }
        }
    }

    /// Lets timers run out, sends, and collects who is to be woken.
    pub(crate) fn advance(&mut self, now: Instant) -> Turn {
        if self.host.deadline().is_some_and(|deadline| deadline <= now) {
            self.host.on_timer(now);
        }
        let turn = self.send(now);
        self.hand_over();
        self.tell();
        self.wakes.add(&mut self.lifecycle.shutdown_waiter);
        turn
    }

    /// Moves packets from the host to the links until neither has more to give or take. `More` if a link is full.
    fn send(&mut self, now: Instant) -> Turn {
        loop {
            for index in 0..self.links.len() {
                self.flush(index, now);
            }
            // With one link, what it does not take stays with the host, which knows best what to send next. With several, one
            // that is stuck must not stop the others: its queue overflows as a device's does.
            let is_full = |slot: &LinkSlot| slot.queue.len() >= QUEUE_PACKETS;
            if self.links.iter().all(is_full) && !self.links.is_empty() {
                return Turn::More;
            }
            if self.host.poll_batch(now, &mut self.outgoing, BATCH_PACKETS) == 0 {
                let is_stuck = self.links.iter().any(|slot| !slot.queue.is_empty());
                return if is_stuck { Turn::More } else { Turn::Idle };
            }
            for (interface, packet) in self.outgoing.drain(..) {
                let slot = self.links.iter_mut().find(|slot| slot.interface == interface);
                if let Some(slot) =
                    slot.filter(|slot| !slot.is_dead && slot.queue.len() < 2 * QUEUE_PACKETS)
                {
                    slot.queue.push_back(packet);
                }
            }
        }
    }

    fn flush(&mut self, index: usize, now: Instant) {
        let slot = &mut self.links[index];
        if slot.queue.is_empty() {
            return;
        }
        if let Err(error) = slot.link.transmit(now, &mut slot.queue) {
            self.fail_link(index, error);
        }
    }

    /// Takes in what other shards left here; `driver` is woken when they leave more.
    pub(crate) fn receive_from_shards(&mut self, now: Instant, driver: &Waker) {
        let Handover { index, common, from_others, .. } = &mut self.handover;
        if let [_, _, ..] = common.inboxes() {
            common.inboxes()[*index].take(from_others, driver, &mut self.wakes);
            for packet in from_others.drain(..) {
                self.host.on_misplaced(now, packet);
            }
        }
    }

    /// Leaves at other shards what is for them.
    fn hand_over(&mut self) {
        let Handover { index, common, to_others, lost, .. } = &mut self.handover;
        let mut is_any = false;
        while let Some((goal, packet)) = self.host.poll_misplaced() {
            is_any = true;
            match goal {
                Goal::Shard(shard) => to_others[shard as usize].push(packet),
                Goal::Others => {
                    let others = to_others.iter_mut().enumerate().filter(|(at, _)| at != index);
                    others.for_each(|(_, batch)| batch.push(packet.clone()));
                }
            }
        }
        if is_any {
            for (batch, inbox) in to_others.iter_mut().zip(common.inboxes()) {
                if !batch.is_empty() {
                    *lost += inbox.put(batch, &mut self.wakes) as u64;
                }
            }
        }
    }

    /// What has become of packets so far.
    pub(crate) fn counters(&self) -> Counters {
        let mut counters = *self.host.counters();
        counters.dropped_queue_full += self.handover.lost;
        counters
    }

    fn tell(&mut self) {
        while let Some(event) = self.host.poll_event() {
            self.waiters.on_event(event, &mut self.wakes);
        }
    }

    pub(crate) fn fail_link(&mut self, index: usize, error: io::Error) {
        let slot = &mut self.links[index];
        slot.is_dead = true;
        slot.queue.clear();
        telemetry::link_failed(index, &error);
        self.lifecycle.failures.push(error);
        self.wakes.add_all(&mut self.lifecycle.failure_waiters);
    }

    /// The driver goes to sleep until `armed`, unless called.
    pub(crate) fn arm(&mut self, waker: &Waker) -> Option<tokio::time::Instant> {
        self.wakes.replace(&mut self.driver, waker);
        self.armed = self.host.deadline().unwrap_or(Instant::FAR_FUTURE);
        self.clock.when(self.armed)
    }

    pub(crate) fn call_driver(&mut self) {
        self.wakes.add(&mut self.driver);
    }

    /// Whether the driver has nothing left to live for: no connection of its own, and no other shard that may need what arrives here.
    pub(crate) fn is_over(&mut self) -> bool {
        let Lifecycle { is_abandoned, is_finished, is_stopped, .. } = &mut self.lifecycle;
        let is_drained = || self.links.iter().all(|slot| slot.queue.is_empty() || slot.is_dead);
        if *is_abandoned && !*is_finished && self.host.counts().connections == 0 && is_drained() {
            *is_finished = true;
            self.handover.common.finish_one(&mut self.wakes);
        }
        *is_stopped || *is_finished && self.handover.common.is_finished()
    }

    pub(crate) fn stop(&mut self) {
        self.lifecycle.is_stopped = true;
        self.waiters.wake_all(&mut self.wakes);
        self.wakes.add(&mut self.lifecycle.shutdown_waiter);
        self.call_driver();
    }

    /// The application lets go of a connection, which closes in order.
    pub(crate) fn release(&mut self, now: Instant, id: ConnectionId) {
        let linger = self.waiters.release_connection(id, &mut self.wakes);
        if self.lifecycle.is_stopped {
            return;
        }
        match linger {
            Some(Duration::ZERO) => self.host.abort(now, id),
            Some(limit) => self.host.set_user_timeout(now, id, Some(limit)),
            None => {}
        }
        self.host.close(now, id);
        if self.host.connection(id).is_some() {
            // Forgetting in lots keeps this constant on average.
            if self.released.len() >= 64 + 2 * self.host.counts().connections {
                self.released.retain(|id| self.host.connection(*id).is_some());
            }
            self.released.push(id);
        }
    }

    /// Stops listening, and closes our direction of every connection once its data is sent.
    pub(crate) fn begin_shutdown(&mut self, now: Instant) {
        self.lifecycle.is_closing = true;
        let listeners: Vec<_> = self.waiters.listeners().collect();
        for id in listeners {
            self.host.close_listener(now, id);
            self.waiters.release_listener(id, &mut self.wakes);
        }
        self.host.set_incoming(now, None);
        self.waiters.incoming.wake(&mut self.wakes);
        self.waiters.strays.wake(&mut self.wakes);
        let connections: Vec<_> = self.waiters.connections().collect();
        for id in connections {
            self.host.shutdown(now, id);
        }
    }

    /// Connections that have not ended.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let is_open = |id: &ConnectionId| {
            self.host.connection(*id).is_some_and(|connection| match connection.state() {
                StateName::Closed => !connection.is_done(),
                state => state != StateName::TimeWait,
            })
        };
        self.waiters.connections().chain(self.released.iter().copied()).filter(is_open)
    }

    /// Resets what has not ended; says how many connections that were.
    pub(crate) fn abort_unfinished(&mut self, now: Instant) -> usize {
        let unfinished: Vec<_> = self.unfinished().collect();
        for id in &unfinished {
            self.host.abort(now, *id);
        }
        unfinished.len()
    }
}
