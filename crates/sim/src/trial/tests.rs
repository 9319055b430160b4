use super::{Change, Expectation, Fault, Flow, Forgery, Happening, Plan, Role, judge, try_out};
use crate::apps::{Ending, Talk};
use crate::batch::Batch;
use crate::scenarios;
use crate::seed::Dice;
use sockeye_host::Counters;
use sockeye_link::Impairment;
use sockeye_tcp::EcnMode;
use sockeye_tcp::auth::Signature;
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
        policy: sockeye_host::Policy::default(),
        backlog: 4,
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

/// What a stranger sends who knows all but the key ends or spoils a connection without one, and does nothing to one with it.
#[test]
fn only_a_signature_stops_who_knows_everything_else() {
    let forgeries = [
        Forgery::ExactReset,
        Forgery::ExactData,
        Forgery::ExactFin,
        Forgery::SignedData(Signature::Ao),
        Forgery::SignedReset(Signature::Ao),
    ];
    for forgery in forgeries {
        for (signature, is_harmed) in
            [(Signature::None, true), (Signature::Md5, false), (Signature::Ao, false)]
        {
            let slow = Talk {
                write_bytes: 1_000,
                write_pause: Duration::from_millis(3),
                ..writer(50_000)
            };
            let mut plan = plan([slow.clone(), slow]);
            let flow = plan.flow();
            flow.signature = signature;
            flow.tcp.iter_mut().for_each(|tcp| tcp.timestamps = false);
            plan.happens(Instant::from_millis(40), Happening::Forgery(Role::Server, forgery));
            let faults = faults(&plan);
            assert_eq!(!faults.is_empty(), is_harmed, "{forgery:?}, {signature:?}: {faults:#?}");
        }
    }
}

/// What the hosts of some seeds counted together, and the marks that their networks made.
fn counted(name: &str, read: impl Fn(&Counters) -> u64) -> u64 {
    let scenario = scenarios::find(name).unwrap();
    let mut sum = 0;
    for seed in 0..20 {
        let mut dice = Dice::new(seed, name);
        let plan = (scenario.plan)(&mut dice).bounded();
        let (mut network, mut director) = super::stage::set(&plan, &mut dice, None).unwrap();
        super::act(&plan, &mut network, &mut director).unwrap();
        sum += director.nodes().map(|node| read(network.host(node).counters())).sum::<u64>();
    }
    sum
}

#[test]
fn scenarios_do_what_they_are_for() {
    assert!(counted("syn-flood", |counters| counters.syn_cookies_sent) > 1_000);
    assert!(counted("syn-flood", |counters| counters.syn_cookies_valid) > 10);
    assert!(counted("fast-open", |counters| counters.fast_opens) > 10);
    assert!(counted("fast-open", |counters| counters.fast_open_cookies_sent) > 10);
    assert!(counted("signatures", |counters| counters.dropped_auth_missing) > 10);
    assert!(counted("signatures", |counters| counters.dropped_auth_wrong) > 10);
    assert!(counted("signatures", |counters| counters.dropped_checksum) > 10);
}

/// A queue that marks what waits, between ends that agree on either kind of notification or on none.
#[test]
fn marks_stand_in_for_losses_where_both_ends_agree() {
    for mode in [EcnMode::Off, EcnMode::Classic, EcnMode::Accurate] {
        let mut plan = plan([writer(2_000_000), Talk::default()]);
        plan.flow().tcp.iter_mut().for_each(|tcp| tcp.ecn.request = mode);
        plan = plan.impaired(|path| {
            path.rate_bps = Some(10_000_000);
            path.ce_threshold = Some(Duration::from_millis(5));
            path.queue_bytes = Some(60_000);
        });
        let mut dice = dice();
        let (mut network, mut director) = super::stage::set(&plan, &mut dice, None).unwrap();
        super::act(&plan, &mut network, &mut director).unwrap();
        let counts = network.channel_counts().next().unwrap();
        assert!(counts.marked_ce > 0, "{counts:?}");
        assert_eq!(counts.overflowed == 0, mode != EcnMode::Off, "{mode:?}: {counts:?}");
        let mut verdict = super::Verdict::new();
        director.conclude(&mut verdict);
        assert!(verdict.is_good(), "{verdict:#?}");
    }
}
