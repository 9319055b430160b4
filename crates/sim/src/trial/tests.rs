use super::{Change, Expectation, Fault, Flow, Happening, Plan, Role, judge, try_out};
use crate::apps::{Ending, Talk};
use crate::batch::Batch;
use crate::scenarios;
use crate::seed::Dice;
use sockeye_link::Impairment;
use sockeye_wire::Instant;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The part of all trials that every change has to pass; `sockeye sim` runs more of them.
#[test]
fn a_few_seeds_of_every_scenario() {
    let scenarios = scenarios::ALL.iter().collect();
    let batch = Batch { seeds: 0..12, scenarios, threads: None };
    let (mut count, mut bytes) = (0, 0);
    batch.run(|verdict| {
        count += 1;
        bytes += verdict.bytes;
        assert!(verdict.is_good(), "{verdict:#?}");
    });
    assert_eq!(count, batch.len());
    assert!(bytes > 10_000_000, "{bytes}");
}

#[test]
fn a_batch_tries_each_seed_of_each_scenario_once() {
    let scenarios = ["clean", "lossy"].map(|name| scenarios::find(name).unwrap());
    let batch = Batch { seeds: 5..8, scenarios: scenarios.to_vec(), threads: None };
    let mut tried = Vec::new();
    batch.run(|verdict| tried.push((verdict.scenario, verdict.seed)));
    tried.sort_unstable();
    let expected = ["clean", "lossy"].map(|name| [5, 6, 7].map(|seed| (name, seed)));
    assert_eq!(tried, expected.concat());
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

#[test]
fn one_seed_one_trial() {
    for scenario in &scenarios::ALL {
        let packets = |seed| {
            let file = Shared::default();
            let verdict = try_out(scenario, seed, Some(Box::new(file.clone())));
            let captured = std::mem::take(&mut *file.0.lock().unwrap());
            (captured, verdict.virtual_time)
        };
        let (first, second, other) = (packets(3), packets(3), packets(4));
        assert!(first == second, "{}: the same seed gives another story", scenario.name);
        assert!(first.0 != other.0, "{}: another seed gives the same story", scenario.name);
    }
}

fn dice() -> Dice {
    Dice::new(1, "test")
}

fn plan(talks: [Talk; 2]) -> Plan {
    Plan {
        ipv6: false,
        mtu: 1_500,
        path: [Impairment::default(), Impairment::default()]
            .map(|path| Impairment { delay: Duration::from_millis(5), ..path }),
        access: Vec::new(),
        flows: vec![Flow { talks, ..Flow::new() }],
        changes: Vec::new(),
        expectation: Expectation::Whole,
        limit: Duration::from_secs(3_600),
    }
}

fn writer(bytes: u64) -> Talk {
    Talk { bytes, ending: Ending::WhenWritten, ..Talk::default() }
}

#[track_caller]
fn faults(plan: &Plan) -> Vec<Fault> {
    judge(plan, &mut dice(), None).faults
}

#[test]
fn a_good_plan_has_no_fault() {
    let verdict = judge(&plan([writer(10_000), writer(20_000)]), &mut dice(), None);
    assert!(verdict.is_good(), "{verdict:#?}");
    assert_eq!(verdict.bytes, 30_000);
    assert!(verdict.packets > 20);
}

#[test]
fn a_lost_connection_is_a_fault() {
    let mut plan = plan([writer(100_000), Talk::default()]);
    let dark = Impairment { loss: 1.0, ..Impairment::default() };
    plan.changes = Role::BOTH
        .map(|role| Change {
            at: Instant::from_millis(12),
            what: Happening::Path(role, dark.clone()),
        })
        .to_vec();
    let faults = faults(&plan);
    let told = faults.iter().any(|fault| {
        let timed_out = sockeye_tcp::Error::TimedOut;
        matches!(fault, Fault::Told { role: Role::Client, error, .. } if *error == timed_out)
    });
    assert!(told, "{faults:#?}");
}

#[test]
fn an_early_end_is_a_fault() {
    let quitter = Talk { bytes: 100_000, ending: Ending::Abandon(50_000), ..Talk::default() };
    let mut plan = plan([quitter, Talk::default()]);
    assert!(!faults(&plan).is_empty());
    plan.expectation = Expectation::Ends;
    assert!(faults(&plan).is_empty());
}

#[test]
fn waiting_for_nothing_is_a_deadlock() {
    // Each closes when the other has.
    let faults = faults(&plan([Talk::default(), Talk::default()]));
    assert!(matches!(faults[0], Fault::Deadlock { .. }), "{faults:#?}");
}

#[test]
fn what_takes_too_long_is_a_fault() {
    let slow = Talk { write_bytes: 1, write_pause: Duration::from_secs(100), ..writer(100) };
    let faults = faults(&plan([slow, Talk::default()]));
    assert!(matches!(faults[0], Fault::Endless { .. }), "{faults:#?}");
}

/// RFC 8200 §5: what an IPv6 path carries at the least is 1,280 octets, headers and options included. A path that takes no more, and does
/// not say so, is found out (RFC 4821 §7.7).
#[test]
fn a_silent_path_of_the_least_mtu_is_found_out() {
    for ipv6 in [false, true] {
        let mut plan = plan([writer(300_000), writer(300_000)]);
        plan.ipv6 = ipv6;
        let bytes = Some(if ipv6 { 1_280 } else { 576 });
        let what = Happening::PathMtu { bytes, told: false };
        plan.changes = vec![Change { at: Instant::from_millis(22), what }];
        assert!(faults(&plan).is_empty(), "{:#?}", faults(&plan));
    }
}
