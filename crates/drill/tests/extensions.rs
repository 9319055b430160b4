//! What the runner has beyond packetdrill is as strict: what is wrong there fails too.

mod common;

use common::{OPEN, must_fail, must_pass, run};
use sockeye_drill::IpVersion;

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

const MD5: &str = "setsockopt(3, SOL_TCP, TCP_MD5SIG, {md5_key=\"secret\"}, 216) = 0";
const AO: &str =
    "setsockopt(3, SOL_TCP, TCP_AO_ADD_KEY, {ao_key=\"secret\", sndid=1, rcvid=2}, 288) = 0";

/// A connection whose segments have these options, and 100 octets each way.
fn signed(key: &str, inbound: &str, outbound: &str) -> String {
    format!(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 {key}\n+0 bind(3, ..., ...) = 0\n\
         +0 listen(3, 1) = 0\n+0 < S 9:9(0) win 32792 <{inbound},mss 1000>\n\
         +0 > S. 0:0(0) ack 10 <{outbound},mss 1460>\n+.1 < . 1:1(0) ack 1 win 32792 <{inbound}>\n\
         +0 accept(3, ..., ...) = 4\n+.1 < P. 1:101(100) ack 1 win 32792 <{inbound}>\n\
         +0 > . 1:1(0) ack 101 <{outbound}>\n+0 write(4, ..., 100) = 100\n\
         +0 > P. 1:101(100) ack 101 <{outbound}>\n"
    )
}

#[test]
fn md5_signatures() {
    let option = "nop,nop,md5 valid";
    for version in [IpVersion::V4, IpVersion::V6, IpVersion::Mapped] {
        let text = signed(MD5, option, option);
        must_pass(&text, version);
        let data = "P. 1:101(100) ack 1 win 32792 <nop,nop,md5";
        must_fail(&text, version, (&format!("{data} valid"), &format!("{data} wrong")), "nothing");
        let outbound = "ack 101 <nop,nop,md5 valid>\n+0 write";
        let digits = format!("ack 101 <nop,nop,md5 {}>\n+0 write", "00".repeat(16));
        must_fail(&text, version, (outbound, &digits), "options: expected");
        must_fail(&text, version, (outbound, "ack 101\n+0 write"), "options: expected");
        let syn = "S 9:9(0) win 32792 <nop,nop,md5 valid,mss 1000>";
        must_fail(&text, version, (syn, "S 9:9(0) win 32792 <mss 1000>"), "nothing was sent");
        must_fail(
            &text,
            version,
            (MD5, "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0"),
            "no key for this signature",
        );
    }
}

/// The listener gets another key, and the connection keeps the first: the runner, which goes by the last one, tells.
#[test]
fn signatures_of_the_stack_are_verified() {
    let option = "nop,nop,md5 valid";
    let unasked = signed(MD5, option, option).replace(
        "+0 write",
        "+0 setsockopt(3, SOL_TCP, TCP_MD5SIG, {md5_key=\"another\"}, 216) = 0\n+0 write",
    );
    let unasked = unasked
        .replace("> P. 1:101(100) ack 101 <nop,nop,md5 valid>", "> P. 1:101(100) ack 101 <...>");
    let report = run(&unasked, IpVersion::V4);
    assert!(report.to_string().contains("signature: it is not right"), "{report}");
}

#[test]
fn tcp_ao_signatures() {
    let (inbound, outbound) = ("ao keyid 2 rnext 1 valid", "ao keyid 1 rnext 2 valid");
    for version in [IpVersion::V4, IpVersion::V6, IpVersion::Mapped] {
        let aes = AO.replace("\"secret\"", "\"secret\", alg_name=\"cmac(aes128)\"");
        for key in [AO, &aes] {
            let text = signed(key, inbound, outbound);
            must_pass(&text, version);
            let data = format!("P. 1:101(100) ack 1 win 32792 <{inbound}>");
            let wrong = data.replace("valid", "wrong");
            must_fail(&text, version, (&data, &wrong), "nothing was sent");
            let ack = format!("ack 101 <{outbound}>\n+0 write");
            for (from, to) in
                [("keyid 1", "keyid 2"), ("rnext 2", "rnext 1"), ("<ao", "<nop,nop,nop,nop,ao")]
            {
                must_fail(&text, version, (&ack, &ack.replace(from, to)), "options: expected");
            }
            let other = key.replace("sndid=1", "sndid=3");
            must_fail(&text, version, (key, &other), "actual <ao keyid 3 rnext 2 valid,mss 1460>");
            must_fail(&text, version, (key, &key.replace("rcvid=2", "rcvid=7")), "no key");
            must_fail(&text, version, (key, &key.replace("sndid", "sendid")), "no field `sendid`");
        }
    }
}

#[test]
fn user_timeouts_are_compared() {
    let text = format!(
        "--advertised_user_timeout=40000\n{OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <uto 667 min>\n"
    );
    must_pass(&text, IpVersion::V6);
    must_fail(&text, IpVersion::V4, ("667 min", "668 min"), "actual <uto 667 min>");
    must_fail(&text, IpVersion::V4, ("667 min", "667"), "expected <uto 667>");
    must_fail(&text, IpVersion::V4, (" <uto 667 min>", ""), "options: expected");
    must_fail(&text, IpVersion::V4, ("--advertised_user_timeout=40000", ""), "options: expected");
    must_fail(&text, IpVersion::V4, ("uto 667 min", "uto 32768"), "15 bits");
}

#[test]
fn what_is_for_one_direction_only() {
    for (text, told) in [
        ("0 > [badsum] . 1:1(0) ack 1", "inbound"),
        ("0 > [ipopt 0x1] . 1:1(0) ack 1", "inbound"),
        ("0 > . 1:1(0) ack 1 <raw 00000000>", "inbound"),
        ("0 < . 1:1(0) ack 1 win 1 <raw 000000>", "multiple of 4"),
        ("0 < . 1:1(0) ack 1 win 1 <raw 0>", "pairs"),
        ("0 > . 1:1(0) ack 1 <nop,nop,md5 wrong>", "inbound"),
        ("0 > . 1:1(0) ack 1 <ao keyid 1 rnext 2>", "`valid` or `wrong`"),
    ] {
        let report = run(text, IpVersion::V4);
        assert!(!report.passed() && report.to_string().contains(told), "{text}: {report}");
    }
}
