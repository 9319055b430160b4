//! What the handles of a stack and its driver have in common.

use crate::core::Core;
use sockeye_wire::Instant;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) struct Shared {
    core: Mutex<Core>,
}

impl Shared {
    pub(crate) fn new(core: Core) -> Self {
        Self { core: Mutex::new(core) }
    }

    /// A panic of somebody else's callback leaves the core as good as it was.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that may change something: runs it, and sends in this thread what is to be sent.
    pub(crate) fn call<T>(&self, call: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let mut core = self.lock();
        let now = core.now();
        let result = call(&mut core, now);
        core.settle(now);
        unlock(core);
        result
    }
}

/// Gives the lock back, and wakes those who are to be woken after it, so that they do not run into it.
pub(crate) fn unlock(mut core: MutexGuard<'_, Core>) {
    let wakes = std::mem::take(&mut core.wakes);
    drop(core);
    wakes.wake();
}

/// A user of the stack: while there is one, the stack lives.
pub(crate) struct Handle(Arc<Owner>);

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Arc::new(Owner(shared)))
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl std::ops::Deref for Handle {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0.0
    }
}

struct Owner(Arc<Shared>);

impl Drop for Owner {
    /// Connections that were let go of still end in order; the driver sees to that and then ends itself.
    fn drop(&mut self) {
        self.0.call(|core, _now| core.lifecycle.is_abandoned = true);
    }
}
