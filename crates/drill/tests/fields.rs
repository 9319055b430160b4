//! One wrong field fails also where it is seldom looked at: IP headers, urgent pointers, ECN, and what ICMP quotes.

mod common;

use common::{OPEN, must_fail, must_pass};
use sockeye_drill::IpVersion;

const BOTH: [IpVersion; 2] = [IpVersion::V4, IpVersion::V6];

#[test]
fn ip_headers() {
    for version in BOTH {
        let (level, option) = match version {
            IpVersion::V6 => ("IPPROTO_IPV6", "IPV6_TCLASS"),
            _ => ("IPPROTO_IP", "IP_TOS"),
        };
        let text = format!(
            "{OPEN}+0 setsockopt(4, {level}, {option}, [0x28], 4) = 0\n+0 write(4, ..., 100) = 100\n\
             +0 > [tos 0x28, ttl 64] P. 1:101(100) ack 1\n"
        );
        must_pass(&text, version);
        must_fail(&text, version, ("tos 0x28", "tos 0x2c"), "TOS: expected 0x2c, actual 0x28");
        must_fail(&text, version, ("tos 0x28", "ect0"), "ECN bits: expected 2, actual 0");
        must_fail(&text, version, ("ttl 64", "ttl 65"), "TTL: expected 65, actual 64");
    }
    let text =
        format!("{OPEN}+0 write(4, ..., 100) = 100\n+0 > [flowlabel 0x1] P. 1:101(100) ack 1\n");
    let text = text.replace("+0 > S.", "+0 > [flowlabel 0x1] S.");
    must_pass(&text, IpVersion::V6);
    must_fail(&text, IpVersion::V6, ("[flowlabel 0x1] P", "[flowlabel 0x2] P"), "flow label");
    must_fail(&text, IpVersion::V4, ("+.1 <", "+.1  <"), "flow label: expected one, actual 0");
}

#[test]
fn urgent_pointers() {
    let text = format!(
        "{OPEN}+0 send(4, ..., 10, MSG_OOB) = 10\n+0 > PU. 1:11(10) ack 1 urg 10\n\
         +.1 < PU. 1:11(10) ack 11 win 32792 urg 5\n+0 > . 11:11(0) ack 11\n\
         +0 ioctl(4, SIOCATMARK, [0]) = 0\n+0 read(4, ..., 100) = 4\n"
    );
    for version in BOTH {
        must_pass(&text, version);
        must_fail(&text, version, ("ack 1 urg 10", "ack 1 urg 9"), "urgent pointer: expected 9");
        must_fail(&text, version, ("ack 1 urg 10", "ack 1"), "urgent pointer: expected 0");
        must_fail(&text, version, ("PU. 1:11(10) ack 1 ", "P. 1:11(10) ack 1 "), "flags");
        must_fail(&text, version, ("urg 5", "urg 6"), "result: expected 4, actual 5");
        must_fail(&text, version, ("< PU.", "< P."), "result: expected 4, actual 10");
    }
}

#[test]
fn classic_ecn() {
    let text = "`sysctl -q net.ipv4.tcp_ecn=1`\n".to_owned()
        + &OPEN
            .replace("< S 0:0(0)", "< SEW 0:0(0)")
            .replace("> S. 0:0(0)", "> [noecn] SE. 0:0(0)")
        + "+.1 < [ce] P. 1:101(100) ack 1 win 32792\n+0 > [noecn] E. 1:1(0) ack 101\n\
           +0 write(4, ..., 100) = 100\n+0 > [ect0] PE. 1:101(100) ack 101\n";
    for version in BOTH {
        must_pass(&text, version);
        must_fail(&text, version, ("SE. 0:0", "S. 0:0"), "flags: expected S., actual SE.");
        must_fail(&text, version, ("[noecn] E.", "[noecn] ."), "flags: expected ., actual E.");
        must_fail(&text, version, ("[noecn] E.", "[ect0] E."), "ECN bits: expected 2, actual 0");
        must_fail(&text, version, ("[ect0] PE.", "[ect1] PE."), "ECN bits: expected 1, actual 2");
        must_fail(&text, version, ("[ect0] PE.", "[ect0] PW."), "flags: expected");
        must_fail(&text, version, ("< [ce] P", "< [ect0] P"), "flags: expected E., actual .");
    }
}

#[test]
fn accurate_ecn() {
    let text = "`sysctl -q net.ipv4.tcp_ecn=3 net.ipv4.tcp_ecn_option=1`\n".to_owned()
        + &OPEN
            .replace("< S 0:0(0)", "< SEWA 0:0(0)")
            .replace("> S. 0:0(0) ack 1 <mss 1460>", "> SW. 0:0(0) ack 1 <...>")
            .replace("< . 1:1(0) ack 1", "< W. 1:1(0) ack 1")
        + "+.1 < [ce] P.5 1:101(100) ack 1 win 32792\n\
           +0 > .6 1:1(0) ack 101 <ECN e0b 1 ceb 100 e1b 1,eol>\n";
    for version in BOTH {
        must_pass(&text, version);
        must_fail(&text, version, ("> .6 ", "> .5 "), "flags: expected");
        must_fail(&text, version, ("> SW.", "> SE."), "flags: expected");
        must_fail(&text, version, ("ceb 100", "ceb 101"), "options: expected");
        must_fail(&text, version, ("e0b 1 ", "e0b 2 "), "options: expected");
        must_fail(&text, version, ("e1b 1,", "e1b 0,"), "options: expected");
        must_fail(&text, version, ("< [ce]", "< [ect0]"), "flags: expected");
    }
}

/// A report about another segment, or with another MTU, has not the same effect.
#[test]
fn what_icmp_quotes() {
    let scripts = [
        (IpVersion::V4, "unreachable frag_needed mtu 1240", "mtu 1240", "mtu 1340"),
        (IpVersion::V6, "packet_too_big mtu 1300", "mtu 1300", "mtu 1400"),
    ];
    for (version, message, mtu, other) in scripts {
        let text = OPEN.replace("mss 1000", "mss 1460")
            + &format!(
                "+0 write(4, ..., 1460) = 1460\n+0 > P. 1:1461(1460) ack 1\n\
                 +.01 < icmp {message} [1:1461(1460)]\n+0 %{{ assert tcpi_snd_mss < 1250 }}%\n"
            );
        let text = format!("--strict_segments\n{text}");
        let after = if version == IpVersion::V4 { 1200 } else { 1240 };
        let text = text
            + &format!(
                "+0 > . 1:{0}({after}) ack 1\n+0 > P. {0}:1461({1}) ack 1\n",
                after + 1,
                1460 - after
            );
        must_pass(&text, version);
        must_fail(&text, version, (mtu, other), "assertion failed");
        must_fail(&text, version, ("[1:1461(1460)]", "[1461:2921(1460)]"), "assertion failed");
        must_fail(&text, version, ("[1:1461(1460)]", "[0:1460(1460)]"), "assertion failed");
    }
}
