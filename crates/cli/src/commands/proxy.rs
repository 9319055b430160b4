//! `sockeye proxy`.

use crate::failure::Failure;
use crate::proxy::{self, Hooks, Stats, Upstream, Via};
use crate::tun::signals::{CLOSING_TIME, Signals};
use crate::tun::{self, Network, Story, TunArgs};
use clap::value_parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Descriptors that are not those of upstreams.
const OTHER_DESCRIPTORS: u64 = 64;

const EXAMPLES: &str = "\
Examples:
  sockeye proxy --tun sock0 --via socks5://127.0.0.1:1080
  ip route add 203.0.113.0/24 dev sock0     # what goes there now goes over the proxy

  sockeye proxy --tun sock0 --via http://user:secret@proxy.example:3128 --dns 9.9.9.9 --stats
  ip route add 198.51.100.7 via 192.0.2.254 # the proxy itself, before all the rest:
  ip route add 0.0.0.0/1 dev sock0 && ip route add 128.0.0.0/1 dev sock0";

/// Send everything that arrives from a TUN device over a proxy
///
/// Whatever is routed to the device is served: TCP to any address and port, and DNS. A client's handshake is held until the proxy has
/// reached its target; if it cannot, the client is refused. Each end's close is passed on as what it is, and a reset as a reset.
/// Questions to port 53 by UDP are asked over TCP through the proxy; other UDP is answered by ICMP, so that nobody waits for it.
/// Routes stay untouched. Ctrl-C or SIGTERM closes what is open within two seconds; a second one ends at once.
#[derive(Debug, clap::Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("addresses", |arg| arg.required(false).default_value("198.18.0.2/30")),
    mut_arg("interface", |arg| arg.hide(true)),
    mut_arg("xdp", |arg| arg.hide(true)),
    mut_arg("gateways", |arg| arg.hide(true)),
)]
pub(crate) struct Proxy {
    /// The way out: direct, socks5://[USER:PASSWORD@]HOST:PORT, or http://[USER:PASSWORD@]HOST:PORT (by CONNECT)
    #[arg(long, value_name = "WAY")]
    via: Via,

    /// Ask this server, in place of the one that a client asks; its port is 53 if none is given
    #[arg(long, value_name = "ADDRESS", value_parser = dns_server)]
    dns: Option<SocketAddr>,

    /// Leave by this interface, whatever the routes say: "direct" needs that where they lead to the TUN device
    #[arg(long, value_name = "NAME")]
    out: Option<String>,

    /// Clients served at once; more wait
    #[arg(long, value_name = "COUNT", default_value_t = 16_384, value_parser = value_parser!(u32).range(1..1 << 20))]
    max_connections: u32,

    /// How long reaching a target may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = value_parser!(u64).range(1..=300))]
    connect_timeout: u64,

    /// How long an open connection may be silent, in seconds; RFC 5382 asks for no less than the default
    #[arg(long, value_name = "SECONDS", default_value_t = 7_440, value_parser = value_parser!(u64).range(1..))]
    idle_timeout: u64,

    /// Show on standard error what is open and what has passed, live on a terminal, every ten seconds elsewhere
    #[arg(long)]
    stats: bool,

    /// Serve the same figures by HTTP at this address, in the format of Prometheus
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,

    #[command(flatten)]
    tun: TunArgs,
}

impl Proxy {
    pub(crate) fn run(self) -> Result<(), Failure> {
        tun::run(self.serve())
    }

    async fn serve(self) -> Result<(), Failure> {
        let stop = Signals::watch()?.first();
        let limits = proxy::Limits {
            connections: room_for(self.max_connections)?,
            connect_time: Duration::from_secs(self.connect_timeout),
            idle_time: Duration::from_secs(self.idle_timeout),
        };
        let upstream =
            Upstream::new(self.via.clone(), self.out.clone()).await.map_err(|error| {
                Failure::new(format_args!(
                    "the proxy of --via {} cannot be found: {error}",
                    self.via
                ))
            })?;
        let collectors = match self.metrics {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|error| {
                Failure::new(format_args!("cannot listen at --metrics {address}: {error}"))
            })?),
            None => None,
        };
        let network = self.tun.open_for_all(Story::of_many())?;
        let hooks = Hooks::take(&network.stack, &limits).map_err(Failure::new)?;
        let narrator = network.narrator.clone();
        let proxy = Arc::new(proxy::Proxy {
            upstream,
            stats: Arc::default(),
            limits,
            dns: self.dns,
            tell: Box::new(move |line| {
                if let Some(narrator) = &narrator {
                    narrator.tell(line);
                }
            }),
        });
        self.tell_where(&network);
        let outcome = tokio::select! {
            error = Arc::clone(&proxy).serve(&hooks) => Err(Failure::new(error)),
            failure = network.failed() => Err(failure),
            () = stop => Ok(()),
            () = show(&proxy.stats, self.stats) => Ok(()),
            () = collect(collectors, &proxy.stats) => Ok(()),
        };
        drop(hooks);
        let closed = network.close(CLOSING_TIME).await;
        outcome.and(closed)
    }

    fn tell_where(&self, network: &Network) {
        let line = format!("what is routed to the TUN device goes via {}", self.via);
        match &network.narrator {
            Some(narrator) => narrator.tell(line),
            None => eprintln!("{line}"),
        }
    }
}

async fn show(stats: &Arc<Stats>, wanted: bool) {
    if wanted { proxy::stats::show(Arc::clone(stats)).await } else { pending().await }
}

async fn collect(listener: Option<TcpListener>, stats: &Arc<Stats>) {
    match listener {
        Some(listener) => proxy::metrics::serve(listener, Arc::clone(stats)).await,
        None => pending().await,
    }
}

/// Raises the limit on descriptors as far as that takes: each connection has one.
fn room_for(connections: u32) -> Result<usize, Failure> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::from(connections) + OTHER_DESCRIPTORS;
    let most = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted.min(most)), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised)
            .map_err(|error| Failure::new(format_args!("no {wanted} open files: {error}")))?;
    }
    let room = wanted.min(most).saturating_sub(OTHER_DESCRIPTORS);
    if room == 0 {
        return Err(Failure::new(format_args!("{most} open files are too few; see \"ulimit -n\"")));
    }
    if room < u64::from(connections) {
        eprintln!("sockeye: {room} connections at once, as {most} open files are allowed");
    }
    Ok(room as usize)
}

fn dns_server(text: &str) -> Result<SocketAddr, String> {
    let with_port = || text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    text.parse().or_else(|_| with_port()).map_err(|_| format!("{text} is no IP address"))
}
