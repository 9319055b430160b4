//! The calls that never wait.
//!
//! Safety, of all functions: the arguments are those of the system call, the first one is the table's userdata.

use crate::memory::{address, process, returned};
use libc::{c_int, c_long, c_ulong, c_void, epoll_event, sockaddr, socklen_t};
use sockeye_posix::abi::{EPOLL_CTL_DEL, F_DUPFD, F_SETFD, F_SETFL, FIONBIO};
use sockeye_posix::{Address, EpollEvent, Errno};

pub(crate) unsafe extern "C" fn socket(
    userdata: *mut c_void,
    domain: c_int,
    kind: c_int,
    protocol: c_int,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    returned(process.call(|stack| {
        stack.configure();
        let fd = stack.sockets.socket(domain, kind, protocol);
        stack.publish(fd)
    }))
}

pub(crate) unsafe extern "C" fn bind(
    userdata: *mut c_void,
    fd: c_int,
    local: *const sockaddr,
    len: socklen_t,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata, and an address of that length.
    let (process, local) = unsafe { (process(userdata), address(local, len)) };
    returned(local.and_then(|local| {
        process.call(|stack| {
            // packetdrill gave its device an address that only it knows.
            if let Address::Inet(local) = local {
                stack.own(local.ip().to_canonical());
            }
            stack.sockets.bind(stack.now(), stack.fd(fd), local).map(|()| 0)
        })
    }))
}

pub(crate) unsafe extern "C" fn listen(userdata: *mut c_void, fd: c_int, backlog: c_int) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let listen = process.call(|stack| {
        stack.configure();
        stack.sockets.listen(stack.now(), stack.fd(fd), backlog)
    });
    returned(listen.map(|()| 0))
}

pub(crate) unsafe extern "C" fn shutdown(userdata: *mut c_void, fd: c_int, how: c_int) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let shutdown = process.call(|stack| stack.sockets.shutdown(stack.now(), stack.fd(fd), how));
    returned(shutdown.map(|()| 0))
}

pub(crate) unsafe extern "C" fn fcntl(
    userdata: *mut c_void,
    fd: c_int,
    command: c_int,
    argument: c_long,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    // Other commands have no argument: there is anything in its place.
    let takes = matches!(command, F_SETFL | F_SETFD | F_DUPFD);
    let argument = if takes { argument as c_int } else { 0 };
    returned(process.call(|stack| {
        let result = stack.sockets.fcntl(stack.fd(fd), command, argument);
        if command == F_DUPFD { stack.publish(result) } else { result }
    }))
}

pub(crate) unsafe extern "C" fn ioctl(
    userdata: *mut c_void,
    fd: c_int,
    request: c_ulong,
    argument: *mut c_int,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    if argument.is_null() {
        return returned::<c_int, _>(Err(Errno::EFAULT));
    }
    let given = match request {
        // SAFETY: this request has an `int` as argument.
        FIONBIO => unsafe { *argument },
        _ => 0,
    };
    returned(process.call(|stack| stack.sockets.ioctl(stack.fd(fd), request, given)).map(
        |number| {
            // SAFETY: the requests that succeed have room for an `int` as argument.
            unsafe { *argument = number };
            0
        },
    ))
}

pub(crate) unsafe extern "C" fn epoll_create(userdata: *mut c_void, size: c_int) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    returned(process.call(|stack| {
        let fd = stack.sockets.epoll_create(size);
        stack.publish(fd)
    }))
}

pub(crate) unsafe extern "C" fn epoll_ctl(
    userdata: *mut c_void,
    epoll: c_int,
    operation: c_int,
    fd: c_int,
    event: *mut epoll_event,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let event = if !event.is_null() {
        // SAFETY: it points to an event, which may lie anywhere.
        let event = unsafe { event.read_unaligned() };
        EpollEvent { events: event.events, data: event.u64 }
    } else if operation == EPOLL_CTL_DEL {
        EpollEvent { events: 0, data: 0 }
    } else {
        return returned::<c_int, _>(Err(Errno::EFAULT));
    };
    let result = process.call(|stack| {
        let (epoll, fd) = (stack.fd(epoll), stack.fd(fd));
        stack.sockets.epoll_ctl(stack.now(), epoll, operation, fd, event)
    });
    returned(result.map(|()| 0))
}

pub(crate) unsafe extern "C" fn pipe(userdata: *mut c_void, fds: *mut c_int) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    if fds.is_null() {
        return returned::<c_int, _>(Err(Errno::EFAULT));
    }
    let ends = process.call(|stack| {
        let [reads, writes] = stack.sockets.pipe()?;
        Ok([stack.publish(Ok(reads))?, stack.publish(Ok(writes))?])
    });
    returned(ends.map(|ends| {
        // SAFETY: it points to two descriptors.
        unsafe { fds.cast::<[c_int; 2]>().write(ends) };
        0
    }))
}
