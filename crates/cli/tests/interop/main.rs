//! `serve`, `connect`, `listen` and `proxy` against Linux, over TUN devices and an Ethernet interface in a network namespace of the test's own.
//!
//! `SOCKEYE_INTEROP=full` transfers 200 MB where 20 MB are usual, and serves fifty large and fifty small files at once.

mod ending;
mod proxy;
mod support;
mod telling;

use std::io::Read;
use std::process::Child;
use std::time::{Duration, Instant};
use support::{Linux, Namespace, Peer, has_tool, pattern, payload_len};

/// Sockeye's and Linux's addresses, and Sockeye's with its prefix.
const FAMILIES: [(&str, &str, &str); 2] =
    [("192.0.2.2", "192.0.2.1", "192.0.2.2/24"), ("2001:db8::2", "2001:db8::1", "2001:db8::2/64")];

/// An address as it stands in a URL.
fn in_url(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_string() }
}

#[test]
fn linux_fetches_files() {
    let Some(namespace) = Namespace::new("fetch") else { return };
    if !has_tool("curl") {
        println!("skipped: needs curl");
        return;
    }
    let full = std::env::var_os("SOCKEYE_INTEROP").is_some_and(|value| value == "full");
    let (large, small) = (pattern(payload_len()), pattern(100_000));
    let folder = namespace.folder();
    std::fs::write(folder.join("large"), &large).unwrap();
    std::fs::write(folder.join("small"), &small).unwrap();
    let place = folder.to_str().unwrap();
    let server = namespace.sockeye(&[
        "serve",
        place,
        "--tun",
        "sk0",
        "--addr",
        FAMILIES[0].2,
        "--addr",
        FAMILIES[1].2,
    ]);
    for (ours, ..) in FAMILIES {
        namespace.linux(Linux::Reach { to: format!("{}:80", in_url(ours)) }).finish();
        let url = |name: &str| format!("http://{}/{name}", in_url(ours));
        let many = if full { 50 } else { 4 };
        std::thread::scope(|scope| {
            for (name, expected) in (0..many).flat_map(|_| [("large", &large), ("small", &small)]) {
                scope.spawn(|| assert_fetched(namespace.fetch(&url(name)), expected));
            }
        });
        let missing = namespace.fetch(&url("..%2f..%2fetc%2fpasswd")).wait_with_output().unwrap();
        assert!(!missing.status.success() && missing.stdout.is_empty());
    }
    assert_eq!(server.terminate(), Some(0), "SIGTERM ends in order");
}

/// Compares while it comes: many large files at once would not fit into memory.
fn assert_fetched(mut fetch: Child, expected: &[u8]) {
    let mut got = fetch.stdout.take().expect("piped");
    let (mut buffer, mut len) = (vec![0; 1 << 16], 0);
    loop {
        let read = got.read(&mut buffer).expect("its output");
        if read == 0 {
            break;
        }
        assert!(expected[len..].starts_with(&buffer[..read]), "differs after {len} octets");
        len += read;
    }
    let output = fetch.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(len, expected.len());
}

#[test]
fn an_ethernet_interface_is_shared_with_linux() {
    let Some(namespace) = Namespace::new("veth") else { return };
    if !has_tool("curl") {
        println!("skipped: needs curl");
        return;
    }
    let ip = |arguments: &str| {
        let status = namespace.command("ip").args(arguments.split(' ')).status();
        assert!(status.unwrap().success(), "ip {arguments}");
    };
    ip("link add linux type veth peer name mine");
    for (_, linux, subnet) in FAMILIES {
        let prefix = subnet.split_once('/').unwrap().1;
        let nodad = if linux.contains(':') { " nodad" } else { "" };
        ip(&format!("addr add {linux}/{prefix} dev linux{nodad}"));
    }
    ip("link set dev linux up");
    ip("link set dev mine up");
    let large = pattern(payload_len());
    let folder = namespace.folder();
    std::fs::write(folder.join("large"), &large).unwrap();
    let (place, [v4, v6]) = (folder.to_str().unwrap(), FAMILIES.map(|family| family.2));
    let server =
        namespace.sockeye(&["serve", place, "--interface", "mine", "--addr", v4, "--addr", v6]);
    for (ours, ..) in FAMILIES {
        namespace.linux(Linux::Reach { to: format!("{}:80", in_url(ours)) }).finish();
        assert_fetched(namespace.fetch(&format!("http://{}/large", in_url(ours))), &large);
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn connect_sends_and_receives() {
    let Some(namespace) = Namespace::new("connect") else { return };
    let data = pattern(payload_len());
    for (_, linux, subnet) in FAMILIES {
        let peer = namespace.linux(Linux::Echo);
        let port = peer.port().to_string();
        let answer =
            namespace.run(&["connect", linux, &port, "--tun", "sk0", "--addr", subnet], &data);
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        assert!(answer.stdout == data, "{} octets came back", answer.stdout.len());
        peer.finish();
    }
}

#[test]
fn listen_takes_a_linux_client() {
    let Some(namespace) = Namespace::new("listen") else { return };
    for (ours, _, subnet) in FAMILIES {
        let server = namespace.sockeye(&["listen", "7000", "--tun", "sk0", "--addr", subnet]);
        // Its output must be read while it comes, or it takes no more from the peer.
        let reading = std::thread::spawn(|| server.output());
        let to = format!("{}:7000", in_url(ours));
        namespace.linux(Linux::Send { to }).finish();
        let answer = reading.join().unwrap();
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        assert!(answer.stdout == pattern(payload_len()), "{} octets", answer.stdout.len());
    }
}

#[test]
fn a_closed_port_refuses_at_once() {
    let Some(namespace) = Namespace::new("refuse") else { return };
    for (ours, linux, subnet) in FAMILIES {
        let started = Instant::now();
        let answer = namespace.run(&["connect", linux, "9", "--tun", "sk0", "--addr", subnet], b"");
        assert_eq!(answer.code, Some(1));
        assert!(answer.stderr.contains("refused"), "{}", answer.stderr);
        // A lost answer would take the first retransmission, a second later, to come.
        assert!(started.elapsed() < Duration::from_secs(30));

        let server = namespace.sockeye(&["listen", "7000", "--tun", "sk0", "--addr", subnet]);
        let peer = namespace.linux(Linux::Refused { by: format!("{}:7001", in_url(ours)) });
        peer.finish();
        assert_eq!(server.terminate(), Some(0));
    }
}

#[test]
fn either_end_closes_or_resets() {
    let Some(namespace) = Namespace::new("ends") else { return };
    for (_, linux, subnet) in FAMILIES {
        let connect = |peer: &Peer<'_>, input: &[u8]| {
            let port = peer.port().to_string();
            namespace.run(&["connect", linux, &port, "--tun", "sk0", "--addr", subnet], input)
        };
        let peer = namespace.linux(Linux::CloseFirst);
        let answer = connect(&peer, b"");
        assert_eq!((answer.code, &answer.stdout[..]), (Some(0), &b"bye"[..]), "{}", answer.stderr);
        peer.finish();

        let peer = namespace.linux(Linux::Reset);
        let answer = connect(&peer, b"hello");
        assert_eq!(answer.code, Some(1));
        assert!(answer.stderr.contains("reset"), "{}", answer.stderr);
        peer.finish();
    }
}

/// Not a test of its own: Linux's side of the others, which run it inside their namespace.
#[test]
fn linux_peer() {
    support::play_the_linux_side();
}
