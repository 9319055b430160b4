//! Who waits for what a hook of the host brings.

use crate::waiters::Wakes;
use std::task::{Context, Waker};

/// One of the host's hooks: at most one owner, of whom several tasks may wait.
#[derive(Default)]
pub(crate) struct Hook {
    is_owned: bool,
    wakers: Vec<Waker>,
}

impl Hook {
    /// False if it has an owner already.
    pub(crate) fn take(&mut self) -> bool {
        !std::mem::replace(&mut self.is_owned, true)
    }

    pub(crate) fn give_back(&mut self, wakes: &mut Wakes) {
        self.is_owned = false;
        wakes.add_all(&mut self.wakers);
    }

    pub(crate) fn wait(&mut self, cx: &Context<'_>) {
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
    }

    pub(crate) fn wake(&mut self, wakes: &mut Wakes) {
        wakes.add_all(&mut self.wakers);
    }
}
