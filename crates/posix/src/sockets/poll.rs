//! `poll`.

use super::Sockets;
use crate::abi::{POLLERR, POLLHUP, POLLNVAL};
use crate::errno::Errno;
use crate::files::FileId;
use crate::operation::{Patience, Work};
use crate::outcome::{Outcome, Value};
use crate::readiness::PollFd;
use core::time::Duration;
use sockeye_wire::Instant;

/// `poll`'s timeout: milliseconds, negative for ever.
pub(super) fn patience_of(now: Instant, timeout_ms: i32) -> Patience {
    match u64::try_from(timeout_ms) {
        Ok(0) => Patience::None,
        Ok(millis) => Patience::Until(now + Duration::from_millis(millis)),
        Err(_) => Patience::Forever,
    }
}

impl Sockets {
    /// `poll(2)`; the timeout is in milliseconds, negative for ever. Completes with [`Value::Polled`]: all of `fds`, with
    /// their `revents`.
    ///
    /// # Errors
    /// None: a bad descriptor is told by `POLLNVAL`.
    pub fn poll(&mut self, now: Instant, fds: &[PollFd], timeout_ms: i32) -> Outcome {
        let mut files: Vec<_> = fds.iter().filter_map(|fd| self.files.find(fd.fd).ok()).collect();
        files.sort_unstable();
        files.dedup();
        let fds = fds.iter().map(|fd| PollFd { revents: 0, ..*fd }).collect();
        self.run(now, FileId::NONE, Work::Poll(fds, files), patience_of(now, timeout_ms))
    }

    pub(super) fn try_poll(
        &mut self,
        fds: &mut Vec<PollFd>,
        files: &[FileId],
    ) -> Option<Result<Value, Errno>> {
        let mut found = false;
        for fd in fds.iter_mut().filter(|fd| fd.fd >= 0) {
            fd.revents = match self.files.find(fd.fd) {
                Ok(file) if files.contains(&file) => {
                    self.poll_file(file) as i16 & (fd.events | POLLERR | POLLHUP)
                }
                _ => POLLNVAL,
            };
            found |= fd.revents != 0;
        }
        found.then(|| Ok(Value::Polled(core::mem::take(fds))))
    }
}
