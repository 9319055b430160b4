//! The proxies, servers and clients that `sockeye proxy` is tested with. Every proxy reaches its targets on the loopback, at the port
//! that was asked for: the addresses that clients use lead into the TUN device.
#![expect(clippy::unwrap_used, reason = "it runs in tests alone")]

use super::linux::connect;
use super::{pattern, payload_len};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{
    Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket,
};
use std::time::Duration;

/// A role.
pub(crate) enum Role {
    /// A SOCKS5 server (RFC 1928).
    Socks5,
    /// An HTTP proxy, by CONNECT.
    Http,
    /// Sends back what comes, on every connection.
    Echo,
    /// Answers every request by the pattern.
    Web,
    /// Answers questions over TCP at port 53.
    Names,
    /// Opens so many connections at once, then sends so much on each, closes its direction and hears the same.
    Converse { to: String, count: usize, len: usize },
    /// Asks a name server by UDP.
    Ask { server: String },
}

impl Role {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Socks5 => "proxies socks5".into(),
            Self::Http => "proxies http".into(),
            Self::Echo => "proxies echo".into(),
            Self::Web => "proxies web".into(),
            Self::Names => "proxies names".into(),
            Self::Converse { to, count, len } => format!("proxies converse {to} {count} {len}"),
            Self::Ask { server } => format!("proxies ask {server}"),
        }
    }
}

pub(super) fn play(role: &str) {
    let words: Vec<_> = role.split(' ').collect();
    match words[..] {
        ["socks5"] => serve(0, socks5),
        ["http"] => serve(0, http),
        ["echo"] => serve(0, |stream| echo(&stream)),
        ["web"] => serve(0, web),
        ["names"] => serve(53, answer),
        ["converse", to, count, len] => converse(to, count.parse().unwrap(), len.parse().unwrap()),
        ["ask", server] => ask(server),
        _ => panic!("no role {role}"),
    }
}

/// Serves every connection in a thread of its own, until it is killed.
fn serve(port: u16, job: fn(TcpStream) -> io::Result<()>) {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap();
    println!("ready at {}", listener.local_addr().unwrap().port());
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        // What breaks off shows at the other end.
        std::thread::spawn(move || drop(job(stream)));
    }
}

fn echo(stream: &TcpStream) -> io::Result<()> {
    one_way(stream, stream)
}

/// Until its end, which is passed on. A reference needs no descriptor more.
fn one_way(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    io::copy(&mut from, &mut to)?;
    to.shutdown(Shutdown::Write)
}

/// Both ways.
fn join(client: &TcpStream, target: &TcpStream) -> io::Result<()> {
    std::thread::scope(|scope| {
        scope.spawn(|| one_way(client, target));
        one_way(target, client)
    })
}

fn socks5(mut client: TcpStream) -> io::Result<()> {
    let mut methods = [0; 2];
    client.read_exact(&mut methods)?;
    client.read_exact(&mut vec![0; usize::from(methods[1])])?;
    client.write_all(&[5, 0])?;
    let mut request = [0; 4];
    client.read_exact(&mut request)?;
    let address_len = if request[3] == 1 { 4 } else { 16 };
    let mut target = vec![0; address_len + 2];
    client.read_exact(&mut target)?;
    let port = u16::from_be_bytes([target[address_len], target[address_len + 1]]);
    let dialled = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    client.write_all(&[5, if dialled.is_ok() { 0 } else { 5 }, 0, 1, 0, 0, 0, 0, 0, 0])?;
    join(&client, &dialled?)
}

fn http(client: TcpStream) -> io::Result<()> {
    let mut head = BufReader::new(&client).lines();
    let first = head.next().unwrap()?;
    let target = first.split(' ').nth(1).unwrap().to_socket_addrs()?.next().unwrap();
    while !head.next().unwrap()?.is_empty() {}
    match TcpStream::connect((Ipv4Addr::LOCALHOST, target.port())) {
        Ok(dialled) => {
            (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            drop(head);
            join(&client, &dialled)
        }
        Err(_) => (&client).write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
    }
}

fn web(mut client: TcpStream) -> io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?).lines();
    while !head.next().unwrap()?.is_empty() {}
    let body = pattern(payload_len());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all(head.as_bytes())?;
    client.write_all(&body)
}

fn answer(mut client: TcpStream) -> io::Result<()> {
    let mut len = [0; 2];
    client.read_exact(&mut len)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
    client.read_exact(&mut message)?;
    message[2] |= 0x80;
    client.write_all(&[&len[..], &message].concat())
}

fn converse(to: &str, count: usize, len: usize) {
    println!("ready at 0");
    let said = pattern(len);
    let open: Vec<_> = (0..count).map(|_| connect(to)).collect();
    std::thread::scope(|scope| {
        let (said, open) = (&said, &open);
        // All are open before the first one is heard of again.
        scope.spawn(move || {
            for mut stream in open {
                stream.write_all(said).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            }
        });
        for mut stream in open {
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).unwrap();
            assert!(heard == *said, "{} octets came back", heard.len());
        }
    });
}

fn ask(server: &str) {
    const QUESTION: &[u8] = &[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
    println!("ready at 0");
    let server: SocketAddr = server.parse().unwrap();
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    for _ in 0..20 {
        let mut answer = [0; 100];
        if socket.send(QUESTION).is_ok()
            && let Ok(len) = socket.recv(&mut answer)
        {
            assert_eq!((len, answer[2]), (QUESTION.len(), 0x81));
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no answer");
}
