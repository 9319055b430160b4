//! The thread that makes the calls which wait.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How often, and how many times, it is looked whether the thread is done: a second at most.
const LOOK: Duration = Duration::from_micros(100);
const LOOKS: usize = 10_000;

pub(crate) struct SecondThread {
    /// Where Linux tells its state.
    stat: PathBuf,
    /// Its call has ended since it was last waited for.
    pub(crate) woken: bool,
}

impl SecondThread {
    /// The calling thread.
    pub(crate) fn current() -> Option<Self> {
        // PID/task/TID, below /proc.
        let thread = fs::read_link("/proc/thread-self").ok()?;
        Some(Self { stat: PathBuf::from("/proc").join(thread).join("stat"), woken: false })
    }

    /// Waits until the thread, after its call has ended, has nothing to do any more. packetdrill gives it the turn before it
    /// sleeps, and takes real time for granted in which the thread records what its call gave; here sleeping takes none.
    pub(crate) fn rest(&mut self) {
        if !core::mem::replace(&mut self.woken, false) {
            return;
        }
        for _ in 0..LOOKS {
            if self.is_asleep() {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The state follows the name, which is in parentheses. A thread that is gone rests, too.
    fn is_asleep(&self) -> bool {
        let stat = fs::read_to_string(&self.stat).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('S'))
    }
}
