//! `sockeye connect`.

use crate::failure::Failure;
use crate::tun::signals::{CLOSING_TIME, Signals};
use crate::tun::{self, Begin, Network, Story, TunArgs, explain, session};
use crate::units;
use clap::value_parser;
use sockeye::TcpStream;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const EXAMPLES: &str = "\
Examples:
  sockeye connect 10.9.0.1 8080 --tun sock0 --addr 10.9.0.2/24 -v < request.txt
  sockeye connect fd09::1 8080 --tun sock0 --addr fd09::2/64 < file > answer

When standard input ends, our direction is closed, and the peer is listened to until it closes its own. \
If the peer closes first, standard input is sent on until it ends; one that is a terminal is not waited for.

Exit status: 0 when both ends closed in order, or on Ctrl-C; 1 if the connection was refused, reset, or timed out.";

/// Open a connection over a TUN device, like netcat
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Connect {
    /// Who to connect to: an IP address, or a name that the system's resolver knows
    host: String,

    /// The port there
    #[arg(value_parser = value_parser!(u16).range(1..))]
    port: u16,

    /// Give up if the peer has not answered by then, such as 5s [default: after 8 tries, in about 4 minutes]
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    connect_timeout: Option<Duration>,

    #[command(flatten)]
    tun: TunArgs,
}

impl Connect {
    pub(crate) fn run(self) -> Result<(), Failure> {
        tun::run(self.connect())
    }

    async fn connect(self) -> Result<(), Failure> {
        let stop = Signals::watch()?.first();
        let candidates = self.resolve().await?;
        let network = self.tun.open(Story::default(), Begin::OnceUp)?;
        let outcome = self.talk(&network, &candidates, stop).await;
        let closed = network.close(CLOSING_TIME).await;
        outcome.and(closed)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let host = &self.host;
        let found = tokio::net::lookup_host((host.as_str(), self.port)).await.map_err(|error| {
            Failure::new(format_args!(
                "{host:?} cannot be resolved ({error}): check the name, or give an IP address"
            ))
        })?;
        Ok(found.collect())
    }

    async fn talk(
        &self,
        network: &Network,
        candidates: &[SocketAddr],
        stop: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        let mut stop = pin!(stop);
        let stream = tokio::select! {
            stream = self.open(network, candidates) => stream?,
            failure = network.failed() => return Err(failure),
            () = &mut stop => return Ok(()),
        };
        session::run(network, stream, stop).await
    }

    /// Opens a connection to the first candidate that takes it.
    async fn open(
        &self,
        network: &Network,
        candidates: &[SocketAddr],
    ) -> Result<TcpStream, Failure> {
        let usable = || candidates.iter().filter(|remote| network.has_family_of(&remote.ip()));
        let mut failure = Failure::new(format_args!(
            "{} has no address of a family that we have one of: add an --addr of the other family",
            self.host
        ));
        for &remote in usable() {
            match self.attempt(network, remote).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Failure::new(error),
            }
        }
        Err(failure)
    }

    async fn attempt(&self, network: &Network, remote: SocketAddr) -> Result<TcpStream, String> {
        let begin = Instant::now();
        let limit = self.connect_timeout.unwrap_or(Duration::MAX);
        let outcome = match timeout(limit, network.stack.connect(remote)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        };
        outcome.map_err(|error| explain::connecting(remote, &error, begin.elapsed()))
    }
}
