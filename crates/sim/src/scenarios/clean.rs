//! A path without fault: all that can go wrong is our own.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "clean", about: "a path without fault", plan };

fn plan(dice: &mut Dice) -> Plan {
    Plan::mixed(dice)
}
