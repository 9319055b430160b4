//! Several senders, each with its own congestion control, share one bottleneck.

use super::Scenario;
use crate::apps::Ending;
use crate::seed::Dice;
use crate::trial::{Flow, Plan, Role};
use sockeye_tcp::congestion::Algorithm;
use sockeye_wire::Instant;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "shared-bottleneck",
    about: "several senders, each with its own congestion control, share one bottleneck",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let rate_bps = dice.pick(&[5_000_000, 20_000_000, 100_000_000]);
    let pairs = dice.between(2..=4) as usize;
    plan.mtu = 1_500;
    plan.access = (0..pairs).map(|_| dice.millis(0..=20)).collect();
    plan.flows = (0..pairs).map(|pair| flow(dice, pair)).collect();
    let delay = dice.millis(1..=40);
    // From a quarter of what is on the path to twice as much.
    let on_the_path = rate_bps / 8 * delay.as_millis() as u64 * 2 / 1_000;
    let queue = (on_the_path * dice.between(1..=8) / 4).max(6_000);
    plan.impaired(|path| {
        path.delay = delay;
        path.rate_bps = Some(rate_bps);
        path.queue_bytes = Some(queue as usize);
    })
}

fn flow(dice: &mut Dice, pair: usize) -> Flow {
    let mut flow = Flow::new();
    flow.pair = pair;
    flow.opens_at = Instant::ZERO + dice.millis(0..=300);
    flow.talks[0].bytes = dice.spread(50_000..=1_000_000);
    flow.talks[0].ending = Ending::WhenWritten;
    flow.talks[1].bytes = dice.spread(0..=20_000);
    for role in Role::BOTH {
        flow.tcp[role.index()].congestion = dice.pick(&Algorithm::ALL);
    }
    flow
}
