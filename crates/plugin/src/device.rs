//! The device and the clock.
//!
//! Safety, of all functions: the arguments are as packetdrill's header has them, the first one is the table's userdata.

use crate::memory::process;
use libc::{c_int, c_uint, c_void, size_t, timeval};
use std::time::Duration;

/// A packet of the script, from the network to the stack.
pub(crate) unsafe extern "C" fn netdev_send(
    userdata: *mut c_void,
    packet: *const c_void,
    len: size_t,
) -> c_int {
    if packet.is_null() {
        return -1;
    }
    // SAFETY: packetdrill gives the table's userdata, and a packet of that length.
    let (process, packet) =
        unsafe { (process(userdata), std::slice::from_raw_parts(packet.cast::<u8>(), len)) };
    process.call(|stack| stack.receive(packet));
    0
}

/// The next packet from the stack to the network; a length of 0 if there will never be one.
pub(crate) unsafe extern "C" fn netdev_receive(
    userdata: *mut c_void,
    out: *mut c_void,
    len: *mut size_t,
    time_usecs: *mut i64,
) -> c_int {
    if out.is_null() || len.is_null() || time_usecs.is_null() {
        return -1;
    }
    // SAFETY: packetdrill gives the table's userdata.
    let process = unsafe { process(userdata) };
    let sent = process.next_sent();
    let bytes = sent.as_ref().map_or(&[][..], |sent| &sent.bytes);
    // SAFETY: `len` is the size of the room at `out`; both, and the time, are packetdrill's own variables.
    unsafe {
        let count = bytes.len().min(*len);
        out.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), count);
        *len = count;
        if let Some(sent) = &sent {
            *time_usecs = sent.at.as_micros() as i64;
        }
    }
    0
}

pub(crate) unsafe extern "C" fn usleep(userdata: *mut c_void, usecs: c_uint) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    unsafe { process(userdata) }.sleep(Duration::from_micros(usecs.into()));
    0
}

pub(crate) unsafe extern "C" fn gettimeofday(
    userdata: *mut c_void,
    out: *mut timeval,
    _zone: *mut c_void,
) -> c_int {
    // SAFETY: packetdrill gives the table's userdata.
    let micros = unsafe { process(userdata) }.time().as_micros() as i64;
    if !out.is_null() {
        let time = timeval { tv_sec: micros / 1_000_000, tv_usec: micros % 1_000_000 };
        // SAFETY: it points to room for the time.
        unsafe { out.write(time) };
    }
    0
}
