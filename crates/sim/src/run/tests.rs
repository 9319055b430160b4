//! Whole runs, judged by the hashes and by the eye.

use super::{A, B, run};
use crate::story::{StepKind, told_once};
use crate::{Outcome, Phase, Progress, Scenario, SimError, Step};
use sockeye_wire::StateName;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Runs it, and demands that the stack, the eye and the hosts' tables are content.
#[track_caller]
fn run_well(scenario: &Scenario) -> Outcome {
    let outcome =
        run(scenario, None, &mut ()).unwrap_or_else(|error| panic!("{scenario:?}: {error}"));
    assert!(outcome.is_intact(), "{scenario:?}: {outcome:#?}");
    assert_eq!(outcome.summary.connections, 1, "{scenario:?}");
    let violations: Vec<_> =
        outcome.reports.iter().flat_map(|report| report.violations()).collect();
    assert!(violations.is_empty(), "{scenario:?}: {violations:#?}");
    for held in outcome.left_behind {
        let all = held.connections + held.half_open + held.time_wait + held.ports_in_use;
        assert_eq!(all, 0, "{scenario:?}: {held:?}");
    }
    outcome
}

fn states(steps: &[Step]) -> Vec<(usize, StateName)> {
    told_once(steps).map(|step| (step.node.0, step.after)).collect()
}

fn small(bytes: u64) -> Scenario {
    Scenario { bytes, ..Scenario::default() }
}

#[test]
fn the_story_is_the_textbooks() {
    use StateName::{CloseWait, Closed, Established, FinWait1, FinWait2, LastAck, SynReceived};
    let scenario = Scenario { isn: Some([1_234_567, 7_654_321]), ..small(1_000_000) };
    let outcome = run_well(&scenario);
    let (a, b) = (A.0, B.0);
    assert_eq!(
        states(&outcome.handshake),
        [(a, StateName::SynSent), (b, SynReceived), (a, Established), (b, Established)]
    );
    let numbers: Vec<_> = told_once(&outcome.handshake)
        .filter_map(Step::header)
        .map(|header| (header.flags.to_string(), header.seq.0, header.ack.0))
        .collect();
    assert_eq!(numbers[0], ("[SYN]".to_owned(), 1_234_567, 0));
    assert_eq!(numbers[1], ("[SYN,ACK]".to_owned(), 7_654_321, 1_234_568));
    assert_eq!(numbers[2], ("[ACK]".to_owned(), 1_234_568, 7_654_322));
    assert_eq!(
        states(&outcome.close),
        [
            (a, FinWait1),
            (b, CloseWait),
            (b, LastAck),
            (a, FinWait2),
            (a, StateName::TimeWait),
            (b, Closed),
            (a, Closed)
        ]
    );
    assert_eq!(outcome.retransmissions, 0);
}

#[test]
fn time_wait_lasts_twice_the_segment_lifetime_and_costs_nothing() {
    let outcome = run_well(&small(1));
    let last = outcome.close.last().unwrap();
    assert_eq!(last.kind, StepKind::TimedOut);
    assert_eq!((last.node, last.after), (A, StateName::Closed));
    let waited = last.time.since(outcome.close[outcome.close.len() - 3].time);
    assert_eq!(waited, Scenario::default().tcp().time_wait);
    assert!(outcome.virtual_time < Duration::from_secs(1));
}

#[test]
fn every_kind_of_trouble_at_once_leaves_the_bytes_whole() {
    for seed in 0..20 {
        let scenario =
            Scenario { loss: 0.02, reorder: 0.02, duplicate: 0.01, seed, ..small(2_000_000) };
        let outcome = run_well(&scenario);
        assert!(outcome.retransmissions > 0);
        assert!(outcome.channels.iter().all(|counts| counts.lost > 0));
    }
}

#[test]
fn corruption_is_caught_by_the_checksum() {
    for seed in 0..5 {
        let scenario = Scenario { corrupt: 0.02, seed, ..small(1_000_000) };
        assert!(run_well(&scenario).channels[A.0].corrupted > 0);
    }
}

#[test]
fn handshake_and_close_survive_loss() {
    let mut again = 0;
    for seed in 0..60 {
        let scenario = Scenario { loss: 0.2, seed, ..small(10) };
        let outcome = run_well(&scenario);
        let steps = outcome.handshake.iter().chain(&outcome.close);
        again += steps.filter(|step| step.is_retransmission()).count();
        assert_eq!(states(&outcome.handshake).last(), Some(&(B.0, StateName::Established)));
    }
    assert!(again > 20, "{again}");
}

#[test]
fn every_size_path_and_family_works() {
    for bytes in [0, 1, 1_448, 1_449, 65_536, 3_000_000] {
        for (mtu, ipv6) in [(1_500, false), (1_280, true), (576, false), (9_000, true)] {
            for rtt in [Duration::ZERO, Duration::from_millis(200)] {
                for rate_bps in [None, Some(20_000_000)] {
                    run_well(&Scenario { mtu, ipv6, rtt, rate_bps, ..small(bytes) });
                }
            }
        }
    }
}

#[test]
fn sequence_numbers_wrap() {
    run_well(&Scenario {
        isn: Some([u32::MAX - 50_000, u32::MAX]),
        loss: 0.01,
        ..small(1_000_000)
    });
}

#[test]
fn buffers_hold_what_is_on_the_path() {
    let long = Scenario {
        rtt: Duration::from_millis(100),
        rate_bps: Some(1_000_000_000),
        ..small(100_000_000)
    };
    assert_eq!(long.tcp().receive_buffer_bytes, 25_000_000);
    // 100 MB take 0.8 s at this rate; slow start costs about 11 round trips more.
    let virtual_time = run_well(&long).virtual_time;
    assert!(virtual_time < Duration::from_millis(2_500), "{virtual_time:?}");
    let default = Scenario { rate_bps: None, ..Scenario::default() };
    assert_eq!(default.tcp().receive_buffer_bytes, 512 * 1_024);
}

/// A file in memory.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn captured(scenario: &Scenario) -> (Outcome, Vec<u8>) {
    let file = Shared::default();
    let outcome = run(scenario, Some(Box::new(file.clone())), &mut ()).unwrap();
    let bytes = std::mem::take(&mut *file.0.lock().unwrap());
    (outcome, bytes)
}

#[test]
fn one_seed_one_story() {
    let harsh = |seed| Scenario {
        loss: 0.03,
        reorder: 0.05,
        duplicate: 0.02,
        corrupt: 0.01,
        seed,
        ..small(500_000)
    };
    let (one, first) = captured(&harsh(5));
    let (other, second) = captured(&harsh(5));
    assert!(first == second, "captures differ");
    assert_eq!((one.handshake, one.close), (other.handshake, other.close));
    assert_eq!(one.retransmissions, other.retransmissions);
    assert_eq!((one.virtual_time, one.channels), (other.virtual_time, other.channels));
    let (_, different) = captured(&harsh(6));
    assert!(first != different);
}

#[test]
fn the_capture_holds_what_the_eye_was_shown() {
    use sockeye_eye::{CaptureReader, Config, Eye};
    let (outcome, file) = captured(&Scenario { loss: 0.02, ..small(300_000) });
    let mut reader = CaptureReader::new("memory", &file[..]).unwrap();
    let mut eye = Eye::new(Config::at_senders());
    while let Some(record) = reader.next_record().unwrap() {
        eye.packet(&record);
    }
    let (reports, summary) = eye.finish();
    assert_eq!(summary, outcome.summary);
    let sent = |report: &sockeye_eye::ConnectionReport| {
        (report.to_server.packets, report.to_server.unique_bytes, report.close.packet)
    };
    assert_eq!(sent(&reports[0]), sent(&outcome.reports[0]));
    assert_eq!(reports[0].to_server.unique_bytes, 300_000);
}

#[test]
fn a_dead_network_is_told_as_such() {
    let error = run(&Scenario { loss: 1.0, ..small(1) }, None, &mut ()).unwrap_err();
    let SimError::Lost { host, phase, error, .. } = error else { panic!("{error}") };
    assert_eq!((host.as_str(), phase), ("A", Phase::Handshake));
    assert_eq!(error, sockeye_tcp::Error::TimedOut);
}

#[test]
fn a_full_disk_is_told_as_such() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = run(&small(1_000_000), Some(Box::new(Full)), &mut ()).unwrap_err();
    assert!(matches!(error, SimError::Capture(_)), "{error}");
}

#[test]
fn progress_is_told_in_order() {
    #[derive(Default)]
    struct Told(Vec<u64>, Vec<Phase>, Option<(u64, u64, u64)>);
    impl Progress for Told {
        fn step(&mut self, phase: Phase, _: &Step) {
            self.1.push(phase);
        }
        fn transferred(&mut self, bytes: u64) {
            self.0.push(bytes);
        }
        fn compared(&mut self, bytes: u64, sent: u64, received: u64) {
            self.2 = Some((bytes, sent, received));
        }
    }
    let mut told = Told::default();
    let outcome = run(&small(20_000_000), None, &mut told).unwrap();
    assert!(told.0.is_sorted() && told.0.len() > 3);
    assert_eq!(told.0.last(), Some(&20_000_000));
    assert_eq!(told.2, Some((20_000_000, outcome.sent_hash, outcome.received_hash)));
    assert!(told.1.contains(&Phase::Handshake) && told.1.contains(&Phase::Close));
}
