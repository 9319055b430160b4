//! What packetdrill asks the C library for, and not the table. If the object is preloaded as well (`LD_PRELOAD`), these
//! functions of the C library are the ones here, which know whose descriptor it is:
//!
//! - `getsockopt`: code blocks (`%{ assert tcpi_unacked == 1 }%`) get `TCP_INFO` by it;
//! - `sendfile`, which the table does not have;
//! - `system`: the shell commands of a script. They are run as ever; but the stack must learn of what they change.

use crate::process::Process;
use crate::{options, sendfile};
use libc::{c_char, c_int, c_long, c_void, off_t, size_t, socklen_t, ssize_t};
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

static PROCESS: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// From now on calls of the C library's names are for this process.
pub(crate) fn offer(process: *mut Process) {
    PROCESS.store(process, Ordering::Release);
}

/// No longer.
pub(crate) fn withdraw() {
    PROCESS.store(ptr::null_mut(), Ordering::Release);
}

fn process<'p>() -> Option<&'p Process> {
    // SAFETY: a process lives until it is withdrawn.
    unsafe { PROCESS.load(Ordering::Acquire).as_ref() }
}

/// The process, if the descriptor is one of its stack's.
fn owner<'p>(fd: c_int) -> Option<&'p Process> {
    process().filter(|process| process.call(|stack| stack.descriptors.is_known(fd)))
}

/// `getsockopt(2)`: the stack's for its own descriptors, otherwise the kernel's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    out: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    let Some(process) = owner(fd) else {
        let arguments = [fd, level, name].map(c_long::from);
        let [fd, level, name] = arguments;
        // SAFETY: the system call with its own arguments.
        return unsafe { libc::syscall(libc::SYS_getsockopt, fd, level, name, out, len) } as c_int;
    };
    // SAFETY: the caller's contract.
    unsafe { options::get(process, (fd, level, name), out, len) }
}

/// `sendfile(2)`: to one of the stack's sockets, otherwise the kernel's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendfile(
    to: c_int,
    from: c_int,
    offset: *mut off_t,
    count: size_t,
) -> ssize_t {
    let Some(process) = owner(to) else {
        let [to, from] = [to, from].map(c_long::from);
        // SAFETY: the system call with its own arguments.
        return unsafe { libc::syscall(libc::SYS_sendfile, to, from, offset, count) } as ssize_t;
    };
    // SAFETY: the caller's contract.
    unsafe { sendfile::to_socket(process, to, from, offset, count) }
}

/// `system(3)`: the C library's, of which the stack then learns.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn system(command: *const c_char) -> c_int {
    // SAFETY: the name is a C string.
    let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"system".as_ptr()) };
    if next.is_null() {
        return -1;
    }
    // SAFETY: that is the C library's `system`, whose type this is, and its own argument.
    let status = unsafe {
        let next: unsafe extern "C" fn(*const c_char) -> c_int = std::mem::transmute(next);
        next(command)
    };
    if !command.is_null()
        && let Some(process) = process()
    {
        // SAFETY: a command is a C string.
        let command = unsafe { CStr::from_ptr(command) }.to_string_lossy();
        process.call(|stack| stack.on_command(&command));
    }
    status
}
