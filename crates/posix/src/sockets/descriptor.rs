//! `fcntl`, `ioctl`, `dup`.

use super::Sockets;
use crate::abi::{
    F_DUPFD, F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, FIONBIO, Fd, O_NONBLOCK, O_RDONLY,
    O_RDWR, O_WRONLY, SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD,
};
use crate::errno::Errno;
use crate::files::FileKind;
use crate::socket::Phase;

impl Sockets {
    /// `dup(2)`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::EMFILE`].
    pub fn dup(&mut self, fd: Fd) -> Result<Fd, Errno> {
        self.files.duplicate(fd, 0, self.config.descriptors)
    }

    /// `fcntl(2)` with `F_GETFL`, `F_SETFL` (of which `O_NONBLOCK` counts), `F_GETFD`, `F_SETFD`, `F_DUPFD`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::EINVAL`], [`Errno::EMFILE`].
    pub fn fcntl(&mut self, fd: Fd, command: i32, argument: i32) -> Result<i32, Errno> {
        let id = self.files.find(fd)?;
        let file = self.files.get_mut(id).ok_or(Errno::EBADF)?;
        match command {
            F_GETFL => {
                let access = match &file.kind {
                    FileKind::Socket(_) | FileKind::Epoll(_) => O_RDWR,
                    FileKind::Pipe(end) if end.writes => O_WRONLY,
                    FileKind::Pipe(_) => O_RDONLY,
                };
                Ok(access | if file.nonblocking { O_NONBLOCK } else { 0 })
            }
            F_SETFL => {
                file.nonblocking = argument & O_NONBLOCK != 0;
                Ok(0)
            }
            F_GETFD => self.files.close_on_exec(fd, None).map(i32::from),
            F_SETFD => self.files.close_on_exec(fd, Some(argument & FD_CLOEXEC != 0)).map(|_| 0),
            F_DUPFD => self.files.duplicate(fd, argument, self.config.descriptors),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `ioctl(2)` with `SIOCINQ` (`FIONREAD`), `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK`: the number that Linux stores where
    /// the argument points; and `FIONBIO`, which takes its argument and gives it back.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::EINVAL`] (listening), [`Errno::ENOTTY`].
    pub fn ioctl(&mut self, fd: Fd, request: u64, argument: i32) -> Result<i32, Errno> {
        let id = self.files.find(fd)?;
        let file = self.files.get_mut(id).ok_or(Errno::EBADF)?;
        if request == FIONBIO {
            file.nonblocking = argument != 0;
            return Ok(argument);
        }
        let socket = match &file.kind {
            FileKind::Pipe(end) if request == SIOCINQ => {
                let held = self.pipes.get(end.pipe).map_or(0, |pipe| pipe.data.len());
                return Ok(held as i32);
            }
            FileKind::Pipe(_) | FileKind::Epoll(_) => return Err(Errno::ENOTTY),
            FileKind::Socket(socket) => socket,
        };
        if !matches!(request, SIOCINQ | SIOCOUTQ | SIOCOUTQNSD | SIOCATMARK) {
            return Err(Errno::ENOTTY);
        }
        let listening = matches!(socket.phase, Phase::Listening(_));
        if listening && request != SIOCATMARK {
            return Err(Errno::EINVAL);
        }
        let Some(status) = self.status(id) else { return Ok(0) };
        let octets = match request {
            SIOCINQ => self.input_queue(id) as u32,
            _ if status.is_opening() => 0,
            // Our FIN counts, as in Linux: it takes a place in the queue.
            SIOCOUTQ if status.over => 0,
            SIOCOUTQ => {
                let sent = status.info.in_flight;
                sent + status.info.unsent
            }
            SIOCOUTQNSD => status.info.unsent,
            _ => u32::from(status.urgent_ahead == 1),
        };
        Ok(i32::try_from(octets).unwrap_or(i32::MAX))
    }
}
