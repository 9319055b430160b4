//! The measurement.

use sockeye::link::{Tun, TunConfig};
use sockeye::{Interface, Stack};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const INSIDE: &str = "SOCKEYE_INSIDE_NAMESPACE";
const BUFFER_BYTES: usize = 256 * 1024;

pub(crate) fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--other-linux") {
        return other_linux();
    }
    if std::env::var_os(INSIDE).is_none() {
        let mut again = unshared();
        let status = again.args(&arguments).env(INSIDE, "1").status();
        assert!(status.is_ok_and(|status| status.success()), "needs root, ip and unshare");
        return;
    }
    let number =
        |at: usize, usual| arguments.get(at).map_or(usual, |text| text.parse().unwrap_or(usual));
    let time = Duration::from_secs(number(0, 2));
    let chosen = arguments.get(2..).unwrap_or(&[]);
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|(name, _)| chosen.is_empty() || chosen.iter().any(|part| name.contains(&**part)))
        .collect();
    let mut best = vec![Figures::default(); cases.len()];
    for _ in 0..number(1, 3) {
        for ((name, case), best) in cases.iter().zip(&mut best) {
            let figures = case(time);
            println!("{name:34} {figures}");
            best.gbit_per_s = best.gbit_per_s.max(figures.gbit_per_s);
            if best.cpu_s_per_gb == 0.0 || figures.cpu_s_per_gb < best.cpu_s_per_gb {
                best.cpu_s_per_gb = figures.cpu_s_per_gb;
            }
        }
    }
    println!("\nbest of each                                         ratio to the first");
    for ((name, _), figures) in cases.iter().zip(&best) {
        let ratio = figures.gbit_per_s / best[0].gbit_per_s;
        println!("{name:34} {figures}   {ratio:.2}");
    }
}

type Case = (&'static str, fn(Duration) -> Figures);

const CASES: [Case; 5] = [
    ("Linux to Linux, veth", linux_to_linux),
    ("Linux to Sockeye, TUN offload", |time| tun(time, true, Direction::ToSockeye)),
    ("Sockeye to Linux, TUN offload", |time| tun(time, true, Direction::FromSockeye)),
    ("Linux to Sockeye, TUN plain", |time| tun(time, false, Direction::ToSockeye)),
    ("Sockeye to Linux, TUN plain", |time| tun(time, false, Direction::FromSockeye)),
];

#[derive(Clone, Copy)]
enum Direction {
    ToSockeye,
    FromSockeye,
}

#[derive(Clone, Copy, Default)]
struct Figures {
    gbit_per_s: f64,
    cpu_s_per_gb: f64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:7.2} Gbit/s {:6.3} CPU s/GB", self.gbit_per_s, self.cpu_s_per_gb)
    }
}

/// Begins when made; `other` is a process whose CPU time counts too.
struct Stopwatch<'a> {
    begin: Instant,
    cpu: f64,
    other: Option<&'a Child>,
}

impl<'a> Stopwatch<'a> {
    fn start(other: Option<&'a Child>) -> Self {
        Self { begin: Instant::now(), cpu: cpu_of(other), other }
    }

    fn stop(self, bytes: u64) -> Figures {
        let seconds = self.begin.elapsed().as_secs_f64();
        Figures {
            gbit_per_s: bytes as f64 * 8.0 / 1e9 / seconds,
            cpu_s_per_gb: (cpu_of(self.other) - self.cpu) / (bytes as f64 / 1e9),
        }
    }
}

/// Seconds of CPU time of this process and `other`.
fn cpu_of(other: Option<&Child>) -> f64 {
    let ticks = |process: String| -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // proc_pid_stat(5): user and system time are the 12th and 13th fields after the name, in ticks of 10 ms.
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.skip(11).take(2).map(|field| field.parse::<f64>().unwrap_or(0.0)).sum()
    };
    (ticks("self".into()) + other.map_or(0.0, |child| ticks(child.id().to_string()))) / 100.0
}

fn linux_to_linux(time: Duration) -> Figures {
    let (mut other, mut commands) = start_other_linux("10.80.0.1/24", "10.80.0.2/24");
    writeln!(commands, "sink 10.80.0.2:5001").unwrap();
    let stream = connect_patiently("10.80.0.2:5001".parse().unwrap());
    let watch = Stopwatch::start(Some(&other));
    let sent = send_for(stream, time);
    let figures = watch.stop(sent);
    drop(commands);
    other.wait().unwrap();
    ip("link del dev v0");
    figures
}

fn tun(time: Duration, offload: bool, direction: Direction) -> Figures {
    let subnet: (IpAddr, u8) = ("10.81.0.2".parse().unwrap(), 24);
    let config = TunConfig { offload, ..TunConfig::for_stack("sock%d", &[subnet]) };
    let tun = Tun::open(&config).unwrap();
    let begin = Instant::now();
    while !tun.is_running() && begin.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let interface = Interface::new(tun).address(subnet.0, subnet.1).default_route();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let stack = Stack::builder().interface(interface).spawn().unwrap();
        let task = match direction {
            Direction::ToSockeye => {
                let address = SocketAddr::new(subnet.0, 5001);
                let listener = stack.listen(address).unwrap();
                let linux = std::thread::spawn(move || {
                    let stream = connect_patiently(address);
                    let watch = Stopwatch::start(None);
                    let sent = send_for(stream, time);
                    watch.stop(sent)
                });
                tokio::spawn(async move {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut buffer = vec![0; BUFFER_BYTES];
                    while stream.read(&mut buffer).await.unwrap() > 0 {}
                    drop(stream);
                    tokio::task::spawn_blocking(|| linux.join().unwrap()).await.unwrap()
                })
            }
            Direction::FromSockeye => {
                let listener = TcpListener::bind("10.81.0.1:5002").unwrap();
                let linux = std::thread::spawn(move || {
                    let (stream, _) = listener.accept().unwrap();
                    let watch = Stopwatch::start(None);
                    let received = sink(stream);
                    watch.stop(received)
                });
                let stack = stack.clone();
                tokio::spawn(async move {
                    let mut stream =
                        stack.connect("10.81.0.1:5002".parse().unwrap()).await.unwrap();
                    let buffer = vec![7; BUFFER_BYTES];
                    let begin = Instant::now();
                    while begin.elapsed() < time {
                        stream.write_all(&buffer).await.unwrap();
                    }
                    stream.shutdown().await.unwrap();
                    tokio::task::spawn_blocking(|| linux.join().unwrap()).await.unwrap()
                })
            }
        };
        let figures = task.await.unwrap();
        stack.shutdown(Duration::from_secs(1)).await;
        figures
    })
}

fn connect_patiently(address: SocketAddr) -> TcpStream {
    let begin = Instant::now();
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            Ok(stream) => return stream,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(5), "{address}: {error}"),
        }
    }
}

/// Sends for that long, closes, waits for the other end to close too, and says how many octets it sent.
fn send_for(mut stream: TcpStream, time: Duration) -> u64 {
    let buffer = vec![7; BUFFER_BYTES];
    let begin = Instant::now();
    let mut sent = 0;
    while begin.elapsed() < time {
        stream.write_all(&buffer).unwrap();
        sent += buffer.len() as u64;
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let _end = stream.read(&mut [0]);
    sent
}

/// Receives to the end and says how many octets that was.
fn sink(mut stream: TcpStream) -> u64 {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut received = 0;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return received,
            read => received += read as u64,
        }
    }
}

/// A process in a namespace of its own, joined to ours by a veth pair with these addresses.
fn start_other_linux(ours: &str, theirs: &str) -> (Child, impl Write) {
    let mut child = unshared()
        .arg("--other-linux")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next();
    ip(&format!("link add v0 type veth peer name v1 netns {}", child.id()));
    ip(&format!("addr add {ours} dev v0"));
    ip("link set dev v0 up");
    let mut commands = child.stdin.take().unwrap();
    writeln!(commands, "address {theirs}").unwrap();
    lines.next();
    (child, commands)
}

/// Says a line when it has begun, and one after each command.
fn other_linux() {
    println!("here");
    for line in std::io::stdin().lines() {
        match line.unwrap().split_once(' ').unwrap() {
            ("address", address) => {
                ip(&format!("addr add {address} dev v1"));
                ip("link set dev v1 up");
            }
            ("sink", address) => {
                let listener = TcpListener::bind(address).unwrap();
                sink(listener.accept().unwrap().0);
            }
            (other, _) => panic!("no command {other}"),
        }
        // Nobody may listen any more.
        let _ = writeln!(std::io::stdout(), "done");
    }
}

fn unshared() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--net").arg(std::env::current_exe().unwrap());
    command
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}
