//! Bits are flipped on the way: in data, in headers, in addresses.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "corrupting", about: "bits are flipped on the way", plan };

fn plan(dice: &mut Dice) -> Plan {
    let plan = Plan::mixed(dice);
    plan.impaired(|path| path.corrupt = dice.share(0.001, 0.05))
}
