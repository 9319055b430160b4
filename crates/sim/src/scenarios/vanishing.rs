//! A host disappears: no state waits for it for ever (RFC 9293 §3.8.3).

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Expectation, Happening, Plan, Role};
use sockeye_link::Impairment;
use sockeye_tcp::KeepAlive;
use sockeye_wire::Instant;
use std::time::Duration;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "vanishing",
    about: "one host disappears, and every state of the other ends by a timer",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    plan.expectation = Expectation::Ends;
    let simultaneous = dice.happens(0.2);
    let user_timeout = dice.happens(0.3).then(|| dice.millis(500..=300_000));
    let flow = plan.flow();
    flow.simultaneous = simultaneous;
    for role in Role::BOTH {
        // Spread over some seconds, so that it can come in the middle.
        flow.talks[role.index()].write_pause = dice.millis(0..=50);
        let tcp = &mut flow.tcp[role.index()];
        // Whoever has nothing to send may wait for ever otherwise, and rightly so.
        tcp.keep_alive = Some(KeepAlive { idle: Duration::from_secs(60), ..KeepAlive::default() });
        tcp.user_timeout = user_timeout;
    }
    let at = Instant::ZERO + Duration::from_millis(dice.spread(0..=4_000));
    for role in Role::BOTH {
        let dark = Impairment { loss: 1.0, ..plan.path[role.index()].clone() };
        plan.happens(at, Happening::Path(role, dark));
    }
    plan
}
