//! Each rule broken once, and kept where it might seem broken.

use super::Rule;
use crate::config::Vantage;
use crate::report::{FindingCode, Severity};
use crate::testing::{Client, Server, Talk};
use sockeye_wire::SeqNumber;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::tcp::{OptionBytes, TcpOption};

fn open() -> Talk {
    Talk::open(Vantage::Senders)
}

/// The findings name this rule and no other.
fn only(talk: Talk, rule: Rule) {
    let report = talk.report();
    let texts: Vec<_> = report.findings.iter().map(|finding| finding.text.as_str()).collect();
    assert!(texts.len() == 1 && texts[0].contains(rule.text()), "{texts:?}");
    assert_eq!(report.findings[0].code, FindingCode::ProtocolViolation);
}

fn none(talk: Talk) {
    let findings = talk.report().findings;
    assert!(findings.is_empty(), "{findings:?}");
}

fn with_timestamps(value: u32, echo: u32) -> OptionBytes {
    let mut options = OptionBytes::new();
    options.push_timestamps(value, echo).unwrap();
    options
}

#[test]
fn acknowledging_what_was_never_sent() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 10);
    talk.say(Server, ".", 1, 12, 0);
    only(talk, Rule::AckOfUnsent);
    let mut talk = Talk::open(Vantage::Path);
    talk.say(Client, "P.", 1, 1, 10);
    talk.say(Server, ".", 1, 12, 0);
    none(talk);
}

#[test]
fn an_acknowledgement_that_goes_back() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 10);
    talk.say(Server, ".", 1, 11, 0);
    talk.window = 10_010;
    talk.say(Server, ".", 1, 1, 0);
    only(talk, Rule::AckWentBack);
}

#[test]
fn data_beyond_the_window() {
    for (vantage, severity) in
        [(Vantage::Senders, Severity::Error), (Vantage::Path, Severity::Warn)]
    {
        let mut talk = Talk::new(vantage);
        talk.window = 1_000;
        talk.handshake();
        talk.say(Client, "P.", 1, 1, 1_000);
        talk.say(Client, "P.", 1_001, 1, 2);
        let report = talk.report();
        assert_eq!(report.findings.len(), 1);
        assert!(report.findings[0].text.contains(Rule::BeyondWindow.text()));
        assert_eq!(report.findings[0].severity, severity);
    }
}

#[test]
fn a_probe_of_one_octet_and_a_fin_may_pass_the_window() {
    let mut talk = Talk::new(Vantage::Senders);
    talk.window = 1_000;
    talk.handshake();
    talk.say(Client, "P.", 1, 1, 1_000);
    talk.say(Client, ".", 1_001, 1, 1);
    talk.say(Client, "F.", 1_002, 1, 0);
    none(talk);
}

#[test]
fn windows_are_scaled_if_both_offer_it() {
    let mut talk = Talk::new(Vantage::Senders);
    talk.syn_options.push(&TcpOption::WindowScale(4)).unwrap();
    talk.window = 2_000;
    talk.handshake();
    talk.say(Server, ".", 1, 1, 0);
    for segment in 0..20 {
        talk.say(Client, ".", 1 + segment * 1_460, 1, 1_460);
    }
    none(talk);
}

#[test]
fn the_window_must_not_shrink() {
    let mut talk = open();
    talk.window = 9_000;
    talk.say(Server, ".", 1, 1, 0);
    let report = talk.report();
    assert!(report.findings[0].text.contains(Rule::WindowShrunk.text()));
    assert_eq!(report.violations().count(), 0);
}

#[test]
fn nothing_follows_a_fin() {
    let mut talk = open();
    talk.say(Client, "F.", 1, 1, 0);
    talk.say(Client, "P.", 2, 1, 10);
    only(talk, Rule::AfterFin);
    let mut talk = open();
    talk.say(Client, "FP.", 1, 1, 10);
    talk.say(Client, "F.", 5, 1, 0);
    only(talk, Rule::FinMoved);
    let mut talk = open();
    talk.say(Client, "FP.", 1, 1, 10);
    talk.say(Client, "P.", 1, 1, 10);
    talk.say(Client, "FP.", 1, 1, 10);
    talk.say(Client, "F.", 11, 1, 0);
    talk.say(Client, ".", 12, 1, 0);
    none(talk);
}

#[test]
fn nothing_follows_a_reset() {
    let mut talk = open();
    talk.say(Client, "R.", 1, 1, 0);
    talk.say(Client, ".", 1, 1, 0);
    let report = talk.report();
    assert!(report.findings[0].text.contains(Rule::AfterReset.text()));
    // A peer that has not seen it yet goes on without fault.
    let mut talk = open();
    talk.say(Client, "R.", 1, 1, 0);
    talk.say(Server, ".", 1, 1, 0);
    talk.say(Client, "R", 1, 0, 0);
    none(talk);
}

#[test]
fn octets_must_not_be_skipped() {
    let mut talk = open();
    talk.say(Client, "P.", 2, 1, 10);
    only(talk, Rule::Gap);
    let mut talk = Talk::open(Vantage::Path);
    talk.say(Client, "P.", 2, 1, 10);
    none(talk);
}

#[test]
fn a_reset_has_a_number_that_was_reached() {
    let mut talk = open();
    talk.say(Client, "R", 2, 0, 0);
    only(talk, Rule::ResetBeyond);
}

#[test]
fn the_mss_binds() {
    let mut talk = open();
    talk.say(Client, ".", 1, 1, 1_460);
    talk.say(Client, ".", 1_461, 1, 1_461);
    only(talk, Rule::AboveMss);
}

#[test]
fn timestamps_as_agreed() {
    let agreed = || {
        let mut talk = Talk::new(Vantage::Senders);
        talk.syn_options.push_timestamps(100, 0).unwrap();
        talk.options = with_timestamps(100, 100);
        talk.handshake();
        talk
    };
    let mut talk = agreed();
    talk.options = OptionBytes::new();
    talk.say(Client, ".", 1, 1, 0);
    only(talk, Rule::TimestampMissing);
    let mut talk = agreed();
    talk.options = with_timestamps(99, 100);
    talk.say(Client, ".", 1, 1, 0);
    only(talk, Rule::TimestampWentBack);
    let mut talk = agreed();
    talk.options = with_timestamps(101, 101);
    talk.say(Client, ".", 1, 1, 0);
    only(talk, Rule::TimestampEchoUnsent);
    let mut talk = open();
    talk.options = with_timestamps(1, 0);
    talk.say(Client, ".", 1, 1, 0);
    only(talk, Rule::TimestampUninvited);
    let mut talk = agreed();
    talk.options = with_timestamps(u32::MAX / 2 + 50, 100);
    talk.say(Client, ".", 1, 1, 0);
    none(talk);
}

#[test]
fn sack_by_permission_and_of_what_was_sent() {
    let sack = |left: u32, right: u32| {
        let mut options = OptionBytes::new();
        let block = SackBlock { left: SeqNumber(1_000 + left), right: SeqNumber(1_000 + right) };
        options.push_sack(&[block]).unwrap();
        options
    };
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 100);
    talk.options = sack(51, 101);
    talk.say(Server, ".", 1, 1, 0);
    only(talk, Rule::SackUninvited);
    for (left, right, fault) in [(51, 101, false), (51, 102, true), (51, 51, true)] {
        let mut talk = Talk::new(Vantage::Senders);
        talk.syn_options.push(&TcpOption::SackPermitted).unwrap();
        talk.handshake();
        talk.say(Client, "P.", 1, 1, 100);
        talk.options = sack(left, right);
        talk.say(Server, ".", 1, 1, 0);
        if fault { only(talk, Rule::SackOfUnsent) } else { none(talk) }
    }
}

#[test]
fn flag_sets_that_no_tcp_sends() {
    for (flags, code) in [
        ("-", FindingCode::Null),
        ("FPU", FindingCode::ChristmasTree),
        ("SFRPU.", FindingCode::ChristmasTree),
        ("SF", FindingCode::SynFin),
        ("SR", FindingCode::ProtocolViolation),
        ("F", FindingCode::ProtocolViolation),
        ("P", FindingCode::ProtocolViolation),
    ] {
        let mut talk = Talk::new(Vantage::Path);
        talk.say(Client, flags, 0, 0, 0);
        let findings = talk.report().findings;
        let found = findings.iter().find(|finding| finding.severity == Severity::Error);
        assert_eq!(found.map(|finding| finding.code), Some(code), "{flags}");
    }
}

#[test]
fn a_wrong_checksum_is_blamed_on_whom_it_must_be() {
    for (vantage, code) in [
        (Vantage::Senders, FindingCode::ProtocolViolation),
        (Vantage::Path, FindingCode::Corruption),
    ] {
        let mut talk = Talk::open(vantage);
        let source = std::net::Ipv4Addr::from(crate::testing::CLIENT);
        let destination = std::net::Ipv4Addr::from(crate::testing::SERVER);
        let header = sockeye_wire::tcp::TcpHeader {
            source_port: crate::testing::CLIENT_PORT,
            destination_port: crate::testing::SERVER_PORT,
            seq: SeqNumber(1_001),
            ack: SeqNumber(5_001),
            flags: sockeye_wire::Flags::ACK,
            ..Default::default()
        };
        let mut tcp = crate::testing::segment(source.into(), destination.into(), &header, b"abc");
        tcp[21] ^= 1;
        talk.show(&crate::testing::ipv4(source.octets(), destination.octets(), 6, 0, &tcp));
        let report = talk.report();
        assert_eq!(report.findings[0].code, code);
        assert_eq!((report.to_server.checksum_bad, report.to_server.unique_bytes), (1, 0));
    }
}

#[test]
fn the_answer_to_a_syn_back_from_the_dead_is_no_fault() {
    let mut talk = open();
    talk.say(Client, "F.", 1, 1, 0);
    talk.say(Server, "F.", 1, 2, 0);
    talk.say(Client, ".", 2, 2, 0);
    // The network delivers the first SYN again; the server, in LISTEN, answers it with a new number.
    talk.say(Server, "S.", 70_000, 1, 0);
    talk.say(Client, "R", 1, 0, 0);
    none(talk);
}
