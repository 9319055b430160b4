//! Descriptors as packetdrill sees them. Some of its own calls go to the kernel, with numbers that it got from here: each one
//! is a number of the process's own, held by an empty file, so that it means nothing else and can be closed.

use libc::c_int;
use sockeye_posix::{Errno, Fd};
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

#[derive(Debug, Default)]
pub(crate) struct Descriptors(HashMap<c_int, Fd>);

impl Descriptors {
    /// A number for one of the stack's descriptors.
    ///
    /// # Errors
    /// [`Errno::EMFILE`] if the process has no more.
    pub(crate) fn publish(&mut self, fd: Fd) -> Result<c_int, Errno> {
        let number = File::open("/dev/null").map_err(|_| Errno::EMFILE)?.into_raw_fd();
        self.0.insert(number, fd);
        Ok(number)
    }

    /// The stack's descriptor; an invalid one if the number is not from here.
    pub(crate) fn find(&self, number: c_int) -> Fd {
        self.0.get(&number).copied().unwrap_or(-1)
    }

    pub(crate) fn is_known(&self, number: c_int) -> bool {
        self.0.contains_key(&number)
    }

    /// Gives a number back.
    pub(crate) fn withdraw(&mut self, number: c_int) {
        if self.0.remove(&number).is_some() {
            // SAFETY: it came from `into_raw_fd`, and packetdrill closes through the table what it has not given up altogether.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
    }
}
