//! `getsockopt` and `setsockopt`.
//!
//! Safety, of all functions: the arguments are those of the system call, the first one is the table's userdata.

use crate::memory::{input, process, returned, tell};
use crate::process::Process;
use libc::{c_int, c_void, socklen_t};
use sockeye_posix::{Errno, Input};

pub(crate) unsafe extern "C" fn getsockopt(
    userdata: *mut c_void,
    fd: c_int,
    level: c_int,
    name: c_int,
    out: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata, and room for the value.
    unsafe { get(process(userdata), (fd, level, name), out, len) }
}

/// # Safety
/// If `len` is not null it points to the size of `out`, and so many octets can be written there.
pub(crate) unsafe fn get(
    process: &Process,
    (fd, level, name): (c_int, c_int, c_int),
    out: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    let value =
        process.call(|stack| stack.sockets.getsockopt(stack.now(), stack.fd(fd), level, name));
    returned(value.and_then(|value| {
        if out.is_null() || len.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: by the contract. What is longer than the room for it is cut, and its length is that of the room.
        unsafe { tell(&value[..value.len().min(*len as usize)], out, len) };
        Ok(0)
    }))
}

pub(crate) unsafe extern "C" fn setsockopt(
    userdata: *mut c_void,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata, and a value of that length.
    let (process, value) = unsafe { (process(userdata), input(value, len as usize)) };
    let result = match value {
        Input::Bytes(value) => process.call(|stack| {
            stack.configure();
            stack.sockets.setsockopt(stack.now(), stack.fd(fd), level, name, value)
        }),
        Input::BadAddress(_) => Err(Errno::EFAULT),
    };
    returned(result.map(|()| 0))
}
