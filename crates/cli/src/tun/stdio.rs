//! Standard input and output in large pieces, each from a thread of its own, as they may block.

use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Octets moved by one call.
const PIECE: usize = 64 * 1024;
/// Pieces under way between the thread and the connection.
const PIECES: usize = 4;

/// Standard input, read ahead by a few pieces.
pub(crate) struct Stdin {
    pieces: Receiver<io::Result<Bytes>>,
}

impl Stdin {
    pub(crate) fn start() -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let (sender, pieces) = channel(PIECES);
        std::thread::spawn(move || read_all(input, &sender));
        Ok(Self { pieces })
    }

    /// The next piece; none at the end.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.pieces.recv().await
    }
}

fn read_all(mut input: File, pieces: &Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; PIECE];
    loop {
        let piece = match input.read(&mut buffer) {
            Ok(0) => return,
            // What is typed must not hold on to a whole piece.
            Ok(count) if count < PIECE / 4 => Ok(Bytes::copy_from_slice(&buffer[..count])),
            Ok(count) => {
                let mut full = std::mem::replace(&mut buffer, vec![0; PIECE]);
                full.truncate(count);
                Ok(Bytes::from(full))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_error = piece.is_err();
        if pieces.blocking_send(piece).is_err() || is_error {
            return;
        }
    }
}

/// Standard output, written behind by a few pieces.
pub(crate) struct Stdout {
    pieces: Sender<Piece>,
    /// Buffers that were written and can be used again.
    empty: Receiver<Vec<u8>>,
    done: oneshot::Receiver<io::Result<()>>,
}

struct Piece {
    buffer: Vec<u8>,
    len: usize,
}

/// Room for one more piece.
pub(crate) struct Room<'a> {
    permit: tokio::sync::mpsc::Permit<'a, Piece>,
    pub(crate) buffer: Vec<u8>,
}

impl Room<'_> {
    /// Has the first `len` octets of the buffer written.
    pub(crate) fn write(self, len: usize) {
        self.permit.send(Piece { buffer: self.buffer, len });
    }
}

impl Stdout {
    pub(crate) fn start() -> io::Result<Self> {
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (pieces, to_write) = channel(PIECES);
        let (written, empty) = channel(PIECES);
        let (tell_done, done) = oneshot::channel();
        std::thread::spawn(move || {
            // Nobody listens any more if the program ends anyway.
            let _ = tell_done.send(write_all(output, to_write, &written));
        });
        Ok(Self { pieces, empty, done })
    }

    /// Waits for room; none if standard output has failed, and [`finish`](Self::finish) says why.
    pub(crate) async fn room(&mut self) -> Option<Room<'_>> {
        let permit = self.pieces.reserve().await.ok()?;
        let buffer = self.empty.try_recv().unwrap_or_else(|_| vec![0; 2 * PIECE]);
        Some(Room { permit, buffer })
    }

    /// Whether writing has failed; [`finish`](Self::finish) says why.
    pub(crate) fn is_broken(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Waits until all is written.
    pub(crate) async fn finish(self) -> io::Result<()> {
        drop(self.pieces);
        self.done.await.unwrap_or(Ok(()))
    }
}

fn write_all(
    mut output: File,
    mut pieces: Receiver<Piece>,
    written: &Sender<Vec<u8>>,
) -> io::Result<()> {
    while let Some(Piece { buffer, len }) = pieces.blocking_recv() {
        output.write_all(&buffer[..len])?;
        // With enough empty buffers about, one more is not needed.
        let _ = written.try_send(buffer);
    }
    Ok(())
}
