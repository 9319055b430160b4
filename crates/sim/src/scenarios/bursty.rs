//! Packets are lost in bursts, as on radio links and in full queues.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::Plan;
use sockeye_link::impair::Burst;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "bursty", about: "packets are lost in bursts (Gilbert and Elliott)", plan };

fn plan(dice: &mut Dice) -> Plan {
    let plan = Plan::mixed(dice);
    plan.impaired(|path| {
        path.burst = Some(Burst {
            enter: dice.share(0.001, 0.02),
            leave: dice.share(0.05, 0.5),
            loss: dice.share(0.5, 1.0),
            longest: dice.millis(1..=3_000),
        });
    })
}
