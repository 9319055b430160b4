//! `write` and its kin.

use super::Sockets;
use super::fast_open::Start;
use crate::abi::{
    Fd, MSG_DONTROUTE, MSG_DONTWAIT, MSG_EOR, MSG_ERRQUEUE, MSG_FASTOPEN, MSG_MORE, MSG_NOSIGNAL,
    MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_ZEROCOPY,
};
use crate::address::Address;
use crate::errno::Errno;
use crate::files::{FileId, FileKind};
use crate::message::Input;
use crate::operation::{Patience, Send, Work};
use crate::outcome::{Outcome, Value};
use crate::socket::Phase;
use sockeye_host::ConnectionId;
use sockeye_wire::Instant;
use std::borrow::Cow;

/// Flags that sending knows, or may overlook because they concern other calls or other layers.
const KNOWN: i32 = MSG_DONTWAIT
    | MSG_NOSIGNAL
    | MSG_OOB
    | MSG_EOR
    | MSG_DONTROUTE
    | MSG_MORE
    | MSG_PEEK
    | MSG_TRUNC
    | MSG_WAITALL
    | MSG_ERRQUEUE;

impl Sockets {
    /// `write(2)`. Completes with [`Value::Count`].
    ///
    /// # Errors
    /// As [`sendmsg`](Self::sendmsg).
    pub fn write(&mut self, now: Instant, fd: Fd, data: Input<'_>) -> Outcome {
        self.writev(now, fd, &[data])
    }

    /// `writev(2)`. Completes with [`Value::Count`].
    ///
    /// # Errors
    /// As [`sendmsg`](Self::sendmsg), and [`Errno::EBADF`] for a pipe's reading end.
    pub fn writev(&mut self, now: Instant, fd: Fd, data: &[Input<'_>]) -> Outcome {
        match self.files.find(fd).map(|file| (file, self.files.get(file).map(|file| &file.kind))) {
            Err(error) => Outcome::Ready(Err(error)),
            Ok((file, Some(FileKind::Pipe(end)))) => {
                let end = *end;
                self.pipe_write(now, file, end, data)
            }
            Ok((_, Some(FileKind::Epoll(_)))) => Outcome::Ready(Err(Errno::EINVAL)),
            Ok(_) => self.sendmsg(now, fd, data, None, 0),
        }
    }

    /// `send(2)`. Completes with [`Value::Count`].
    ///
    /// # Errors
    /// As [`sendmsg`](Self::sendmsg).
    pub fn send(&mut self, now: Instant, fd: Fd, data: Input<'_>, flags: i32) -> Outcome {
        self.sendmsg(now, fd, &[data], None, flags)
    }

    /// `sendto(2)`. Completes with [`Value::Count`].
    ///
    /// # Errors
    /// As [`sendmsg`](Self::sendmsg).
    pub fn sendto(
        &mut self,
        now: Instant,
        fd: Fd,
        data: Input<'_>,
        flags: i32,
        to: Option<Address>,
    ) -> Outcome {
        self.sendmsg(now, fd, &[data], to, flags)
    }

    /// `sendmsg(2)`. As in Linux an address is not looked at on a stream socket, unless with `MSG_FASTOPEN`; there is no
    /// `SIGPIPE`. After `MSG_EOR` what is written later begins a segment of its own.
    /// Completes with [`Value::Count`].
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EPIPE`], [`Errno::EAGAIN`], [`Errno::EFAULT`],
    /// [`Errno::EOPNOTSUPP`] for flags that are not supported, and what ended the connection: [`Errno::ECONNRESET`],
    /// [`Errno::ETIMEDOUT`] and so on.
    pub fn sendmsg(
        &mut self,
        now: Instant,
        fd: Fd,
        data: &[Input<'_>],
        to: Option<Address>,
        flags: i32,
    ) -> Outcome {
        let file = match self.files.find(fd) {
            Ok(file) => file,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        let timeout = match self.files.socket(file) {
            Ok(socket) => socket.options.send_timeout,
            Err(error) => return Outcome::Ready(Err(error)),
        };
        if let Err(error) = self.check_send_flags(file, flags) {
            return Outcome::Ready(Err(error));
        }
        let patience = self.patience(now, file, flags & MSG_DONTWAIT != 0, timeout);
        let (data, fault) = gather(data);
        let mut send = Send::new(data, fault, flags);
        let deferred = self.files.socket(file).is_ok_and(|socket| socket.deferred.is_some());
        if flags & MSG_FASTOPEN != 0 || deferred {
            let may_wait = patience != Patience::None;
            match self.start_fast_open(now, file, to, &send.data, may_wait) {
                Ok(Start::Send) => {}
                Ok(Start::Opened(taken)) => (send.on_syn, send.fast_open) = (taken, true),
                Err(error) => {
                    self.settle(now);
                    return Outcome::Ready(Err(error));
                }
            }
        }
        self.run(now, file, Work::Send(send), patience)
    }

    fn check_send_flags(&self, file: FileId, flags: i32) -> Result<(), Errno> {
        let zero_copy = self.files.socket(file)?.options.zero_copy;
        // Linux: without SO_ZEROCOPY the flag means nothing.
        if flags & MSG_ZEROCOPY != 0 && zero_copy {
            return Err(Errno::EOPNOTSUPP);
        }
        if flags & !(KNOWN | MSG_ZEROCOPY | MSG_FASTOPEN) != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        Ok(())
    }

    /// Linux's `tcp_sendmsg`.
    pub(super) fn try_send(
        &mut self,
        now: Instant,
        file: FileId,
        send: &mut Send<'_>,
    ) -> Option<Result<Value, Errno>> {
        let done = |send: &Send<'_>| Some(Ok(Value::Count(send.at)));
        loop {
            let Some(status) = self.status(file) else {
                return Some(Err(Errno::EPIPE));
            };
            if status.error.is_some() || status.write_over {
                if send.at > 0 {
                    return done(send);
                }
                return Some(Err(self.take_error(file).unwrap_or(Errno::EPIPE)));
            }
            if status.is_opening() {
                return None;
            }
            self.count_on_syn(file, send);
            let rest = send.data.get(send.at..).unwrap_or(&[]);
            if rest.is_empty() && (!send.fault || send.at > 0) {
                return done(send);
            }
            let Ok(socket) = self.files.socket(file) else { return Some(Err(Errno::EBADF)) };
            let low_water = self.notsent_low_water(socket);
            let Ok(socket) = self.files.socket_mut(file) else { return Some(Err(Errno::EBADF)) };
            let buffer = socket.options.send_buffer;
            let Phase::Linked(link) = &mut socket.phase else { return Some(Err(Errno::EPIPE)) };
            // Who waits for room is woken when there is a good deal of it.
            if link.starved && send.at > 0 {
                return None;
            }
            link.send.update(status.sending);
            let room = link.send.room(status.sending, buffer, low_water) as usize;
            if room == 0 {
                link.starved = true;
                let id = link.id;
                self.host.want_room(now, id);
                return None;
            }
            if rest.is_empty() {
                return Some(Err(Errno::EFAULT));
            }
            let (id, count) = (link.id, rest.len().min(room));
            link.send.fill(status.sending, count as u32);
            let last = count == rest.len();
            let ends_record = last && send.flags & MSG_EOR != 0;
            if ends_record {
                link.send.end_record();
            }
            let urgent = last && send.flags & MSG_OOB != 0;
            self.host.set_more(now, id, last && send.flags & MSG_MORE != 0);
            if let Err(error) =
                self.write_out(now, id, &send.data[send.at..send.at + count], urgent)
            {
                return Some(Err(error));
            }
            if ends_record {
                self.host.end_record(now, id);
            }
            send.at += count;
            if !last {
                // Linux pushes each full packet before it fills the next: what has left needs no room any more.
                self.flush(now);
            }
        }
    }

    /// A call waits for the handshake with data that follows at once: its connection need not acknowledge in haste (Linux's
    /// `sk_write_pending`).
    pub(super) fn note_waiting_data(&mut self, now: Instant, file: FileId, send: &Send<'_>) {
        let Some(status) = self.status(file) else { return };
        if status.is_opening()
            && send.at + send.on_syn < send.data.len()
            && let Ok(socket) = self.files.socket(file)
            && let Some(id) = socket.link().map(|link| link.id)
        {
            self.host.want_room(now, id);
        }
    }

    fn write_out(
        &mut self,
        now: Instant,
        id: ConnectionId,
        data: &[u8],
        urgent: bool,
    ) -> Result<(), Errno> {
        let written = if urgent {
            self.host.write_urgent(now, id, data)
        } else {
            self.host.write(now, id, data)
        };
        match written {
            Ok(count) => {
                debug_assert_eq!(count, data.len(), "the core's own buffer is out of the way");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The octets up to the first bad address, in one piece, and whether there is one.
pub(super) fn gather<'a>(data: &[Input<'a>]) -> (Cow<'a, [u8]>, bool) {
    if let [Input::Bytes(bytes)] = data {
        return (Cow::Borrowed(bytes), false);
    }
    let mut all = Vec::with_capacity(data.iter().map(Input::len).sum::<usize>().min(1 << 20));
    for piece in data {
        match piece {
            Input::Bytes(bytes) => all.extend_from_slice(bytes),
            Input::BadAddress(0) => {}
            Input::BadAddress(_) => return (Cow::Owned(all), true),
        }
    }
    (Cow::Owned(all), false)
}
