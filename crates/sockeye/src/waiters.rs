//! Who waits for what: the wakers of tasks, by connection and by listener.

use crate::hook::Hook;
use smallvec::SmallVec;
use sockeye_host::{ConnectionId, Event, ListenerId};
use sockeye_tcp::Events;
use std::task::{Context, Waker};
use std::time::Duration;

/// Wakers to be woken or dropped once the lock is free: who wakes up does not run into it, and dropping the last waker of a task may
/// drop a stream.
#[derive(Default)]
pub(crate) struct Wakes {
    woken: SmallVec<[Waker; 8]>,
    forgotten: SmallVec<[Waker; 2]>,
}

impl Wakes {
    pub(crate) fn add(&mut self, waker: &mut Option<Waker>) {
        self.woken.extend(waker.take());
    }

    pub(crate) fn add_all(&mut self, wakers: &mut Vec<Waker>) {
        self.woken.extend(wakers.drain(..));
    }

    /// Puts a task into the place of the one that waited there.
    pub(crate) fn replace(&mut self, slot: &mut Option<Waker>, waker: &Waker) {
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.forgotten.extend(slot.replace(waker.clone()));
        }
    }

    pub(crate) fn wake(self) {
        self.woken.into_iter().for_each(Waker::wake);
    }
}

/// The direction that a task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interest {
    Read,
    Write,
}

/// One entry for each connection and listener that the application holds.
#[derive(Default)]
pub(crate) struct Waiters {
    connections: Vec<Option<ConnectionWaiters>>,
    listeners: Vec<Option<ListenerWaiters>>,
    /// For SYNs that are held.
    pub(crate) incoming: Hook,
    /// For packets of other protocols.
    pub(crate) strays: Hook,
}

struct ConnectionWaiters {
    id: ConnectionId,
    read: Option<Waker>,
    write: Option<Waker>,
    /// Tasks that wait beside those two.
    #[allow(clippy::box_collection, reason = "most connections never have any")]
    shared: Option<Box<Vec<(Interest, Waker)>>>,
    /// What happens to unsent data when the application lets go.
    linger: Option<Duration>,
    /// The application knows why the connection ended: writing goes into a broken pipe from now on.
    is_end_told: bool,
}

struct ListenerWaiters {
    id: ListenerId,
    /// Several tasks may accept at one listener.
    accept: Vec<Waker>,
}

impl ConnectionWaiters {
    fn wake(&mut self, interest: Interest, wakes: &mut Wakes) {
        wakes.add(match interest {
            Interest::Read => &mut self.read,
            Interest::Write => &mut self.write,
        });
        if let Some(shared) = &mut self.shared {
            let woken = shared.extract_if(.., |(of, _)| *of == interest);
            wakes.woken.extend(woken.map(|(_, waker)| waker));
        }
    }
}

impl Waiters {
    pub(crate) fn hold_connection(&mut self, id: ConnectionId) {
        let entry = ConnectionWaiters {
            id,
            read: None,
            write: None,
            shared: None,
            linger: None,
            is_end_told: false,
        };
        place(&mut self.connections, id.index(), entry);
    }

    /// Says how the connection is to linger.
    pub(crate) fn release_connection(
        &mut self,
        id: ConnectionId,
        wakes: &mut Wakes,
    ) -> Option<Duration> {
        self.connection(id)?;
        let waiters = self.connections[id.index()].take()?;
        let shared = waiters.shared.into_iter().flat_map(|shared| *shared).map(|(_, waker)| waker);
        wakes.forgotten.extend(waiters.read.into_iter().chain(waiters.write).chain(shared));
        waiters.linger
    }

    pub(crate) fn set_linger(&mut self, id: ConnectionId, linger: Option<Duration>) {
        if let Some(waiters) = self.connection(id) {
            waiters.linger = linger;
        }
    }

    pub(crate) fn linger(&mut self, id: ConnectionId) -> Option<Duration> {
        self.connection(id)?.linger
    }

    /// Notes that the application learns why the connection ended; says whether it knew.
    pub(crate) fn tell_end(&mut self, id: ConnectionId) -> bool {
        self.connection(id).is_some_and(|waiters| std::mem::replace(&mut waiters.is_end_told, true))
    }

    pub(crate) fn hold_listener(&mut self, id: ListenerId) {
        place(&mut self.listeners, id.index(), ListenerWaiters { id, accept: Vec::new() });
    }

    pub(crate) fn release_listener(&mut self, id: ListenerId, wakes: &mut Wakes) {
        if let Some(waiters) = self.listener(id) {
            wakes.add_all(&mut waiters.accept);
            self.listeners[id.index()] = None;
        }
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.connections.iter().flatten().map(|waiters| waiters.id)
    }

    pub(crate) fn listeners(&self) -> impl Iterator<Item = ListenerId> + '_ {
        self.listeners.iter().flatten().map(|waiters| waiters.id)
    }

    /// As with any `poll` function, the last task that asked is the one that is woken.
    pub(crate) fn wait(
        &mut self,
        id: ConnectionId,
        interest: Interest,
        cx: &Context<'_>,
        wakes: &mut Wakes,
    ) {
        let Some(waiters) = self.connection(id) else { return };
        let slot = match interest {
            Interest::Read => &mut waiters.read,
            Interest::Write => &mut waiters.write,
        };
        wakes.replace(slot, cx.waker());
    }

    /// As [`wait`](Self::wait), beside whoever else waits.
    pub(crate) fn wait_shared(&mut self, id: ConnectionId, interest: Interest, cx: &Context<'_>) {
        let Some(waiters) = self.connection(id) else { return };
        let shared = waiters.shared.get_or_insert_default();
        if !shared.iter().any(|(of, waker)| *of == interest && waker.will_wake(cx.waker())) {
            shared.push((interest, cx.waker().clone()));
        }
    }

    /// Wakes who waits, for another reason than news.
    pub(crate) fn wake(&mut self, id: ConnectionId, interest: Interest, wakes: &mut Wakes) {
        if let Some(waiters) = self.connection(id) {
            waiters.wake(interest, wakes);
        }
    }

    pub(crate) fn wait_to_accept(&mut self, id: ListenerId, cx: &Context<'_>) {
        let Some(waiters) = self.listener(id) else { return };
        if !waiters.accept.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiters.accept.push(cx.waker().clone());
        }
    }

    pub(crate) fn on_event(&mut self, event: Event, wakes: &mut Wakes) {
        match event {
            Event::Connection { id, events } => {
                let Some(waiters) = self.connection(id) else { return };
                if events.intersects(Events::READABLE | Events::CLOSED) {
                    waiters.wake(Interest::Read, wakes);
                }
                if events.intersects(Events::WRITABLE | Events::CONNECTED | Events::CLOSED) {
                    waiters.wake(Interest::Write, wakes);
                }
            }
            Event::Listener { id } => {
                let Some(waiters) = self.listener(id) else { return };
                wakes.add_all(&mut waiters.accept);
            }
            Event::Incoming => self.incoming.wake(wakes),
            Event::Strays => self.strays.wake(wakes),
        }
    }

    /// Everybody, because nothing will ever happen again.
    pub(crate) fn wake_all(&mut self, wakes: &mut Wakes) {
        for waiters in self.connections.iter_mut().flatten() {
            waiters.wake(Interest::Read, wakes);
            waiters.wake(Interest::Write, wakes);
        }
        for waiters in self.listeners.iter_mut().flatten() {
            wakes.add_all(&mut waiters.accept);
        }
        self.incoming.wake(wakes);
        self.strays.wake(wakes);
    }

    fn connection(&mut self, id: ConnectionId) -> Option<&mut ConnectionWaiters> {
        self.connections.get_mut(id.index())?.as_mut().filter(|waiters| waiters.id == id)
    }

    fn listener(&mut self, id: ListenerId) -> Option<&mut ListenerWaiters> {
        self.listeners.get_mut(id.index())?.as_mut().filter(|waiters| waiters.id == id)
    }
}

fn place<T>(entries: &mut Vec<Option<T>>, index: usize, entry: T) {
    if entries.len() <= index {
        entries.resize_with(index + 1, || None);
    }
    entries[index] = Some(entry);
}
