//! `sockeye listen`.

use crate::failure::Failure;
use crate::tun::pipe::AtPeersEnd;
use crate::tun::session::Stdio;
use crate::tun::signals::{CLOSING_TIME, Signals};
use crate::tun::{self, Begin, Listeners, Network, Story, TunArgs, session};
use clap::value_parser;
use sockeye::TcpStream;
use std::pin::{Pin, pin};
use tokio::time::timeout;

const EXAMPLES: &str = "\
Examples:
  sockeye listen 8080 --tun sock0 --addr 10.9.0.2/24 -v > received
  sockeye listen 8080 --tun sock0 --addr 10.9.0.2/24 --addr fd09::2/64 --keep

When standard input ends, our direction is closed, and the peer is listened to until it closes its own. \
If the peer closes first, standard input is sent on until it ends; one that is a terminal is not waited for.

Exit status: 0 when both ends closed in order, or on Ctrl-C; 1 if the connection was reset or timed out.";

/// Wait for a connection over a TUN device, like netcat
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Listen {
    /// The port to listen at, on every --addr
    #[arg(value_parser = value_parser!(u16).range(1..))]
    port: u16,

    /// Take one connection after the other until Ctrl-C; each is closed when its peer closes
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    tun: TunArgs,
}

impl Listen {
    pub(crate) fn run(self) -> Result<(), Failure> {
        tun::run(self.listen())
    }

    async fn listen(self) -> Result<(), Failure> {
        let stop = Signals::watch()?.first();
        let network = self.tun.open(Story::of_many(), Begin::AtOnce)?;
        let listeners = network.listen(self.port)?;
        for address in network.own_addresses(self.port) {
            network.tell(format!("listening at {address}"));
        }
        let stop = pin!(stop);
        let outcome = if self.keep {
            keep(&network, listeners, stop).await
        } else {
            once(&network, listeners, stop).await
        };
        let closed = network.close(CLOSING_TIME).await;
        outcome.and(closed)
    }
}

async fn once(
    network: &Network,
    listeners: Listeners,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), Failure> {
    let stream = tokio::select! {
        stream = accept(&listeners) => stream?,
        failure = network.failed() => return Err(failure),
        () = &mut stop => return Ok(()),
    };
    // Whoever else comes is refused.
    drop(listeners);
    session::run(network, stream, stop).await
}

/// A connection that fails is told of and does not end the others.
async fn keep(
    network: &Network,
    listeners: Listeners,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), Failure> {
    let mut stdio = Stdio::start()?;
    while !stdio.is_broken() {
        let mut stream = tokio::select! {
            stream = accept(&listeners) => stream?,
            failure = network.failed() => return Err(failure),
            () = &mut stop => break,
        };
        tokio::select! {
            outcome = stdio.talk(network, &mut stream, AtPeersEnd::CloseToo) => {
                if let Err(failure) = outcome {
                    failure.report();
                }
            }
            () = &mut stop => {
                let (closed, _written) =
                    tokio::join!(network.close(CLOSING_TIME), timeout(CLOSING_TIME, stdio.finish()));
                return closed;
            }
        }
    }
    stdio.finish().await
}

async fn accept(listeners: &Listeners) -> Result<TcpStream, Failure> {
    match listeners.accept().await {
        Ok((stream, _peer)) => Ok(stream),
        Err(error) => Err(Failure::new(format_args!("no connection can be accepted: {error}"))),
    }
}
