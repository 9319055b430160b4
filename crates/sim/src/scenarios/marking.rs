//! Queues mark instead of dropping (RFC 3168, RFC 9768), where both ends agree on it, each in its own way.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Plan, Role};
use sockeye_tcp::{EcnConfig, EcnMode};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "marking",
    about: "queues mark packets; ends know classic ECN, accurate ECN or none",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let flow = plan.flow();
    for role in Role::BOTH {
        let modes = [EcnMode::Off, EcnMode::Classic, EcnMode::Accurate, EcnMode::Accurate];
        let (request, accept) = (dice.pick(&modes), dice.pick(&modes));
        flow.tcp[role.index()].ecn = EcnConfig { request, accept, option: dice.happens(0.8) };
        let talk = &mut flow.talks[role.index()];
        talk.bytes = dice.spread(1_000..=600_000);
        talk.write_pause = std::time::Duration::ZERO;
    }
    let rate_bps = dice.pick(&[2_000_000, 10_000_000, 50_000_000]);
    let delay = dice.millis(1..=30);
    let patience = dice.millis(0..=20);
    // A third of the paths does nothing else to a packet, so that every mark is known at both ends; the others lose or overtake too.
    let trouble = dice.between(0..=2);
    let harm = dice.share(0.001, 0.03);
    plan.impaired(|path| {
        path.delay = delay;
        path.rate_bps = Some(rate_bps);
        path.ce_threshold = Some(patience);
        path.queue_bytes = (trouble > 0).then_some(100_000);
        path.loss = if trouble == 1 { harm } else { 0.0 };
        path.reorder = if trouble == 2 { harm } else { 0.0 };
        path.duplicate = if trouble == 2 { harm } else { 0.0 };
    })
}
