//! Each rule is shown a connection that keeps it and forged packets that break it.

mod marks;
mod signatures;

use super::{Breach, Monitor, Rule, Snapshot};
use bytes::Bytes;
use sockeye_host::{Endpoints, Host, HostConfig, InterfaceConfig};
use sockeye_tcp::{Info, TimerKind};
use sockeye_wire::ip::{IpHeader, protocol};
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, OptionBytes, TcpHeader, TcpOption};
use sockeye_wire::{Checksum, Ecn, Flags, HeaderBytes, Instant, Meta, Packet, Payload, SeqNumber};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const A_FIRST: SeqNumber = SeqNumber(u32::MAX - 100);
const B_FIRST: SeqNumber = SeqNumber(7_000);
const SHIFT: u8 = 4;
const PSH: Flags = Flags::PSH;

fn a() -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 1), 1_111).into()
}

fn b() -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 2), 2_222).into()
}

/// A segment from A, as numbers without wrap: its place, what it acknowledges, and the rest.
#[derive(Clone)]
struct Forged {
    at: u32,
    ack: u32,
    flags: Flags,
    window: u16,
    timestamps: Option<(u32, u32)>,
    sack: Vec<(u32, u32)>,
    data: Vec<u8>,
    ecn: Ecn,
    /// Octet counters of AccECN's option.
    octets: Vec<u32>,
    is_signed: bool,
}

/// A bare acknowledgement of everything.
fn bare(at: u32, ack: u32) -> Forged {
    Forged {
        at,
        ack,
        flags: Flags::ACK,
        window: 4_096,
        timestamps: Some((20, 10)),
        sack: Vec::new(),
        data: Vec::new(),
        ecn: Ecn::NotEct,
        octets: Vec::new(),
        is_signed: false,
    }
}

fn data(at: u32, octets: &[u8]) -> Forged {
    Forged { data: octets.to_vec(), flags: Flags::ACK | PSH, ..bare(at, 1) }
}

fn packet(from_a: bool, forged: &Forged) -> Packet {
    let (source, destination) = if from_a { (a(), b()) } else { (b(), a()) };
    let firsts = if from_a { [A_FIRST, B_FIRST] } else { [B_FIRST, A_FIRST] };
    let mut options = OptionBytes::new();
    if let Some((value, echo)) = forged.timestamps {
        options.push_timestamps(value, echo).unwrap();
    }
    if forged.flags.syn() {
        options.push(&TcpOption::WindowScale(SHIFT)).unwrap();
        options.push(&TcpOption::SackPermitted).unwrap();
    }
    if !forged.sack.is_empty() {
        let block = |&(left, right): &(u32, u32)| SackBlock {
            left: firsts[1] + left,
            right: firsts[1] + right,
        };
        options.push_sack(&forged.sack.iter().map(block).collect::<Vec<_>>()).unwrap();
    }
    if !forged.octets.is_empty() {
        let counters: Vec<u8> =
            forged.octets.iter().flat_map(|count| count.to_be_bytes()[1..].to_vec()).collect();
        options.push(&TcpOption::AccEcn { e1_first: false, counters: &counters }).unwrap();
    }
    if forged.is_signed {
        options.push(&TcpOption::Md5(&[1; 16])).unwrap();
    }
    let header = TcpHeader {
        source_port: source.port(),
        destination_port: destination.port(),
        seq: firsts[0] + forged.at,
        ack: if forged.flags.ack() { firsts[1] + forged.ack } else { SeqNumber(0) },
        flags: forged.flags,
        window: forged.window,
        options,
        ..TcpHeader::default()
    };
    let mut tcp = [0; MAX_HEADER_BYTES];
    let header_len = header.emit(&mut tcp);
    let len = header_len + forged.data.len();
    let sum = Checksum::pseudo_header(source.ip(), destination.ip(), protocol::TCP, len as u32);
    let sum = sum.with(&tcp[..header_len]).with(&forged.data).finish();
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut headers = HeaderBytes::new();
    let ip = IpHeader::new(source.ip(), destination.ip(), protocol::TCP, len);
    IpHeader { ecn: forged.ecn, ..ip }.emit(&mut headers);
    sockeye_wire::packet::append(&mut headers, &tcp[..header_len]);
    let mut payload = Payload::empty();
    payload.push(Bytes::from(forged.data.clone()));
    Packet::new(Meta::at(Instant::ZERO), headers, payload)
}

/// A and B after the handshake, seen at A; B's window is 65,536.
struct Play {
    monitor: Monitor,
    info: Info,
    now: Instant,
}

impl Play {
    fn new() -> Self {
        Self::begun(false)
    }

    fn begun(is_signed: bool) -> Self {
        let mut play = Self { monitor: Monitor::new(), info: template(), now: Instant::ZERO };
        let syn = Forged { flags: Flags::SYN, timestamps: Some((10, 0)), ..bare(0, 0) };
        let syn_ack = Forged { flags: Flags::SYN_ACK, timestamps: Some((10, 10)), ..bare(0, 1) };
        let ways = [(true, syn), (false, syn_ack), (true, bare(1, 1)), (false, bare(1, 1))];
        for (from_a, forged) in ways {
            play.passes(from_a, &Forged { is_signed, ..forged });
        }
        play.info.snd_una = A_FIRST + 1;
        play.info.snd_nxt = A_FIRST + 1;
        play.info.rcv_nxt = B_FIRST + 1;
        play.says(|_| {});
        assert_eq!(play.monitor.take_breaches(), []);
        play
    }

    fn sends(&mut self, forged: &Forged) {
        self.monitor.sent(Instant::ZERO, &packet(true, forged));
    }

    fn gets(&mut self, forged: &Forged) {
        self.monitor.arrived(&packet(false, forged));
    }

    /// One end sends a segment, and the other gets it.
    fn passes(&mut self, from_a: bool, forged: &Forged) {
        let sent = packet(from_a, forged);
        self.monitor.sent(Instant::ZERO, &sent);
        self.monitor.arrived(&sent);
    }

    /// A step ends; the connection says this of itself.
    fn says(&mut self, change: impl FnOnce(&mut Info)) {
        change(&mut self.info);
        let snapshot = Snapshot {
            endpoints: Endpoints { local: a(), remote: b() },
            info: self.info,
            unacknowledged: self.info.in_flight as usize,
            has_deadline: self.info.retransmit_at.is_some(),
        };
        self.monitor.stepped(self.now, [snapshot]);
    }

    /// What sending `octets` octets in all does to the numbers.
    fn has_sent(&mut self, octets: u32) {
        self.says(|info| {
            info.snd_nxt = A_FIRST + 1 + octets;
            info.in_flight = info.snd_nxt.since(info.snd_una);
            info.retransmit_at = Some(Instant::from_millis(200));
            info.timer = TimerKind::Retransmit;
        });
    }

    /// The rules that were broken since this was last asked.
    fn broken(&mut self) -> Vec<Rule> {
        self.monitor.take_breaches().into_iter().map(|breach: Breach| breach.rule).collect()
    }
}

/// What an established connection says; only a connection can make one.
fn template() -> Info {
    let mut hosts = [1, 2].map(|last| {
        let mut host = Host::new(HostConfig::new([last; 32]));
        let link = InterfaceConfig::ip(1_500).with_address(Ipv4Addr::new(10, 0, 0, last), 24);
        let interface = host.add_interface(link).unwrap();
        (host, interface)
    });
    let listener = hosts[1].0.listen(b(), 1).unwrap();
    let id = hosts[0].0.connect(Instant::ZERO, b(), None).unwrap();
    for _ in 0..3 {
        for (from, to) in [(0, 1), (1, 0)] {
            let mut packets = Vec::new();
            hosts[from].0.poll_batch(Instant::ZERO, &mut packets, 9);
            let packets = packets.into_iter().map(|(_, packet)| packet);
            let (host, interface) = &mut hosts[to];
            host.on_batch(Instant::ZERO, *interface, packets);
        }
    }
    assert!(hosts[1].0.accept(listener).is_some());
    hosts[0].0.connection(id).unwrap().info()
}

#[test]
fn an_orderly_exchange_breaks_nothing() {
    let mut play = Play::new();
    play.sends(&data(1, &[1; 1_000]));
    play.sends(&data(1_001, &[2; 1_000]));
    play.has_sent(2_000);
    play.gets(&Forged { data: vec![3; 500], ack: 1_001, ..bare(501, 1) });
    play.sends(&Forged { sack: vec![(501, 1_001)], ..bare(2_001, 1) });
    play.gets(&Forged { data: vec![3; 500], ack: 1_001, ..bare(1, 1) });
    play.says(|info| info.snd_una = A_FIRST + 1_001);
    play.sends(&data(1_001, &[2; 1_000]));
    play.sends(&Forged { flags: Flags::FIN | Flags::ACK, ..bare(2_001, 1_001) });
    assert_eq!(play.broken(), []);
}

#[test]
fn windows_bound_what_is_sent() {
    let mut play = Play::new();
    let last = data(1 + 65_536 - 1_000, &[0; 1_000]);
    for at in (1..last.at).step_by(1_000) {
        play.sends(&data(at, &[0; 1_000]));
    }
    play.sends(&last);
    assert_eq!(play.broken(), []);
    play.sends(&data(65_537, &[0; 1]));
    assert_eq!(play.broken(), [Rule::BeyondWindow]);
}

#[test]
fn sequence_space_has_no_gaps_and_one_content() {
    let mut play = Play::new();
    play.sends(&data(1, b"abcdef"));
    play.sends(&data(4, b"defghi"));
    assert_eq!(play.broken(), []);
    play.sends(&data(4, b"xef"));
    assert_eq!(play.broken(), [Rule::OtherOctets]);
    play.sends(&data(11, b"k"));
    assert_eq!(play.broken(), [Rule::Gap]);
    play.sends(&Forged { flags: Flags::SYN, ..bare(5, 0) });
    assert!(play.broken().contains(&Rule::SendSequence));
}

#[test]
fn what_is_acknowledged_or_sacked_is_not_sent_again() {
    let mut play = Play::new();
    play.sends(&data(1, &[1; 3_000]));
    play.has_sent(3_000);
    play.gets(&Forged { sack: vec![(2_001, 3_001)], ..bare(1, 1_001) });
    play.sends(&data(2_001, &[1; 1_000]));
    assert_eq!(play.broken(), [Rule::SackedAgain]);
    play.sends(&data(1_501, &[1; 1_000]));
    assert_eq!(play.broken(), [], "part of it is needed");
    play.says(|info| info.snd_una = A_FIRST + 1_001);
    play.sends(&data(501, &[1; 500]));
    assert_eq!(play.broken(), [Rule::AcknowledgedAgain]);
    // Left of what is expected: the connection does not look at it.
    play.sends(&data(3_001, &[1; 1_000]));
    play.has_sent(4_000);
    play.gets(&data(1, b"abc"));
    play.says(|info| info.rcv_nxt = B_FIRST + 4);
    play.gets(&Forged { sack: vec![(3_001, 4_001)], ..bare(1, 1_001) });
    play.sends(&data(3_001, &[1; 1_000]));
    assert_eq!(play.broken(), []);
    play.gets(&Forged { sack: vec![(3_001, 4_001)], ..bare(4, 1_001) });
    play.sends(&data(3_001, &[1; 1_000]));
    assert_eq!(play.broken(), [Rule::SackedAgain]);
    // After a timeout the peer may have taken back what it held (RFC 2018 §8).
    play.says(|info| info.timeouts = 1);
    play.sends(&data(2_001, &[1; 1_000]));
    assert_eq!(play.broken(), []);
}

#[test]
fn there_is_one_fin_and_nothing_behind_it() {
    let fin = |at, octets: &[u8]| Forged { flags: Flags::FIN | Flags::ACK, ..data(at, octets) };
    let mut play = Play::new();
    play.sends(&fin(1, b"abc"));
    play.sends(&fin(1, b"abc"));
    play.sends(&fin(4, b""));
    assert_eq!(play.broken(), []);
    play.sends(&data(5, b"d"));
    assert_eq!(play.broken(), [Rule::Fin]);
    play.sends(&fin(1, b"ab"));
    assert_eq!(play.broken(), [Rule::Fin]);
}

#[test]
fn acknowledgements_follow_what_arrived() {
    let mut play = Play::new();
    play.gets(&data(1, &[0; 100]));
    play.gets(&data(201, &[0; 100]));
    play.sends(&bare(1, 101));
    assert_eq!(play.broken(), []);
    play.sends(&bare(1, 102));
    assert_eq!(play.broken(), [Rule::AckBeyondData]);
    play.sends(&bare(1, 50));
    assert_eq!(play.broken(), [Rule::AckGoesBack, Rule::ShrinkingWindow]);
    play.says(|info| info.rcv_nxt = B_FIRST + 301);
    assert_eq!(play.broken(), [Rule::AckBeyondData]);
}

#[test]
fn the_right_edge_stays() {
    let mut play = Play::new();
    play.gets(&data(1, &[0; 100]));
    // 65,536 beyond 1; 100 octets later 4,090 units of 16 reach as far.
    play.sends(&Forged { window: 4_090, ..bare(1, 101) });
    assert_eq!(play.broken(), []);
    play.sends(&Forged { window: 4_089, ..bare(1, 101) });
    assert_eq!(play.broken(), [Rule::ShrinkingWindow]);
}

#[test]
fn sack_blocks_describe_what_is_held() {
    let mut play = Play::new();
    let report = |sack: &[(u32, u32)]| Forged { sack: sack.to_vec(), ..bare(1, 1) };
    play.gets(&data(301, &[0; 100]));
    play.gets(&data(101, &[0; 100]));
    play.sends(&report(&[(101, 201), (301, 401)]));
    assert_eq!(play.broken(), []);
    play.sends(&report(&[(301, 401), (101, 201)]));
    assert_eq!(play.broken(), [Rule::Sack], "the newest is not the first");
    play.sends(&report(&[(101, 202), (301, 401)]));
    assert_eq!(play.broken(), [Rule::Sack], "one octet too much");
    // A duplicate above the hole, with the block around it (RFC 2883 §4), and one without.
    play.sends(&report(&[(111, 121), (101, 201)]));
    assert_eq!(play.broken(), []);
    play.gets(&data(1, &[0; 100]));
    play.sends(&Forged { sack: vec![(1, 101), (301, 401)], ..bare(1, 201) });
    assert_eq!(play.broken(), [], "a duplicate below the acknowledgement");
    play.sends(&Forged { sack: vec![(301, 401), (1, 101)], ..bare(1, 201) });
    assert_eq!(play.broken(), [Rule::Sack], "a duplicate in the second place");
}

#[test]
fn timestamps_are_everywhere_and_true() {
    let mut play = Play::new();
    play.sends(&Forged { timestamps: None, ..bare(1, 1) });
    assert_eq!(play.broken(), [Rule::Timestamps]);
    play.sends(&Forged { timestamps: Some((19, 10)), ..bare(1, 1) });
    assert_eq!(play.broken(), [Rule::Timestamps], "it goes back");
    play.sends(&Forged { timestamps: Some((25, 11)), ..bare(1, 1) });
    assert_eq!(play.broken(), [Rule::Echo]);
    play.gets(&Forged { timestamps: Some((30, 20)), ..bare(1, 1) });
    play.sends(&Forged { timestamps: Some((25, 30)), ..bare(1, 1) });
    assert_eq!(play.broken(), []);
}

#[test]
fn resets_answer_no_resets_and_end_the_connection() {
    let reset = Forged { flags: Flags::RST, timestamps: None, ..bare(1, 1) };
    let mut play = Play::new();
    play.sends(&reset);
    play.says(|_| {});
    assert_eq!(play.broken(), [Rule::ResetWhileOpen]);
    play.gets(&reset);
    play.sends(&reset);
    play.says(|info| info.state = sockeye_wire::StateName::Closed);
    assert_eq!(play.broken(), [Rule::ResetAnswersReset]);
    play.gets(&data(1, b"x"));
    play.sends(&reset);
    play.says(|_| {});
    assert_eq!(play.broken(), []);
}

#[test]
fn a_connections_numbers_agree_with_what_it_sent() {
    let mut play = Play::new();
    play.sends(&data(1, &[0; 100]));
    play.has_sent(100);
    assert_eq!(play.broken(), []);
    play.has_sent(101);
    assert_eq!(play.broken(), [Rule::SendSequence]);
    play.has_sent(100);
    play.broken();
    play.says(|info| info.snd_una = A_FIRST + 102);
    assert!(play.broken().contains(&Rule::SendSequence));
}

#[test]
fn somebody_waits_with_a_timer() {
    let mut play = Play::new();
    play.sends(&data(1, &[0; 100]));
    play.has_sent(100);
    assert_eq!(play.broken(), []);
    play.says(|info| info.retransmit_at = None);
    assert_eq!(play.broken(), [Rule::Timer, Rule::Timer]);
}

#[test]
fn the_timer_is_one_of_four_and_has_a_reason() {
    let mut play = Play::new();
    play.says(|info| {
        info.timer = TimerKind::Persist;
        info.retransmit_at = Some(Instant::from_millis(200));
    });
    assert_eq!(play.broken(), [Rule::Timer], "there is nothing to send");
    play.sends(&data(1, &[0; 100]));
    play.has_sent(100);
    for (kind, broken) in [
        (TimerKind::Probe, &[][..]),
        (TimerKind::Reorder, &[]),
        (TimerKind::Persist, &[Rule::Timer]),
        (TimerKind::Idle, &[Rule::Timer]),
    ] {
        play.says(|info| info.timer = kind);
        assert_eq!(play.broken(), broken, "{kind:?}");
    }
    play.now = Instant::from_millis(201);
    play.says(|info| info.timer = TimerKind::Retransmit);
    assert_eq!(play.broken(), [Rule::Timer], "it was due");
}

#[test]
fn challenges_are_half_a_second_apart() {
    let reset = Forged { flags: Flags::RST, timestamps: None, ..bare(5, 1) };
    let mut play = Play::new();
    let mut challenges = |at_ms, count| {
        play.now = Instant::from_millis(at_ms);
        play.gets(&reset);
        (0..count).for_each(|_| play.sends(&bare(1, 1)));
        play.says(|_| {});
        play.broken()
    };
    assert_eq!(challenges(0, 1), []);
    assert_eq!(challenges(100, 0), []);
    assert_eq!(challenges(400, 1), [Rule::Challenge]);
    assert_eq!(challenges(1_000, 2), [Rule::Challenge]);
    assert_eq!(challenges(1_500, 1), []);
    // What has news is none.
    play.gets(&data(1, b"abc"));
    play.says(|info| info.rcv_nxt = B_FIRST + 4);
    play.gets(&reset);
    play.sends(&bare(1, 4));
    play.says(|_| {});
    assert_eq!(play.broken(), []);
}

#[test]
fn the_expected_reset_ends_the_connection() {
    let reset = Forged { flags: Flags::RST, timestamps: Some((1, 1)), ..bare(1, 1) };
    let mut play = Play::new();
    play.gets(&reset);
    play.says(|_| {});
    assert_eq!(play.broken(), [Rule::ResetIgnored]);
    play.gets(&Forged { at: 2, ..reset.clone() });
    play.says(|_| {});
    assert_eq!(play.broken(), [], "another number");
    play.gets(&reset);
    play.says(|info| info.state = sockeye_wire::StateName::Closed);
    assert_eq!(play.broken(), []);
}

#[test]
fn congestion_windows_are_kept_and_used() {
    let mut play = Play::new();
    let mss = u32::from(play.info.send_mss);
    play.says(|info| info.congestion_window = mss - 1);
    assert_eq!(play.broken(), [Rule::LeastWindow]);
    play.says(|info| {
        info.congestion_window = 10 * mss;
        info.slow_start_threshold = 2 * mss - 1;
    });
    assert_eq!(play.broken()[0], Rule::LeastWindow);
    play.says(|info| info.slow_start_threshold = 2 * mss);
    play.broken();
    play.says(|info| info.congestion_window = 11 * mss);
    assert_eq!(play.broken(), [Rule::UnusedGrowth]);
    play.sends(&data(1, &vec![0; 14 * mss as usize]));
    play.has_sent(14 * mss);
    assert_eq!(play.broken(), []);
    play.sends(&data(1 + 14 * mss, &[0]));
    play.has_sent(14 * mss + 1);
    assert_eq!(play.broken(), [], "a tail loss probe");
    play.sends(&data(2 + 14 * mss, &[0]));
    play.has_sent(14 * mss + 2);
    assert_eq!(play.broken(), [Rule::InFlight]);
}

#[test]
fn a_damaged_packet_is_nothing() {
    let mut play = Play::new();
    let mut packet = packet(true, &data(500, b"abc"));
    packet.headers_mut()[25] ^= 1;
    play.monitor.sent(Instant::ZERO, &packet);
    assert_eq!(play.broken(), []);
}

#[test]
fn a_breach_is_told() {
    let mut play = Play::new();
    play.monitor.sent(Instant::from_millis(1_500), &packet(true, &data(11, b"k")));
    let breach = play.monitor.take_breaches().remove(0);
    assert_eq!((breach.at, breach.who), (Duration::from_millis(1_500), a()));
    let told = breach.to_string();
    assert_eq!(told, "at 1.5s 10.0.0.1:1111 leaves a gap in what it sends: 11 after 1");
}
