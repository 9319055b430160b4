//! A file, read while it is sent.

use super::log::Pending;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Octets read by one call: enough for the call not to count, little enough to stay in the cache until it is sent.
const PIECE: u64 = 128 * 1024;

/// A response's body; the request is logged when it has been sent, or can no longer be.
pub(crate) struct FileBody {
    content: Content,
    pending: Pending,
}

enum Content {
    Memory(Bytes),
    File(FilePart),
}

impl FileBody {
    pub(crate) fn memory(content: impl Into<Bytes>, pending: Pending) -> Self {
        Self { content: Content::Memory(content.into()), pending }
    }

    pub(crate) fn file(fd: OwnedFd, range: Range<u64>, pending: Pending) -> Self {
        Self { content: Content::File(FilePart::new(fd, range)), pending }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match &mut self.content {
            Content::Memory(content) => Ok(std::mem::take(content)),
            Content::File(part) => ready!(part.poll_next(cx)),
        };
        Poll::Ready(match piece {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => {
                self.pending.count(piece.len());
                Some(Ok(Frame::data(piece)))
            }
            Err(error) => {
                self.pending.fail(&error);
                Some(Err(error))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Memory(content) => content.is_empty(),
            Content::File(part) => part.left.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.content {
            Content::Memory(content) => content.len() as u64,
            Content::File(part) => part.left.end - part.left.start,
        })
    }
}

/// What is left of a part of a file; the next piece is read while the one before is sent.
struct FilePart {
    fd: Arc<OwnedFd>,
    /// Not yet handed out.
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl FilePart {
    fn new(fd: OwnedFd, range: Range<u64>) -> Self {
        let mut part = Self { fd: Arc::new(fd), left: range, reading: None };
        part.read_ahead();
        part
    }

    fn read_ahead(&mut self) {
        if self.left.is_empty() {
            return;
        }
        let (fd, offset) = (Arc::clone(&self.fd), self.left.start);
        let len = PIECE.min(self.left.end - offset) as usize;
        // A disk may take its time, and the runtime's threads have other connections.
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(len);
            rustix::io::pread(&fd, rustix::buffer::spare_capacity(&mut piece), offset)?;
            Ok(piece)
        }));
    }

    /// The next piece, empty at the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(Ok(Bytes::new())) };
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let piece = match read {
            Ok(piece) => piece?,
            Err(_stopped) => return Poll::Ready(Err(io::ErrorKind::Interrupted.into())),
        };
        if piece.is_empty() {
            // It was promised to be longer: the connection must end, for the client to notice.
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was sent",
            )));
        }
        self.left.start += piece.len() as u64;
        self.read_ahead();
        Poll::Ready(Ok(Bytes::from(piece)))
    }
}
