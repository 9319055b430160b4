//! `accept`.

use super::Sockets;
use super::connect::as_seen;
use crate::abi::{Fd, SOCK_CLOEXEC, SOCK_NONBLOCK};
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::operation::Work;
use crate::outcome::{Accepted, Outcome, Value};
use crate::socket::{Link, Phase, Socket};
use sockeye_wire::Instant;

impl Sockets {
    /// `accept(2)`. Completes with [`Value::Accepted`].
    ///
    /// # Errors
    /// As [`accept4`](Self::accept4).
    pub fn accept(&mut self, now: Instant, fd: Fd) -> Outcome {
        self.accept4(now, fd, 0)
    }

    /// `accept4(2)` with `SOCK_NONBLOCK` and `SOCK_CLOEXEC`. Completes with [`Value::Accepted`].
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EINVAL`] (not listening, flags), [`Errno::EAGAIN`],
    /// [`Errno::EMFILE`].
    pub fn accept4(&mut self, now: Instant, fd: Fd, flags: i32) -> Outcome {
        let file = match self.files.find(fd) {
            Ok(file) => file,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        let timeout = match self.files.socket(file) {
            Err(error) => return Outcome::Ready(Err(error)),
            Ok(socket) if !matches!(socket.phase, Phase::Listening(_)) => {
                return Outcome::Ready(Err(Errno::EINVAL));
            }
            Ok(socket) => socket.options.receive_timeout,
        };
        if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Outcome::Ready(Err(Errno::EINVAL));
        }
        let patience = self.patience(now, file, false, timeout);
        let (nonblocking, close_on_exec) = (flags & SOCK_NONBLOCK != 0, flags & SOCK_CLOEXEC != 0);
        self.run(now, file, Work::Accept { nonblocking, close_on_exec }, patience)
    }

    pub(super) fn try_accept(
        &mut self,
        now: Instant,
        file: FileId,
        nonblocking: bool,
        close_on_exec: bool,
    ) -> Option<Result<Value, Errno>> {
        let Ok(socket) = self.files.socket(file) else { return Some(Err(Errno::EBADF)) };
        let Phase::Listening(listeners) = &socket.phase else {
            return Some(Err(Errno::EINVAL));
        };
        let (id, endpoints) = listeners.iter().find_map(|listener| self.host.accept(*listener))?;
        let mut link = Link::new(id, false);
        link.connecting = false;
        let accepted = Socket {
            ipv6: socket.ipv6,
            options: socket.options.clone(),
            bound: None,
            phase: Phase::Linked(link),
            deferred: None,
        };
        let peer = as_seen(&accepted, endpoints.remote);
        let kind = FileKind::Socket(Box::new(accepted));
        let limit = self.config.descriptors;
        let (fd, file) = match self.files.open(kind, nonblocking, close_on_exec, limit) {
            Ok(opened) => opened,
            Err(error) => {
                // It was taken from the queue: nobody will ever see it.
                self.host.abort(now, id);
                self.host.close(now, id);
                return Some(Err(error));
            }
        };
        self.connections.insert(id, file);
        self.host.set_tells_progress(id, true);
        self.apply_path_options(file);
        self.expand_send_buffer(file);
        Some(Ok(Value::Accepted(Accepted { fd, peer })))
    }
}
