//! `read` and its kin.

use super::Sockets;
use super::status::Status;
use crate::abi::{
    Fd, MSG_DONTWAIT, MSG_ERRQUEUE, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, TCP_CM_INQ,
};
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::message::{ControlMessage, Received, Room};
use crate::operation::{Receive, Work};
use crate::option::SOL_TCP;
use crate::outcome::{Outcome, Value};
use crate::socket::Phase;
use sockeye_wire::{Instant, StateName};

impl Sockets {
    /// `read(2)`. Completes with [`Value::Received`], empty at the end of the stream.
    ///
    /// # Errors
    /// As [`recvmsg`](Self::recvmsg).
    pub fn read(&mut self, now: Instant, fd: Fd, room: Room) -> Outcome {
        self.readv(now, fd, &[room])
    }

    /// `readv(2)`. Completes with [`Value::Received`].
    ///
    /// # Errors
    /// As [`recvmsg`](Self::recvmsg), and [`Errno::EBADF`] for a pipe's writing end.
    pub fn readv(&mut self, now: Instant, fd: Fd, rooms: &[Room]) -> Outcome {
        match self.files.find(fd).map(|file| (file, self.files.get(file).map(|file| &file.kind))) {
            Err(error) => Outcome::Ready(Err(error)),
            Ok((file, Some(FileKind::Pipe(end)))) => {
                let end = *end;
                self.pipe_read(now, file, end, rooms)
            }
            Ok((_, Some(FileKind::Epoll(_)))) => Outcome::Ready(Err(Errno::EINVAL)),
            Ok(_) => self.receive(now, fd, rooms, 0, false),
        }
    }

    /// `recv(2)`. Completes with [`Value::Received`].
    ///
    /// # Errors
    /// As [`recvmsg`](Self::recvmsg).
    pub fn recv(&mut self, now: Instant, fd: Fd, room: Room, flags: i32) -> Outcome {
        self.receive(now, fd, &[room], flags, false)
    }

    /// `recvfrom(2)`: as in Linux a stream socket tells no address. Completes with [`Value::Received`].
    ///
    /// # Errors
    /// As [`recvmsg`](Self::recvmsg).
    pub fn recvfrom(&mut self, now: Instant, fd: Fd, room: Room, flags: i32) -> Outcome {
        self.receive(now, fd, &[room], flags, false)
    }

    /// `recvmsg(2)` with `MSG_PEEK`, `MSG_OOB`, `MSG_WAITALL`, `MSG_TRUNC`, `MSG_DONTWAIT`, and `MSG_ERRQUEUE`, whose queue
    /// is always empty. Ancillary data comes with `TCP_INQ`. Completes with [`Value::Received`].
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::ENOTCONN`], [`Errno::EAGAIN`], [`Errno::EFAULT`],
    /// [`Errno::EINVAL`] (no urgent data), and what ended the connection.
    pub fn recvmsg(&mut self, now: Instant, fd: Fd, rooms: &[Room], flags: i32) -> Outcome {
        self.receive(now, fd, rooms, flags, true)
    }

    fn receive(
        &mut self,
        now: Instant,
        fd: Fd,
        rooms: &[Room],
        flags: i32,
        control: bool,
    ) -> Outcome {
        let file = match self.files.find(fd) {
            Ok(file) => file,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        let timeout = match self.files.socket(file) {
            Ok(socket) => socket.options.receive_timeout,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        if flags & MSG_ERRQUEUE != 0 {
            return Outcome::Ready(Err(Errno::EAGAIN));
        }
        // Urgent data is there or not: nobody waits for it.
        let dont_wait = flags & (MSG_DONTWAIT | MSG_OOB) != 0;
        let patience = self.patience(now, file, dont_wait, timeout);
        let got = Received::default();
        let work = Receive { rooms: rooms.to_vec(), flags, control, got };
        self.run(now, file, Work::Receive(work), patience)
    }

    /// Linux's `tcp_recvmsg`.
    pub(super) fn try_receive(
        &mut self,
        now: Instant,
        file: FileId,
        receive: &mut Receive,
    ) -> Option<Result<Value, Errno>> {
        let Ok(socket) = self.files.socket(file) else { return Some(Err(Errno::EBADF)) };
        if socket.deferred.is_some() {
            return None;
        }
        let Phase::Linked(link) = &socket.phase else { return Some(Err(Errno::ENOTCONN)) };
        let id = link.id;
        let Some(status) = Status::of(&self.host, link) else { return Some(Err(Errno::ENOTCONN)) };
        if receive.flags & MSG_OOB != 0 {
            return Some(self.receive_urgent(file, status, receive));
        }
        let wanted: usize = receive.rooms.iter().map(|room| room.len()).sum();
        let low_water = socket.options.receive_low_water.max(1) as usize;
        let target = if receive.flags & MSG_WAITALL != 0 { wanted } else { low_water.min(wanted) };
        let (inline, inq) = (socket.options.oob_inline, socket.options.inq);
        let peek = receive.flags & MSG_PEEK != 0;

        let left = wanted - receive.got.returned;
        let skip = if peek { receive.got.returned } else { 0 };
        let mut readable = status.readable.saturating_sub(skip);
        let mut at_mark = false;
        if status.urgent_ahead > skip && status.readable >= status.urgent_ahead {
            let before = status.urgent_ahead - 1 - skip;
            if before > 0 || receive.got.returned > 0 {
                // Reading stops before the urgent octet, in line or not.
                at_mark = before <= left;
                readable = readable.min(before);
            } else if !inline {
                // It is next, and no part of the stream.
                if !peek {
                    let _ = self.host.read(now, id, &mut [0]);
                    return self.try_receive(now, file, receive);
                }
                readable = 0;
            }
        }
        let count = left.min(readable);
        if count > 0
            && let Err(error) = self.take(now, file, receive, (skip, count))
        {
            return Some(if receive.got.returned > 0 {
                Ok(Value::Received(core::mem::take(&mut receive.got)))
            } else {
                Err(error)
            });
        }
        let got = receive.got.returned;
        let status = self.status(file)?;
        let enough = got >= target.max(1) || (wanted == 0 && status.readable > 0) || at_mark;
        let over = status.error.is_some() || status.read_over;
        if enough || (got > 0 && over) {
            let mut received = core::mem::take(&mut receive.got);
            if inq && receive.control {
                let left = self.input_queue(file);
                let hint = if left == 0 && status.info.peer_finished { 1 } else { left as i32 };
                received.control.push(ControlMessage {
                    level: SOL_TCP,
                    kind: TCP_CM_INQ,
                    data: hint.to_ne_bytes().to_vec(),
                });
            }
            return Some(Ok(Value::Received(received)));
        }
        if got > 0 {
            return None;
        }
        if status.info.peer_finished {
            return Some(Ok(Value::Received(Received::default())));
        }
        if status.error.is_some() {
            return Some(Err(self.take_error(file).unwrap_or(Errno::ECONNRESET)));
        }
        status.read_over.then(|| Ok(Value::Received(Received::default())))
    }

    /// Moves `count` octets from `skip` on to the program.
    fn take(
        &mut self,
        now: Instant,
        file: FileId,
        receive: &mut Receive,
        (skip, count): (usize, usize),
    ) -> Result<(), Errno> {
        let id = self.files.socket(file)?.link().ok_or(Errno::ENOTCONN)?.id;
        let truncate = receive.flags & MSG_TRUNC != 0;
        let good = if truncate { count } else { good_room(receive).min(count) };
        if good == 0 {
            return Err(Errno::EFAULT);
        }
        let at = receive.got.data.len();
        receive.got.data.resize(at + good, 0);
        let out = &mut receive.got.data[at..];
        let moved = if receive.flags & MSG_PEEK != 0 {
            self.host.peek(id, skip, out)
        } else {
            self.host.read(now, id, out)?
        };
        receive.got.data.truncate(if truncate { at } else { at + moved });
        receive.got.returned += moved;
        Ok(())
    }

    /// Linux's `tcp_recv_urg`.
    fn receive_urgent(
        &mut self,
        file: FileId,
        status: Status,
        receive: &Receive,
    ) -> Result<Value, Errno> {
        let socket = self.files.socket(file)?;
        let id = socket.link().ok_or(Errno::ENOTCONN)?.id;
        if socket.options.oob_inline || status.urgent_ahead == 0 || status.urgent_read {
            return Err(Errno::EINVAL);
        }
        if status.info.state == StateName::Closed && !status.info.peer_finished {
            return Err(Errno::ENOTCONN);
        }
        if status.readable < status.urgent_ahead {
            if status.read_over {
                return Ok(Value::Received(Received::default()));
            }
            return Err(Errno::EAGAIN);
        }
        let mut received = Received { returned: 1, flags: MSG_OOB, ..Received::default() };
        match receive.rooms.iter().find(|room| room.len() > 0) {
            Some(Room::Bytes(_)) => {
                received.data = vec![0];
                self.host.peek(id, status.urgent_ahead - 1, &mut received.data);
            }
            Some(Room::BadAddress(_)) => return Err(Errno::EFAULT),
            None => received.flags |= MSG_TRUNC,
        }
        if receive.flags & MSG_PEEK == 0
            && let Some(link) = self.files.socket_mut(file)?.link_mut()
        {
            link.urgent_read = true;
        }
        Ok(Value::Received(received))
    }

    /// Whether the next octet is the urgent one, and no part of the stream.
    pub(super) fn is_at_mark(&self, file: FileId) -> bool {
        let inline = self.files.socket(file).is_ok_and(|socket| socket.options.oob_inline);
        !inline
            && self
                .status(file)
                .is_some_and(|status| status.urgent_ahead == 1 && status.readable > 0)
    }

    /// `SIOCINQ`: octets that can be read before the mark or the end.
    pub(super) fn input_queue(&self, file: FileId) -> usize {
        let Some(status) = self.status(file) else { return 0 };
        let inline = self.files.socket(file).is_ok_and(|socket| socket.options.oob_inline);
        if !inline && status.urgent_ahead > 0 && status.readable >= status.urgent_ahead {
            status.urgent_ahead - 1
        } else {
            status.readable
        }
    }
}

/// Room from where the program's data ends to the first bad address.
fn good_room(receive: &Receive) -> usize {
    let good: usize = receive
        .rooms
        .iter()
        .take_while(|room| !matches!(room, Room::BadAddress(1..)))
        .map(|room| room.len())
        .sum();
    good.saturating_sub(receive.got.returned)
}
