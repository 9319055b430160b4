//! The calls that may wait.
//!
//! Safety, of all functions: the arguments are those of the system call, the first one is the table's userdata.

use crate::memory::{
    address, array, count, input, inputs, process, returned, room, rooms, scatter, tell_address,
    tell_message,
};
use crate::process::Process;
use libc::{
    c_int, c_uint, c_void, epoll_event, iovec, loff_t, msghdr, nfds_t, pollfd, size_t, sockaddr,
    socklen_t, ssize_t,
};
use sockeye_posix::abi::MSG_FASTOPEN;
use sockeye_posix::{Errno, Input, PollFd, Received, Room, Value};

/// A descriptor that the stack does not have: those of a process begin after standard error.
const UNKNOWN: c_int = 0;

pub(crate) unsafe extern "C" fn accept(
    userdata: *mut c_void,
    fd: c_int,
    peer: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let accepted = process.wait(|stack| stack.sockets.accept(stack.now(), stack.fd(fd)));
    returned(accepted.and_then(|value| {
        let Value::Accepted(accepted) = value else { return Ok(-1) };
        // SAFETY: the caller gives room for an address, or none.
        unsafe { tell_address(accepted.peer, peer, len) };
        process.call(|stack| stack.publish(Ok(accepted.fd)))
    }))
}

pub(crate) unsafe extern "C" fn connect(
    userdata: *mut c_void,
    fd: c_int,
    remote: *const sockaddr,
    len: socklen_t,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata, and an address of that length.
    let (process, remote) = unsafe { (process(userdata), address(remote, len)) };
    returned(remote.and_then(|remote| {
        let connected = process.wait(|stack| {
            stack.configure();
            stack.sockets.connect(stack.now(), stack.fd(fd), remote)
        });
        connected.map(|value| value.returned())
    }))
}

pub(crate) unsafe extern "C" fn close(userdata: *mut c_void, fd: c_int) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let closed = process.wait(|stack| {
        let known = stack.fd(fd);
        stack.descriptors.withdraw(fd);
        stack.sockets.close(stack.now(), known)
    });
    returned(closed.map(|value| value.returned()))
}

pub(crate) unsafe extern "C" fn read(
    userdata: *mut c_void,
    fd: c_int,
    out: *mut c_void,
    len: size_t,
) -> ssize_t {
    let piece = [iovec { iov_base: out, iov_len: len }];
    // SAFETY: packetdrill gives the table's userdata, and room of that length.
    unsafe { readv(userdata, fd, piece.as_ptr(), 1) }
}

pub(crate) unsafe extern "C" fn readv(
    userdata: *mut c_void,
    fd: c_int,
    pieces: *const iovec,
    number: c_int,
) -> ssize_t {
    // SAFETY: packetdrill gives the table's userdata, and so many pieces.
    let (process, pieces) =
        unsafe { (process(userdata), count(number).and_then(|number| array(pieces, number))) };
    returned(pieces.and_then(|pieces| {
        let rooms = rooms(pieces);
        let received =
            process.wait(|stack| stack.sockets.readv(stack.now(), stack.fd(fd), &rooms))?;
        // SAFETY: the pieces are room of the lengths that they say.
        Ok(unsafe { deliver(received, pieces) }.returned)
    }))
}

pub(crate) unsafe extern "C" fn recv(
    userdata: *mut c_void,
    fd: c_int,
    out: *mut c_void,
    len: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let piece = [iovec { iov_base: out, iov_len: len }];
    let received = receive(process, fd, room(out, len), flags);
    // SAFETY: there is room of that length.
    returned(received.map(|received| unsafe { deliver(received, &piece) }.returned))
}

pub(crate) unsafe extern "C" fn recvfrom(
    userdata: *mut c_void,
    fd: c_int,
    out: *mut c_void,
    len: size_t,
    flags: c_int,
    _from: *mut sockaddr,
    from_len: *mut socklen_t,
) -> ssize_t {
    // SAFETY: the same arguments.
    let received = unsafe { recv(userdata, fd, out, len, flags) };
    if received >= 0 && !from_len.is_null() {
        // A stream tells no address.
        // SAFETY: it points to a length.
        unsafe { *from_len = 0 };
    }
    received
}

fn receive(process: &Process, fd: c_int, room: Room, flags: c_int) -> Result<Value, Errno> {
    process.wait(|stack| stack.sockets.recv(stack.now(), stack.fd(fd), room, flags))
}

pub(crate) unsafe extern "C" fn recvmsg(
    userdata: *mut c_void,
    fd: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> ssize_t {
    if message.is_null() {
        return returned::<i64, _>(Err(Errno::EFAULT));
    }
    // SAFETY: packetdrill gives the table's userdata, and a message header with its pieces.
    let (process, pieces) =
        unsafe { (process(userdata), array((*message).msg_iov, (*message).msg_iovlen)) };
    returned(pieces.and_then(|pieces| {
        let rooms = rooms(pieces);
        let received = process
            .wait(|stack| stack.sockets.recvmsg(stack.now(), stack.fd(fd), &rooms, flags))?;
        // SAFETY: the pieces and the control buffer are room of the lengths that they say.
        unsafe {
            let received = deliver(received, pieces);
            tell_message(message, &received);
            Ok(received.returned)
        }
    }))
}

/// Puts what was received where it is wanted.
///
/// # Safety
/// The pieces can be written, those that are not null.
unsafe fn deliver(value: Value, pieces: &[iovec]) -> Received {
    let Value::Received(received) = value else { return Received::default() };
    // SAFETY: by the contract.
    unsafe { scatter(&received.data, pieces) };
    received
}

pub(crate) unsafe extern "C" fn write(
    userdata: *mut c_void,
    fd: c_int,
    data: *const c_void,
    len: size_t,
) -> ssize_t {
    // SAFETY: packetdrill gives the table's userdata, and data of that length.
    let (process, data) = unsafe { (process(userdata), input(data, len)) };
    let written = process.wait(|stack| stack.sockets.write(stack.now(), stack.fd(fd), data));
    returned(written.map(|value| value.returned()))
}

pub(crate) unsafe extern "C" fn writev(
    userdata: *mut c_void,
    fd: c_int,
    pieces: *const iovec,
    number: c_int,
) -> ssize_t {
    // SAFETY: packetdrill gives the table's userdata, and so many pieces.
    let (process, pieces) =
        unsafe { (process(userdata), count(number).and_then(|number| array(pieces, number))) };
    returned(pieces.and_then(|pieces| {
        // SAFETY: the pieces are data of the lengths that they say.
        let data = unsafe { inputs(pieces) };
        let written = process.wait(|stack| stack.sockets.writev(stack.now(), stack.fd(fd), &data));
        written.map(|value| value.returned())
    }))
}

pub(crate) unsafe extern "C" fn send(
    userdata: *mut c_void,
    fd: c_int,
    data: *const c_void,
    len: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: packetdrill gives the table's userdata, and data of that length.
    let (process, data) = unsafe { (process(userdata), input(data, len)) };
    send_all(process, fd, &[data], (std::ptr::null(), 0), flags)
}

pub(crate) unsafe extern "C" fn sendto(
    userdata: *mut c_void,
    fd: c_int,
    data: *const c_void,
    len: size_t,
    flags: c_int,
    to: *const sockaddr,
    to_len: socklen_t,
) -> ssize_t {
    // SAFETY: packetdrill gives the table's userdata, and data of that length.
    let (process, data) = unsafe { (process(userdata), input(data, len)) };
    send_all(process, fd, &[data], (to, to_len), flags)
}

pub(crate) unsafe extern "C" fn sendmsg(
    userdata: *mut c_void,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    if message.is_null() {
        return returned::<i64, _>(Err(Errno::EFAULT));
    }
    // SAFETY: packetdrill gives the table's userdata, and a message header with its pieces.
    let (process, message, pieces) =
        unsafe { (process(userdata), &*message, array((*message).msg_iov, (*message).msg_iovlen)) };
    match pieces {
        Ok(pieces) => {
            // SAFETY: the pieces are data of the lengths that they say.
            let data = unsafe { inputs(pieces) };
            let to = (message.msg_name.cast_const().cast(), message.msg_namelen);
            send_all(process, fd, &data, to, flags)
        }
        Err(error) => returned::<i64, _>(Err(error)),
    }
}

/// `to` is null, or an address of that length.
fn send_all(
    process: &Process,
    fd: c_int,
    data: &[Input<'_>],
    (to, len): (*const sockaddr, socklen_t),
    flags: c_int,
) -> ssize_t {
    let to = if to.is_null() {
        None
    } else {
        // SAFETY: as the callers' system calls have it.
        match unsafe { address(to, len) } {
            Ok(to) => Some(to),
            Err(error) => return returned::<i64, _>(Err(error)),
        }
    };
    let sent = process.wait(|stack| {
        if flags & MSG_FASTOPEN != 0 {
            stack.configure();
        }
        stack.sockets.sendmsg(stack.now(), stack.fd(fd), data, to, flags)
    });
    returned(sent.map(|value| value.returned()))
}

pub(crate) unsafe extern "C" fn poll(
    userdata: *mut c_void,
    fds: *mut pollfd,
    number: nfds_t,
    timeout_ms: c_int,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata, and so many descriptors.
    let (process, known) = unsafe { (process(userdata), array(fds, number as usize)) };
    returned(known.and_then(|known| {
        let value = process.wait(|stack| {
            // A negative number is skipped, an unknown one is told.
            let number = |fd: c_int| if fd < 0 { fd } else { stack.fd(fd).max(UNKNOWN) };
            let asked = known.iter().map(|fd| PollFd::new(number(fd.fd), fd.events));
            let asked: Vec<_> = asked.collect();
            stack.sockets.poll(stack.now(), &asked, timeout_ms)
        })?;
        let number = value.returned();
        if let Value::Polled(found) = value {
            for (at, found) in found.iter().enumerate() {
                // SAFETY: as many as there were asked for; the shared view of them is not used any more.
                unsafe { (*fds.add(at)).revents = found.revents };
            }
        }
        Ok(number)
    }))
}

pub(crate) unsafe extern "C" fn epoll_wait(
    userdata: *mut c_void,
    epoll: c_int,
    out: *mut epoll_event,
    max: c_int,
    timeout_ms: c_int,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    if out.is_null() {
        return returned::<c_int, _>(Err(Errno::EFAULT));
    }
    let value = process
        .wait(|stack| stack.sockets.epoll_wait(stack.now(), stack.fd(epoll), max, timeout_ms));
    returned(value.map(|value| {
        let number = value.returned();
        if let Value::Epoll(events) = value {
            for (at, event) in events.iter().enumerate() {
                let event = epoll_event { events: event.events, u64: event.data };
                // SAFETY: there is room for `max` events, and no more are told; they may lie anywhere.
                unsafe { out.add(at).write_unaligned(event) };
            }
        }
        number
    }))
}

pub(crate) unsafe extern "C" fn splice(
    userdata: *mut c_void,
    from: c_int,
    from_offset: *mut loff_t,
    to: c_int,
    to_offset: *mut loff_t,
    len: size_t,
    flags: c_uint,
) -> ssize_t {
    // packetdrill passes the script's number by reference: no offset is a 0 there. Neither sockets nor pipes have any other place.
    let elsewhere = |offset: *mut loff_t| {
        // SAFETY: null, or a number of packetdrill's.
        !offset.is_null() && unsafe { *offset } != 0
    };
    if elsewhere(from_offset) || elsewhere(to_offset) {
        return returned::<i64, _>(Err(Errno::ESPIPE));
    }
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let moved = process.wait(|stack| {
        let (from, to) = (stack.fd(from), stack.fd(to));
        stack.sockets.splice(stack.now(), from, to, len, flags)
    });
    returned(moved.map(|value| value.returned()))
}
