//! Packets arrive twice, the second one perhaps later.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "duplicating", about: "packets arrive twice", plan };

fn plan(dice: &mut Dice) -> Plan {
    let plan = Plan::mixed(dice);
    plan.impaired(|path| {
        path.duplicate = dice.share(0.01, 0.5);
        path.reorder = if dice.happens(0.5) { 0.02 } else { 0.0 };
    })
}
