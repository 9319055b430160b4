//! `sockeye serve`.

use crate::failure::Failure;
use crate::http::{Folder, Server};
use crate::tun::signals::{CLOSING_TIME, Signals};
use crate::tun::{self, Begin, Listeners, Network, Story, TunArgs};
use clap::value_parser;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

/// How long a connection may be idle, or take to send a request's head.
const REQUEST_TIME: Duration = Duration::from_secs(60);
/// How long answers under way have to be completed after the first signal; what is left of [`CLOSING_TIME`] is for closing.
const ANSWERING_TIME: Duration = Duration::from_millis(1_500);

const EXAMPLES: &str = "\
Examples:
  sockeye serve /usr/share/doc --tun sock0 --addr 192.0.2.2/24
  sockeye serve . --tun sock0 --addr 10.9.0.2/24 --addr fd09::2/64 -v --pcap http.pcapng
  curl http://10.9.0.2/";

/// Serve a folder by HTTP on Sockeye's own TCP behind a TUN device
///
/// GET, HEAD and single ranges; directories are listed unless they have an index.html. No path leaves the folder, by symbolic links
/// neither. Each request is a line on standard output: who, what, status, bytes, time. Ctrl-C or SIGTERM completes what takes less
/// than two seconds and ends; a second one ends at once.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// The folder
    dir: PathBuf,

    /// The port to listen at, on every --addr
    #[arg(long, default_value_t = 80, value_parser = value_parser!(u16).range(1..))]
    port: u16,

    #[command(flatten)]
    tun: TunArgs,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        tun::run(self.serve())
    }

    async fn serve(self) -> Result<(), Failure> {
        let stop = Signals::watch()?.first();
        let folder = Folder::open(&self.dir).map_err(|error| {
            Failure::new(format_args!("folder {} cannot be served: {error}", self.dir.display()))
        })?;
        let network = self.tun.open(Story::of_many(), Begin::AtOnce)?;
        let listeners = network.listen(self.port)?;
        self.tell_where(&network);
        let server = Server::new(folder);
        let graceful = GracefulShutdown::new();
        let outcome = tokio::select! {
            failure = accept_all(&network, &listeners, &server, &graceful) => Err(failure),
            () = stop => Ok(()),
        };
        drop(listeners);
        // Whoever is not done by then is cut off.
        let _in_time = timeout(ANSWERING_TIME, graceful.shutdown()).await;
        let closed = network.close(CLOSING_TIME - ANSWERING_TIME).await;
        outcome.and(closed)
    }

    fn tell_where(&self, network: &Network) {
        let urls: Vec<_> = network
            .own_addresses(self.port)
            .map(|address| match self.port {
                80 if address.is_ipv6() => format!("http://[{}]/", address.ip()),
                80 => format!("http://{}/", address.ip()),
                _ => format!("http://{address}/"),
            })
            .collect();
        let line = format!("serving {} at {}", self.dir.display(), urls.join(" and "));
        match &network.narrator {
            Some(narrator) => narrator.tell(line),
            None => eprintln!("{line}"),
        }
    }
}

async fn accept_all(
    network: &Network,
    listeners: &Listeners,
    server: &Server,
    graceful: &GracefulShutdown,
) -> Failure {
    let mut failed = pin!(network.failed());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listeners.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => return Failure::new(error),
            },
            failure = &mut failed => return failure,
        };
        // Answers are written in large pieces; the last one need not wait for company.
        let _infallible = stream.set_nodelay(true);
        let server = server.clone();
        let answer = service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(peer, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_TIME)
            .serve_connection(TokioIo::new(stream), answer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whatever broke the connection off, the requests' lines tell it.
            let _ = connection.await;
        });
    }
}
