//! What breaks a rule is found: else the checks of the sound ends would say nothing.

use sockeye_model::{Call, Fault, OpenAndClose, Rule, Scenario};
use stateright::{Checker, Model};

/// With `fault` some order of events breaks each of `rules`, and without it none breaks any.
fn found(scenario: Scenario, fault: Fault, rules: &[Rule]) {
    let sound = model(scenario.clone()).checker().spawn_bfs().join();
    sound.assert_properties();
    let faulty = model(scenario.with(fault)).checker().spawn_bfs().join();
    let discoveries = faulty.discoveries();
    let broken: Vec<Rule> =
        Rule::ALL.into_iter().filter(|rule| discoveries.contains_key(rule.name())).collect();
    assert!(rules.iter().all(|rule| broken.contains(rule)), "{fault:?} breaks only {broken:?}");
}

fn model(scenario: Scenario) -> OpenAndClose {
    OpenAndClose { scenario, visits: &[] }
}

const SHUTDOWN: [&[Call]; 2] = [&[Call::Shutdown], &[Call::Shutdown]];

/// The check that the handshake is about: without it an old SYN connects ends that do not agree.
#[test]
fn an_unchecked_acknowledgement_number() {
    let scenario = Scenario { old_syn: true, ..Scenario::open() };
    found(scenario, Fault::BelievesAnyAcknowledgement, &[Rule::Agreement, Rule::Ending]);
}

/// RFC 9293 MUST-13: TIME-WAIT is there for the last acknowledgement to be lost.
#[test]
fn no_time_wait() {
    found(Scenario::open().calls(SHUTDOWN).channel(1, 0, 0), Fault::SkipsTimeWait, &[Rule::Ending]);
}

/// Nothing is sent again: what is lost leaves an end half open.
#[test]
fn no_timers() {
    found(Scenario::open().channel(1, 0, 0), Fault::NoTimers, &[Rule::Ending]);
}

/// SYN and FIN never go together.
#[test]
fn a_fin_with_the_syn() {
    found(Scenario::open(), Fault::FinWithSyn, &[Rule::Segment]);
}

/// The same data twice.
#[test]
fn renumbered_repeats() {
    const CALLS: [&[Call]; 2] = [&[Call::Write(b"a"), Call::Shutdown], &[Call::Shutdown]];
    let scenario = Scenario::open().calls(CALLS).channel(0, 1, 0);
    found(scenario, Fault::RenumbersRepeats, &[Rule::Data]);
}

/// A never learns that B has closed.
#[test]
fn a_swallowed_fin() {
    found(Scenario::open().calls(SHUTDOWN), Fault::SwallowsFin, &[Rule::Ending]);
}

/// RFC 9293 MUST-8: sequence numbers grow from one connection to the next, or old data would be taken for new.
#[test]
fn repeated_sequence_numbers() {
    const CALLS: [&[Call]; 2] = [&[Call::Write(b"o"), Call::Abort, Call::Connect], &[]];
    let scenario = Scenario { calls: CALLS, ..Scenario::open() }.channel(0, 1, 0);
    found(scenario, Fault::RepeatsSequenceNumbers, &[Rule::Data, Rule::Agreement]);
}
