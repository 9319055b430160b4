//! Buffers smaller than a segment or two: silly windows, and Nagle against delayed acknowledgements.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Plan, Role};

pub(super) const SCENARIO: Scenario =
    Scenario { name: "tiny-buffers", about: "buffers smaller than a segment or two", plan };

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    let loss = if dice.happens(0.4) { 0.02 } else { 0.0 };
    let flow = plan.flow();
    for role in Role::BOTH {
        let tcp = &mut flow.tcp[role.index()];
        tcp.receive_buffer_bytes = dice.spread(300..=8_000) as u32;
        tcp.send_buffer_bytes = dice.spread(100..=8_000) as u32;
        let talk = &mut flow.talks[role.index()];
        // Every few octets cost a round trip.
        talk.bytes = talk.bytes.min(40_000);
        talk.read_bytes = talk.read_bytes.min(4_000);
    }
    plan.impaired(|path| path.loss = loss)
}
