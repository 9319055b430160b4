//! Waiting for a future in a thread that has no runtime.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Waits for `future`, if `limit` is given only that long: then `None`.
pub(super) fn wait<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    // Within a task of tokio the budget would run out and never be renewed.
    let mut future = pin!(tokio::task::coop::unconstrained(future));
    let parker = Parker::of_this_thread();
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    // A limit beyond what a clock can show is none.
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        parker.reset();
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        if !parker.park(deadline) {
            return None;
        }
    }
}

/// Not the thread's own park token, which belongs to the program.
#[derive(Default)]
struct Parker {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

thread_local! {
    /// None while it is in use, by a destructor that waits within a wait.
    static PARKER: RefCell<Option<Arc<Parker>>> = const { RefCell::new(None) };
}

impl Parker {
    fn of_this_thread() -> Arc<Self> {
        let known = PARKER.try_with(|parker| {
            parker.try_borrow_mut().ok().map(|mut own| Arc::clone(own.get_or_insert_default()))
        });
        known.ok().flatten().unwrap_or_default()
    }

    fn reset(&self) {
        *self.lock() = false;
    }

    /// False if the deadline came first.
    fn park(&self, deadline: Option<Instant>) -> bool {
        let mut is_woken = self.lock();
        while !*is_woken {
            is_woken = match deadline {
                None => self.woken.wait(is_woken).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.woken.wait_timeout(is_woken, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.lock() = true;
        self.woken.notify_one();
    }
}
