//! A connection between standard input and standard output.

use super::explain::{self, Transferred};
use super::stdio::{Stdin, Stdout};
use crate::failure::Failure;
use sockeye::{ReadHalf, TcpStream, WriteHalf};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What happens when the peer has closed its direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AtPeersEnd {
    /// Send on until standard input ends.
    SendOn,
    /// Close our direction as well: whoever types would wait for nothing.
    CloseToo,
}

/// Copies standard input to the peer and the peer's data to standard output, until both have ended. When standard input ends, our
/// direction is closed and the peer's goes on.
/// Cancelling loses nothing that has been read from the connection.
pub(crate) async fn run(
    stream: &mut TcpStream,
    remote: SocketAddr,
    stdin: &mut Stdin,
    stdout: &mut Stdout,
    at_peers_end: AtPeersEnd,
) -> Result<Transferred, Failure> {
    let mut counts = Transferred::default();
    let outcome = {
        let (mut reader, mut writer) = stream.split();
        let sending = send(&mut writer, stdin, &mut counts.sent);
        let receiving = receive(&mut reader, stdout, &mut counts.received);
        both(sending, receiving, at_peers_end).await
    };
    match outcome {
        // Who reads our output has seen enough: the caller hears of it from `stdout`.
        Ok(()) | Err(Broken::Stdout) => {
            let closed = stream.shutdown().await;
            closed.map(|()| counts).map_err(|error| failed(stream, remote, &error, counts))
        }
        Err(Broken::Connection(error)) => Err(failed(stream, remote, &error, counts)),
        Err(Broken::Stdin(error)) => {
            Err(Failure::new(format_args!("standard input cannot be read: {error}")))
        }
    }
}

/// Why the connection failed. Writing may find a broken pipe where the connection itself knows more.
pub(crate) fn failed(
    stream: &TcpStream,
    remote: SocketAddr,
    error: &io::Error,
    counts: Transferred,
) -> Failure {
    let known = stream.take_error().ok().flatten();
    Failure::new(explain::connected(remote, known.as_ref().unwrap_or(error), counts))
}

enum Broken {
    Connection(io::Error),
    Stdin(io::Error),
    Stdout,
}

/// Waits for both directions. One that can no longer be sent is told last: what the peer sent before is worth having.
async fn both(
    sending: impl Future<Output = Result<(), Broken>>,
    receiving: impl Future<Output = Result<(), Broken>>,
    at_peers_end: AtPeersEnd,
) -> Result<(), Broken> {
    let (mut sending, mut receiving) = (pin!(sending), pin!(receiving));
    let (mut sent, mut is_received) = (None, false);
    loop {
        tokio::select! {
            result = &mut sending, if sent.is_none() => match result {
                Err(broken @ Broken::Stdin(_)) => return Err(broken),
                result => sent = Some(result),
            },
            result = &mut receiving, if !is_received => {
                result?;
                is_received = true;
            }
        }
        match sent.take() {
            Some(result) if is_received => return result,
            None if is_received && at_peers_end == AtPeersEnd::CloseToo => return Ok(()),
            still => sent = still,
        }
    }
}

async fn send(writer: &mut WriteHalf<'_>, stdin: &mut Stdin, sent: &mut u64) -> Result<(), Broken> {
    while let Some(piece) = stdin.next().await {
        let piece = piece.map_err(Broken::Stdin)?;
        let len = piece.len() as u64;
        writer.as_ref().write_chunk(piece).await.map_err(Broken::Connection)?;
        *sent += len;
    }
    writer.shutdown().await.map_err(Broken::Connection)
}

async fn receive(
    reader: &mut ReadHalf<'_>,
    stdout: &mut Stdout,
    received: &mut u64,
) -> Result<(), Broken> {
    loop {
        // Room comes first: then nothing that was read can be lost if this is cancelled.
        let mut room = stdout.room().await.ok_or(Broken::Stdout)?;
        match reader.read(&mut room.buffer).await.map_err(Broken::Connection)? {
            0 => return Ok(()),
            len => {
                room.write(len);
                *received += len as u64;
            }
        }
    }
}
