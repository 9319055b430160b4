//! The client: a process of its own with Linux's sockets, told on its standard input what to do.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// What tells the program that it is the client.
pub(crate) const ARGUMENT: &str = "--as-client";

/// How an answer to a command ends.
const END: &str = "end";

/// A client, in our network namespace or in one of its own.
pub(crate) struct Client {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    pub(crate) fn start(is_apart: bool) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = if is_apart {
            let mut command = Command::new("unshare");
            command.arg("--net").arg(program);
            command
        } else {
            Command::new(program)
        };
        let command = command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut client = Self {
            commands: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        };
        // It is in its namespace once it answers.
        client.run("exec true");
        client
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Runs a command and says what it printed.
    pub(crate) fn run(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}").unwrap();
        let mut answer = String::new();
        loop {
            let begin = answer.len();
            assert!(
                self.answers.read_line(&mut answer).unwrap() > 0,
                "the client ended: {command}"
            );
            if answer[begin..].trim_end() == END {
                answer.truncate(begin);
                return answer;
            }
        }
    }

    pub(crate) fn stop(mut self) {
        drop(self.commands);
        self.process.wait().unwrap();
    }
}

pub(crate) fn main() {
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["exec", program, ..] => {
                let output = Command::new(program).args(&words[2..]).output().unwrap();
                print!("{}", String::from_utf8_lossy(&output.stdout));
                eprint!("{}", String::from_utf8_lossy(&output.stderr));
            }
            ["ping", address, count] => ping(address.parse().unwrap(), count.parse().unwrap()),
            ["send", address, connections, millis] => send(
                address.parse().unwrap(),
                connections.parse().unwrap(),
                Duration::from_millis(millis.parse().unwrap()),
            ),
            _ => panic!("no command: {line}"),
        }
        println!("{END}");
    }
}

/// Sends an octet, waits for it to come back, and again; prints the median and the 99th percentile of the time, in microseconds.
fn ping(address: SocketAddr, count: usize) {
    let mut stream = connect_patiently(address);
    stream.set_nodelay(true).unwrap();
    let mut times = Vec::with_capacity(count);
    for number in 0..count + count / 10 {
        let begin = Instant::now();
        stream.write_all(&[7]).unwrap();
        stream.read_exact(&mut [0]).unwrap();
        // The first ones warm up.
        if number >= count / 10 {
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    times.sort_by(f64::total_cmp);
    println!("{} {}", times[count / 2], times[count * 99 / 100]);
}

/// Sends on that many connections at once, for that long from when all are open.
fn send(address: SocketAddr, connections: usize, time: Duration) {
    let streams: Vec<TcpStream> = (0..connections).map(|_| connect_patiently(address)).collect();
    let end = Instant::now() + time;
    let senders: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            std::thread::spawn(move || {
                let buffer = vec![7; 64 * 1024];
                while Instant::now() < end && stream.write_all(&buffer).is_ok() {}
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

fn connect_patiently(address: SocketAddr) -> TcpStream {
    let begin = Instant::now();
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
            Ok(stream) => return stream,
            Err(error) => {
                assert!(begin.elapsed() < Duration::from_secs(10), "{address}: {error}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
