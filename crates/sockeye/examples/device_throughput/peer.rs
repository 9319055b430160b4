//! The other end: Linux's sockets, in this process or in another one in a namespace of its own.

use super::BUFFER_BYTES;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

pub(super) fn connect_patiently(address: SocketAddr) -> TcpStream {
    let begin = Instant::now();
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            Ok(stream) => return stream,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(5), "{address}: {error}"),
        }
    }
}

/// Sends for that long, closes, waits for the other end to close too, and says how many octets it sent.
pub(super) fn send_for(mut stream: TcpStream, time: Duration) -> u64 {
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
pub(super) fn sink(mut stream: TcpStream) -> u64 {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut received = 0;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return received,
            read => received += read as u64,
        }
    }
}

/// A process in a namespace of its own, joined to ours by a veth pair; ours is v0.
pub(super) struct OtherLinux {
    pub(super) process: Child,
    commands: ChildStdin,
}

impl OtherLinux {
    pub(super) fn start(ours: Option<&str>, theirs: &str) -> Self {
        let mut command = unshared();
        let command = command.arg("--other-linux").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        lines.next();
        ip(&format!("link add v0 type veth peer name v1 netns {}", process.id()));
        if let Some(address) = ours {
            ip(&format!("addr add {address} dev v0"));
        }
        ip("link set dev v0 up");
        let mut other = Self { commands: process.stdin.take().unwrap(), process };
        other.tell(&format!("address {theirs}"));
        lines.next();
        other
    }

    pub(super) fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    pub(super) fn stop(self) {
        let Self { mut process, commands } = self;
        drop(commands);
        process.wait().unwrap();
        // It may be gone already, with the other namespace.
        let _ =
            Command::new("ip").args(["link", "del", "dev", "v0"]).stderr(Stdio::null()).status();
    }
}

/// Says a line when it has begun, and one after each command.
pub(super) fn other_linux() {
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
            ("source", what) => {
                let (address, millis) = what.split_once(' ').unwrap();
                let stream = connect_patiently(address.parse().unwrap());
                send_for(stream, Duration::from_millis(millis.parse().unwrap()));
            }
            (other, _) => panic!("no command {other}"),
        }
        // Nobody may listen any more.
        let _ = writeln!(std::io::stdout(), "done");
    }
}

pub(super) fn unshared() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--net").arg(std::env::current_exe().unwrap());
    command
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}
