//! What Linux's side does, on the standard library's sockets.
#![expect(clippy::unwrap_used, reason = "it runs in tests alone")]

use super::{pattern, payload_len, proxies};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Carries the role from the test to the process inside the namespace.
pub(crate) const ROLE: &str = "SOCKEYE_TEST_LINUX_PEER";

/// How long a device may take to appear and to pass packets.
const PATIENCE: Duration = Duration::from_secs(20);

/// A role.
pub(crate) enum Linux {
    /// Accepts, and sends everything back.
    Echo,
    /// Connects, and sends the pattern.
    Send { to: String },
    /// Connects and closes: whoever is there is ready.
    Reach { to: String },
    /// Connects, is ready once an octet has come, and closes when the other end has.
    Wait { to: String },
    /// As `Wait`, but writes on after the other end has closed, until it is reset.
    Stay { to: String },
    /// Connects, and resets once something has come.
    ConnectAndReset { to: String },
    /// Connects where nothing listens.
    Refused { by: String },
    /// Everything that `sockeye proxy` needs around it.
    Proxies(proxies::Role),
    /// Accepts, says `bye` and closes first.
    CloseFirst,
    /// Accepts and closes with data unread, which resets.
    Reset,
}

impl Linux {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Echo => "echo".into(),
            Self::Send { to } => format!("send {to}"),
            Self::Reach { to } => format!("reach {to}"),
            Self::Wait { to } => format!("wait {to}"),
            Self::Stay { to } => format!("stay {to}"),
            Self::ConnectAndReset { to } => format!("connect-and-reset {to}"),
            Self::Refused { by } => format!("refused {by}"),
            Self::Proxies(role) => role.to_text(),
            Self::CloseFirst => "close-first".into(),
            Self::Reset => "reset".into(),
        }
    }
}

/// Does what [`ROLE`] says; nothing without it.
pub(crate) fn play_the_linux_side() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match role.split_once(' ') {
        Some(("send", to)) => send(to),
        Some(("reach", to)) => drop(reach(to)),
        Some(("wait", to)) => wait(to),
        Some(("stay", to)) => stay(to),
        // Unread data makes the close a reset.
        Some(("connect-and-reset", to)) => assert!(reach(to).peek(&mut [0]).is_ok()),
        Some(("refused", by)) => refused(by),
        Some(("proxies", role)) => proxies::play(role),
        _ => serve(&role),
    }
}

fn serve(role: &str) {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).unwrap();
    println!("ready at {}", listener.local_addr().unwrap().port());
    let (mut stream, _) = listener.accept().unwrap();
    match role {
        "echo" => {
            let mut reader = stream.try_clone().unwrap();
            std::io::copy(&mut reader, &mut stream).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        }
        "close-first" => {
            stream.write_all(b"bye").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
        }
        // Unread data makes the close a reset.
        "reset" => assert!(stream.peek(&mut [0]).is_ok()),
        other => panic!("no role {other}"),
    }
}

/// The device may not be there yet.
fn reach(to: &str) -> TcpStream {
    println!("ready at 0");
    connect(to)
}

pub(super) fn connect(to: &str) -> TcpStream {
    let started = Instant::now();
    loop {
        match attempt(to) {
            Ok(stream) => return stream,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{to}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An attempt must end soon: for a moment after an IPv6 address has come up, Linux opens connections from `::1` that nobody may answer.
fn attempt(to: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&to.parse().unwrap(), Duration::from_secs(2))
}

fn send(to: &str) {
    let mut stream = reach(to);
    stream.write_all(&pattern(payload_len())).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
}

fn wait(to: &str) {
    let mut stream = hear(to);
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
}

/// An octet says that the connection was accepted.
fn hear(to: &str) -> TcpStream {
    let mut stream = connect(to);
    stream.read_exact(&mut [0]).unwrap();
    println!("ready at 0");
    stream
}

fn stay(to: &str) {
    let mut stream = hear(to);
    let started = Instant::now();
    let error = loop {
        assert!(started.elapsed() < PATIENCE, "still not reset");
        match stream.write_all(b"x") {
            Ok(()) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

fn refused(by: &str) {
    println!("ready at 0");
    let started = Instant::now();
    loop {
        let error = attempt(by).expect_err("nothing listens there");
        if error.kind() == ErrorKind::ConnectionRefused {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{by}: {error}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
