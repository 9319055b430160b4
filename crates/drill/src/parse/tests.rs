use crate::script::{
    Action, Body, CallSpec, Direction, EventTime, Expr, OptionSpec, PacketSpec, Script, TcpSpec,
    TosCheck,
};
use proptest::prelude::*;
use sockeye_wire::Flags;
use std::collections::BTreeMap;

fn parse(text: &str) -> Script {
    Script::parse("test.pkt", text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn error(text: &str) -> String {
    match Script::parse("test.pkt", text) {
        Ok(_) => panic!("no error: {text}"),
        Err(error) => error.to_string(),
    }
}

fn packet(text: &str) -> PacketSpec {
    match &parse(&format!("0 {text}")).events[0].action {
        Action::Packet(packet) => packet.clone(),
        other => panic!("{other:?}"),
    }
}

fn tcp(text: &str) -> TcpSpec {
    match packet(text).body {
        Body::Tcp(tcp) => tcp,
        other => panic!("{other:?}"),
    }
}

fn call(text: &str) -> CallSpec {
    match &parse(&format!("0 {text}")).events[0].action {
        Action::Call(call) => call.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_has_options_commands_and_events() {
    let script = parse(
        "// a comment\n--tolerance_usecs=10000 // why\n--define=CC=\"reno x\"\n`first`\n/* over\n lines */\n\
         0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.1 `mid`\n+0 %{ assert x }%\n`last`\n",
    );
    assert_eq!(script.options.len(), 2);
    assert_eq!(
        (script.options[0].name.as_str(), script.options[0].value.as_deref()),
        ("tolerance_usecs", Some("10000"))
    );
    assert_eq!(script.init.unwrap().text, "first");
    assert_eq!(script.cleanup.unwrap().text, "last");
    let lines: Vec<u32> = script.events.iter().map(|event| event.line).collect();
    assert_eq!(lines, [7, 8, 9]);
    assert!(matches!(&script.events[2].action, Action::Code(code) if code == "assert x"));
}

#[test]
fn times_in_all_their_forms() {
    let script = parse(
        "0 > . 1:1(0)\n0.000001 > . 1:1(0)\n+.29 > . 1:1(0)\n* > . 1:1(0)\n1~2.5 > . 1:1(0)\n+1~+2 > . 1:1(0)\n\
         3...3.5 read(3, ..., 1) = 0\n+0...0.010 read(3, ..., 1) = 0",
    );
    let times: Vec<EventTime> = script.events.iter().map(|event| event.time).collect();
    assert_eq!(
        times,
        [
            EventTime::Absolute(0),
            EventTime::Absolute(1),
            EventTime::Relative(290_000),
            EventTime::Any,
            EventTime::AbsoluteRange(1_000_000, 2_500_000),
            EventTime::RelativeRange(1_000_000, 2_000_000),
            EventTime::Absolute(3_000_000),
            EventTime::Relative(0),
        ]
    );
    let ends: Vec<_> = script
        .events
        .iter()
        .filter_map(|event| match &event.action {
            Action::Call(call) => call.end,
            _ => None,
        })
        .collect();
    assert_eq!(ends, [3_500_000, 10_000]);
    assert!(error("0 . 1:1(0)").contains("expected a packet"));
    assert!(error("2~1 > . 1:1(0)").contains("backwards"));
    assert!(error("* < . 1:1(0) win 1").contains("outbound"));
    assert!(error("-1 > . 1:1(0)").contains("time"));
}

#[test]
fn a_segment_with_everything() {
    let found = packet(
        "> [ect0, flowlabel 0x1] 1000>2000 FP. 1:1001(1000) ack 5 win 65535 urg 7 <mss 1460,nop,wscale 8>",
    );
    assert_eq!(found.direction, Direction::Outbound);
    assert_eq!((found.ip.tos, found.ip.flow_label), (TosCheck::Ecn(2), 1));
    let Body::Tcp(tcp) = found.body else { panic!() };
    assert_eq!(tcp.ports, Some((1000, 2000)));
    assert_eq!(tcp.flags, Flags::FIN | Flags::PSH | Flags::ACK);
    assert_eq!((tcp.seq, tcp.len, tcp.ack, tcp.window, tcp.urgent), (1, 1000, 5, Some(65_535), 7));
    let mss = OptionSpec::Other { kind: 2, data: vec![5, 180] };
    assert_eq!(
        tcp.options,
        Some(vec![mss, OptionSpec::Nop, OptionSpec::Other { kind: 3, data: vec![8] }])
    );
}

#[test]
fn flags_of_every_kind() {
    let flags = |text: &str| tcp(&format!("> {text} 1:1(0)")).flags;
    assert_eq!(flags("S"), Flags::SYN);
    assert_eq!(flags("."), Flags::ACK);
    assert_eq!(flags("-"), Flags::NONE);
    assert_eq!(flags("SEWA"), Flags::SYN | Flags::ECE | Flags::CWR | Flags::AE);
    assert_eq!(flags("SW."), Flags::SYN | Flags::CWR | Flags::ACK);
    // RFC 9768 §3.2.1: the ACE field is AE, CWR, ECE.
    assert_eq!(flags(".5"), Flags::ACK | Flags::AE | Flags::ECE);
    assert_eq!(flags("P.2"), Flags::PSH | Flags::ACK | Flags::CWR);
    assert_eq!(flags("F4."), Flags::FIN | Flags::ACK | Flags::AE);
    assert!(error("0 > X 1:1(0)").contains("flags"));
    assert!(error("0 > E.5 1:1(0)").contains("exclude"));
}

#[test]
fn options_of_every_kind() {
    let options = |text: &str| tcp(&format!("> . 1:1(0) ack 1 <{text}>")).options;
    assert_eq!(options("..."), None);
    assert_eq!(tcp("> . 1:1(0)").options, Some(Vec::new()));
    assert_eq!(
        options("nop,nop,sack 1:2 3:4"),
        Some(vec![OptionSpec::Nop, OptionSpec::Nop, OptionSpec::Sack(vec![(1, 2), (3, 4)])])
    );
    assert_eq!(
        options("sackOK,TS val 4294967295 ecr 0"),
        Some(vec![
            OptionSpec::Other { kind: 4, data: Vec::new() },
            OptionSpec::Timestamps { val: u32::MAX, ecr: 0 }
        ])
    );
    let other = |kind, data: &[u8]| OptionSpec::Other { kind, data: data.to_vec() };
    assert_eq!(
        options("FO 0011223344556677,nop,eol"),
        Some(vec![
            other(34, &[0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]),
            OptionSpec::Nop,
            OptionSpec::Eol
        ])
    );
    assert_eq!(options("FO,nop,nop"), Some(vec![other(34, &[]), OptionSpec::Nop, OptionSpec::Nop]));
    assert_eq!(options("FOEXP"), Some(vec![other(254, &[0xf9, 0x89])]));
    assert_eq!(options("md5 ab,nop"), Some(vec![other(19, &[0xab]), OptionSpec::Nop]));
    assert_eq!(
        options("ECN e1b 1 ceb 2,nop,nop,nop,nop"),
        Some([vec![other(174, &[0, 0, 1, 0, 0, 2])], vec![OptionSpec::Nop; 4]].concat())
    );
    assert!(error("0 > . 1:1(0) <mss 1460,nop>").contains("pad"));
    assert!(error("0 > . 1:1(0) <FO 123,nop>").contains("pairs"));
    assert!(error("0 > . 1:1(0) <mss 70000>").contains("range"));
    assert!(error("0 < . 1:1(0) win 1 <...>").contains("outbound"));
}

#[test]
fn packets_that_cannot_be() {
    assert!(error("0 > . 1:3(1)").contains("not 1 bytes"));
    assert!(error("0 < . 1:1(0)").contains("window"));
    assert!(error("0 < [ect01] . 1:1(0) win 1").contains("outbound"));
    assert!(error("0 > udp (5)").contains("unsupported"));
    assert!(error("0 > ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0)").contains("unsupported"));
    assert!(error("0 > gre: . 1:1(0)").contains("unsupported"));
    assert!(error("").contains("no events"));
    assert!(error("0 > . 1:1(0) win 1 $").contains("found `$`"));
}

#[test]
fn icmp_quotes_a_segment() {
    let Body::Icmp(icmp) = packet("< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]").body
    else {
        panic!()
    };
    assert_eq!((icmp.kind.as_str(), icmp.code.as_deref()), ("unreachable", Some("frag_needed")));
    assert_eq!((icmp.mtu, icmp.quoted), (Some(1200), (1, 1000)));
    let Body::Icmp(icmp) = packet("< icmp packet_too_big mtu 1280").body else { panic!() };
    assert_eq!((icmp.code, icmp.mtu), (None, Some(1280)));
}

#[test]
fn calls_and_their_results() {
    let found = call("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)");
    assert_eq!(
        (found.name.as_str(), found.result, found.errno.as_deref()),
        ("connect", Expr::Int(-1), Some("EINPROGRESS"))
    );
    assert_eq!(found.arguments, [Expr::Int(3), Expr::Ellipsis, Expr::Ellipsis]);
    let or = |left: &str, right: &str| {
        Expr::Or(Box::new(Expr::Word(left.into())), Box::new(Expr::Word(right.into())))
    };
    let found = call("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)");
    assert_eq!((found.result, found.errno), (Expr::Int(2), None));
    assert_eq!(
        call("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0").arguments[2],
        or("O_RDWR", "O_NONBLOCK")
    );
    assert_eq!(call("f([1, 2]) = 0").arguments, [Expr::List(vec![Expr::Int(1), Expr::Int(2)])]);
}

#[test]
fn structures_of_every_kind() {
    let argument = |text: &str| call(&format!("f({text}) = 0")).arguments.remove(0);
    let word = |name: &str| Box::new(Expr::Word(name.into()));
    assert_eq!(argument("{onoff=1, linger=2}"), Expr::Linger { onoff: 1, linger: 2 });
    assert_eq!(
        argument("[{..., 10}, {..., 20}]"),
        Expr::List(vec![Expr::Iovec(10), Expr::Iovec(20)])
    );
    assert_eq!(
        argument("[{fd=4, events=POLLIN, revents=POLLOUT}]"),
        Expr::List(vec![Expr::PollFd {
            fd: Box::new(Expr::Int(4)),
            events: word("POLLIN"),
            revents: word("POLLOUT")
        }])
    );
    assert_eq!(
        argument("{events=EPOLLIN, u64=7}"),
        Expr::EpollEvent { events: word("EPOLLIN"), data: ("u64".into(), Box::new(Expr::Int(7))) }
    );
    assert_eq!(
        argument(
            "{sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"192.0.2.1\")}"
        ),
        Expr::SockAddr(([192, 0, 2, 1], 80).into())
    );
    let Expr::MsgHdr(message) = argument(
        "{msg_name(...)=..., msg_iov(1)=[{...,100}], msg_flags=MSG_EOR, \
         msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=5}]}",
    ) else {
        panic!()
    };
    assert_eq!(
        (message.iov, message.flags, message.control.len()),
        (vec![100], Expr::Word("MSG_EOR".into()), 1)
    );
    assert_eq!(argument("\"a\\x41\\n\" \"b\""), Expr::Str(b"aA\nb".to_vec()));
    assert!(
        error("0 f({msg_name(...)=..., msg_iov(2)=[{...,1}], msg_flags=0}) = 0").contains("has 1")
    );
}

#[test]
fn names_are_replaced() {
    let defines = BTreeMap::from([("COOKIE".to_owned(), "0011".to_owned())]);
    let text = "--define=CC=\"reno\"\n0 f(CC, COOKIE) = 0";
    let script = Script::parse_with("test.pkt", text, &defines).unwrap();
    let Action::Call(call) = &script.events[0].action else { panic!() };
    assert_eq!(call.arguments, [Expr::Str(b"reno".to_vec()), Expr::Int(11)]);
}

#[test]
fn errors_name_their_line() {
    assert_eq!(
        error("0 f() = 0\n\n+0 > . 1:2(0)"),
        "line 3: 1:2 is not 0 bytes, found the end of the script"
    );
    assert!(error("0 f() = 0 `open").starts_with("line 1"));
    assert!(error("0 f() = 0\n`a`\n0 g() = 0").contains("needs a time"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n]{0,200}") {
        let _ = Script::parse("test.pkt", &text);
    }

    #[test]
    fn any_mixture_of_pieces_is_read_or_refused(pieces in proptest::collection::vec(
        prop_oneof![
            Just("0"), Just("+.1"), Just("*"), Just(">"), Just("<"), Just("S."), Just("."), Just("1:1(0)"), Just("ack 1"),
            Just("win 5"), Just("<mss 1460>"), Just("<"), Just("..."), Just("f("), Just(")"), Just("= 0"), Just("[{"),
            Just("}]"), Just("`c`"), Just("%{ x }%"), Just("icmp"), Just("unreachable"), Just("é"), Just("\n")
        ], 0..30)
    ) {
        let _ = Script::parse("test.pkt", &pieces.join(" "));
    }
}
