//! Opening what lies in the folder, and nothing else.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The folder that is served. The kernel itself sees to it that no path leaves it: neither by `..` nor by a symbolic link, and
/// whatever is renamed meanwhile.
#[derive(Debug)]
pub(crate) struct Folder {
    root: OwnedFd,
}

/// Something in the folder.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) fd: OwnedFd,
    pub(crate) is_directory: bool,
    pub(crate) len: u64,
    pub(crate) modified: SystemTime,
    /// Changes with the file, even within a second, and when another takes its place.
    pub(crate) version: [u64; 3],
}

/// An entry of a directory.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Entry {
    /// Directories are sorted before files.
    pub(crate) is_file: bool,
    pub(crate) name: Vec<u8>,
    pub(crate) len: u64,
    pub(crate) modified: SystemTime,
}

impl Folder {
    /// # Errors
    /// If it is no directory or cannot be read, and on a kernel older than Linux 5.6.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = Self { root: rustix::fs::open(path, flags, Mode::empty())? };
        match folder.get(b".") {
            Ok(_) => Ok(folder),
            Err(error) if error.raw_os_error() == Some(Errno::NOSYS.raw_os_error()) => {
                let needs = "safe path resolution (openat2) needs Linux 5.6 or later";
                Err(io::Error::new(io::ErrorKind::Unsupported, needs))
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a file or directory below the folder. This may wait for a disk.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) also for what leads out of the folder and for what is neither file nor directory.
    pub(crate) fn get(&self, relative_path: &[u8]) -> io::Result<Opened> {
        // NONBLOCK: opening a FIFO would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let mut tries = 0;
        let fd = loop {
            tries += 1;
            match rustix::fs::openat2(&self.root, relative_path, flags, Mode::empty(), resolve) {
                // Something was renamed meanwhile, so that the kernel cannot tell whether the path stayed inside.
                Err(Errno::AGAIN | Errno::INTR) if tries < 16 => {}
                // Out of the folder, a loop, a socket or a device without driver: not there, as far as others are concerned.
                Err(
                    Errno::XDEV
                    | Errno::LOOP
                    | Errno::NXIO
                    | Errno::NODEV
                    | Errno::NOTDIR
                    | Errno::NAMETOOLONG,
                ) => return Err(io::ErrorKind::NotFound.into()),
                opened => break opened?,
            }
        };
        let stat = rustix::fs::fstat(&fd)?;
        let is_directory = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => true,
            FileType::RegularFile => false,
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Opened {
            fd,
            is_directory,
            len: len(&stat),
            modified: modified(&stat),
            version: [stat.st_ino, stat.st_mtime as u64, stat.st_mtime_nsec as u64],
        })
    }

    /// What lies in a directory that was opened at this path, directories first, each by name. What could not be opened, such as a
    /// link that leads out of the folder, is left out. This may wait for a disk.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub(crate) fn entries(
        &self,
        directory: &Opened,
        relative_path: &[u8],
    ) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in Dir::read_from(&directory.fd)? {
            let found = found?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let stat = rustix::fs::statat(&directory.fd, name, AtFlags::SYMLINK_NOFOLLOW);
            let Ok(stat) = stat else { continue };
            let entry =
                |is_file, len, modified| Entry { is_file, name: name.to_vec(), len, modified };
            entries.push(match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => entry(false, 0, modified(&stat)),
                FileType::RegularFile => entry(true, len(&stat), modified(&stat)),
                FileType::Symlink => match self.get(&[relative_path, name].join(&b'/')) {
                    Ok(behind) => entry(!behind.is_directory, behind.len, behind.modified),
                    Err(_) => continue,
                },
                _ => continue,
            });
        }
        entries.sort_unstable();
        Ok(entries)
    }
}

fn len(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Times before 1970 are taken as 1970.
fn modified(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
