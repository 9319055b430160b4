//! Both open at once, both close at once (RFC 9293 §3.5, §3.6).

use super::Scenario;
use crate::apps::Ending;
use crate::seed::Dice;
use crate::trial::Plan;
use sockeye_wire::Instant;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "simultaneous", about: "both open at once, both close at once", plan };

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let loss = if dice.happens(0.5) { dice.share(0.0, 0.05) } else { 0.0 };
    let flow = plan.flow();
    flow.simultaneous = dice.happens(0.7);
    if dice.happens(0.7) {
        let at = Instant::ZERO + dice.millis(500..=20_000);
        for talk in &mut flow.talks {
            talk.bytes = talk.bytes.min(20_000);
            talk.ending = Ending::At(at);
        }
    }
    plan.impaired(|path| path.loss = loss)
}
