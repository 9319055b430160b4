//! An epoll file: what it watches, and what is ready.

use crate::abi::{EPOLLERR, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLONESHOT, EPOLLWAKEUP, Fd};
use crate::errno::Errno;
use crate::files::FileId;
use crate::readiness::EpollEvent;
use std::collections::{HashMap, VecDeque};

/// Bits of an interest that are no events.
const MANNERS: u32 = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;

/// What is watched is a file under a descriptor, not a descriptor.
pub(crate) type Key = (FileId, Fd);

#[derive(Debug, Default)]
pub(crate) struct Epoll {
    interests: HashMap<Key, Interest>,
    ready: VecDeque<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Interest {
    events: u32,
    data: u64,
    /// It is among the ready ones.
    queued: bool,
}

impl Epoll {
    pub(crate) fn add(&mut self, key: Key, event: EpollEvent) -> Result<(), Errno> {
        if self.interests.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        let events = event.events | EPOLLERR | EPOLLHUP;
        self.interests.insert(key, Interest { events, data: event.data, queued: false });
        Ok(())
    }

    pub(crate) fn modify(&mut self, key: Key, event: EpollEvent) -> Result<(), Errno> {
        let interest = self.interests.get_mut(&key).ok_or(Errno::ENOENT)?;
        if (event.events | interest.events) & EPOLLEXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        interest.events = event.events | EPOLLERR | EPOLLHUP;
        interest.data = event.data;
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: Key) -> Result<(), Errno> {
        self.interests.remove(&key).map(|_| ()).ok_or(Errno::ENOENT)?;
        self.ready.retain(|known| *known != key);
        Ok(())
    }

    /// Everything that is watched.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.interests.keys().copied()
    }

    /// `events` happened to what is watched: says whether somebody cares.
    pub(crate) fn notify(&mut self, key: Key, events: u32) -> bool {
        let Some(interest) = self.interests.get_mut(&key) else { return false };
        if interest.events & !MANNERS & events == 0 {
            return false;
        }
        if !core::mem::replace(&mut interest.queued, true) {
            self.ready.push_back(key);
        }
        true
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Looks at each ready file once, in order, and tells at most `max` events. `poll` says what a file's state is.
    pub(crate) fn collect(
        &mut self,
        max: usize,
        mut poll: impl FnMut(FileId) -> u32,
    ) -> Vec<EpollEvent> {
        let mut found = Vec::new();
        for _ in 0..self.ready.len() {
            if found.len() >= max {
                break;
            }
            let Some(key) = self.ready.pop_front() else { break };
            let Some(interest) = self.interests.get_mut(&key) else { continue };
            interest.queued = false;
            let events = poll(key.0) & interest.events & !MANNERS;
            if events == 0 {
                continue;
            }
            found.push(EpollEvent { events, data: interest.data });
            if interest.events & EPOLLONESHOT != 0 {
                interest.events &= MANNERS;
            } else if interest.events & EPOLLET == 0 {
                // A state, not news: it is looked at again next time.
                interest.queued = true;
                self.ready.push_back(key);
            }
        }
        found
    }
}
