//! How a link says that it is worth calling again.

#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// What to wait for.
#[derive(Clone, Debug)]
pub enum Readiness<'a> {
    /// A descriptor for `poll` or `epoll`: readable when a packet waits, writable when one can be sent.
    #[cfg(unix)]
    Fd(BorrowedFd<'a>),
    /// A waker slot, woken when a packet has arrived in an empty queue or room has come up in a full one.
    Waker(&'a Arc<SharedWaker>),
}

/// A place for one waker, shared by who waits and who wakes.
///
/// The waiter registers first and looks at the link afterwards; so a packet that comes in between is never missed.
#[derive(Default, Debug)]
pub struct SharedWaker {
    waiting: Mutex<Option<Waker>>,
}

impl SharedWaker {
    /// An empty place.
    #[must_use]
    pub const fn new() -> Self {
        Self { waiting: Mutex::new(None) }
    }

    /// Leaves a waker, to be used once; the one left before is forgotten.
    pub fn register(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let forgotten = waiting.replace(waker.clone());
        // Dropping a waker may drop a task, and that do anything: not under the lock.
        drop(waiting);
        drop(forgotten);
    }

    /// Wakes whoever waits, if anyone does.
    pub fn wake(&self) {
        let waker = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
