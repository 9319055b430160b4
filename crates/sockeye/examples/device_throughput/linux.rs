//! The measurement.

#[path = "peer.rs"]
mod peer;

use Direction::{FromSockeye, ToSockeye};
use peer::{OtherLinux, connect_patiently, other_linux, send_for, sink, unshared};
use sockeye::link::segmentation::SoftwareOffload;
use sockeye::link::{Link, PacketSocket, PacketSocketConfig, Tun, TunConfig, Xdp, XdpConfig};
use sockeye::{Interface, Stack};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::Child;
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

const CASES: [Case; 13] = [
    ("Linux to Linux, veth", linux_to_linux),
    ("Linux to Sockeye, TUN", |time| tun(time, Device::Tun, ToSockeye)),
    ("Sockeye to Linux, TUN", |time| tun(time, Device::Tun, FromSockeye)),
    ("Linux to Sockeye, plain TUN", |time| tun(time, Device::PlainTun, ToSockeye)),
    ("Sockeye to Linux, plain TUN", |time| tun(time, Device::PlainTun, FromSockeye)),
    ("Linux to Sockeye, software TUN", |time| tun(time, Device::SoftwareTun, ToSockeye)),
    ("Sockeye to Linux, software TUN", |time| tun(time, Device::SoftwareTun, FromSockeye)),
    ("Linux to Sockeye, AF_PACKET", |time| veth(time, Device::Packet, ToSockeye)),
    ("Sockeye to Linux, AF_PACKET", |time| veth(time, Device::Packet, FromSockeye)),
    ("Linux to Sockeye, AF_XDP", |time| veth(time, Device::Xdp, ToSockeye)),
    ("Sockeye to Linux, AF_XDP", |time| veth(time, Device::Xdp, FromSockeye)),
    ("Linux to Sockeye, software AF_XDP", |time| veth(time, Device::SoftwareXdp, ToSockeye)),
    ("Sockeye to Linux, software AF_XDP", |time| veth(time, Device::SoftwareXdp, FromSockeye)),
];

#[derive(Clone, Copy)]
enum Device {
    Tun,
    PlainTun,
    SoftwareTun,
    Packet,
    Xdp,
    SoftwareXdp,
}

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
    let mut other = OtherLinux::start(Some("10.80.0.1/24"), "10.80.0.2/24");
    other.tell("sink 10.80.0.2:5001");
    let stream = connect_patiently("10.80.0.2:5001".parse().unwrap());
    let watch = Stopwatch::start(Some(&other.process));
    let sent = send_for(stream, time);
    let figures = watch.stop(sent);
    other.stop();
    figures
}

/// Linux is in our own process and namespace.
fn tun(time: Duration, device: Device, direction: Direction) -> Figures {
    let subnet = ("10.81.0.2".parse().unwrap(), 24);
    let offload = matches!(device, Device::Tun);
    let config = TunConfig { offload, ..TunConfig::for_stack("sock%d", &[subnet]) };
    let tun = Tun::open(&config).unwrap();
    let begin = Instant::now();
    while !tun.is_running() && begin.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let link: Box<dyn Link> = match device {
        Device::SoftwareTun => Box::new(SoftwareOffload::new(tun)),
        _ => Box::new(tun),
    };
    let linux = std::thread::spawn(move || match direction {
        ToSockeye => drop(send_for(connect_patiently("10.81.0.2:5001".parse().unwrap()), time)),
        FromSockeye => drop(sink(TcpListener::bind("10.81.0.1:5001").unwrap().accept().unwrap().0)),
    });
    let linux_at = "10.81.0.1:5001".parse().unwrap();
    let figures = sockeye(link, subnet.0, linux_at, (time, direction), None);
    linux.join().unwrap();
    figures
}

/// Linux is another process in another namespace.
fn veth(time: Duration, device: Device, direction: Direction) -> Figures {
    let mut other = OtherLinux::start(None, "10.82.0.1/24");
    let trusting = || {
        let config = XdpConfig { trust_checksums: true, ..XdpConfig::new("v0") };
        Xdp::open(&config).unwrap()
    };
    let link: Box<dyn Link> = match device {
        Device::Xdp => Box::new(trusting()),
        Device::SoftwareXdp => Box::new(SoftwareOffload::new(trusting())),
        _ => Box::new(PacketSocket::open(&PacketSocketConfig::new("v0")).unwrap()),
    };
    match direction {
        ToSockeye => other.tell(&format!("source 10.82.0.2:5001 {}", time.as_millis())),
        FromSockeye => other.tell("sink 10.82.0.1:5001"),
    }
    let (own, linux_at) = ("10.82.0.2".parse().unwrap(), "10.82.0.1:5001".parse().unwrap());
    let figures = sockeye(link, own, linux_at, (time, direction), Some(&other.process));
    other.stop();
    figures
}

fn sockeye(
    link: Box<dyn Link>,
    own: IpAddr,
    linux: SocketAddr,
    (time, direction): (Duration, Direction),
    other: Option<&Child>,
) -> Figures {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let interface = Interface::new(link).address(own, 24).default_route();
        let stack = Stack::builder().interface(interface).spawn().unwrap();
        let own_stack = stack.clone();
        let (begun, begin) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            match direction {
                ToSockeye => {
                    let listener = own_stack.listen(SocketAddr::new(own, 5001)).unwrap();
                    let (mut stream, _) = listener.accept().await.unwrap();
                    begun.send(()).unwrap();
                    receive(&mut stream).await
                }
                FromSockeye => {
                    let mut stream = loop {
                        match own_stack.connect(linux).await {
                            Ok(stream) => break stream,
                            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                        }
                    };
                    begun.send(()).unwrap();
                    let (buffer, begin) = (vec![7; BUFFER_BYTES], Instant::now());
                    let mut sent = 0;
                    while begin.elapsed() < time {
                        stream.write_all(&buffer).await.unwrap();
                        sent += buffer.len() as u64;
                    }
                    stream.shutdown().await.unwrap();
                    receive(&mut stream).await;
                    sent
                }
            }
        });
        begin.await.unwrap();
        let watch = Stopwatch::start(other);
        let figures = watch.stop(task.await.unwrap());
        stack.shutdown(Duration::from_secs(1)).await;
        figures
    })
}

/// Receives to the end and says how many octets that was.
async fn receive(stream: &mut sockeye::TcpStream) -> u64 {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut received = 0;
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => return received,
            read => received += read as u64,
        }
    }
}
