//! One end sends nearly all, and many of the acknowledgements are lost.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "ack-loss",
    about: "one end sends nearly all, and nearly all acknowledgements are lost",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let loss = dice.share(0.1, 0.5);
    plan.path[1].loss = loss;
    let flow = plan.flow();
    flow.talks[0].bytes = dice.spread(10_000..=1_000_000);
    flow.talks[1].bytes = dice.spread(0..=100);
    // The answers to a SYN go the same way: give them the chance that they need.
    flow.tcp[1].syn_ack_retries = 12;
    plan
}
