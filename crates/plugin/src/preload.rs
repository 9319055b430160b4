//! packetdrill's code blocks (`%{ assert tcpi_unacked == 1 }%`) ask the C library for `TCP_INFO`, not the table. If the
//! object is preloaded as well (`LD_PRELOAD`), the C library's `getsockopt` is this one, which knows whose descriptor it is.

use crate::options;
use crate::process::Process;
use libc::{c_int, c_long, c_void, socklen_t};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

static PROCESS: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// From now on calls of the C library's name are for this process.
pub(crate) fn offer(process: *mut Process) {
    PROCESS.store(process, Ordering::Release);
}

/// No longer.
pub(crate) fn withdraw() {
    PROCESS.store(ptr::null_mut(), Ordering::Release);
}

/// `getsockopt(2)`: the stack's while there is one, otherwise the kernel's.
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
    let process = PROCESS.load(Ordering::Acquire);
    // SAFETY: a process lives until it is withdrawn.
    let process = unsafe { process.as_ref() };
    let Some(process) =
        process.filter(|process| process.call(|stack| stack.descriptors.is_known(fd)))
    else {
        let arguments = [fd, level, name].map(c_long::from);
        let [fd, level, name] = arguments;
        // SAFETY: the system call with its own arguments.
        return unsafe { libc::syscall(libc::SYS_getsockopt, fd, level, name, out, len) } as c_int;
    };
    // SAFETY: the caller's contract.
    unsafe { options::get(process, (fd, level, name), out, len) }
}
