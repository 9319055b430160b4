//! A process's descriptors and the open files behind them.

use crate::abi::Fd;
use crate::epoll::Epoll;
use crate::errno::Errno;
use crate::outcome::Token;
use crate::pipe::PipeEnd;
use crate::socket::Socket;
use slab::Slab;

/// The first descriptor after standard input, output and error.
const FIRST: usize = 3;

/// An open file; not reused while anybody refers to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct FileId(usize);

impl FileId {
    /// No file: `poll` waits at many, or at none.
    pub(crate) const NONE: Self = Self(usize::MAX);
}

/// An open file description: what descriptors that `dup` made share.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) kind: FileKind,
    pub(crate) nonblocking: bool,
    /// Descriptors, and calls that wait.
    references: usize,
    /// Calls that are tried again when something happens here.
    pub(crate) waiters: Vec<Token>,
    /// The epoll files that have it, and by which descriptor.
    pub(crate) watchers: Vec<(FileId, Fd)>,
}

#[derive(Debug)]
pub(crate) enum FileKind {
    Socket(Box<Socket>),
    Epoll(Epoll),
    Pipe(PipeEnd),
}

#[derive(Clone, Copy, Debug)]
struct Descriptor {
    file: FileId,
    close_on_exec: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Files {
    open: Slab<File>,
    descriptors: Vec<Option<Descriptor>>,
}

impl Files {
    /// Opens a file under the lowest free descriptor.
    pub(crate) fn open(
        &mut self,
        kind: FileKind,
        nonblocking: bool,
        close_on_exec: bool,
        limit: usize,
    ) -> Result<(Fd, FileId), Errno> {
        let place = self.free_place(0, limit)?;
        let file =
            File { kind, nonblocking, references: 1, waiters: Vec::new(), watchers: Vec::new() };
        let file = FileId(self.open.insert(file));
        self.descriptors[place] = Some(Descriptor { file, close_on_exec });
        Ok(((place + FIRST) as Fd, file))
    }

    /// Another descriptor for the same file, at least `least`.
    pub(crate) fn duplicate(&mut self, fd: Fd, least: Fd, limit: usize) -> Result<Fd, Errno> {
        let file = self.find(fd)?;
        let least = usize::try_from(least).map_err(|_| Errno::EINVAL)?;
        let place = self.free_place(least.saturating_sub(FIRST), limit)?;
        self.descriptors[place] = Some(Descriptor { file, close_on_exec: false });
        self.refer(file);
        Ok((place + FIRST) as Fd)
    }

    fn free_place(&mut self, least: usize, limit: usize) -> Result<usize, Errno> {
        let free = (least..self.descriptors.len()).find(|at| self.descriptors[*at].is_none());
        let place = free.unwrap_or_else(|| self.descriptors.len().max(least));
        if place >= limit {
            return Err(Errno::EMFILE);
        }
        if place >= self.descriptors.len() {
            self.descriptors.resize(place + 1, None);
        }
        Ok(place)
    }

    fn descriptor(&mut self, fd: Fd) -> Option<&mut Option<Descriptor>> {
        let place = usize::try_from(fd).ok()?.checked_sub(FIRST)?;
        self.descriptors.get_mut(place)
    }

    pub(crate) fn find(&self, fd: Fd) -> Result<FileId, Errno> {
        let place = usize::try_from(fd).ok().and_then(|fd| fd.checked_sub(FIRST));
        let known = place.and_then(|place| self.descriptors.get(place).copied().flatten());
        known.map(|known| known.file).ok_or(Errno::EBADF)
    }

    pub(crate) fn close_on_exec(&mut self, fd: Fd, set: Option<bool>) -> Result<bool, Errno> {
        let known = self.descriptor(fd).and_then(Option::as_mut).ok_or(Errno::EBADF)?;
        if let Some(set) = set {
            known.close_on_exec = set;
        }
        Ok(known.close_on_exec)
    }

    /// Frees a descriptor. Its file is returned: the reference is now the caller's.
    pub(crate) fn close(&mut self, fd: Fd) -> Result<FileId, Errno> {
        let known = self.descriptor(fd).and_then(Option::take).ok_or(Errno::EBADF)?;
        Ok(known.file)
    }

    pub(crate) fn refer(&mut self, id: FileId) {
        if let Some(file) = self.open.get_mut(id.0) {
            file.references += 1;
        }
    }

    /// Whether this reference is the last one.
    pub(crate) fn is_last(&self, id: FileId) -> bool {
        self.open.get(id.0).is_some_and(|file| file.references == 1)
    }

    /// Gives up a reference; the file itself comes with the last one.
    pub(crate) fn release(&mut self, id: FileId) -> Option<File> {
        let file = self.open.get_mut(id.0)?;
        file.references -= 1;
        (file.references == 0).then(|| self.open.remove(id.0))
    }

    pub(crate) fn get(&self, id: FileId) -> Option<&File> {
        self.open.get(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.open.get_mut(id.0)
    }

    pub(crate) fn socket(&self, id: FileId) -> Result<&Socket, Errno> {
        match self.get(id).map(|file| &file.kind) {
            Some(FileKind::Socket(socket)) => Ok(socket),
            Some(_) => Err(Errno::ENOTSOCK),
            None => Err(Errno::EBADF),
        }
    }

    pub(crate) fn socket_mut(&mut self, id: FileId) -> Result<&mut Socket, Errno> {
        match self.get_mut(id).map(|file| &mut file.kind) {
            Some(FileKind::Socket(socket)) => Ok(socket),
            Some(_) => Err(Errno::ENOTSOCK),
            None => Err(Errno::EBADF),
        }
    }

    pub(crate) fn epoll_mut(&mut self, id: FileId) -> Option<&mut Epoll> {
        match self.get_mut(id).map(|file| &mut file.kind) {
            Some(FileKind::Epoll(epoll)) => Some(epoll),
            _ => None,
        }
    }
}
