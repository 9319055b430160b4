//! The path becomes narrower in mid-transfer, and routers tell of it (RFC 1191, RFC 8201), or nobody does (RFC 4821).

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Happening, Plan};
use sockeye_wire::Instant;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "mtu-change",
    about: "the path becomes narrower in mid-transfer, and routers tell of it, or nobody does",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    plan.mtu = dice.pick(&[1_500, 9_000, 4_000]);
    let least = if plan.ipv6 { 1_280 } else { 576 };
    for talk in &mut plan.flow().talks {
        talk.bytes = dice.spread(20_000..=600_000);
        talk.write_pause = dice.millis(0..=3);
    }
    let mut at = Instant::ZERO + dice.millis(0..=600);
    let mut mtu = u64::from(plan.mtu);
    let told = dice.happens(0.6);
    for _ in 0..dice.between(1..=3) {
        mtu = dice.between(least..=mtu);
        plan.happens(at, Happening::PathMtu { bytes: Some(mtu as u16), told });
        at += dice.millis(10..=500);
    }
    plan
}
