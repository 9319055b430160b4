//! What is told: by `-v`, in captures, and by errors before anything begins.

use super::support::{Linux, Namespace, has_tool};
use super::{FAMILIES, in_url};
use std::process::Command;

#[test]
fn the_story_is_told_from_syn_to_time_wait() {
    let Some(namespace) = Namespace::new("story") else { return };
    for (_, linux, subnet) in FAMILIES {
        let peer = namespace.linux(Linux::Echo);
        let port = peer.port().to_string();
        let answer = namespace
            .run(&["connect", linux, &port, "--tun", "sk0", "--addr", subnet, "-v"], b"hello");
        peer.finish();
        assert_eq!((answer.code, &*answer.stdout), (Some(0), &b"hello"[..]), "{}", answer.stderr);
        let mut rest = &*answer.stderr;
        for next in [
            "TUN device sk0 created and set up, as by:",
            &format!("  ip addr add {linux}/"),
            "→ SYN ",
            "[SYN-SENT]",
            "← SYN,ACK ",
            " + 1 ✓) [ESTABLISHED]",
            "→ ACK ",
            " + 1 ✓) [ESTABLISHED]",
            "→ FIN,ACK ",
            "[FIN-WAIT-1]",
            "← ",
            "[TIME-WAIT]",
            "→ ACK ",
            " + 1 ✓) [TIME-WAIT]",
            "closed by both ends: 5 bytes sent, 5 received",
        ] {
            let at = rest.find(next).unwrap_or_else(|| panic!("{next:?} in {}", answer.stderr));
            rest = &rest[at + next.len()..];
        }
    }
}

#[test]
fn a_refusal_takes_a_round_trip() {
    let Some(namespace) = Namespace::new("trip") else { return };
    for (_, linux, subnet) in FAMILIES {
        let answer =
            namespace.run(&["connect", linux, "9", "--tun", "sk0", "--addr", subnet, "-v"], b"");
        let lines: Vec<_> = answer.stderr.lines().collect();
        let at = lines.iter().position(|line| line.contains("← RST,ACK")).unwrap();
        let reset = lines[at];
        // Linux may not listen to a device in its first second, so that the first SYN can be lost; the next one is answered.
        assert!(lines[at - 1].contains("→ SYN "), "{}", answer.stderr);
        let syns = lines.iter().filter(|line| line.contains("→ SYN ")).count();
        assert!(syns <= 2, "{}", answer.stderr);
        assert!(reset.contains("✓) [CLOSED]"), "{reset}");
    }
}

#[test]
fn captures_hold_no_bad_packet() {
    let Some(namespace) = Namespace::new("capture") else { return };
    if !has_tool("tshark") || !has_tool("curl") {
        println!("skipped: needs tshark and curl");
        return;
    }
    let folder = namespace.folder();
    std::fs::write(folder.join("file"), vec![b'x'; 2_000_000]).unwrap();
    let capture = folder.join("capture.pcapng");
    let (place, capture) = (folder.to_str().unwrap(), capture.to_str().unwrap());
    let (v4, v6) = (FAMILIES[0], FAMILIES[1]);
    let server = namespace.sockeye(&[
        "serve", place, "--tun", "sk0", "--addr", v4.2, "--addr", v6.2, "--pcap", capture,
    ]);
    for (ours, ..) in FAMILIES {
        namespace.linux(Linux::Reach { to: format!("{}:80", in_url(ours)) }).finish();
        let output = namespace.fetch(&format!("http://{}/file", in_url(ours)));
        assert_eq!(output.wait_with_output().unwrap().stdout.len(), 2_000_000);
    }
    assert_eq!(server.terminate(), Some(0));

    let tshark = |filter: &str| {
        let checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
        let output = Command::new("tshark")
            .args(["-r", capture, "-Y", filter])
            .args(checks)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let bad = "_ws.malformed || tcp.checksum.status == \"Bad\" || ip.checksum.status == \"Bad\"";
    assert_eq!(tshark(bad), "");
    for family in ["ip", "ipv6"] {
        let good = tshark(&format!("{family} && tcp.checksum.status == \"Good\"")).lines().count();
        assert!(good > 50, "{good} good ones over {family}");
    }

    // And our own eye: nothing lost, nothing against the rules.
    let told = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["read", "--json", capture])
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8(told.stdout).unwrap().lines().count() >= 4);
}

#[test]
fn errors_say_what_to_do() {
    let Some(namespace) = Namespace::new("errors") else { return };
    let says = |arguments: &[&str], code: i32, what: &str| {
        let answer = namespace.run(arguments, b"");
        assert_eq!(answer.code, Some(code), "{arguments:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(what), "{arguments:?}: {}", answer.stderr);
    };
    let tun = ["--tun", "sk0", "--addr"];
    let serve =
        |dir: &'static str, rest: &[&'static str]| [&["serve", dir], &tun[..], rest].concat();
    says(&serve(".", &["192.0.2.2"]), 2, "write 192.0.2.2/24");
    says(&serve(".", &["192.0.2.2/33"]), 2, "from 0 to 32");
    says(&serve(".", &["192.0.2.2/24", "--port", "0"]), 2, "1..=65535");
    says(&serve(".", &["2001:db8::2/64", "--mtu", "1000"]), 2, "needs 1280");
    says(&serve("/does/not/exist", &["192.0.2.2/24"]), 1, "/does/not/exist cannot be served");
    says(&["listen", "0", "--tun", "sk0", "--addr", "192.0.2.2/24"], 2, "1..=65535");
    says(&["listen", "1", "--tun", "lo", "--addr", "192.0.2.2/24"], 1, "no plain TUN device");
    says(&["listen", "1", "--tun", "a b", "--addr", "192.0.2.2/24"], 1, "no interface name");
    says(&["serve", ".", "--interface", "nowhere", "--addr", "192.0.2.2/24"], 1, "no interface");
    says(&["serve", ".", "--addr", "192.0.2.2/24"], 2, "--tun");
    let nowhere = ["--pcap", "/does/not/exist"];
    says(&serve(".", &["192.0.2.2/24", nowhere[0], nowhere[1]]), 1, "choose another --pcap");
    let wrong_family = ["connect", "2001:db8::1", "1", "--tun", "sk0", "--addr", "192.0.2.2/24"];
    says(&wrong_family, 1, "add an --addr of the other family");

    let own = namespace.command("ip").args(["addr", "add", "192.0.2.5/32", "dev", "lo"]).status();
    assert!(own.unwrap().success());
    says(&serve(".", &["192.0.2.5/24"]), 1, "192.0.2.5 is in use");

    let first = namespace.sockeye(&["listen", "7000", "--tun", "sk0", "--addr", "192.0.2.2/24"]);
    namespace.linux(Linux::Refused { by: "192.0.2.2:7001".into() }).finish();
    says(
        &["listen", "1", "--tun", "sk0", "--addr", "192.0.2.3/24"],
        1,
        "in use by another program",
    );
    assert_eq!(first.terminate(), Some(0));
}

#[test]
fn lack_of_privilege_is_told_with_the_commands() {
    let Some(namespace) = Namespace::new("privilege") else { return };
    if !has_tool("setpriv") {
        println!("skipped: needs setpriv");
        return;
    }
    let mut unprivileged = namespace.command("setpriv");
    let output = unprivileged
        .args(["--inh-caps=-all", "--bounding-set=-all", env!("CARGO_BIN_EXE_sockeye")])
        .args(["listen", "1", "--tun", "sk0", "--addr", "192.0.2.2/24"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("CAP_NET_ADMIN") && told.contains("ip addr add 192.0.2.1/24"), "{told}");
}
