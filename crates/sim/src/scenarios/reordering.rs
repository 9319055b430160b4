//! Packets overtake each other, some by far.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "reordering", about: "packets overtake each other", plan };

fn plan(dice: &mut Dice) -> Plan {
    let plan = Plan::mixed(dice);
    plan.impaired(|path| {
        path.reorder = dice.share(0.005, 0.3);
        path.jitter = dice.millis(0..=5);
        path.loss = if dice.happens(0.3) { 0.005 } else { 0.0 };
        // Up to a few round trips behind: beyond what any reordering window allows for.
        if dice.happens(0.3) {
            path.reorder_by = Some(path.delay * dice.between(1..=5) as u32);
        }
    })
}
