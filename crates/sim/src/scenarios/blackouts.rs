//! For seconds at a time nothing passes, in one direction or in both.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Happening, Plan, Role};
use sockeye_link::Impairment;
use sockeye_wire::Instant;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "blackouts", about: "for seconds at a time nothing passes", plan };

/// No connection has to outlive a longer silence: half-open ones last 63 s, TIME-WAIT lasts 60 s.
const LONGEST_MS: u64 = 15_000;

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let mut at = Instant::ZERO + dice.millis(0..=400);
    for _ in 0..dice.between(1..=3) {
        let one_way = dice.happens(0.3).then(|| dice.pick(&Role::BOTH));
        let length = dice.millis(50..=LONGEST_MS);
        for role in Role::BOTH.into_iter().filter(|role| one_way.is_none_or(|one| one == *role)) {
            let usual = plan.path[role.index()].clone();
            let dark = Impairment { loss: 1.0, ..usual.clone() };
            plan.happens(at, Happening::Path(role, dark));
            plan.happens(at + length, Happening::Path(role, usual));
        }
        at = at + length + dice.millis(1..=2_000);
    }
    // Three of them in a row are longer than a half-open connection lasts.
    for tcp in &mut plan.flow().tcp {
        tcp.syn_ack_retries = 8;
    }
    // Written slowly, so that the darkness comes in the middle.
    for talk in &mut plan.flow().talks {
        talk.write_pause = dice.millis(1..=50);
    }
    plan
}
