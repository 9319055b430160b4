//! Every order of events of each scenario keeps every rule.

use sockeye_model::{Call, Ending, Moment, OpenAndClose, Scenario, Start, Visit};
use sockeye_wire::StateName::{self, *};
use stateright::{Checker, Model};

/// Tries every order. It has to lead to `visits` too, or else it does not try what it is for.
fn check(scenario: Scenario, visits: &'static [Visit]) {
    let checker = OpenAndClose { scenario, visits }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
}

fn both(moment: &Moment, state: StateName) -> bool {
    moment.states == [state, state]
}

const SHUTDOWN: [&[Call]; 2] = [&[Call::Shutdown], &[Call::Shutdown]];
const TALK: [&[Call]; 2] =
    [&[Call::Write(b"a"), Call::Shutdown], &[Call::Write(b"b"), Call::Shutdown]];
const A_TALKS: [&[Call]; 2] = [&[Call::Write(b"a"), Call::Shutdown], &[Call::Shutdown]];
const B_TALKS: [&[Call]; 2] = [&[Call::Shutdown], &[Call::Write(b"b"), Call::Shutdown]];

/// RFC 9293 §3.5, figure 6: a client and a server; SYN, SYN-ACK and ACK lost, late, repeated.
#[test]
fn passive_open() {
    check(Scenario::open().channel(2, 2, 2), &[]);
}

/// RFC 9293 MUST-10: SYNs cross, or do not, and one of them or its answer is lost.
#[test]
fn simultaneous_open() {
    check(
        Scenario::simultaneous().channel(2, 1, 1),
        &[("both in SYN-RECEIVED", |_, moment| both(moment, SynReceived))],
    );
}

/// RFC 9293 §3.5, figure 8: a SYN of an earlier incarnation comes before, between or after ours.
#[test]
fn old_syn() {
    let scenario = Scenario { old_syn: true, ..Scenario::open() };
    check(
        scenario.channel(1, 1, 1),
        &[("half open for the old SYN", |_, moment| moment.states == [SynSent, SynReceived])],
    );
}

/// RFC 9293 §3.6: closed from either side, or from both at once, even before the handshake is complete.
#[test]
fn close() {
    check(
        Scenario::open().calls(SHUTDOWN).channel(1, 1, 0),
        &[
            ("both in CLOSING", |_, moment| both(moment, Closing)),
            ("both in TIME-WAIT", |_, moment| both(moment, TimeWait)),
            ("A closes first", |_, moment| moment.states == [FinWait2, CloseWait]),
            ("B closes first", |_, moment| moment.states == [CloseWait, FinWait2]),
            ("A waits", |_, moment| moment.states == [TimeWait, LastAck]),
        ],
    );
}

/// The same while segments are so late that they are sent again.
#[test]
fn slow_close() {
    check(Scenario::open().calls(SHUTDOWN).channel(1, 0, 1), &[]);
}

/// The same with timestamps, which judge first (RFC 7323 §5.3).
#[test]
fn close_with_timestamps() {
    let mut scenario = Scenario::open().calls(SHUTDOWN).channel(1, 1, 0);
    scenario.config.timestamps = true;
    check(scenario, &[]);
}

/// Opened and closed at the same time.
#[test]
fn simultaneous_open_and_close() {
    check(
        Scenario::simultaneous().calls(SHUTDOWN).channel(0, 1, 0),
        &[("both in FIN-WAIT-1", |_, moment| both(moment, FinWait1))],
    );
}

/// Data, and the ends of data, both ways: all of it once and in order.
#[test]
fn talk() {
    check(Scenario::open().calls(TALK), &[]);
}

/// The client talks over a bad channel.
#[test]
fn client_talks() {
    check(Scenario::open().calls(A_TALKS).channel(1, 0, 0), &[]);
    check(Scenario::open().calls(A_TALKS).channel(0, 1, 0), &[]);
}

/// The server talks over a bad channel.
#[test]
fn server_talks() {
    check(Scenario::open().calls(B_TALKS).channel(1, 0, 0), &[]);
    check(Scenario::open().calls(B_TALKS).channel(0, 1, 0), &[]);
}

/// One end aborts at any time (RFC 9293 §3.10.5), the reset may be lost: the other finds out.
#[test]
fn abort() {
    const CALLS: [&[Call]; 2] = [&[Call::Abort], &[Call::Write(b"b")]];
    let scenario = Scenario { calls: CALLS, ending: Ending::Closed, ..Scenario::open() };
    check(scenario.channel(1, 1, 0).keep_alive(), &[]);
}

/// Both let go: FIN-WAIT-2 ends too though nobody reads any more, late data is answered by a reset (RFC 9293 SHLD-3).
#[test]
fn let_go() {
    const CALLS: [&[Call]; 2] = [&[Call::Close], &[Call::Write(b"b"), Call::Close]];
    let scenario = Scenario { calls: CALLS, ending: Ending::Closed, ..Scenario::open() };
    check(
        scenario.channel(1, 0, 0).keep_alive(),
        &[("A in FIN-WAIT-2", |_, moment| moment.states[0] == FinWait2)],
    );
}

/// The client connects again as soon as it may, on the same 4-tuple, while segments of the connection before are still about and
/// the server may be in TIME-WAIT (RFC 6191): nothing of the old one gets into the new one.
#[test]
fn connect_again() {
    const CALLS: [&[Call]; 2] =
        [&[Call::Shutdown, Call::Connect, Call::Write(b"n")], &[Call::Close]];
    for (losses, repeats) in [(1, 0), (0, 1)] {
        let scenario = Scenario { calls: CALLS, ..Scenario::open() };
        check(
            scenario.channel(losses, repeats, 0),
            &[("taken over from TIME-WAIT", |_, moment| moment.states == [SynSent, TimeWait])],
        );
    }
}

/// The same after an abort, with old data on its way and nobody in TIME-WAIT to remember.
#[test]
fn connect_again_after_an_abort() {
    const CALLS: [&[Call]; 2] = [&[Call::Write(b"o"), Call::Abort, Call::Connect], &[]];
    let scenario = Scenario { calls: CALLS, ..Scenario::open() };
    check(scenario.channel(0, 1, 0), &[]);
}

/// Nobody listens: refused, whatever happens to the answer.
#[test]
fn refused() {
    let start = [Start::Connect, Start::Nobody];
    let scenario = Scenario { start, ending: Ending::Closed, ..Scenario::open() };
    check(scenario.channel(2, 2, 2), &[]);
}

/// The channel breaks for good at any moment: time ends every state, with data, FIN or nothing on its way.
#[test]
fn the_channel_breaks() {
    let scenario =
        Scenario { calls: TALK, may_break: true, ending: Ending::Closed, ..Scenario::open() };
    check(scenario.keep_alive().impatient(), &[]);
}
