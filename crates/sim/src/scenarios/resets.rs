//! An application aborts, or a stranger forges resets, SYNs and data (RFC 5961).

use super::Scenario;
use crate::apps::Ending;
use crate::seed::Dice;
use crate::trial::{Expectation, Forgery, Happening, Plan, Role};
use sockeye_tcp::KeepAlive;
use sockeye_wire::Instant;
use std::time::Duration;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "resets",
    about: "an application aborts, or a stranger forges resets, SYNs and data",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let loss = if dice.happens(0.5) { 0.02 } else { 0.0 };
    if dice.happens(0.5) {
        plan.expectation = Expectation::Ends;
        abort(dice, &mut plan);
    } else {
        forge(dice, &mut plan);
    }
    // Whoever only waits for a peer that has died learns of it by asking.
    for tcp in &mut plan.flow().tcp {
        tcp.keep_alive = Some(KeepAlive { idle: Duration::from_secs(60), ..KeepAlive::default() });
    }
    plan.impaired(|path| path.loss = loss)
}

fn abort(dice: &mut Dice, plan: &mut Plan) {
    let flow = plan.flow();
    let all = flow.talks[0].bytes + flow.talks[1].bytes;
    let after = dice.between(0..=all);
    let who = dice.pick(&Role::BOTH);
    flow.talks[who.index()].ending =
        if dice.happens(0.5) { Ending::Abort(after) } else { Ending::Abandon(after) };
}

/// Most forgeries must change nothing; one exact reset among them ends the connection.
fn forge(dice: &mut Dice, plan: &mut Plan) {
    for talk in &mut plan.flow().talks {
        talk.write_pause = dice.millis(1..=20);
    }
    let mut at = Instant::ZERO;
    for _ in 0..dice.between(1..=30) {
        at += dice.millis(1..=100);
        let harmless =
            [Forgery::WindowReset, Forgery::OutsideReset, Forgery::WindowSyn, Forgery::BlindData];
        let forgery = if dice.happens(0.02) { Forgery::ExactReset } else { dice.pick(&harmless) };
        if forgery == Forgery::ExactReset {
            plan.expectation = Expectation::Ends;
        }
        plan.happens(at, Happening::Forgery(dice.pick(&Role::BOTH), forgery));
    }
}
