use super::{
    Actual, Addresses, compare, continues, icmp_packet, join, read, segment, show_actual,
    show_spec, tcp_packet,
};
use crate::script::{Action, Body, IcmpSpec, IpInfo, PacketSpec, Script, TcpSpec};
use sockeye_wire::icmp::{ErrorKind, IcmpView, Quoted};
use sockeye_wire::ip::IpView;
use sockeye_wire::{Flags, Instant, Meta, Packet, SeqNumber};

fn spec(text: &str) -> (IpInfo, TcpSpec) {
    let script = Script::parse("test.pkt", &format!("0 {text}")).unwrap();
    match script.events.into_iter().next().map(|event| event.action) {
        Some(Action::Packet(PacketSpec { ip, body: Body::Tcp(tcp), .. })) => (ip, tcp),
        other => panic!("{other:?}"),
    }
}

fn addresses(six: bool) -> Addresses {
    let address = |v4: &str, v6: &str| if six { v6 } else { v4 }.parse().unwrap();
    Addresses {
        source: address("192.0.2.1:40000", "[2001:db8::1]:40000"),
        destination: address("192.168.0.1:8080", "[fd00::1]:8080"),
    }
}

/// What the packet of `text` is when it is read from the wire.
fn actual(text: &str, six: bool) -> Actual {
    let (ip, tcp) = spec(text);
    read(&packet(tcp_packet(addresses(six), ip, &tcp))).unwrap()
}

fn packet(bytes: Vec<u8>) -> Packet {
    Packet::from_bytes(Meta::at(Instant::ZERO), bytes.into())
}

const EVERYTHING: &str =
    "> [ect0] FP. 7:1007(1000) ack 5 win 600 urg 3 <nop,nop,TS val 1 ecr 2,nop,nop,sack 9:11>";

#[test]
fn what_is_built_is_read_again() {
    for six in [false, true] {
        let (ip, tcp) = spec(EVERYTHING);
        let found = actual(EVERYTHING, six);
        assert_eq!(compare(ip, &tcp, &found, Some(0)), []);
        assert_eq!(
            (found.source, found.destination),
            (addresses(six).source, addresses(six).destination)
        );
        assert_eq!(show_actual(ip, &found), show_spec(ip, &tcp));
        assert_eq!(format!("> {}", show_spec(ip, &tcp)), EVERYTHING);
    }
}

/// `EVERYTHING` with its IP header asked for in full.
fn whole_header(six: bool) -> String {
    let header = if six { "[tos 0x12, ttl 33, flowlabel 0x5]" } else { "[tos 0x12, ttl 33]" };
    EVERYTHING.replace("[ect0]", header)
}

#[test]
fn one_wrong_field_is_one_difference() {
    for six in [false, true] {
        let right = whole_header(six);
        let (ip, tcp) = spec(&right);
        assert_eq!(compare(ip, &tcp, &actual(&right, six), Some(0)), []);
        let cases = [
            ("flags", "FP.", "P."),
            ("flags", "FP.", "FPU."),
            ("flags", "FP.", "FPE."),
            ("flags", "FP.", "FPW."),
            ("flags", "FP.", "FPA."),
            ("flags", "FP.", "FPR."),
            ("flags", "FP.", "FPS."),
            ("flags", "FP.", "FP.5"),
            ("seq", "7:1007", "8:1008"),
            ("payload length", "7:1007(1000)", "7:1006(999)"),
            ("payload length", "7:1007(1000)", "7:1008(1001)"),
            ("ack", "ack 5", "ack 6"),
            ("window", "win 600", "win 601"),
            ("urgent pointer", "urg 3", "urg 4"),
            ("urgent pointer", " urg 3", ""),
            ("options", "ecr 2", "ecr 3"),
            ("options", "val 1", "val 2"),
            ("options", "sack 9:11", "sack 9:12"),
            ("options", "sack 9:11", "sack 8:11"),
            ("options", "<nop,nop,TS val 1 ecr 2,", "<TS val 1 ecr 2,nop,nop,"),
            ("options", "nop,nop,sack", "nop,eol,sack"),
            ("options", "9:11>", "9:11,eol,eol,eol,eol>"),
            ("options", "9:11>", "9:11 13:14>"),
            ("TOS", "tos 0x12", "tos 0x11"),
            ("TOS", "tos 0x12", "tos 0x16"),
            ("TTL", "ttl 33", "ttl 34"),
        ];
        for (field, from, to) in cases {
            assert_eq!(right.matches(from).count(), 1, "{from}");
            let differences = compare(ip, &tcp, &actual(&right.replace(from, to), six), Some(0));
            let fields: Vec<&str> = differences.iter().map(|difference| difference.field).collect();
            assert_eq!(fields, [field], "{from} -> {to}");
        }
    }
}

/// RFC 9768 §3.2.3: each counter of both forms of the option, and how many there are.
#[test]
fn one_wrong_counter_is_one_difference() {
    for right in [
        "> . 1:1(0) ack 1 <ECN e1b 1 ceb 2 e0b 3,nop>",
        "> . 1:1(0) ack 1 <ECN e0b 1 ceb 2 e1b 3,nop>",
    ] {
        let (ip, tcp) = spec(right);
        assert_eq!(compare(ip, &tcp, &actual(right, true), None), []);
        let order = if right.contains("<ECN e0b") { ["e0b", "e1b"] } else { ["e1b", "e0b"] };
        let cases = [
            right.replace(&format!("{} 1", order[0]), &format!("{} 9", order[0])),
            right.replace("ceb 2", "ceb 1"),
            right.replace(&format!("{} 3", order[1]), &format!("{} 65539", order[1])),
            right.replace(&format!(" {} 3,nop", order[1]), ",nop,nop,nop,nop"),
            right.replace(order[0], "x").replace(order[1], order[0]).replace('x', order[1]),
        ];
        for other in cases {
            assert_ne!(other, right);
            assert_eq!(compare(ip, &tcp, &actual(&other, true), None).len(), 1, "{other}");
        }
    }
}

#[test]
fn reserved_bits_and_ecn_fields() {
    let right = "> [ect0] . 1:1(0) ack 1";
    let (ip, tcp) = spec(right);
    for bit in 0..3 {
        let mut found = actual(right, false);
        found.reserved = 1 << bit;
        let differences = compare(ip, &tcp, &found, None);
        assert_eq!(differences.len(), 1);
        assert_eq!(differences[0].field, "reserved bits");
    }
    for other in ["noecn", "ect1", "ce", "tos 0x10"] {
        let other = right.replace("ect0", other);
        let differences = compare(ip, &tcp, &actual(&other, true), None);
        assert_eq!(differences.iter().map(|one| one.field).collect::<Vec<_>>(), ["ECN bits"]);
    }
}

#[test]
fn what_is_not_asked_is_not_compared() {
    let (ip, tcp) = spec("> . 1:1(0) ack 1 <...>");
    assert_eq!(
        compare(ip, &tcp, &actual("> [ce] . 1:1(0) ack 1 win 9 <mss 5>", false), Some(0)),
        []
    );
    let (ip, tcp) = spec("> [ect01] . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 2>");
    assert_eq!(
        compare(
            ip,
            &tcp,
            &actual("> [ect1] . 1:1(0) ack 1 <nop,nop,TS val 900 ecr 2>", false),
            None
        ),
        []
    );
    let near = actual("> [ect0] . 1:1(0) ack 1 <nop,nop,TS val 104 ecr 2>", false);
    assert_eq!(compare(ip, &tcp, &near, Some(4)), []);
    assert_eq!(compare(ip, &tcp, &near, Some(3)).len(), 1);
}

#[test]
fn broken_packets_are_not_read() {
    let (ip, tcp) = spec(EVERYTHING);
    let good = tcp_packet(addresses(false), ip, &tcp);
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        read(&packet(bytes)).unwrap_err()
    };
    assert!(broken(&|bytes| bytes[30] ^= 1).contains("TCP checksum"));
    assert!(broken(&|bytes| bytes[11] ^= 1).contains("checksum"));
    assert!(broken(&|bytes| bytes.push(0)).contains("says"));
    assert!(broken(&|bytes| bytes.truncate(50)).contains("short"));
}

#[test]
fn payload_is_zeros() {
    let (ip, tcp) = spec("> P. 1:5(4) ack 1");
    let mut other = actual("> P. 1:5(4) ack 1", false);
    other.payload = vec![0, 0, 1, 0].into();
    let fields: Vec<&str> =
        compare(ip, &tcp, &other, None).iter().map(|difference| difference.field).collect();
    assert_eq!(fields, ["payload"]);
}

#[test]
fn super_segments_are_cut_and_joined() {
    let (ip, tcp) = spec("> FWP. 1:2501(2500) ack 1 win 5");
    let whole = actual("> FWP. 1:2501(2500) ack 1 win 5", false);
    let pieces = segment(whole.clone(), 1000);
    let shown: Vec<String> = pieces.iter().map(|piece| show_actual(ip, piece)).collect();
    assert_eq!(
        shown,
        [
            "W. 1:1001(1000) ack 1 win 5",
            ". 1001:2001(1000) ack 1 win 5",
            "FP. 2001:2501(500) ack 1 win 5",
        ]
    );
    assert!(pieces.windows(2).all(|pair| continues(&pair[0], &pair[1])));
    assert_eq!(join(&pieces).as_ref(), Some(&whole));
    assert_eq!(compare(ip, &tcp, &join(&pieces).unwrap(), None), []);
    assert_eq!(segment(whole.clone(), 0).len(), 1);
    let mut other = pieces[1].clone();
    other.tcp.ack += 1;
    assert!(!continues(&pieces[0], &other));
    assert!(!continues(&pieces[0], &pieces[2]));
    assert!(pieces[0].tcp.flags.contains(Flags::CWR));
}

#[test]
fn icmp_is_what_a_router_sends() {
    let icmp = |kind: &str, code: Option<&str>, mtu| IcmpSpec {
        kind: kind.into(),
        code: code.map(str::to_owned),
        mtu,
        echo_id: 0,
        quoted: (1, 1000),
    };
    let v4 = icmp_packet(
        addresses(false),
        IpInfo::default(),
        &icmp("unreachable", Some("frag_needed"), Some(1200)),
        77,
    )
    .unwrap();
    let ip = IpView::parse(&v4, v4.len()).unwrap();
    let Some(IcmpView::Error { kind, quoted }) = IcmpView::parse_v4(&v4[ip.header_len..]) else {
        panic!()
    };
    assert_eq!(kind, ErrorKind::PacketTooBig { mtu: 1200 });
    let quoted = Quoted::parse(quoted).unwrap();
    assert_eq!(
        (quoted.seq, quoted.total_len, quoted.source_port, quoted.destination_port),
        (SeqNumber(77), 1040, 8080, 40_000)
    );
    assert_eq!((quoted.source, quoted.destination), (ip.destination, ip.source));

    let v6 = icmp_packet(
        addresses(true),
        IpInfo::default(),
        &icmp("packet_too_big", None, Some(1280)),
        7,
    )
    .unwrap();
    let ip = IpView::parse(&v6, v6.len()).unwrap();
    let view = IcmpView::parse_v6(ip.source, ip.destination, &v6[ip.header_len..]);
    assert!(matches!(
        view,
        Some(IcmpView::Error { kind: ErrorKind::PacketTooBig { mtu: 1280 }, .. })
    ));

    for (kind, code, mtu) in [
        ("packet_too_big", None, None),
        ("unreachable", Some("nowhere"), None),
        ("unreachable", None, Some(9)),
    ] {
        assert!(
            icmp_packet(addresses(false), IpInfo::default(), &icmp(kind, code, mtu), 0).is_err()
        );
    }
}
