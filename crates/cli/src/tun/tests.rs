use super::cidr::Cidr;
use super::story::Story;
use sockeye::{Direction, Endpoints, Flags, Instant, SegmentTrace, SeqNumber, StateName};

#[test]
fn addresses_are_those_of_hosts() {
    for good in
        ["10.9.0.2/24", "10.9.0.2/32", "10.9.0.2/31", "10.9.0.3/31", "fd09::2/64", "fe80::1/128"]
    {
        assert_eq!(good.parse::<Cidr>().unwrap().to_string(), good);
    }
    for (bad, why) in [
        ("10.9.0.2", "write 10.9.0.2/24"),
        ("fd09::2", "write fd09::2/64"),
        ("10.9.0/24", "no IP address"),
        ("10.9.0.2/33", "from 0 to 32"),
        ("10.9.0.2/-1", "no prefix length"),
        ("fd09::2/129", "from 0 to 128"),
        ("10.9.0.0/24", "subnet's own"),
        ("fd09::/64", "subnet's own"),
        ("10.9.0.255/24", "broadcast"),
        ("255.255.255.255/32", "all hosts"),
        ("127.0.0.1/8", "never leaves"),
        ("::1/128", "never leaves"),
        ("0.0.0.0/0", "no host"),
        ("224.0.0.1/4", "group"),
        ("ff02::1/64", "group"),
    ] {
        let error = bad.parse::<Cidr>().unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
    }
}

/// A segment of the textbook's connection: direction, flags, seq, ack, payload, state afterwards.
fn segment(
    direction: Direction,
    flags: Flags,
    numbers: (u32, u32),
    payload_len: usize,
    state: StateName,
) -> SegmentTrace {
    SegmentTrace {
        time: Instant::from_micros(1_500),
        connection: None,
        endpoints: Endpoints {
            local: "10.9.0.2:40000".parse().unwrap(),
            remote: "10.9.0.1:80".parse().unwrap(),
        },
        direction,
        seq: SeqNumber(numbers.0),
        ack: SeqNumber(numbers.1),
        flags,
        window: 1_000,
        payload_len,
        state,
    }
}

#[test]
fn a_connection_is_told_from_syn_to_time_wait() {
    use Direction::{In, Out};
    use StateName::{Established, FinWait1, FinWait2, SynSent, TimeWait};
    let (ack, fin) = (Flags::ACK, Flags::FIN | Flags::ACK);
    let mut story = Story::default();
    let lines: Vec<_> = [
        segment(Out, Flags::SYN, (1_234_567, 0), 0, SynSent),
        segment(Out, Flags::SYN, (1_234_567, 0), 0, SynSent),
        segment(In, Flags::SYN_ACK, (7_654_321, 1_234_568), 0, Established),
        segment(Out, ack, (1_234_568, 7_654_322), 0, Established),
        segment(Out, ack, (1_234_568, 7_654_322), 1_000, Established),
        segment(In, ack, (7_654_322, 1_235_568), 0, Established),
        segment(Out, fin, (1_235_568, 7_654_322), 0, FinWait1),
        segment(In, ack, (7_654_322, 1_235_568), 10, FinWait1),
        segment(In, ack, (7_654_332, 1_235_569), 0, FinWait2),
        segment(In, fin, (7_654_332, 1_235_569), 5, TimeWait),
        segment(Out, ack, (1_235_569, 7_654_338), 0, TimeWait),
    ]
    .iter()
    .filter_map(|trace| story.line(trace))
    .collect();
    assert_eq!(
        lines,
        [
            "    0.000 ms → SYN     seq=1234567 [SYN-SENT]",
            "    0.000 ms → SYN     seq=1234567 (again) [SYN-SENT]",
            "    0.000 ms ← SYN,ACK seq=7654321 ack=1234568 (ack = 1234567 + 1 ✓) [ESTABLISHED]",
            "    0.000 ms → ACK     seq=1234568 ack=7654322 (ack = 7654321 + 1 ✓) [ESTABLISHED]",
            "    0.000 ms → FIN,ACK seq=1235568 ack=7654322 [FIN-WAIT-1]",
            "    0.000 ms ← ACK     seq=7654332 ack=1235569 (ack = 1235568 + 1 ✓) [FIN-WAIT-2]",
            "    0.000 ms ← FIN,ACK seq=7654332 ack=1235569 len=5 [TIME-WAIT]",
            "    0.000 ms → ACK     seq=1235569 ack=7654338 (ack = 7654337 + 1 ✓) [TIME-WAIT]",
        ]
    );
}

#[test]
fn a_wrong_acknowledgement_is_marked() {
    let mut story = Story::of_many();
    story.line(&segment(Direction::Out, Flags::SYN, (1_234_567, 0), 0, StateName::SynSent));
    let line = story
        .line(&segment(Direction::In, Flags::SYN_ACK, (9, 1_234_567), 0, StateName::SynSent))
        .unwrap();
    assert_eq!(
        line,
        "10.9.0.1:80     0.000 ms ← SYN,ACK seq=9 ack=1234567 (ack ≠ 1234567 + 1 ✗) [SYN-SENT]"
    );
}
