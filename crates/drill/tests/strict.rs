//! The runner believes nothing: a script with one thing wrong fails, the right one passes.

use sockeye_drill::{IpVersion, Report, Settings, Verdict, run_text};

/// What the stack does, to the microsecond.
const RIGHT: &str = "\
--tolerance_usecs=1
--tolerance_percent=0
--tcp_ts_tick_usecs=1000
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 accept(3, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)
+0 < [ect0] S 0:0(0) win 32792 <mss 1000,sackOK,TS val 500 ecr 0,nop,wscale 7>
+0 > [noecn] S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 100 ecr 500,nop,wscale 7>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 600 ecr 100>
+0 accept(3, ..., ...) = 4
+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [0], [4]) = 0
+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1 <nop,nop,TS val 200 ecr 600>
+.1 < . 1:1(0) ack 1001 win 257 <nop,nop,TS val 700 ecr 200>
+0 %{ assert tcpi_unacked == 0, tcpi_unacked }%
+0...0.05 read(4, ..., 2000) = 300
+.05 < P. 1:301(300) ack 1001 win 257 <nop,nop,TS val 750 ecr 200>
+0 > . 1001:1001(0) ack 301 <...>
";

const ALL: [IpVersion; 3] = [IpVersion::V4, IpVersion::V6, IpVersion::Mapped];

fn run(text: &str) -> Report {
    run_over(text, IpVersion::V4)
}

fn run_over(text: &str, version: IpVersion) -> Report {
    run_text("strict.pkt", text, &Settings { version, ..Settings::default() })
}

fn line_of(part: &str) -> u32 {
    RIGHT.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}")) as u32
        + 1
}

/// Over every version of IP the script with `from` changed to `to` must fail at that line (or the next packet's), and say something of `told`.
fn must_fail(from: &str, to: &str, told: &str) {
    assert_eq!(RIGHT.matches(from).count(), 1, "{from} is not unique");
    for version in ALL {
        let report = run_over(&RIGHT.replace(from, to), version);
        let Verdict::Failed(failure) = &report.verdict else {
            panic!("passed with {from} -> {to} over {version:?}")
        };
        assert!(failure.message.contains(told), "{from} -> {to}: {report}");
        assert_eq!(failure.line, line_of(from), "{from} -> {to}: {report}");
    }
}

#[test]
fn the_right_script_passes() {
    for version in ALL {
        let report = run_over(RIGHT, version);
        assert!(report.passed(), "{version:?}: {report}");
        assert_eq!(report.warnings, [""; 0]);
    }
}

#[test]
fn every_field_of_a_segment_counts() {
    must_fail("P. 1:1001(1000) ack 1", "P. 2:1002(1000) ack 1", "seq: expected 2, actual 1");
    must_fail("P. 1:1001(1000) ack 1", "P. 1:1001(1000) ack 2", "ack: expected 2, actual 1");
    must_fail("P. 1:1001(1000) ack 1", ". 1:1001(1000) ack 1", "flags: expected ., actual P.");
    must_fail("ack 1 win 65535", "ack 1 win 65534", "window: expected 65534, actual 65535");
    must_fail("P. 1:1001(1000) ack 1", "P. 1:1000(999) ack 1", "payload length: expected 999");
    must_fail("P. 1:1001(1000) ack 1", "P. 1:1002(1001) ack 1", "should go on with this one");
    must_fail("P. 1:1001(1000) ack 1", "P. 1:1001(1000) ack 1 urg 1", "urgent pointer");
    must_fail("[noecn]", "[ect0]", "ECN bits: expected 2, actual 0");
    must_fail("[noecn]", "[tos 0x10]", "TOS");
    must_fail("[noecn]", "[ttl 63]", "TTL: expected 63, actual 64");
}

/// An acknowledgement alone and the data after it are two packets.
#[test]
fn an_acknowledgement_is_no_part_of_the_data_after_it() {
    let from =
        "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1 <nop,nop,TS val 200 ecr 600>\n";
    let to = "+0 < . 1:101(100) ack 1 win 257 <nop,nop,TS val 600 ecr 100>\n\
              +0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 101 <...>\n";
    assert_eq!(RIGHT.matches(from).count(), 1);
    let report = run(&RIGHT.replace(from, to));
    let Verdict::Failed(failure) = &report.verdict else { panic!("passed") };
    assert!(failure.message.contains("should go on with this one"), "{report}");
}

#[test]
fn every_option_counts() {
    let options = "<mss 1460,sackOK,TS val 100 ecr 500,nop,wscale 7>";
    for other in [
        "<mss 1461,sackOK,TS val 100 ecr 500,nop,wscale 7>",
        "<sackOK,mss 1460,TS val 100 ecr 500,nop,wscale 7>",
        "<mss 1460,sackOK,TS val 100 ecr 500,wscale 7,nop>",
        "<mss 1460,sackOK,TS val 100 ecr 501,nop,wscale 7>",
        "<mss 1460,sackOK,TS val 100 ecr 500,nop,wscale 6>",
        "<mss 1460,nop,nop,TS val 100 ecr 500,nop,wscale 7>",
        "<mss 1460,sackOK,TS val 100 ecr 500,nop,wscale 7,nop,nop,nop,nop>",
        "<mss 1460,sackOK,TS val 100 ecr 500>",
    ] {
        must_fail(options, other, "options: expected");
    }
    must_fail(options, "", "options: expected");
    // The first timestamp is any; the clock from there on is Sockeye's.
    must_fail("TS val 200 ecr 600", "TS val 203 ecr 600", "options: expected");
}

#[test]
fn time_counts() {
    must_fail(
        "+0 > P.",
        "+.001 > P.",
        "time: expected the packet at 0.101000 s, actual at 0.100000 s",
    );
    must_fail("+0 > . 1001", "+.01~+.02 > . 1001", "time: expected the packet between");
    must_fail(
        "+0...0.05 read",
        "+0...0.06 read",
        "expected the call to return at 0.260000 s, actual at 0.250000 s",
    );
    let forward = RIGHT.replace("+.1 < . 1:1(0) ack 1001", "0.01 < . 1:1(0) ack 1001");
    assert!(!run(&forward).passed());
}

#[test]
fn results_of_calls_count() {
    must_fail(
        "write(4, ..., 1000) = 1000",
        "write(4, ..., 1000) = 999",
        "result: expected 999, actual 1000",
    );
    must_fail("= -1 EAGAIN", "= -1 EINVAL", "errno: expected EINVAL, actual -1 EAGAIN");
    must_fail(
        "= -1 EAGAIN (Resource temporarily unavailable)",
        "= 5",
        "result: expected 5, actual -1 EAGAIN",
    );
    must_fail("TCP_NODELAY, [0]", "TCP_NODELAY, [1]", "value: expected 1, actual 0");
    must_fail("revents=POLLOUT", "revents=POLLIN|POLLOUT", "revents");
    must_fail(
        "read(4, ..., 2000) = 300",
        "read(4, ..., 2000) = 301",
        "result: expected 301, actual 300",
    );
    must_fail("SO_REUSEADDR", "SO_UNHEARD_OF", "unknown symbol");
}

#[test]
fn assertions_count() {
    must_fail(
        "tcpi_unacked == 0",
        "tcpi_unacked == 1",
        "assertion failed: assert tcpi_unacked == 1 (0)",
    );
    must_fail("tcpi_unacked == 0", "tcpi_unheard_of == 0", "not defined");
    must_fail("tcpi_unacked == 0", "import_os()", "unsupported");
}

#[test]
fn what_does_not_come_is_missed() {
    let missing = format!("{RIGHT}+.01 > . 1001:1001(0) ack 301 <...>\n");
    let Verdict::Failed(failure) = run(&missing).verdict else { panic!("passed") };
    assert!(failure.message.contains("nothing was sent until"), "{}", failure.message);
    // The last packet is not in the script, and has been sent when it ends.
    let trailing = RIGHT.replace("+0 > . 1001:1001(0) ack 301 <...>", "+0.1 close(3) = 0");
    let Verdict::Failed(failure) = run(&trailing).verdict else { panic!("passed") };
    assert!(failure.message.contains("one more packet"), "{}", failure.message);
    assert!(
        failure.actual.as_deref().is_some_and(|actual| actual.contains(". 1001:1001(0) ack 301"))
    );
    let lenient = Settings { allow_trailing: true, ..Settings::default() };
    assert!(run_text("strict.pkt", &trailing, &lenient).passed());
    // One between others is taken for the next one that is expected.
    let extra = RIGHT.replace("+0 > P. 1:1001(1000) ack 1 <nop,nop,TS val 200 ecr 600>\n", "");
    assert!(!run(&extra).passed());
}

#[test]
fn a_call_that_never_returns_is_noticed() {
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n";
    for call in ["+0 accept(3, ..., ...) = 4", "+0...0.1 accept(3, ..., ...) = 4"] {
        let report = run(&format!("{text}{call}"));
        let Verdict::Failed(failure) = report.verdict else { panic!("passed") };
        assert!(failure.message.contains("still blocks"), "{}", failure.message);
    }
}

#[test]
fn both_packets_are_shown() {
    let text = run(&RIGHT.replace("P. 1:1001(1000) ack 1", "P. 1:1001(1000) ack 2")).to_string();
    // Which window is offered is not this test's business.
    let window = text.split(" win ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let text = text.replace(&format!("win {window} "), "win WIN ");
    let shown: Vec<&str> = text.lines().collect();
    assert_eq!(
        shown,
        [
            "FAIL strict.pkt:17: ack: expected 2, actual 1",
            "     expected 0.100000 > P. 1:1001(1000) ack 2 <nop,nop,TS val 200 ecr 600>",
            "     actual   0.100000 > P. 1:1001(1000) ack 1 win WIN <nop,nop,TS val 200 ecr 600>",
        ]
    );
}

#[test]
fn segments_are_joined_unless_strictly_taken() {
    let text = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 2500) = 2500
";
    let whole = format!("{text}+0 > P. 1:2501(2500) ack 1\n");
    assert!(run(&whole).passed(), "{}", run(&whole));
    assert!(!run(&format!("--strict_segments\n{whole}")).passed());
    let cut = format!(
        "--strict_segments\n{text}+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:2001(1000) ack 1\n+0 > P. 2001:2501(500) ack 1\n"
    );
    assert!(run(&cut).passed(), "{}", run(&cut));
    assert!(!run(&cut.replace("1:1001(1000)", "1:501(500)")).passed());
}

#[test]
fn settings_are_taken_or_told() {
    let text = "`sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_unheard_of=1`\n\
                0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
                +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n\
                +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n\
                +0 > S 0:0(0) <mss 1460,nop,nop,TS val 1 ecr 0,nop,wscale 7>\n";
    let report = run(text);
    assert!(report.passed(), "{report}");
    assert_eq!(report.warnings, ["line 1: net.ipv4.tcp_unheard_of=1: unknown setting"]);
    let report = run(&text.replace("sysctl -q net.ipv4.tcp_sack=0", "nstat | grep"));
    assert!(matches!(report.verdict, Verdict::Skipped(_)), "{report}");
    let foreign = "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3";
    assert!(matches!(run(foreign).verdict, Verdict::Skipped(_)));
}

#[test]
fn flow_labels_are_relative() {
    let text = "\
--ip_version=ipv6
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > [flowlabel 0x1] S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 100) = 100
+0 > [flowlabel 0x1] P. 1:101(100) ack 1
";
    let report = run(text);
    assert!(report.passed(), "{report}");
    assert_eq!(report.version, IpVersion::V6);
    assert!(!run(&text.replace("[flowlabel 0x1] P.", "[flowlabel 0x2] P.")).passed());
}

#[test]
fn scripts_that_cannot_run_fail() {
    for (text, told) in [
        ("0 > . 1:1(0)", "no socket"),
        ("+1 close(3) = 0", "time 0"),
        ("0 frobnicate(1) = 0", "unknown system call"),
        ("--unheard_of=1\n0 close(3) = 0", "unknown option"),
        ("0 close(3, 4) = 0", "takes 1 arguments"),
        ("0 %{ assert 1 }%", "no socket"),
        ("0 close(", "expected an expression"),
        ("--ip_version=ipv6\n--local_ip=192.168.0.1\n0 close(3) = 0", "not addresses of ipv6"),
    ] {
        let Verdict::Failed(failure) = run(text).verdict else { panic!("{text} passed") };
        assert!(failure.message.contains(told), "{text}: {}", failure.message);
    }
}

#[test]
fn a_syn_ack_with_a_number_of_its_own_begins_a_new_connection() {
    let script = |number: u32| {
        format!(
            "0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0  bind(3, ..., ...) = 0\n+0  listen(3, 1) = 0\n\
             +0  < S 0:0(0) win 1000\n+0  > S. 0:0(0) ack 1 <...>\n+.1 < R 1:1(0) win 0\n\
             +.1 < S 50:50(0) win 1000\n+0  > S. {number}:{number}(0) ack 51 <...>\n\
             +.1 < . 1:1(0) ack 1 win 1000\n+0  accept(3, ..., ...) = 4\n"
        )
    };
    assert_eq!(run(&script(700)).verdict, Verdict::Passed);
    // The number as before means the SYN-ACK as before, which this is not.
    let Verdict::Failed(failure) = run(&script(0)).verdict else { panic!("passed") };
    assert!(failure.message.contains("seq: expected 0"), "{}", failure.message);
}
