//! Conversations whose story is known.

use super::Side;
use super::sequence::{Inserted, Sequence};
use crate::config::Vantage;
use crate::observation::Marks;
use crate::report::{CloseHow, FindingCode, Outcome, TimeWait};
use crate::testing::{Client, Server, Talk};
use proptest::prelude::*;
use sockeye_wire::{Flags, SeqNumber, StateName};

fn open() -> Talk {
    Talk::open(Vantage::Path)
}

#[test]
fn the_three_way_handshake() {
    let mut talk = Talk::new(Vantage::Path);
    let seen = talk.say(Client, "S", 0, 0, 0);
    assert_eq!((seen.client, seen.server), (Some(StateName::SynSent), None));
    let seen = talk.say(Server, "S.", 0, 1, 0);
    assert_eq!(seen.client, Some(StateName::SynSent));
    assert_eq!(seen.server, Some(StateName::SynReceived));
    assert!(seen.marks.contains(Marks::ACKS_SYN));
    let seen = talk.wait(9).say(Client, ".", 1, 1, 0);
    assert_eq!(seen.client, Some(StateName::Established));
    assert_eq!(seen.server, Some(StateName::Established));
    assert!(seen.marks.contains(Marks::ACKS_SYN_ACK));
    let report = talk.report();
    assert_eq!(report.handshake.outcome, Outcome::Established);
    assert_eq!(report.handshake.rtt_s, Some(0.011));
    assert_eq!(report.handshake.rtt_to_server_s, Some(0.001));
    assert_eq!(report.close.how, CloseHow::Open);
    assert!(report.findings.is_empty());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["handshake"]["syn_ack"]["ack"], 1_001);
    assert_eq!(json["state"]["client"], "ESTABLISHED");
    assert_eq!(json["to_server"]["unique_bytes"], 0);
    assert_eq!(json["close"]["by"], serde_json::Value::Null);
    assert!(json.get("icmp").is_none() && json["to_server"].get("retransmitted").is_none());
}

#[test]
fn a_wrong_number_in_the_syn_ack() {
    let mut talk = Talk::new(Vantage::Path);
    talk.say(Client, "S", 0, 0, 0);
    let seen = talk.say(Server, "S.", 0, 2, 0);
    assert!(seen.marks.contains(Marks::WRONG_NUMBER));
    let report = talk.report();
    assert_eq!(report.handshake.checks.syn_ack_acks_syn, Some(false));
    let found = report.violations().next().unwrap();
    assert_eq!(found.code, FindingCode::HandshakeNumberWrong);
    assert!(found.text.contains("1002") && found.text.contains("1001"));
}

#[test]
fn wrong_numbers_in_the_answer() {
    for (seq, ack) in [(1, 2), (1, 0), (0, 1)] {
        let mut talk = Talk::new(Vantage::Path);
        talk.say(Client, "S", 0, 0, 0);
        talk.say(Server, "S.", 0, 1, 0);
        talk.say(Client, ".", seq, ack, 0);
        let report = talk.report();
        let found = report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
        assert!(found.contains(&FindingCode::HandshakeNumberWrong), "{seq} {ack}: {found:?}");
    }
}

proptest! {
    #[test]
    fn any_wrong_number_is_found(which in 0..3, wrong in 1u32..=u32::MAX) {
        let mut talk = Talk::new(Vantage::Senders);
        talk.say(Client, "S", 0, 0, 0);
        let off = |place: i32| if which == place { wrong } else { 0 };
        talk.say(Server, "S.", 0, 1u32.wrapping_add(off(0)), 0);
        talk.say(Client, ".", 1u32.wrapping_add(off(1)), 1u32.wrapping_add(off(2)), 0);
        prop_assert!(talk.report().violations().count() > 0);
    }
}

#[test]
fn close_by_request_and_answer() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 100);
    let seen = talk.say(Client, "F.", 101, 1, 0);
    assert_eq!(
        (seen.client, seen.server),
        (Some(StateName::FinWait1), Some(StateName::Established))
    );
    let seen = talk.say(Server, ".", 1, 102, 0);
    assert_eq!((seen.client, seen.server), (Some(StateName::FinWait2), Some(StateName::CloseWait)));
    assert!(seen.marks.contains(Marks::ACKS_FIN));
    let seen = talk.say(Server, "F.", 1, 102, 0);
    assert_eq!((seen.client, seen.server), (Some(StateName::FinWait2), Some(StateName::LastAck)));
    let seen = talk.say(Client, ".", 102, 2, 0);
    assert_eq!((seen.client, seen.server), (Some(StateName::TimeWait), Some(StateName::Closed)));
    let report = talk.report();
    assert_eq!((report.close.how, report.close.by), (CloseHow::Fin, Some(Side::Client)));
    assert_eq!((report.close.packet, report.close.time_wait), (Some(5), Some(TimeWait::Client)));
    assert_eq!((report.to_server.unique_bytes, report.to_server.psh), (100, 1));
}

#[test]
fn simultaneous_close() {
    let mut talk = open();
    talk.say(Client, "F.", 1, 1, 0);
    talk.say(Server, "F.", 1, 1, 0);
    let seen = talk.say(Client, ".", 2, 2, 0);
    assert_eq!(seen.client, Some(StateName::Closing));
    let seen = talk.say(Server, ".", 2, 2, 0);
    assert_eq!((seen.client, seen.server), (Some(StateName::TimeWait), Some(StateName::TimeWait)));
    let report = talk.report();
    assert!(report.close.simultaneous);
    assert_eq!(report.close.time_wait, Some(TimeWait::Both));
}

#[test]
fn attempts_that_fail() {
    let mut talk = Talk::new(Vantage::Path);
    talk.say(Client, "S", 0, 0, 0);
    talk.say(Client, "S", 0, 0, 0);
    let report = talk.report();
    assert_eq!(report.handshake.outcome, Outcome::Unanswered);
    assert_eq!(report.to_server.retransmitted.syn, 1);
    assert_eq!(report.findings[0].code, FindingCode::SynUnanswered);

    let mut talk = Talk::new(Vantage::Path);
    talk.say(Client, "S", 0, 0, 0);
    talk.say_absolute(Server, Flags::RST | Flags::ACK, 0, 1_001, 0);
    let report = talk.report();
    assert_eq!((report.handshake.outcome, report.close.by), (Outcome::Refused, Some(Side::Server)));
    assert_eq!(report.state.client, Some(StateName::Closed));

    let mut talk = Talk::new(Vantage::Path);
    talk.say(Client, "S", 0, 0, 0);
    talk.say(Server, "S.", 0, 1, 0);
    talk.say(Client, "R", 1, 0, 0);
    assert_eq!(talk.report().handshake.outcome, Outcome::Aborted);

    let mut talk = Talk::new(Vantage::Path);
    talk.say(Client, "S", 0, 0, 0);
    talk.say(Server, "S.", 0, 1, 0);
    talk.say(Server, "S.", 0, 1, 0);
    let report = talk.report();
    assert_eq!(report.handshake.outcome, Outcome::HalfOpen);
    assert_eq!(report.state.server, Some(StateName::SynReceived));
    assert_eq!(report.handshake.syn_ack.unwrap().retransmissions, 1);
}

#[test]
fn a_rst_to_a_syn_must_acknowledge_it() {
    let mut talk = Talk::new(Vantage::Path);
    talk.say(Client, "S", 0, 0, 0);
    talk.say_absolute(Server, Flags::RST | Flags::ACK, 0, 77, 0);
    talk.say(Server, "S.", 0, 1, 0);
    talk.say(Client, ".", 1, 1, 0);
    let report = talk.report();
    assert_eq!(
        (report.handshake.outcome, report.close.how),
        (Outcome::Established, CloseHow::Open)
    );
}

#[test]
fn a_reset_in_mid_stream() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 100);
    let seen = talk.say(Server, "R.", 1, 101, 0);
    assert!(seen.marks.contains(Marks::RESETS));
    let report = talk.report();
    assert_eq!((report.close.how, report.close.by), (CloseHow::Reset, Some(Side::Server)));
    assert_eq!(report.findings[0].code, FindingCode::ResetMidStream);
    assert_eq!(report.state.client, Some(StateName::Closed));
    assert_eq!(report.to_server.unique_bytes, 100);
}

#[test]
fn a_blind_rst_changes_nothing() {
    let mut talk = open();
    talk.say(Client, "R", 5_000, 0, 0);
    talk.say(Server, ".", 1, 1, 0);
    talk.say(Client, "P.", 1, 1, 10);
    talk.say(Server, ".", 1, 11, 0);
    let report = talk.report();
    assert_eq!(report.close.how, CloseHow::Open);
    assert_eq!(report.state.server, Some(StateName::Established));
}

#[test]
fn an_injected_rst_that_is_believed() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 10);
    talk.say(Server, "R.", 1, 11, 0);
    // The true server answers all the same, and the client knows nothing of a connection any more.
    talk.say(Server, ".", 1, 11, 0);
    talk.say(Client, "R", 11, 0, 0);
    let report = talk.report();
    assert_eq!((report.close.how, report.close.packet), (CloseHow::Reset, Some(5)));
    assert_eq!(report.state.server, Some(StateName::Closed));
}

#[test]
fn retransmissions_and_late_data() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 100);
    talk.wait(50);
    let again = talk.say(Client, "P.", 1, 1, 100);
    assert!(again.marks.contains(Marks::RETRANSMISSION));
    let after = talk.say(Client, "P.", 201, 1, 100);
    assert!(after.marks.contains(Marks::AFTER_HOLE));
    let late = talk.say(Client, "P.", 101, 1, 100);
    assert!(late.marks.contains(Marks::OUT_OF_ORDER));
    talk.say(Server, ".", 1, 301, 0);
    let report = talk.report();
    let sent = report.to_server;
    assert_eq!((sent.payload_bytes, sent.unique_bytes, sent.out_of_order), (400, 300, 1));
    assert_eq!((sent.retransmitted.packets, sent.retransmitted.bytes), (1, 100));
}

#[test]
fn what_was_acknowledged_but_never_seen() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 100);
    talk.say(Client, "P.", 201, 1, 100);
    talk.say(Server, ".", 1, 301, 0);
    talk.say(Server, ".", 1, 501, 0);
    let sent = talk.report().to_server;
    assert_eq!((sent.unique_bytes, sent.not_captured), (500, 300));
}

#[test]
fn keep_alives_are_no_data() {
    let mut talk = open();
    talk.say(Client, "P.", 1, 1, 100);
    talk.say(Server, ".", 1, 101, 0);
    let seen = talk.say(Client, ".", 100, 1, 0);
    assert!(seen.marks.contains(Marks::KEEP_ALIVE));
    talk.say(Server, ".", 1, 101, 0);
    talk.say(Client, ".", 100, 1, 1);
    let sent = talk.report().to_server;
    assert_eq!((sent.keep_alives, sent.unique_bytes, sent.retransmitted.packets), (2, 100, 0));
}

#[test]
fn given_up_after_unanswered_retransmissions() {
    let mut talk = open();
    for _ in 0..4 {
        talk.wait(400).say(Client, "P.", 1, 1, 100);
    }
    let report = talk.report();
    assert_eq!((report.close.how, report.close.by), (CloseHow::TimedOut, Some(Side::Client)));
    assert_eq!(report.to_server.unique_bytes, 0);
}

#[test]
fn without_a_syn_roles_are_inferred() {
    let mut talk = Talk::new(Vantage::Path);
    talk.say(Server, "P.", 1, 1, 100);
    talk.say(Client, ".", 1, 101, 0);
    talk.say(Server, "P.", 101, 1, 100);
    let report = talk.report();
    assert!(report.roles.is_some());
    assert_eq!(report.server.port, 80);
    assert_eq!(report.handshake.outcome, Outcome::NotCaptured);
    assert_eq!(report.to_client.unique_bytes, 100);
    assert_eq!(report.state.client, Some(StateName::Established));
}

#[test]
fn a_used_tuple_begins_anew_only_at_a_syn_with_another_number() {
    let mut talk = open();
    talk.say(Client, "F.", 1, 1, 0);
    talk.say(Server, "F.", 1, 2, 0);
    talk.say(Client, ".", 2, 2, 0);
    talk.say(Client, "S", 0, 0, 0);
    talk.say(Server, "R", 2, 0, 0);
    let (reports, _) = talk.eye.finish();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].close.how, CloseHow::Fin);

    let mut talk = open();
    talk.say(Client, "R.", 1, 1, 0);
    talk.say_absolute(Client, Flags::SYN, 777, 0, 0);
    let finished: Vec<_> = talk.eye.drain_finished().collect();
    assert_eq!(finished.len(), 1);
    assert_eq!((finished[0].id, finished[0].close.how), (1, CloseHow::Reset));
    let (reports, summary) = talk.eye.finish();
    assert_eq!((reports.len(), reports[0].id, summary.connections), (1, 2, 2));
}

#[test]
fn closed_connections_are_let_go_in_time() {
    let mut talk = open();
    talk.say(Client, "R.", 1, 1, 0);
    talk.wait(100_000).say(Client, "R.", 1, 1, 0);
    assert_eq!(talk.eye.drain_finished().count(), 0);
    // Another connection's packet, long after.
    talk.wait(121_000);
    talk.show_any(&crate::testing::ipv4([1, 1, 1, 1], [2, 2, 2, 2], 17, 0, &[0; 8]));
    assert_eq!(talk.eye.drain_finished().count(), 1);
    assert_eq!(talk.eye.finish().0.len(), 0);
}

proptest! {
    /// The interval set counts what a plain set of octets would.
    #[test]
    fn coverage_equals_a_set_of_octets(ranges in proptest::collection::vec((1i64..200, 1i64..40), 1..60)) {
        let mut sequence = Sequence::default();
        sequence.begin_at_syn(SeqNumber(u32::MAX - 50));
        let mut seen = std::collections::HashSet::new();
        for (start, len) in ranges {
            let found = sequence.insert(start, start + len);
            let new = (start..start + len).filter(|octet| seen.insert(*octet)).count() as u64;
            prop_assert_eq!(found, Inserted { new, old: len.unsigned_abs() - new });
            prop_assert_eq!(sequence.seen(), seen.len() as u64);
        }
    }

    #[test]
    fn positions_survive_the_wrap(steps in proptest::collection::vec(1u32..1 << 30, 1..40)) {
        let mut sequence = Sequence::default();
        sequence.begin_at_syn(SeqNumber(4_000_000_000));
        let (mut number, mut position) = (SeqNumber(4_000_000_001), 1);
        for step in steps {
            prop_assert_eq!(sequence.position(number), Some(position));
            sequence.insert(position, position + i64::from(step));
            number += step;
            position += i64::from(step);
        }
        prop_assert_eq!(sequence.seen(), (position - 1).unsigned_abs());
    }
}

proptest! {
    /// Whatever two ends, or somebody in their names, send: there is an account of it, and it adds up.
    #[test]
    fn any_segments_at_all_do_no_harm(
        senders: bool,
        segments in proptest::collection::vec(
            (any::<bool>(), 0u16..64, any::<u32>(), any::<u32>(), any::<bool>(), 0usize..40),
            1..40,
        ),
    ) {
        let mut talk = Talk::new(if senders { Vantage::Senders } else { Vantage::Path });
        let count = segments.len() as u64;
        for (client, flags, seq, ack, near, len) in segments {
            let side = if client { Client } else { Server };
            let (seq, ack) = if near { (seq % 50, ack % 50) } else { (seq, ack) };
            let base = if client { [1_000, 5_000] } else { [5_000, 1_000u32] };
            let (seq, ack) = (base[0].wrapping_add(seq), base[1].wrapping_add(ack));
            talk.say_absolute(side, Flags::from_bits(flags), seq, ack, len);
        }
        let mut reports: Vec<_> = talk.eye.drain_finished().collect();
        let (rest, summary) = talk.eye.finish();
        reports.extend(rest);
        let packets: u64 = reports.iter().map(|one| one.to_server.packets + one.to_client.packets).sum();
        prop_assert_eq!((packets, reports.len() as u64), (count, summary.connections));
        for report in &reports {
            prop_assert!(serde_json::to_string(report).is_ok());
        }
    }
}

/// What the contract allows for both directions together.
#[test]
fn a_connection_takes_less_than_a_kilobyte() {
    let size = size_of::<super::Connection>();
    assert!(size <= 1_000, "{size} bytes");
}
