//! What the handles of a stack and its drivers have in common.

use crate::core::Core;
use sockeye_wire::Instant;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One shard behind its lock, on cache lines of its own.
#[repr(align(128))]
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

/// A user of the whole stack: while there is one of this or of [`Handle`], the stack lives.
#[derive(Clone)]
pub(crate) struct StackHandle(Arc<Owner>);

impl StackHandle {
    pub(crate) fn new(shards: Arc<[Shared]>) -> Self {
        Self(Arc::new(Owner { shards, next: AtomicUsize::new(0) }))
    }

    pub(crate) fn shards(&self) -> &[Shared] {
        &self.0.shards
    }

    /// Each shard's handle, beginning with that of another one each time.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = Handle> + '_ {
        let count = self.0.shards.len();
        let first = if count > 1 { self.0.next.fetch_add(1, Ordering::Relaxed) } else { 0 };
        (0..count).map(move |step| self.shard(first.wrapping_add(step) % count))
    }

    /// # Panics
    /// If there is no such shard.
    pub(crate) fn shard(&self, index: usize) -> Handle {
        assert!(index < self.0.shards.len());
        Handle { owner: Arc::clone(&self.0), index }
    }
}

/// A user of one shard: a connection.
#[derive(Clone)]
pub(crate) struct Handle {
    owner: Arc<Owner>,
    index: usize,
}

impl std::ops::Deref for Handle {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.owner.shards[self.index]
    }
}

struct Owner {
    shards: Arc<[Shared]>,
    /// Whose turn it is to open a connection.
    next: AtomicUsize,
}

impl Drop for Owner {
    /// Connections that were let go of still end in order; the drivers see to that and then end themselves.
    fn drop(&mut self) {
        for shard in &*self.shards {
            shard.call(|core, _now| core.lifecycle.is_abandoned = true);
        }
    }
}
