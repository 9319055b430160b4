//! `sendfile` of a file of the kernel's to a socket of the stack.

use crate::memory::returned;
use crate::process::Process;
use libc::{c_int, off_t, size_t, ssize_t};
use sockeye_posix::Errno;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

/// Linux moves no more at once (`MAX_RW_COUNT`).
const MAX_BYTES: u64 = 0x7fff_f000;

/// # Safety
/// `offset` is null or points to a number; `from` is nobody's to close meanwhile.
pub(crate) unsafe fn to_socket(
    process: &Process,
    to: c_int,
    from: c_int,
    offset: *mut off_t,
    count: size_t,
) -> ssize_t {
    // SAFETY: by the contract.
    let offset = unsafe { offset.as_mut() };
    returned(if process.call(|stack| stack.descriptors.is_known(from)) {
        // A socket has no pages to send.
        Err(Errno::EINVAL)
    } else if from < 0 {
        Err(Errno::EBADF)
    } else {
        // SAFETY: the descriptor stays its owner's: it is not closed here.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(from) });
        send(process, to, &file, offset, count)
    })
}

fn send(
    process: &Process,
    to: c_int,
    mut file: &File,
    offset: Option<&mut off_t>,
    count: size_t,
) -> Result<i64, Errno> {
    let about = file.metadata().map_err(|_| Errno::EBADF)?;
    if !about.is_file() {
        return Err(Errno::EINVAL);
    }
    let start = match &offset {
        Some(offset) => u64::try_from(**offset).map_err(|_| Errno::EINVAL)?,
        None => file.stream_position().map_err(|_| Errno::ESPIPE)?,
    };
    let len = about.len().saturating_sub(start).min(count as u64).min(MAX_BYTES);
    let mut content = vec![0; len as usize];
    file.read_exact_at(&mut content, start).map_err(|_| Errno::EIO)?;
    let sent = process.wait(|stack| stack.sockets.sendfile(stack.now(), stack.fd(to), &content))?;
    let sent = sent.returned();
    match offset {
        Some(offset) => *offset += sent,
        None => {
            file.seek(SeekFrom::Current(sent)).map_err(|_| Errno::ESPIPE)?;
        }
    }
    Ok(sent)
}
