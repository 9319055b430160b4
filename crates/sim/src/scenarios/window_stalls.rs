//! Readers pause, windows close, and probes keep the connection alive (RFC 9293 §3.8.6.1).

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Plan, Role};

pub(super) const SCENARIO: Scenario =
    Scenario { name: "window-stalls", about: "readers pause, and windows close", plan };

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let loss = if dice.happens(0.4) { 0.03 } else { 0.0 };
    let flow = plan.flow();
    for role in Role::BOTH {
        let talk = &mut flow.talks[role.index()];
        talk.bytes = dice.spread(1_000..=200_000);
        flow.tcp[role.index()].receive_buffer_bytes = dice.spread(2_000..=32_000) as u32;
        let buffer = u64::from(flow.tcp[role.index()].receive_buffer_bytes);
        let talk = &mut flow.talks[role.index()];
        talk.stall = Some((dice.between(0..=2 * buffer), dice.millis(100..=60_000)));
        if dice.happens(0.5) {
            // A slow reader: the window opens in small pieces.
            talk.read_pause = dice.millis(1..=50);
            talk.read_bytes = dice.between(buffer / 20 + 1..=buffer) as usize;
        }
    }
    plan.impaired(|path| path.loss = loss)
}
