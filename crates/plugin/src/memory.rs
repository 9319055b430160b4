//! The program's memory: what its pointers mean.
//!
//! A null pointer with a length is what the kernel would find unreadable. Of others the kernel would say `EFAULT`, too;
//! here they are trusted, as packetdrill gives none.

use crate::process::Process;
use libc::{c_int, c_void, iovec, msghdr, sockaddr, socklen_t};
use sockeye_posix::{Address, ControlMessage, Errno, Input, Received, Room};

/// Who owns the table that a call came through.
///
/// # Safety
/// `userdata` is that of a table that was not freed.
pub(crate) unsafe fn process<'p>(userdata: *mut c_void) -> &'p Process {
    // SAFETY: by the contract it came from `Box::into_raw` in `packetdrill_interface_init` and lives until `free`. It is only ever
    // shared.
    unsafe { &*userdata.cast::<Process>() }
}

/// What a C function returns: the number, or -1 and `errno`.
pub(crate) fn returned<T: TryInto<R>, R: From<i8>>(result: Result<T, Errno>) -> R {
    let error = match result.map(TryInto::try_into) {
        Ok(Ok(number)) => return number,
        Ok(Err(_)) => Errno::ERANGE,
        Err(error) => error,
    };
    // SAFETY: the C library's own address of this thread's errno.
    unsafe { *libc::__errno_location() = error.number() };
    R::from(-1)
}

/// Octets to send.
///
/// # Safety
/// `len` octets can be read at `data`, if it is not null, for as long as the result is used.
pub(crate) unsafe fn input<'a>(data: *const c_void, len: usize) -> Input<'a> {
    if data.is_null() {
        return Input::BadAddress(len);
    }
    // SAFETY: by the contract.
    Input::Bytes(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// Where received octets are wanted.
pub(crate) fn room(out: *mut c_void, len: usize) -> Room {
    if out.is_null() { Room::BadAddress(len) } else { Room::Bytes(len) }
}

/// An array of a program.
///
/// # Safety
/// `count` elements can be read at `start`, if `count` is positive and `start` is not null.
pub(crate) unsafe fn array<'a, T>(start: *const T, count: usize) -> Result<&'a [T], Errno> {
    match count {
        0 => Ok(&[]),
        _ if start.is_null() => Err(Errno::EFAULT),
        // SAFETY: by the contract.
        _ => Ok(unsafe { std::slice::from_raw_parts(start, count) }),
    }
}

/// The pieces that `writev` and `sendmsg` send.
///
/// # Safety
/// As [`input`], for each piece.
pub(crate) unsafe fn inputs<'a>(pieces: &'a [iovec]) -> Vec<Input<'a>> {
    // SAFETY: by the contract.
    pieces.iter().map(|piece| unsafe { input(piece.iov_base, piece.iov_len) }).collect()
}

pub(crate) fn rooms(pieces: &[iovec]) -> Vec<Room> {
    pieces.iter().map(|piece| room(piece.iov_base, piece.iov_len)).collect()
}

/// Distributes what was received.
///
/// # Safety
/// The pieces can be written, those that are not null.
pub(crate) unsafe fn scatter(data: &[u8], pieces: &[iovec]) {
    let mut rest = data;
    for piece in pieces {
        let (now, later) = rest.split_at(rest.len().min(piece.iov_len));
        if !piece.iov_base.is_null() {
            // SAFETY: by the contract there is room for `iov_len` octets, and `now` has no more.
            unsafe {
                piece.iov_base.cast::<u8>().copy_from_nonoverlapping(now.as_ptr(), now.len())
            };
        }
        rest = later;
    }
}

/// An address that a program gives.
///
/// # Safety
/// `len` octets can be read at `address`, if it is not null.
pub(crate) unsafe fn address(address: *const sockaddr, len: socklen_t) -> Result<Address, Errno> {
    if address.is_null() {
        return Err(if len == 0 { Errno::EINVAL } else { Errno::EFAULT });
    }
    // SAFETY: by the contract.
    let bytes = unsafe { std::slice::from_raw_parts(address.cast(), len as usize) };
    Address::decode(bytes)
}

/// Tells a program an address, cut to the room that it has.
///
/// # Safety
/// If `out` is not null, `len` points to its size, and so many octets can be written there.
pub(crate) unsafe fn tell_address(
    address: impl Into<Address>,
    out: *mut sockaddr,
    len: *mut socklen_t,
) {
    if out.is_null() || len.is_null() {
        return;
    }
    // SAFETY: by the contract.
    unsafe { tell(&address.into().encode(), out.cast(), len) };
}

/// Tells a program a value, cut to the room that it has; `len` becomes its whole length.
///
/// # Safety
/// `len` points to the size of `out`, and so many octets can be written there.
pub(crate) unsafe fn tell(value: &[u8], out: *mut c_void, len: *mut socklen_t) {
    // SAFETY: by the contract `len` can be read and written, and `out` has room for as much as it says.
    unsafe {
        let count = value.len().min(*len as usize);
        out.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), count);
        *len = value.len() as socklen_t;
    }
}

/// Fills in what `recvmsg` tells beside the data.
///
/// # Safety
/// `message` is a message header whose control buffer can be written.
pub(crate) unsafe fn tell_message(message: *mut msghdr, received: &Received) {
    // SAFETY: by the contract it can be read and written.
    let header = unsafe { &mut *message };
    let room = header.msg_controllen;
    header.msg_namelen = 0;
    header.msg_flags = received.flags;
    let mut used = 0;
    for control in &received.control {
        // SAFETY: plain arithmetic.
        let space = unsafe { libc::CMSG_SPACE(control.data.len() as u32) } as usize;
        if header.msg_control.is_null() || used + space > room {
            header.msg_flags |= libc::MSG_CTRUNC;
            break;
        }
        // SAFETY: `space` octets from `used` on are inside the control buffer.
        unsafe { write_control(header.msg_control.cast::<u8>().add(used), control) };
        used += space;
    }
    header.msg_controllen = used;
}

/// # Safety
/// There is room for the message, its header and its padding at `at`.
unsafe fn write_control(at: *mut u8, control: &ControlMessage) {
    let len = control.data.len();
    // SAFETY: by the contract; fields are written without assuming any alignment.
    unsafe {
        let header = libc::cmsghdr {
            cmsg_len: libc::CMSG_LEN(len as u32) as usize,
            cmsg_level: control.level,
            cmsg_type: control.kind,
        };
        at.cast::<libc::cmsghdr>().write_unaligned(header);
        let data = at.add(libc::CMSG_LEN(0) as usize);
        data.copy_from_nonoverlapping(control.data.as_ptr(), len);
    }
}

/// A count that C has as a signed number.
pub(crate) fn count(count: c_int) -> Result<usize, Errno> {
    usize::try_from(count).map_err(|_| Errno::EINVAL)
}
