//! Packets are lost, each for itself.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "lossy", about: "packets are lost, each for itself", plan };

fn plan(dice: &mut Dice) -> Plan {
    let plan = Plan::mixed(dice);
    plan.impaired(|path| path.loss = dice.share(0.001, 0.08))
}
