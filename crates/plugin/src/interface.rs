//! packetdrill's table of functions (`struct packetdrill_interface`), and its entry point.

use crate::flags::Flags;
use crate::kernel::Kernel;
use crate::process::Process;
use crate::stack::Stack;
use crate::{calls, device, options, preload, waiting};
use libc::{
    c_char, c_int, c_long, c_uint, c_ulong, c_void, epoll_event, iovec, loff_t, msghdr, nfds_t,
    pollfd, size_t, sockaddr, socklen_t, ssize_t, timeval,
};
use std::ffi::CStr;
use std::hash::{BuildHasher, RandomState};

/// The table: its order is packetdrill's.
///
/// `fcntl` and `ioctl` are variadic in C. Rust cannot define such functions; on the platforms that packetdrill runs on the
/// arguments of a variadic call lie where those of a plain one do.
#[repr(C)]
#[expect(missing_docs, reason = "the system calls, by their names")]
pub struct Interface {
    pub userdata: *mut c_void,
    pub free: unsafe extern "C" fn(*mut c_void),
    pub socket: unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int) -> c_int,
    pub bind: unsafe extern "C" fn(*mut c_void, c_int, *const sockaddr, socklen_t) -> c_int,
    pub listen: unsafe extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    pub accept: unsafe extern "C" fn(*mut c_void, c_int, *mut sockaddr, *mut socklen_t) -> c_int,
    pub connect: unsafe extern "C" fn(*mut c_void, c_int, *const sockaddr, socklen_t) -> c_int,
    pub read: unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, size_t) -> ssize_t,
    pub readv: unsafe extern "C" fn(*mut c_void, c_int, *const iovec, c_int) -> ssize_t,
    pub recv: unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, size_t, c_int) -> ssize_t,
    pub recvfrom: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        *mut c_void,
        size_t,
        c_int,
        *mut sockaddr,
        *mut socklen_t,
    ) -> ssize_t,
    pub recvmsg: unsafe extern "C" fn(*mut c_void, c_int, *mut msghdr, c_int) -> ssize_t,
    pub write: unsafe extern "C" fn(*mut c_void, c_int, *const c_void, size_t) -> ssize_t,
    pub writev: unsafe extern "C" fn(*mut c_void, c_int, *const iovec, c_int) -> ssize_t,
    pub send: unsafe extern "C" fn(*mut c_void, c_int, *const c_void, size_t, c_int) -> ssize_t,
    pub sendto: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        *const c_void,
        size_t,
        c_int,
        *const sockaddr,
        socklen_t,
    ) -> ssize_t,
    pub sendmsg: unsafe extern "C" fn(*mut c_void, c_int, *const msghdr, c_int) -> ssize_t,
    pub fcntl: unsafe extern "C" fn(*mut c_void, c_int, c_int, c_long) -> c_int,
    pub ioctl: unsafe extern "C" fn(*mut c_void, c_int, c_ulong, *mut c_int) -> c_int,
    pub close: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    pub shutdown: unsafe extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    pub getsockopt: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        c_int,
        c_int,
        *mut c_void,
        *mut socklen_t,
    ) -> c_int,
    pub setsockopt:
        unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int, *const c_void, socklen_t) -> c_int,
    pub poll: unsafe extern "C" fn(*mut c_void, *mut pollfd, nfds_t, c_int) -> c_int,
    pub netdev_send: unsafe extern "C" fn(*mut c_void, *const c_void, size_t) -> c_int,
    pub netdev_receive:
        unsafe extern "C" fn(*mut c_void, *mut c_void, *mut size_t, *mut i64) -> c_int,
    pub usleep: unsafe extern "C" fn(*mut c_void, c_uint) -> c_int,
    pub gettimeofday: unsafe extern "C" fn(*mut c_void, *mut timeval, *mut c_void) -> c_int,
    pub epoll_create: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    pub epoll_ctl:
        unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int, *mut epoll_event) -> c_int,
    pub epoll_wait:
        unsafe extern "C" fn(*mut c_void, c_int, *mut epoll_event, c_int, c_int) -> c_int,
    pub pipe: unsafe extern "C" fn(*mut c_void, *mut c_int) -> c_int,
    pub splice: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        *mut loff_t,
        c_int,
        *mut loff_t,
        size_t,
        c_uint,
    ) -> ssize_t,
}

/// The entry point: fills packetdrill's table. Flags that cannot be understood end the process with a message, as
/// packetdrill's own do.
///
/// # Safety
/// `flags` is null or a C string, `interface` points to room for the table, and no function of it is called after its
/// `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn packetdrill_interface_init(
    flags: *const c_char,
    interface: *mut Interface,
) {
    let text = if flags.is_null() {
        String::new()
    } else {
        // SAFETY: by the contract above it is a C string.
        unsafe { CStr::from_ptr(flags) }.to_string_lossy().into_owned()
    };
    let stack = Flags::parse(&text)
        .map_err(|part| format!("--so_flags: cannot understand `{part}`"))
        .and_then(|flags| {
            let kernel = Kernel::new(flags.sysctls.clone());
            Stack::new(&flags, secret(), Some(kernel)).map_err(|error| error.to_string())
        });
    let stack = match stack {
        Ok(stack) => stack,
        Err(message) => {
            eprintln!("sockeye: {message}");
            std::process::exit(1);
        }
    };
    let userdata = Box::into_raw(Box::new(Process::new(stack)));
    preload::offer(userdata);
    // SAFETY: by the contract above there is room for the table.
    unsafe { interface.write(table(userdata.cast())) };
}

/// The table that belongs to a process.
pub(crate) fn table(userdata: *mut c_void) -> Interface {
    Interface {
        userdata,
        free,
        socket: calls::socket,
        bind: calls::bind,
        listen: calls::listen,
        accept: waiting::accept,
        connect: waiting::connect,
        read: waiting::read,
        readv: waiting::readv,
        recv: waiting::recv,
        recvfrom: waiting::recvfrom,
        recvmsg: waiting::recvmsg,
        write: waiting::write,
        writev: waiting::writev,
        send: waiting::send,
        sendto: waiting::sendto,
        sendmsg: waiting::sendmsg,
        fcntl: calls::fcntl,
        ioctl: calls::ioctl,
        close: waiting::close,
        shutdown: calls::shutdown,
        getsockopt: options::getsockopt,
        setsockopt: options::setsockopt,
        poll: waiting::poll,
        netdev_send: device::netdev_send,
        netdev_receive: device::netdev_receive,
        usleep: device::usleep,
        gettimeofday: device::gettimeofday,
        epoll_create: calls::epoll_create,
        epoll_ctl: calls::epoll_ctl,
        epoll_wait: waiting::epoll_wait,
        pipe: calls::pipe,
        splice: waiting::splice,
    }
}

unsafe extern "C" fn free(userdata: *mut c_void) {
    preload::withdraw();
    // SAFETY: it came from `Box::into_raw`, and packetdrill calls nothing after this.
    drop(unsafe { Box::from_raw(userdata.cast::<Process>()) });
}

/// What outsiders must not guess is of no weight here; but runs shall differ, as they do with a kernel.
fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    for (at, part) in secret.chunks_mut(8).enumerate() {
        part.copy_from_slice(&RandomState::new().hash_one(at).to_ne_bytes());
    }
    secret
}
