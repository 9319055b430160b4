//! Two threads and one stack: who waits, and who lets time pass.
//!
//! packetdrill's own thread runs the script and with it the time. A second one makes the calls that the script expects to
//! wait; there they really sleep. When one of them is over the first thread waits until the second has looked at the clock:
//! otherwise the time would have moved on before it was noted when the call ended.

use crate::second::SecondThread;
use crate::stack::{Sent, Stack};
use sockeye_posix::{Errno, Outcome, Token, Value};
use sockeye_wire::Instant;
use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

/// Longest real wait for the other thread to look at the clock. It does so at once; if it does not, the script ends anyway.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Process {
    state: Mutex<State>,
    changed: Condvar,
    /// The thread that runs the script.
    main: ThreadId,
}

struct State {
    stack: Stack,
    /// The second thread, once it has slept here, and whether it was woken since anybody waited for it.
    second: Option<SecondThread>,
    /// Calls in which the second thread sleeps.
    asleep: HashSet<Token>,
    /// Calls that are over, but whose thread has not looked at the clock yet.
    waking: usize,
}

impl Process {
    /// The calling thread will be the one that runs the script.
    pub(crate) fn new(stack: Stack) -> Self {
        Self {
            state: Mutex::new(State { stack, second: None, asleep: HashSet::new(), waking: 0 }),
            changed: Condvar::new(),
            main: std::thread::current().id(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_main(&self) -> bool {
        std::thread::current().id() == self.main
    }

    /// Calls that sleep.
    #[cfg(test)]
    pub(crate) fn sleepers(&self) -> usize {
        self.lock().asleep.len()
    }

    /// A call that never waits.
    pub(crate) fn call<T>(&self, call: impl FnOnce(&mut Stack) -> T) -> T {
        let mut state = self.lock();
        let result = call(&mut state.stack);
        state.stack.settle();
        drop(self.wake(state));
        result
    }

    /// A call that may wait: on the second thread it sleeps, on the first one time passes until it is over. Nothing ever
    /// happening any more is `EINTR`.
    pub(crate) fn wait(&self, call: impl FnOnce(&mut Stack) -> Outcome) -> Result<Value, Errno> {
        let mut state = self.lock();
        let outcome = call(&mut state.stack);
        state.stack.settle();
        let token = match outcome {
            Outcome::Ready(result) => {
                drop(self.wake(state));
                return result;
            }
            Outcome::Pending(token) => token,
        };
        if !self.is_main() {
            state.asleep.insert(token);
            state.second = SecondThread::current();
            loop {
                if let Some(result) = state.stack.take_completed(token) {
                    return result;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        loop {
            if let Some(result) = state.stack.take_completed(token) {
                return result;
            }
            if !state.stack.step(Instant::FAR_FUTURE) {
                let now = state.stack.now();
                state.stack.sockets.interrupt(now, token);
                state.stack.settle();
                return state.stack.take_completed(token).unwrap_or(Err(Errno::EINTR));
            }
            state = self.wake(state);
        }
    }

    /// The clock. That the second thread looks at it is what the first one may be waiting for.
    pub(crate) fn time(&self) -> Instant {
        let mut state = self.lock();
        if !self.is_main() && state.waking > 0 {
            // When its call ended, not a tick later.
            state.waking -= 1;
            self.changed.notify_all();
            return state.stack.now();
        }
        let now = state.stack.look();
        drop(self.wake(state));
        now
    }

    /// Lets time pass; what falls due meanwhile happens at its own time.
    pub(crate) fn sleep(&self, time: Duration) {
        let mut state = self.lock();
        if let Some(second) = &mut state.second {
            second.rest();
        }
        let end = state.stack.now() + time;
        while state.stack.step(end) {
            state = self.wake(state);
        }
        state.stack.pass_to(end);
    }

    /// The next packet that the stack sends, however long that takes; none if it will never send any.
    pub(crate) fn next_sent(&self) -> Option<Sent> {
        let mut state = self.lock();
        loop {
            if let Some(sent) = state.stack.next_sent() {
                return Some(sent);
            }
            if !state.stack.step(Instant::FAR_FUTURE) {
                return None;
            }
            state = self.wake(state);
        }
    }

    /// Wakes the second thread if its call is over, and waits until it has looked at the clock.
    fn wake<'s>(&self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let State { stack, asleep, waking, .. } = &mut *state;
        let before = asleep.len();
        asleep.retain(|token| !stack.is_completed(*token));
        *waking += before - asleep.len();
        if *waking == 0 || !self.is_main() {
            return state;
        }
        if let Some(second) = &mut state.second {
            second.woken = true;
        }
        self.changed.notify_all();
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| state.waking > 0);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waking = 0;
        state
    }
}
