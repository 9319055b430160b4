//! Both ends sign (RFC 5925, RFC 2385) over a bad path, change keys on the way, and strangers without a key try all they can.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Forgery, Happening, Plan, Role};
use sockeye_tcp::auth::Signature;
use sockeye_wire::Instant;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "signatures",
    about: "both ends sign, change keys, and are sent what is not signed, or signed without a key",
    plan,
};

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let signature = dice.pick(&[Signature::Md5, Signature::Ao, Signature::Ao]);
    let flow = plan.flow();
    flow.signature = signature;
    flow.simultaneous = dice.happens(0.1);
    // What is forged carries no timestamps: without them it has only its signature against it.
    let timestamps = dice.happens(0.5);
    for role in Role::BOTH {
        flow.tcp[role.index()].timestamps = timestamps;
        flow.talks[role.index()].write_pause = dice.millis(0..=20);
    }
    let mut at = Instant::ZERO;
    for _ in 0..dice.between(0..=20) {
        at += dice.millis(1..=100);
        let forgery = dice.pick(&[
            Forgery::ExactReset,
            Forgery::ExactData,
            Forgery::ExactFin,
            Forgery::WindowSyn,
            Forgery::SignedData(Signature::Md5),
            Forgery::SignedData(Signature::Ao),
            Forgery::SignedReset(Signature::Md5),
            Forgery::SignedReset(Signature::Ao),
        ]);
        plan.happens(at, Happening::Forgery(dice.pick(&Role::BOTH), forgery));
    }
    for _ in 0..dice.between(0..=2) {
        let at = Instant::ZERO + dice.millis(0..=1_000);
        plan.happens(at, Happening::NextKey(dice.pick(&Role::BOTH)));
    }
    plan.impaired(|path| {
        path.loss = if dice.happens(0.5) { dice.share(0.0, 0.05) } else { 0.0 };
        path.reorder = if dice.happens(0.3) { 0.05 } else { 0.0 };
        path.duplicate = if dice.happens(0.3) { 0.05 } else { 0.0 };
        path.corrupt = if dice.happens(0.5) { dice.share(0.0, 0.05) } else { 0.0 };
    })
}
