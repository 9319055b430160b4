//! `epoll`.

use super::Sockets;
use super::poll::patience_of;
use crate::abi::{
    EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP,
    EPOLLIN, EPOLLOUT, EPOLLWAKEUP, Fd, O_CLOEXEC,
};
use crate::epoll::Epoll;
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::operation::Work;
use crate::outcome::{Outcome, Value};
use crate::readiness::EpollEvent;
use sockeye_wire::Instant;

/// What may go with `EPOLLEXCLUSIVE`.
const EXCLUSIVE_OK: u32 =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

impl Sockets {
    /// `epoll_create(2)`.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] if the size is not positive, [`Errno::EMFILE`].
    pub fn epoll_create(&mut self, size: i32) -> Result<Fd, Errno> {
        if size <= 0 {
            return Err(Errno::EINVAL);
        }
        self.epoll_create1(0)
    }

    /// `epoll_create1(2)` with `EPOLL_CLOEXEC`, which is [`O_CLOEXEC`].
    ///
    /// # Errors
    /// [`Errno::EINVAL`] for other flags, [`Errno::EMFILE`].
    pub fn epoll_create1(&mut self, flags: i32) -> Result<Fd, Errno> {
        if flags & !O_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let kind = FileKind::Epoll(Epoll::default());
        let limit = self.config.descriptors;
        self.files.open(kind, false, flags & O_CLOEXEC != 0, limit).map(|(fd, _)| fd)
    }

    /// `epoll_ctl(2)`. The event is not looked at by `EPOLL_CTL_DEL`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::EINVAL`], [`Errno::EEXIST`], [`Errno::ENOENT`].
    pub fn epoll_ctl(
        &mut self,
        now: Instant,
        epoll_fd: Fd,
        operation: i32,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        let epoll_file = self.files.find(epoll_fd)?;
        let watched = self.files.find(fd)?;
        let epoll = self.files.epoll_mut(epoll_file).ok_or(Errno::EINVAL)?;
        if epoll_file == watched {
            return Err(Errno::EINVAL);
        }
        let key = (watched, fd);
        let exclusive = event.events & EPOLLEXCLUSIVE != 0;
        match operation {
            EPOLL_CTL_ADD => {
                if exclusive && event.events & !EXCLUSIVE_OK != 0 {
                    return Err(Errno::EINVAL);
                }
                epoll.add(key, event)?;
                if let Some(file) = self.files.get_mut(watched) {
                    file.watchers.push((epoll_file, fd));
                }
            }
            EPOLL_CTL_MOD => epoll.modify(key, event)?,
            EPOLL_CTL_DEL => {
                epoll.remove(key)?;
                if let Some(file) = self.files.get_mut(watched) {
                    file.watchers.retain(|known| *known != (epoll_file, fd));
                }
                return Ok(());
            }
            _ => return Err(Errno::EINVAL),
        }
        // What is the case already counts as news.
        let state = self.poll_file(watched);
        if self.files.epoll_mut(epoll_file).is_some_and(|epoll| epoll.notify(key, state)) {
            self.notify(epoll_file, EPOLLIN);
        }
        self.settle(now);
        Ok(())
    }

    /// `epoll_wait(2)`; the timeout is in milliseconds, negative for ever. Completes with [`Value::Epoll`].
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::EINVAL`].
    pub fn epoll_wait(&mut self, now: Instant, fd: Fd, max: i32, timeout_ms: i32) -> Outcome {
        let file = match self.files.find(fd) {
            Ok(file) => file,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        let max = match usize::try_from(max) {
            Ok(max) if max > 0 && self.files.epoll_mut(file).is_some() => max,
            _ => return Outcome::Ready(Err(Errno::EINVAL)),
        };
        self.run(now, file, Work::Epoll { max }, patience_of(now, timeout_ms))
    }

    pub(super) fn try_epoll(&mut self, file: FileId, max: usize) -> Option<Result<Value, Errno>> {
        let mut epoll = core::mem::take(self.files.epoll_mut(file)?);
        let found = epoll.collect(max, |watched| self.poll_file(watched));
        if let Some(place) = self.files.epoll_mut(file) {
            *place = epoll;
        }
        (!found.is_empty()).then_some(Ok(Value::Epoll(found)))
    }
}
