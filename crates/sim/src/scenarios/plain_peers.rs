//! One end or both know no timestamps, no SACK, no window scale.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Plan, Role};

pub(super) const SCENARIO: Scenario =
    Scenario { name: "plain-peers", about: "one end or both know no options", plan };

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let loss = if dice.happens(0.6) { dice.share(0.0, 0.04) } else { 0.0 };
    let reorder = if dice.happens(0.3) { 0.03 } else { 0.0 };
    let flow = plan.flow();
    let plain = dice.pick(&[&Role::BOTH[..1], &Role::BOTH[1..], &Role::BOTH[..]]);
    for role in plain {
        let tcp = &mut flow.tcp[role.index()];
        tcp.timestamps = dice.happens(0.3);
        tcp.sack = dice.happens(0.3);
        tcp.window_scaling = dice.happens(0.3);
    }
    plan.impaired(|path| {
        path.loss = loss;
        path.reorder = reorder;
    })
}
