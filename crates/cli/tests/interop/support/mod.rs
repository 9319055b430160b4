//! A network namespace with `sockeye` on one side of a TUN device and a plain program on Linux's TCP on the other.

mod linux;
pub(crate) mod proxies;

pub(crate) use linux::{Linux, play_the_linux_side};

use linux::ROLE;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

/// How much is transferred.
pub(crate) fn payload_len() -> usize {
    let full = std::env::var_os("SOCKEYE_INTEROP").is_some_and(|value| value == "full");
    if full { 200_000_000 } else { 20_000_000 }
}

/// Octets that tell their place, so that nothing can be lost, repeated or moved unnoticed.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Whether a program is installed.
pub(crate) fn has_tool(name: &str) -> bool {
    Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// A private network namespace, gone when dropped.
pub(crate) struct Namespace {
    name: String,
    folder: PathBuf,
}

impl Namespace {
    /// `None`, and said so, where the privilege or the tools are missing.
    pub(crate) fn new(tag: &str) -> Option<Self> {
        let name = format!("sockeye-{tag}-{}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        if !made.is_ok_and(|made| made.status.success())
            || !std::path::Path::new("/dev/net/tun").exists()
        {
            println!("skipped: needs CAP_NET_ADMIN, iproute2 and /dev/net/tun");
            return None;
        }
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let namespace = Self { name, folder };
        let up = namespace.command("ip").args(["link", "set", "lo", "up"]).status();
        assert!(up.is_ok_and(|status| status.success()));
        Some(namespace)
    }

    /// A folder of the test's own.
    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A program inside, without input.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]).stdin(Stdio::null());
        command
    }

    /// Starts `sockeye`; its output is collected, its input is empty.
    pub(crate) fn sockeye(&self, arguments: &[&str]) -> Program {
        let mut command = self.command(env!("CARGO_BIN_EXE_sockeye"));
        command.args(arguments).stdin(Stdio::piped());
        Program::start(command)
    }

    /// Runs `sockeye` with this input to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Answer {
        let mut program = self.sockeye(arguments);
        let mut stdin = program.stdin.take().expect("piped");
        let input = input.to_vec();
        let feeding = std::thread::spawn(move || {
            // Whether the program took all of it shows in its answer.
            let _ = stdin.write_all(&input);
        });
        let answer = program.output();
        feeding.join().expect("the feeder");
        answer
    }

    /// Starts Linux's side; it is ready when this returns.
    pub(crate) fn linux(&self, role: Linux) -> Peer<'_> {
        let this_program = std::env::current_exe().expect("this test");
        let mut command = self.command(this_program.to_str().expect("a path in UTF-8"));
        command.args(["linux_peer", "--exact", "--nocapture"]).env(ROLE, role.to_text());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the peer starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let port = loop {
            let mut line = String::new();
            if lines.read_line(&mut line).expect("text") == 0 {
                panic!("the peer ended before it was ready");
            }
            if let Some(port) = line.split("ready at ").nth(1) {
                break port.trim().parse().expect("a port");
            }
        };
        Peer { child, lines, port, _namespace: self }
    }

    /// Fetches a URL with curl.
    pub(crate) fn fetch(&self, url: &str) -> Child {
        let mut command = self.command("curl");
        command.args([
            "--silent",
            "--show-error",
            "--fail",
            "--path-as-is",
            "--max-time",
            "300",
            url,
        ]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("curl starts")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A running `sockeye`, killed when dropped.
pub(crate) struct Program {
    child: Option<Child>,
    pub(crate) stdin: Option<ChildStdin>,
}

/// How it ended.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Program {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take();
        Self { child: Some(child), stdin }
    }

    /// Waits for its end; its input ends now at the latest.
    pub(crate) fn output(mut self) -> Answer {
        drop(self.stdin.take());
        let child = self.child.take().expect("not waited for yet");
        let Output { status, stdout, stderr } = child.wait_with_output().expect("its output");
        Answer {
            code: status.code(),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Asks it by a signal to end.
    pub(crate) fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("running");
        let killed = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    }

    /// Asks it by SIGTERM to end, and gives its exit code. Its input stays open.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        let stdin = self.stdin.take();
        let code = self.output().code;
        drop(stdin);
        code
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A running Linux side, killed when dropped.
pub(crate) struct Peer<'a> {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    port: u16,
    _namespace: &'a Namespace,
}

impl Peer<'_> {
    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn finish(mut self) {
        let mut rest = String::new();
        let _ = self.lines.read_to_string(&mut rest);
        assert!(self.child.wait().is_ok_and(|status| status.success()), "Linux's side: {rest}");
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
