//! The first connection brings a cookie, the others begin with data (RFC 7413), and the first packets of some are lost.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Flow, Happening, Plan, Role};
use sockeye_link::Impairment;
use sockeye_wire::Instant;
use std::time::Duration;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "fast-open",
    about: "connections begin with data on the SYN, and the first packets of some are lost",
    plan,
};

/// Time for the connection that asks for the cookie.
const PAUSE: Duration = Duration::from_secs(5);

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let flows = dice.between(2..=5);
    for _ in 1..flows {
        plan.flows.push(Flow::mixed(dice));
    }
    let is_lossy = dice.happens(0.5);
    let (loss, reorder) = (dice.share(0.0, 0.05), dice.share(0.0, 0.1));
    plan = plan.impaired(|path| {
        path.loss = if is_lossy { loss } else { 0.0 };
        path.reorder = if is_lossy { reorder } else { 0.0 };
        path.duplicate = if is_lossy { 0.02 } else { 0.0 };
    });
    let keeps_cookies = dice.happens(0.8);
    plan.policy.fast_open.client_without_cookie = !keeps_cookies;
    plan.policy.fast_open.server_without_cookie = !keeps_cookies;
    let mut at = Instant::ZERO;
    for place in 0..plan.flows.len() {
        let flow = &mut plan.flows[place];
        flow.fast_open = true;
        flow.opens_at = at;
        if dice.happens(0.5) {
            let request = &mut flow.talks[Role::Client.index()];
            request.bytes = dice.spread(1..=4_000);
            request.write_bytes = request.bytes as usize;
        }
        if dice.happens(0.4) {
            let role = dice.pick(&Role::BOTH);
            let usual = plan.path[role.index()].clone();
            let dark = Impairment { loss: 1.0, ..usual.clone() };
            plan.happens(at, Happening::Path(role, dark));
            plan.happens(at + dice.millis(1..=4_000), Happening::Path(role, usual));
        }
        at = at + PAUSE + dice.millis(0..=1_000);
    }
    plan
}
