//! One connection after its opening, between standard input and output, until both ends know that it is over.

use super::Network;
use super::explain::Transferred;
use super::pipe::{self, AtPeersEnd};
use super::signals::CLOSING_TIME;
use super::stdio::{Stdin, Stdout};
use crate::failure::Failure;
use sockeye::{StateName, TcpStream};
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Standard input and output, for connections one after the other.
pub(crate) struct Stdio {
    stdin: Stdin,
    stdout: Stdout,
}

impl Stdio {
    pub(crate) fn start() -> Result<Self, Failure> {
        let failed =
            |error| Failure::new(format_args!("standard input and output cannot be used: {error}"));
        Ok(Self {
            stdin: Stdin::start().map_err(failed)?,
            stdout: Stdout::start().map_err(failed)?,
        })
    }

    /// Copies both ways until both ends have closed, and waits until the peer has acknowledged everything.
    ///
    /// Cancelling loses nothing that was read; the stream is left to be closed.
    pub(crate) async fn talk(
        &mut self,
        network: &Network,
        stream: &mut TcpStream,
        at_peers_end: AtPeersEnd,
    ) -> Result<(), Failure> {
        let remote = stream.peer_addr().map_err(Failure::new)?;
        let counts =
            pipe::run(stream, remote, &mut self.stdin, &mut self.stdout, at_peers_end).await?;
        if self.stdout.is_broken() {
            return Ok(());
        }
        all_acknowledged(stream, remote, counts).await?;
        network.tell(format!("closed by both ends: {counts}"));
        Ok(())
    }

    /// Whether standard output takes no more.
    pub(crate) fn is_broken(&self) -> bool {
        self.stdout.is_broken()
    }

    /// Waits until everything has been written to standard output.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        self.stdout.finish().await.map_err(|error| Failure::of_output(&error))
    }
}

/// Gives a connection to standard input and output until it ends, or `stop` closes it.
pub(crate) async fn run(
    network: &Network,
    mut stream: TcpStream,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), Failure> {
    let at_peers_end =
        if io::stdin().is_terminal() { AtPeersEnd::CloseToo } else { AtPeersEnd::SendOn };
    let mut stdio = Stdio::start()?;
    let outcome = tokio::select! {
        outcome = stdio.talk(network, &mut stream, at_peers_end) => Some(outcome),
        failure = network.failed() => Some(Err(failure)),
        () = &mut stop => None,
    };
    if let Some(outcome) = outcome {
        let written = tokio::select! {
            written = stdio.finish() => written,
            () = stop => Ok(()),
        };
        return outcome.and(written);
    }
    // Whoever reads our output may not do so any more.
    let (closed, _written) =
        tokio::join!(network.close(CLOSING_TIME), timeout(CLOSING_TIME, stdio.finish()));
    closed
}

/// The peer has closed and so have we: all that can still come is the acknowledgement of what we sent, or a reset.
async fn all_acknowledged(
    stream: &TcpStream,
    remote: SocketAddr,
    counts: Transferred,
) -> Result<(), Failure> {
    let mut pause = Duration::from_millis(1);
    while !matches!(stream.state(), StateName::Closed | StateName::TimeWait) {
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    match stream.take_error() {
        Ok(Some(error)) => Err(pipe::failed(stream, remote, &error, counts)),
        _ => Ok(()),
    }
}
