//! What the runner has beyond packetdrill is as strict: what is wrong there fails too.

use sockeye_drill::{IpVersion, Report, Settings, run_text};

fn run(text: &str, version: IpVersion) -> Report {
    run_text("extension.pkt", text, &Settings { version, ..Settings::default() })
}

fn must_pass(text: &str, version: IpVersion) {
    let report = run(text, version);
    assert!(report.passed() && report.warnings.is_empty(), "{report} {:?}", report.warnings);
}

/// The script with `from` changed to `to` fails, and says `told`.
fn must_fail(text: &str, version: IpVersion, (from, to): (&str, &str), told: &str) {
    assert_eq!(text.matches(from).count(), 1, "{from} is not unique");
    let report = run(&text.replace(from, to), version);
    assert!(!report.passed(), "{from} -> {to} passed");
    assert!(report.to_string().contains(told), "{from} -> {to}: {report}");
}

const OPEN: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
";

#[test]
fn wrong_checksums_and_ip_options() {
    for version in [IpVersion::V4, IpVersion::V6] {
        let word = if version == IpVersion::V4 { "0x1e04abcd" } else { "0x1e02abcd" };
        let text = format!(
            "{OPEN}+.1 < [badsum] P. 1:11(10) ack 1 win 32792\n\
             +.1 < [ipopt {word}, ttl 3] P. 1:101(100) ack 1 win 32792\n+0 > . 1:1(0) ack 101\n"
        );
        must_pass(&text, version);
        must_fail(&text, version, ("[badsum] ", ""), "ack: expected 101, actual 11");
        must_fail(&text, version, ("ttl 3]", "badsum]"), "nothing was sent");
    }
    // RFC 8200 §4.2: the two highest bits of this one say that the packet is to be discarded.
    let refused = format!("{OPEN}+.1 < [ipopt 0x5e02abcd] P. 1:11(10) ack 1 win 32792\n");
    must_pass(&refused, IpVersion::V6);
}

#[test]
fn raw_options_are_sent_as_they_are() {
    let text = OPEN.replace("<mss 1000>", "<raw 020403e8>")
        + "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n";
    let text = format!("--strict_segments\n{text}");
    must_pass(&text, IpVersion::V4);
    must_fail(&text, IpVersion::V4, ("020403e8", "020400c8"), "payload length");
}

#[test]
fn batches_are_answered_as_one() {
    let text = format!(
        "--inbound_batches\n{OPEN}+.1 < . 1:1001(1000) ack 1 win 32792\n\
         +0 < . 1001:2001(1000) ack 1 win 32792\n+0 > . 1:1(0) ack 2001\n"
    );
    must_pass(&text, IpVersion::V4);
    must_fail(&text, IpVersion::V4, ("--inbound_batches\n", ""), "ack: expected 2001, actual 1001");
    must_fail(&text, IpVersion::V4, ("ack 2001", "ack 1001"), "ack: expected 1001, actual 2001");
}

const CONNECT: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+0 %{ assert local_port == 8080 and remote_port == 8080 }%
+0 %{ assert local_ip == '192.168.0.1' and remote_ip == '192.0.2.1', (local_ip, remote_ip) }%
+0 %{ assert local_isn > 0 }%
";

#[test]
fn ends_are_what_they_are() {
    must_pass(CONNECT, IpVersion::V4);
    must_fail(CONNECT, IpVersion::V4, ("'192.0.2.1'", "'192.0.2.2'"), "assertion failed");
    must_fail(
        CONNECT,
        IpVersion::V4,
        ("local_port == 8080", "local_port == 80"),
        "assertion failed",
    );
    must_fail(CONNECT, IpVersion::V4, ("local_isn > 0", "local_isn == 0"), "assertion failed");
    // By the route the source is another; the socket is bound to the first, which the runner asks for without being told.
    let two = format!("`ip addr add 192.0.2.7/24 dev tun1`\n{CONNECT}");
    must_pass(&two, IpVersion::V4);
    must_fail(&two, IpVersion::V4, ("+0 bind(3, ..., ...) = 0\n", ""), "assertion failed");
}

#[test]
fn what_is_for_one_direction_only() {
    for (text, told) in [
        ("0 > [badsum] . 1:1(0) ack 1", "inbound"),
        ("0 > [ipopt 0x1] . 1:1(0) ack 1", "inbound"),
        ("0 > . 1:1(0) ack 1 <raw 00000000>", "inbound"),
        ("0 < . 1:1(0) ack 1 win 1 <raw 000000>", "multiple of 4"),
        ("0 < . 1:1(0) ack 1 win 1 <raw 0>", "pairs"),
    ] {
        let report = run(text, IpVersion::V4);
        assert!(!report.passed() && report.to_string().contains(told), "{text}: {report}");
    }
}
