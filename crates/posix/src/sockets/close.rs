//! `shutdown` and `close`.

use super::Sockets;
use crate::abi::{Fd, SHUT_RD, SHUT_RDWR, SHUT_WR};
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::operation::{Patience, Work};
use crate::outcome::{Outcome, Value};
use crate::socket::Phase;
use core::time::Duration;
use sockeye_wire::{Instant, StateName};

impl Sockets {
    /// `shutdown(2)`. What arrives after `SHUT_RD` can still be read, as in Linux; after `SHUT_RDWR` it is answered by a reset.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EINVAL`], [`Errno::ENOTCONN`].
    pub fn shutdown(&mut self, now: Instant, fd: Fd, how: i32) -> Result<(), Errno> {
        let file = self.files.find(fd)?;
        let (read, write) = match how {
            SHUT_RD => (true, false),
            SHUT_WR => (false, true),
            SHUT_RDWR => (true, true),
            _ => {
                self.files.socket(file)?;
                return Err(Errno::EINVAL);
            }
        };
        let status = self.status(file);
        let socket = self.files.socket_mut(file)?;
        match &mut socket.phase {
            Phase::Idle => return Err(Errno::ENOTCONN),
            Phase::Listening(_) => {
                if read {
                    self.dissolve(now, file);
                }
            }
            Phase::Linked(link) => {
                let id = link.id;
                let over = status.is_none_or(|status| status.over);
                link.shut_read |= read;
                link.shut_write |= write;
                let deaf = link.shut_read;
                if over {
                    return Err(Errno::ENOTCONN);
                }
                if status.is_some_and(|status| status.info.state == StateName::SynSent) {
                    self.dissolve(now, file);
                } else {
                    if deaf {
                        self.host.stop_reading(now, id);
                    }
                    if write {
                        self.host.shutdown(now, id);
                    }
                }
            }
        }
        // Linux wakes everybody.
        self.notify(file, !0);
        self.settle(now);
        Ok(())
    }

    /// `close(2)`. With `SO_LINGER` it may wait, even on a non-blocking socket, as in Linux; the descriptor is free at once.
    /// Completes with [`Value::Nothing`].
    ///
    /// # Errors
    /// [`Errno::EBADF`].
    pub fn close(&mut self, now: Instant, fd: Fd) -> Outcome {
        let file = match self.files.find(fd) {
            Ok(file) => file,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        let last = self.files.is_last(file);
        if let Err(error) = self.files.close(fd) {
            return Outcome::Ready(Err(error));
        }
        if last && let Some(time) = self.lingers(file) {
            if let Ok(socket) = self.files.socket(file)
                && let Some(id) = socket.link().map(|link| link.id)
            {
                self.host.shutdown(now, id);
            }
            let outcome = self.run(now, file, Work::Linger, Patience::Until(now + time));
            self.release(now, file);
            self.settle(now);
            return outcome;
        }
        self.release(now, file);
        self.settle(now);
        Outcome::Ready(Ok(Value::Nothing))
    }

    /// For how long `close` waits for a file's data to be acknowledged.
    fn lingers(&self, file: FileId) -> Option<Duration> {
        let socket = self.files.socket(file).ok()?;
        let linger = socket.options.linger;
        let time = Duration::from_secs(u64::try_from(linger.seconds).unwrap_or(0));
        let status = self.status(file)?;
        // What is unread is answered by a reset, and nothing is waited for.
        let orderly = !status.over && !status.is_opening() && status.readable == 0;
        (linger.on && !time.is_zero() && orderly).then_some(time)
    }

    pub(super) fn try_linger(&self, file: FileId) -> Option<Result<Value, Errno>> {
        let state = self.status(file).map(|status| status.info.state);
        let waits = [StateName::FinWait1, StateName::Closing, StateName::LastAck];
        let done = state.is_none_or(|state| !waits.contains(&state));
        done.then_some(Ok(Value::Nothing))
    }

    /// Gives up a reference to a file; with the last one it is closed.
    pub(super) fn release(&mut self, now: Instant, file: FileId) {
        let Some(closed) = self.files.release(file) else { return };
        for (epoll, fd) in closed.watchers {
            if let Some(epoll) = self.files.epoll_mut(epoll) {
                // It was there: watchers are kept on both sides.
                let _ = epoll.remove((file, fd));
            }
        }
        match closed.kind {
            FileKind::Epoll(epoll) => {
                for (watched, fd) in epoll.keys() {
                    if let Some(watched) = self.files.get_mut(watched) {
                        watched.watchers.retain(|known| *known != (file, fd));
                    }
                }
            }
            FileKind::Pipe(end) => self.close_pipe_end(end),
            FileKind::Socket(socket) => {
                match socket.phase {
                    Phase::Idle => {}
                    Phase::Listening(listeners) => self.close_listeners(now, listeners),
                    Phase::Linked(link) => {
                        self.connections.remove(&link.id);
                        if socket.options.linger.on && socket.options.linger.seconds == 0 {
                            self.host.abort(now, link.id);
                        }
                        self.host.close(now, link.id);
                    }
                }
                if let Some(address) = socket.bound {
                    self.unclaim(file, address);
                }
            }
        }
    }
}
