//! `pipe`, `splice` and `sendfile`.

use super::Sockets;
use super::send::gather;
use crate::abi::{
    Fd, O_CLOEXEC, O_NONBLOCK, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM,
    SPLICE_F_NONBLOCK,
};
use crate::errno::Errno;
use crate::files::{FileId, FileKind, Files};
use crate::message::{Input, Received, Room};
use crate::operation::{Patience, Receive, Send, Work};
use crate::outcome::{Outcome, Value};
use crate::pipe::{Pipe, PipeEnd};
use sockeye_wire::Instant;
use std::borrow::Cow;

impl Sockets {
    /// `pipe(2)`: the end that reads, and the one that writes.
    ///
    /// # Errors
    /// As [`pipe2`](Self::pipe2).
    pub fn pipe(&mut self) -> Result<[Fd; 2], Errno> {
        self.pipe2(0)
    }

    /// `pipe2(2)` with [`O_NONBLOCK`] and [`O_CLOEXEC`].
    ///
    /// # Errors
    /// [`Errno::EINVAL`] for other flags, [`Errno::EMFILE`].
    pub fn pipe2(&mut self, flags: i32) -> Result<[Fd; 2], Errno> {
        if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let pipe = self.pipes.insert(Pipe::default());
        let (nonblocking, on_exec) = (flags & O_NONBLOCK != 0, flags & O_CLOEXEC != 0);
        let limit = self.config.descriptors;
        let open = |files: &mut Files, writes| {
            let kind = FileKind::Pipe(PipeEnd { pipe, writes });
            files.open(kind, nonblocking, on_exec, limit)
        };
        let files = &mut self.files;
        let ends = open(files, false).and_then(|reads| match open(files, true) {
            Ok(writes) => Ok([reads, writes]),
            Err(error) => {
                let file = files.close(reads.0)?;
                files.release(file);
                Err(error)
            }
        });
        let [(read_fd, reader), (write_fd, writer)] = match ends {
            Ok(ends) => ends,
            Err(error) => {
                self.pipes.remove(pipe);
                return Err(error);
            }
        };
        if let Some(pipe) = self.pipes.get_mut(pipe) {
            (pipe.reader, pipe.writer) = (Some(reader), Some(writer));
        }
        Ok([read_fd, write_fd])
    }

    /// `splice(2)` between a socket and a pipe, without offsets. Completes with [`Value::Count`].
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::EINVAL`] if neither file is a pipe, and as `recvmsg` and `sendmsg`.
    pub fn splice(&mut self, now: Instant, from: Fd, to: Fd, len: usize, flags: u32) -> Outcome {
        let files = self.files.find(from).and_then(|from| Ok((from, self.files.find(to)?)));
        let (from, to) = match files {
            Ok(files) => files,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        match (self.pipe_end(from), self.pipe_end(to)) {
            (Some(end), _) if end.writes => return Outcome::Ready(Err(Errno::EBADF)),
            (_, Some(end)) if !end.writes => return Outcome::Ready(Err(Errno::EBADF)),
            (None, None) => return Outcome::Ready(Err(Errno::EINVAL)),
            _ => {}
        }
        if from == to {
            return Outcome::Ready(Err(Errno::EINVAL));
        }
        let blocks = |file| self.files.get(file).is_some_and(|file| !file.nonblocking);
        let patience = if flags & SPLICE_F_NONBLOCK == 0 && blocks(from) && blocks(to) {
            Patience::Forever
        } else {
            Patience::None
        };
        self.run(now, from, Work::Splice { from, to, len }, patience)
    }

    /// `sendfile(2)` of a file's content that the caller has read: as one `write`. Completes with [`Value::Count`].
    ///
    /// # Errors
    /// As [`sendmsg`](Self::sendmsg).
    pub fn sendfile(&mut self, now: Instant, fd: Fd, content: &[u8]) -> Outcome {
        self.sendmsg(now, fd, &[Input::Bytes(content)], None, 0)
    }

    fn pipe_end(&self, file: FileId) -> Option<PipeEnd> {
        match self.files.get(file).map(|file| &file.kind) {
            Some(FileKind::Pipe(end)) => Some(*end),
            _ => None,
        }
    }

    pub(super) fn try_splice(
        &mut self,
        now: Instant,
        from: FileId,
        to: FileId,
        len: usize,
    ) -> Option<Result<Value, Errno>> {
        if len == 0 {
            return Some(Ok(Value::Count(0)));
        }
        match (self.pipe_end(from), self.pipe_end(to)) {
            (None, Some(end)) => {
                let room = self.pipes.get(end.pipe)?.room().min(len);
                if room == 0 {
                    return None;
                }
                if self.is_at_mark(from) {
                    // Linux: splice neither passes the urgent octet nor waits for it to go away.
                    return Some(Ok(Value::Count(0)));
                }
                let mut receive = Receive {
                    rooms: vec![Room::Bytes(room)],
                    flags: 0,
                    control: false,
                    got: Received::default(),
                };
                let result = self.try_receive(now, from, &mut receive)?;
                Some(result.map(|value| {
                    let Value::Received(received) = value else { return value };
                    self.fill_pipe(end, &received.data);
                    Value::Count(received.data.len())
                }))
            }
            (Some(end), other) => {
                let pipe = self.pipes.get(end.pipe)?;
                let data: Vec<u8> = pipe.data.iter().copied().take(len).collect();
                if data.is_empty() {
                    return pipe.writer.is_none().then_some(Ok(Value::Count(0)));
                }
                let result = match other {
                    Some(into) => {
                        let room = self.pipes.get(into.pipe)?.room().min(data.len());
                        if room == 0 {
                            return None;
                        }
                        self.fill_pipe(into, &data[..room]);
                        Ok(Value::Count(room))
                    }
                    None => {
                        let data = Cow::Owned(data);
                        let mut send = Send::new(data, false, 0);
                        match self.try_send(now, to, &mut send) {
                            Some(result) => result,
                            None if send.at > 0 => Ok(Value::Count(send.at)),
                            None => return None,
                        }
                    }
                };
                if let Ok(Value::Count(count)) = result {
                    self.drain_pipe(end, count);
                }
                Some(result)
            }
            (None, None) => Some(Err(Errno::EINVAL)),
        }
    }

    fn fill_pipe(&mut self, end: PipeEnd, data: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(end.pipe) else { return };
        pipe.data.extend(data);
        if let Some(reader) = pipe.reader {
            self.notify(reader, u32::from((POLLIN | POLLRDNORM) as u16));
        }
    }

    fn drain_pipe(&mut self, end: PipeEnd, count: usize) -> Vec<u8> {
        let Some(pipe) = self.pipes.get_mut(end.pipe) else { return Vec::new() };
        let count = count.min(pipe.data.len());
        let drained = pipe.data.drain(..count).collect();
        if let Some(writer) = pipe.writer {
            self.notify(writer, u32::from((POLLOUT | POLLWRNORM) as u16));
        }
        drained
    }

    pub(super) fn pipe_read(
        &mut self,
        now: Instant,
        file: FileId,
        end: PipeEnd,
        rooms: &[Room],
    ) -> Outcome {
        if end.writes {
            return Outcome::Ready(Err(Errno::EBADF));
        }
        let patience = self.patience(now, file, false, None);
        self.run(now, file, Work::PipeRead(rooms.to_vec()), patience)
    }

    pub(super) fn try_pipe_read(
        &mut self,
        file: FileId,
        rooms: &[Room],
    ) -> Option<Result<Value, Errno>> {
        let end = self.pipe_end(file)?;
        let pipe = self.pipes.get(end.pipe)?;
        if pipe.data.is_empty() {
            return pipe.writer.is_none().then(|| Ok(Value::Received(Received::default())));
        }
        let good = rooms.iter().take_while(|room| !matches!(room, Room::BadAddress(1..)));
        let room: usize = good.map(|room| room.len()).sum();
        if room == 0 && rooms.iter().any(|room| room.len() > 0) {
            return Some(Err(Errno::EFAULT));
        }
        let data = self.drain_pipe(end, room);
        Some(Ok(Value::Received(Received { returned: data.len(), data, ..Received::default() })))
    }

    pub(super) fn pipe_write(
        &mut self,
        now: Instant,
        file: FileId,
        end: PipeEnd,
        data: &[Input<'_>],
    ) -> Outcome {
        if !end.writes {
            return Outcome::Ready(Err(Errno::EBADF));
        }
        let (data, fault) = gather(data);
        if fault && data.is_empty() {
            return Outcome::Ready(Err(Errno::EFAULT));
        }
        let patience = self.patience(now, file, false, None);
        self.run(now, file, Work::PipeWrite { data, at: 0 }, patience)
    }

    pub(super) fn try_pipe_write(
        &mut self,
        file: FileId,
        data: &[u8],
        at: &mut usize,
    ) -> Option<Result<Value, Errno>> {
        let end = self.pipe_end(file)?;
        let pipe = self.pipes.get(end.pipe)?;
        if pipe.reader.is_none() {
            return Some(if *at > 0 { Ok(Value::Count(*at)) } else { Err(Errno::EPIPE) });
        }
        let count = pipe.room().min(data.len() - *at);
        self.fill_pipe(end, &data[*at..*at + count]);
        *at += count;
        (*at == data.len()).then_some(Ok(Value::Count(*at)))
    }

    pub(super) fn poll_pipe(&self, end: PipeEnd) -> i16 {
        let Some(pipe) = self.pipes.get(end.pipe) else { return POLLERR };
        let mut events = 0;
        if end.writes {
            if pipe.room() > 0 {
                events |= POLLOUT | POLLWRNORM;
            }
            if pipe.reader.is_none() {
                events |= POLLERR;
            }
        } else {
            if !pipe.data.is_empty() {
                events |= POLLIN | POLLRDNORM;
            }
            if pipe.writer.is_none() {
                events |= POLLHUP;
            }
        }
        events
    }

    pub(super) fn close_pipe_end(&mut self, end: PipeEnd) {
        let Some(pipe) = self.pipes.get_mut(end.pipe) else { return };
        let other = if end.writes {
            pipe.writer = None;
            pipe.reader
        } else {
            pipe.reader = None;
            pipe.writer
        };
        match other {
            Some(other) => self.notify(other, !0),
            None => drop(self.pipes.try_remove(end.pipe)),
        }
    }
}
