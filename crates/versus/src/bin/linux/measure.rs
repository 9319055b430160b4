//! The measurements, in a network namespace of their own.

use crate::client::{self, Client};
use crate::server::{ECHO, HTTP, Received, SINK, serve};
use clap::Parser;
use sockeye::link::{Tun, TunConfig};
use sockeye::{Interface, Stack};
use sockeye_versus::report::{self, Row, Target};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

const INSIDE: &str = "SOCKEYE_INSIDE_NAMESPACE";
const COMMANDS: &str = "cargo build --release -p sockeye-versus\nsudo target/release/versus-linux";

/// Sockeye over TUN beside Linux over veth: latency, fairness, requests a second. Needs root, iproute2 and wrk.
#[derive(Parser)]
struct Arguments {
    /// Rounds, in which the two take turns; the best of each counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Queues of the device and shards of the stack.
    #[arg(long, default_value_t = 1)]
    shards: usize,
    /// Seconds of each measurement of throughput.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// What else to say below the table.
    #[arg(long)]
    note: Vec<String>,
    /// Where the figures are written.
    #[arg(long)]
    write: Option<PathBuf>,
}

pub(crate) fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|first| first == client::ARGUMENT) {
        client::main();
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    if std::env::var_os(INSIDE).is_none() {
        let mut again = Command::new("unshare");
        again.arg("--net").arg(std::env::current_exe().unwrap());
        let status = again.args(std::env::args().skip(1)).env(INSIDE, "1").status();
        let is_done = status.is_ok_and(|status| status.success());
        return if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let (mut ours, mut theirs) = (Figures::worst(), Figures::worst());
    for _ in 0..arguments.rounds {
        ours = ours.best(&over_tun(&arguments));
        theirs = theirs.best(&over_veth(&arguments));
        println!("Sockeye {ours:?}\nLinux   {theirs:?}");
    }
    let rows = rows(&ours, &theirs);
    println!("{}", report::table_beside("Linux", &rows));
    let Some(path) = &arguments.write else { return ExitCode::SUCCESS };
    let mut notes = notes(&arguments);
    notes.extend(arguments.note.iter().cloned());
    let section = report::section_beside("Linux", "Beside Linux", COMMANDS, &rows, &notes);
    report::write_section(path, "linux", &section).unwrap();
    ExitCode::SUCCESS
}

#[derive(Clone, Copy, Debug)]
struct Figures {
    ping_median_us: f64,
    ping_99th_us: f64,
    parallel_gbit_per_s: f64,
    /// Of 64 connections, the slowest one's part of what each would have had.
    slowest: f64,
    requests_per_s: f64,
    /// CPU time of the server's process in a second when nothing happens.
    idle_cpu_ms: f64,
}

impl Figures {
    const fn worst() -> Self {
        Self {
            ping_median_us: f64::INFINITY,
            ping_99th_us: f64::INFINITY,
            parallel_gbit_per_s: 0.0,
            slowest: 0.0,
            requests_per_s: 0.0,
            idle_cpu_ms: f64::INFINITY,
        }
    }

    fn best(&self, other: &Self) -> Self {
        Self {
            ping_median_us: self.ping_median_us.min(other.ping_median_us),
            ping_99th_us: self.ping_99th_us.min(other.ping_99th_us),
            parallel_gbit_per_s: self.parallel_gbit_per_s.max(other.parallel_gbit_per_s),
            slowest: self.slowest.max(other.slowest),
            requests_per_s: self.requests_per_s.max(other.requests_per_s),
            idle_cpu_ms: self.idle_cpu_ms.min(other.idle_cpu_ms),
        }
    }
}

fn rows(ours: &Figures, theirs: &Figures) -> Vec<Row> {
    let row = |what: &str, unit, of: fn(&Figures) -> f64, target| Row {
        what: what.to_owned(),
        unit,
        ours: of(ours),
        theirs: Some(of(theirs)),
        target,
    };
    let no_more = Target::NoMore;
    vec![
        row("Ping-pong of one octet, median", "µs", |of| of.ping_median_us, no_more),
        row("Ping-pong of one octet, 99th percentile", "µs", |of| of.ping_99th_us, no_more),
        row("64 connections at once", "Gbit/s", |of| of.parallel_gbit_per_s, Target::None),
        Row {
            target: Target::Part(0.5, 1.0),
            ..row("The slowest of them", "of the mean", |of| of.slowest, Target::None)
        },
        row("wrk -c 400 against hyper", "requests/s", |of| of.requests_per_s, Target::Times(1.0)),
        row("At rest after that", "ms of CPU a second", |of| of.idle_cpu_ms, no_more),
    ]
}

fn notes(arguments: &Arguments) -> Vec<String> {
    vec![
        "The client is a process with Linux's sockets. Linux's server is in another namespace, behind a veth pair with offload; Sockeye's is \
         behind a TUN device with offload, whose other side is the client's. The server's code is the same, on tokio with two threads."
            .to_owned(),
        format!(
            "The best of {} rounds, in which the two take turns; {} shard(s).",
            arguments.rounds, arguments.shards
        ),
    ]
}

const OURS: Ipv4Addr = Ipv4Addr::new(10, 91, 0, 2);

fn over_tun(arguments: &Arguments) -> Figures {
    let config = TunConfig::for_stack("sock%d", &[(OURS.into(), 24)]);
    let runtime = runtime();
    let (received, _stack) = runtime.block_on(async {
        let queues = Tun::open_queues(&config, arguments.shards).unwrap();
        let interface = Interface::queues(queues).address(OURS, 24).default_route();
        let stack = Stack::builder().interface(interface).shards(arguments.shards).spawn().unwrap();
        let received = Received::default();
        let listen = |port| stack.listen(SocketAddr::new(OURS.into(), port)).unwrap();
        serve([ECHO, SINK, HTTP].map(listen), &received);
        (received, stack)
    });
    measure(Client::start(false), OURS, &received, arguments)
}

fn over_veth(arguments: &Arguments) -> Figures {
    let server = Ipv4Addr::new(10, 90, 0, 2);
    let mut client = Client::start(true);
    ip(&format!("link add v0 type veth peer name v1 netns {}", client.id()));
    ip(&format!("addr add {server}/24 dev v0"));
    ip("link set dev v0 up");
    client.run("exec ip addr add 10.90.0.1/24 dev v1");
    client.run("exec ip link set dev v1 up");
    let runtime = runtime();
    let received = runtime.block_on(async {
        let received = Received::default();
        let mut listeners = Vec::new();
        for port in [ECHO, SINK, HTTP] {
            listeners.push(tokio::net::TcpListener::bind((server, port)).await.unwrap());
        }
        let listeners = <[_; 3]>::try_from(listeners).unwrap();
        serve(listeners, &received);
        received
    });
    let figures = measure(client, server, &received, arguments);
    // It may be gone already, with the other namespace.
    let _ = Command::new("ip").args(["link", "del", "dev", "v0"]).output();
    figures
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn measure(
    mut client: Client,
    server: Ipv4Addr,
    received: &Received,
    arguments: &Arguments,
) -> Figures {
    let times = client.run(&format!("ping {server}:{ECHO} 20000"));
    let times: Vec<f64> = times.split_whitespace().map(|time| time.parse().unwrap()).collect();
    client.run(&format!("send {server}:{SINK} 64 {}", arguments.seconds * 1_000));
    std::thread::sleep(Duration::from_millis(200));
    let octets = std::mem::take(&mut *received.lock().unwrap());
    assert_eq!(octets.len(), 64);
    let sum: u64 = octets.iter().sum();
    let slowest = octets.iter().min().map_or(0.0, |least| *least as f64);
    let wrk = format!("exec wrk -t 2 -c 400 -d {} http://{server}:{HTTP}/", arguments.seconds);
    let wrk = client.run(&wrk);
    let requests = wrk.split("Requests/sec:").nth(1).unwrap().split_whitespace().next().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let before = cpu_time::ProcessTime::now();
    std::thread::sleep(Duration::from_secs(1));
    let idle_cpu_ms = before.elapsed().as_secs_f64() * 1e3;
    client.stop();
    Figures {
        ping_median_us: times[0],
        ping_99th_us: times[1],
        parallel_gbit_per_s: sum as f64 * 8.0 / 1e9 / arguments.seconds as f64,
        slowest: slowest * 64.0 / sum as f64,
        requests_per_s: requests.parse().unwrap(),
        idle_cpu_ms,
    }
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}
