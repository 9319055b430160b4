//! Against Linux, over TUN devices, packet sockets and AF_XDP in a network namespace of its own.

use crate::link::segmentation::SoftwareOffload;
use crate::link::{Link, PacketSocket, PacketSocketConfig, Tun, TunConfig, Xdp, XdpConfig};
use crate::{Interface, Stack};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net;
use tokio::time::{Instant, sleep, timeout};

const LEN: usize = 30_000_000;

/// Set where the test runs in its namespace.
const INSIDE: &str = "SOCKEYE_TEST_INSIDE_NAMESPACE";

/// The test runs itself again in a namespace of its own, as an unsafe system call would be needed to enter one from here.
#[test]
fn against_linux() {
    if std::env::var_os(INSIDE).is_some() {
        return inside_the_namespace();
    }
    let entered = Command::new("unshare")
        .args(["--net", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !entered || !std::path::Path::new("/dev/net/tun").exists() {
        println!("skipped: needs CAP_NET_ADMIN and CAP_SYS_ADMIN");
        return;
    }
    let this_program = std::env::current_exe().unwrap();
    let inside = Command::new("unshare")
        .arg("--net")
        .arg(this_program)
        .args(["tests::tun::against_linux", "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&inside.stdout);
    assert!(
        inside.status.success() && told.contains("1 passed"),
        "{told}\n{}",
        String::from_utf8_lossy(&inside.stderr)
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn inside_the_namespace() {
    for offload in [true, false] {
        println!("TUN, offload {offload}");
        let network = if offload { 66 } else { 67 };
        let addresses = addresses_in(network);
        let config = TunConfig { offload, ..TunConfig::for_stack("sock%d", &addresses) };
        transfer(Tun::open(&config).unwrap(), network).await;
    }
    println!("TUN, three queues for three shards");
    let config = TunConfig::for_stack("sock%d", &addresses_in(72));
    let queues = Tun::open_queues(&config, 3).unwrap();
    transfer_on(Interface::queues(queues), 3, 72).await;
    println!("TUN, offload in software");
    let config = TunConfig { offload: false, ..TunConfig::for_stack("sock%d", &addresses_in(70)) };
    transfer(SoftwareOffload::new(Tun::open(&config).unwrap()), 70).await;
    for offload in [true, false] {
        println!("packet socket, offload {offload}");
        let network = if offload { 68 } else { 69 };
        veth_of_linux(network);
        let config = PacketSocketConfig { offload, ..PacketSocketConfig::new("mine") };
        transfer(PacketSocket::open(&config).unwrap(), network).await;
        ip("link del dev mine");
    }
    println!("AF_XDP");
    veth_of_linux(71);
    let config = XdpConfig { trust_checksums: true, ..XdpConfig::new("mine") };
    transfer(SoftwareOffload::new(Xdp::open(&config).unwrap()), 71).await;
}

/// Ours in the network of that number.
fn addresses_in(network: u8) -> [(IpAddr, u8); 2] {
    [
        format!("10.{network}.0.2").parse().map(|v4| (v4, 24)).unwrap(),
        format!("fd{network}::2").parse().map(|v6| (v6, 64)).unwrap(),
    ]
}

/// A pair of Ethernet interfaces, one of which has Linux's addresses; the other is for us.
fn veth_of_linux(network: u8) {
    ip("link add linux type veth peer name mine");
    ip(&format!("addr add 10.{network}.0.1/24 dev linux"));
    ip(&format!("addr add fd{network}::1/64 dev linux nodad"));
    ip("link set dev linux up");
    ip("link set dev mine up");
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

/// Everything below, over a link to Linux, which has the first address.
async fn transfer(link: impl Link + 'static, network: u8) {
    transfer_on(Interface::new(link), 1, network).await;
}

async fn transfer_on(interface: Interface, shards: usize, network: u8) {
    let ours = addresses_in(network);
    let interface =
        ours.iter().fold(interface, |link, (address, len)| link.address(*address, *len));
    let stack = Stack::builder().interface(interface.default_route()).shards(shards);
    let stack = stack.spawn().unwrap();
    let linux: [IpAddr; 2] =
        [format!("10.{network}.0.1").parse().unwrap(), format!("fd{network}::1").parse().unwrap()];
    for ((ours, _), linux) in ours.into_iter().zip(linux) {
        linux_is_ready(&stack, linux).await;
        timeout(Duration::from_secs(60), scenarios(&stack, ours, linux)).await.unwrap();
    }
    assert_eq!(stack.shutdown(Duration::from_secs(2)).await, 0);
}

/// Linux notices up to a second late that a device has a carrier.
async fn linux_is_ready(stack: &Stack, linux: IpAddr) {
    let begin = Instant::now();
    while timeout(Duration::from_millis(100), stack.connect(SocketAddr::new(linux, 9)))
        .await
        .is_err()
    {
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}

async fn scenarios(stack: &Stack, ours: IpAddr, linux: IpAddr) {
    println!("{ours}");
    // A closed port, from either side, within a round trip.
    let begin = Instant::now();
    let refused = stack.connect(SocketAddr::new(linux, 9)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let refused = net::TcpStream::connect(SocketAddr::new(ours, 9)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(begin.elapsed() < Duration::from_millis(500));

    // Both ways at once, whoever opened.
    let data: Vec<u8> = (0..LEN).map(|n| (n % 247) as u8).collect();
    let listener = stack.listen(SocketAddr::new(ours, 80)).unwrap();
    let theirs = net::TcpListener::bind(SocketAddr::new(linux, 0)).await.unwrap();
    let (a, b) =
        tokio::join!(net::TcpStream::connect(SocketAddr::new(ours, 80)), listener.accept());
    let (a, b) = (a.unwrap(), b.unwrap().0);
    let begin = Instant::now();
    tokio::join!(exchange(a, &data), exchange(b, &data));
    println!("passive open, both ways: {:?}", begin.elapsed());
    let (a, b) = tokio::join!(stack.connect(theirs.local_addr().unwrap()), theirs.accept());
    let (a, b) = (a.unwrap(), b.unwrap().0);
    let begin = Instant::now();
    tokio::join!(exchange(a, &data), exchange(b, &data));
    println!("active open, both ways: {:?}", begin.elapsed());

    // A reset either way.
    let pair = async || {
        let (a, b) = tokio::join!(stack.connect(theirs.local_addr().unwrap()), theirs.accept());
        (a.unwrap(), b.unwrap().0)
    };
    let (mut mine, linux_end) = pair().await;
    linux_end.set_zero_linger().unwrap();
    drop(linux_end);
    assert_eq!(mine.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    drop(mine);
    let (mine, mut linux_end) = pair().await;
    mine.abort();
    assert_eq!(linux_end.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    // Closing in order, Linux first and us first.
    let (mut mine, mut linux_end) = pair().await;
    linux_end.shutdown().await.unwrap();
    assert_eq!(mine.read(&mut [0; 9]).await.unwrap(), 0);
    mine.write_all(b"still open").await.unwrap();
    drop(mine);
    assert_eq!(linux_end.read_to_end(&mut Vec::new()).await.unwrap(), 10);
    let (mut mine, mut linux_end) = pair().await;
    mine.shutdown().await.unwrap();
    assert_eq!(linux_end.read(&mut [0; 9]).await.unwrap(), 0);
    drop(linux_end);
    assert_eq!(mine.read(&mut [0; 9]).await.unwrap(), 0);
    drop(mine);

    // Many, one after the other: nothing stays but TIME-WAIT.
    for _ in 0..2_000 {
        let (mine, linux_end) = pair().await;
        drop((linux_end, mine));
    }
    sleep(Duration::from_millis(200)).await;
    let counts = stack.counts();
    assert_eq!((counts.connections, counts.half_open), (0, 0), "{counts:?}");
}

/// Sends the data, closes, and expects the same from the other side.
async fn exchange(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite, data: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sending = async {
        writer.write_all(data).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut got = Vec::with_capacity(data.len());
    let (_, received) = tokio::join!(sending, reader.read_to_end(&mut got));
    assert_eq!(received.unwrap(), data.len());
    assert!(got == data);
}
