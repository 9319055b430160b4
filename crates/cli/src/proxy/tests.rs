//! A client's stack, an in-memory link in place of the TUN device, and servers of the test's own on Linux's loopback.

use super::{Hooks, Limits, Proxy, Stats, Upstream, Via};
use sockeye::link::memory::{PairConfig, pair};
use sockeye::{Interface, Stack};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const TARGET: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const PATIENCE: Duration = Duration::from_secs(60);

/// A client behind a proxy, which runs until the runtime ends.
struct World {
    client: Stack,
    stats: Arc<Stats>,
}

async fn world(via: &str, change: impl FnOnce(&mut Proxy)) -> World {
    let (a, b) = pair(PairConfig::default());
    let client = Interface::new(a).address(CLIENT, 24).default_route();
    let client = Stack::builder().interface(client).spawn().unwrap();
    let taken = Interface::new(b).any_address().default_route();
    let stack = Stack::builder().interface(taken).spawn().unwrap();
    let limits = Limits { connections: 100, connect_time: PATIENCE, idle_time: PATIENCE };
    let upstream = Upstream::new(via.parse().unwrap(), None).await.unwrap();
    let mut proxy =
        Proxy { upstream, stats: Arc::default(), limits, dns: None, tell: Box::new(|_| {}) };
    change(&mut proxy);
    let (stats, hooks) = (Arc::clone(&proxy.stats), Hooks::take(&stack, &limits).unwrap());
    tokio::spawn(async move {
        Arc::new(proxy).serve(&hooks).await;
        drop(stack);
    });
    World { client, stats }
}

/// Sends everything back, in upper case, once the other end has closed its direction.
async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).await.unwrap();
                heard.make_ascii_uppercase();
                stream.write_all(&heard).await.unwrap();
            });
        }
    });
    port
}

/// A SOCKS5 server (RFC 1928) that reaches every target on the loopback, at the port that was asked for.
async fn socks5(login: Option<(&'static str, &'static str)>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut methods = [0; 2];
                client.read_exact(&mut methods).await?;
                client.read_exact(&mut vec![0; usize::from(methods[1])]).await?;
                client.write_all(&[5, if login.is_some() { 2 } else { 0 }]).await?;
                if let Some((user, password)) = login {
                    let expected = [
                        &[1, user.len() as u8],
                        user.as_bytes(),
                        &[password.len() as u8],
                        password.as_bytes(),
                    ]
                    .concat();
                    let mut told = vec![0; expected.len()];
                    client.read_exact(&mut told).await?;
                    client.write_all(&[1, u8::from(told != expected)]).await?;
                }
                let mut request = [0; 4];
                client.read_exact(&mut request).await?;
                assert_eq!(request[..3], [5, 1, 0]);
                let target: IpAddr = match request[3] {
                    1 => client.read_u32().await.map(|address| Ipv4Addr::from(address).into())?,
                    _ => client
                        .read_u128()
                        .await
                        .map(|address| std::net::Ipv6Addr::from(address).into())?,
                };
                assert!(target.is_ipv6() || target == IpAddr::from(TARGET));
                let port = client.read_u16().await?;
                let dialled = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
                let code = if dialled.is_ok() { 0 } else { 5 };
                client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
                let mut dialled = dialled?;
                let copied = tokio::io::copy_bidirectional(&mut client, &mut dialled).await;
                if copied.is_err() {
                    client.set_zero_linger()?;
                    dialled.set_zero_linger()?;
                }
                copied
            });
        }
    });
    port
}

/// An HTTP proxy that knows CONNECT; reaches targets as the SOCKS5 server does.
async fn http(login: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let mut lines = Vec::new();
                loop {
                    let mut line = String::new();
                    client.read_line(&mut line).await?;
                    if line == "\r\n" {
                        break;
                    }
                    lines.push(line);
                }
                let target: SocketAddr =
                    lines[0].split(' ').nth(1).and_then(|target| target.parse().ok()).unwrap();
                if login.is_some_and(|login| {
                    !lines.iter().any(|line| line.ends_with(&format!(" {login}\r\n")))
                }) {
                    return client.write_all(b"HTTP/1.1 407 Who Are You\r\n\r\n").await;
                }
                match TcpStream::connect((Ipv4Addr::LOCALHOST, target.port())).await {
                    Err(_) => client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await,
                    Ok(mut dialled) => {
                        client.write_all(b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\n").await?;
                        tokio::io::copy_bidirectional(&mut client, &mut dialled).await.map(drop)
                    }
                }
            });
        }
    });
    port
}

/// Says something, closes its direction, and hears it in upper case: half of the connection outlives the other.
async fn converse(world: &World, port: u16, len: usize) {
    let mut stream = world.client.connect((TARGET, port).into()).await.unwrap();
    let said = vec![b'a'; len];
    stream.write_all(&said).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert!(heard == vec![b'A'; len], "{} octets came back", heard.len());
}

async fn ways() -> Vec<String> {
    vec![
        format!("socks5://127.0.0.1:{}", socks5(None).await),
        format!("socks5://me:se%40cret@127.0.0.1:{}", socks5(Some(("me", "se@cret"))).await),
        format!("http://127.0.0.1:{}/", http(None).await),
        format!("http://me:secret@127.0.0.1:{}", http(Some("bWU6c2VjcmV0")).await),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_close_is_passed_on_through_every_kind_of_proxy() {
    let port = echo().await;
    for via in ways().await {
        let world = world(&via, |_| {}).await;
        for len in [5, 3_000_000] {
            timeout(PATIENCE, converse(&world, port, len)).await.expect(&via);
        }
        let (sent, received) = (&world.stats.sent, &world.stats.received);
        assert_eq!(sent.load(Ordering::Relaxed), 3_000_005);
        assert_eq!(received.load(Ordering::Relaxed), 3_000_005);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstreams_refusal_is_the_clients() {
    // Nobody listens at a port that was given back.
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let mut ways = ways().await;
    // And a proxy that is not there, or does not know us.
    ways.push(format!("socks5://127.0.0.1:{port}"));
    ways.push(format!("socks5://you:wrong@127.0.0.1:{}", socks5(Some(("me", "right"))).await));
    ways.push(format!("http://you:wrong@127.0.0.1:{}", http(Some("bWU6c2VjcmV0")).await));
    for via in ways {
        let world = world(&via, |_| {}).await;
        let connecting = world.client.connect((TARGET, port).into());
        let error = timeout(PATIENCE, connecting).await.expect(&via).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{via}");
        assert_eq!(world.stats.refused.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_passed_on() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = world(&ways().await[0], |_| {}).await;
    let mut client = world.client.connect((TARGET, port).into()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.set_zero_linger().unwrap();
    drop(server);
    let error = timeout(PATIENCE, client.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let client = world.client.connect((TARGET, port).into()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let error = timeout(PATIENCE, server.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn who_is_silent_too_long_is_reset() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let short = Duration::from_millis(100);
    let world = world(&ways().await[0], |proxy| proxy.limits.idle_time = short).await;
    let mut client = world.client.connect((TARGET, port).into()).await.unwrap();
    let error = timeout(PATIENCE, client.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Who finds no place is held, and served as soon as there is one.
#[tokio::test]
async fn the_limit_makes_clients_wait() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = world(&ways().await[0], |proxy| proxy.limits.connections = 1).await;
    let first = world.client.connect((TARGET, port).into()).await.unwrap();
    let second = world.client.connect((TARGET, port).into());
    let mut second = std::pin::pin!(second);
    assert!(timeout(Duration::from_millis(100), &mut second).await.is_err());
    let (server, _) = listener.accept().await.unwrap();
    drop((first, server));
    timeout(PATIENCE, second).await.unwrap().unwrap();
}

/// A target that sends first, behind the head of the proxy's answer.
#[tokio::test]
async fn what_comes_with_the_answer_is_not_lost() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\nwelcome").await.unwrap();
        client.read_u8().await
    });
    let world = world(&format!("http://127.0.0.1:{port}"), |_| {}).await;
    let mut stream = world.client.connect((TARGET, 25).into()).await.unwrap();
    let mut heard = [0; 7];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard, b"welcome");
}

#[tokio::test]
async fn names_are_asked_for_over_tcp() {
    const QUESTION: &[u8] = &[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let len = stream.read_u16().await.unwrap();
            let mut message = vec![0; usize::from(len)];
            stream.read_exact(&mut message).await.unwrap();
            message[2] |= 0x80;
            stream.write_all(&len.to_be_bytes()).await.unwrap();
            stream.write_all(&message).await.unwrap();
        }
    });
    let server = SocketAddr::from((TARGET, port));
    let world = world(&ways().await[0], |proxy| proxy.dns = Some(server)).await;
    let packets = world.client.packets(8).unwrap();
    // A datagram that answers one from the server is one to it.
    let ask = |port: u16| {
        let asked = super::datagram::Datagram {
            source: (TARGET, port).into(),
            destination: (CLIENT, 4_000).into(),
            data: bytes::Bytes::new(),
        };
        packets.send(asked.answer(QUESTION)).unwrap();
    };
    ask(53);
    let answer = timeout(PATIENCE, packets.recv()).await.unwrap().unwrap();
    let answer = super::datagram::Datagram::parse(&answer.packet).unwrap();
    assert_eq!(answer.source, (TARGET, 53).into());
    assert_eq!(answer.destination, (CLIENT, 4_000).into());
    assert_eq!(answer.data[2], 0x81);
    assert_eq!(answer.data[3..], QUESTION[3..]);
    // Nobody is at another port.
    ask(54);
    let answer = timeout(PATIENCE, packets.recv()).await.unwrap().unwrap();
    assert_eq!(answer.packet.to_bytes()[20..22], [3, 3], "port unreachable");
    assert!(super::metrics::text(&world.stats).contains("\nsockeye_proxy_dns_answered_total 1\n"));
}

#[test]
fn ways_are_read() {
    for good in ["direct", "socks5://[::1]:1080", "socks5h://a:9", "http://u:p@proxy.example:3128/"]
    {
        good.parse::<Via>().expect(good);
    }
    // No password is ever shown.
    let secret: Via = "socks5://u:hidden@a:9".parse().unwrap();
    assert!(!format!("{secret} {secret:?}").contains("hidden"));
    for (bad, why) in [
        ("proxy:1080", "write direct"),
        ("socks4://a:9", "socks4"),
        ("https://a:9", "https"),
        ("socks5://a", "port is missing"),
        ("socks5://a:0", "0 is no port"),
        ("socks5://a:99999", "no port"),
        ("socks5://::1:1080", "write [::1]:1080"),
        ("socks5://:1080", "no host"),
        ("http://a/b:80", "no host"),
        ("socks5://:p@a:9", "1 to 255"),
        ("socks5://%ff:p@a:9", "UTF-8"),
    ] {
        let error = bad.parse::<Via>().unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
    }
}
