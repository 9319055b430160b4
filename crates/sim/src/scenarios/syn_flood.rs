//! Strangers who do not exist ask for connections (RFC 4987), and clients who do exist get theirs all the same.

use super::Scenario;
use crate::seed::Dice;
use crate::trial::{Flow, Happening, Plan, Role};
use sockeye_host::CookiePolicy;
use sockeye_wire::Instant;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "syn-flood",
    about: "a flood of SYNs, answered with cookies, and real clients beside it",
    plan,
};

/// One segment. Of an answer to a cookie only the first octet's number tells the ISN: a later segment that comes first belongs nowhere.
const REQUEST_BYTES: u64 = 500;

fn plan(dice: &mut Dice) -> Plan {
    let mut plan = Plan::mixed(dice);
    plan.policy.syn_cookies =
        if dice.happens(0.3) { CookiePolicy::Always } else { CookiePolicy::WhenFull };
    plan.backlog = dice.between(1..=8) as usize;
    let clients = dice.between(1..=3);
    for _ in 1..clients {
        plan.flows.push(Flow::mixed(dice));
    }
    let is_lossy = dice.happens(0.5);
    for flow in &mut plan.flows {
        flow.opens_at = Instant::ZERO + dice.millis(0..=2_000);
        // Nobody remembers a client whose answer to a cookie was lost, unless it says something more (RFC 4987 §3.6).
        let request = &mut flow.talks[Role::Client.index()];
        request.bytes = request.bytes.max(1);
        if is_lossy {
            request.bytes = request.bytes.min(REQUEST_BYTES);
            request.write_bytes = REQUEST_BYTES as usize;
        }
        for tcp in &mut flow.tcp {
            tcp.timestamps = dice.happens(0.7);
        }
    }
    let mut at = Instant::ZERO;
    for _ in 0..dice.between(1..=40) {
        plan.happens(at, Happening::Flood(dice.between(1..=30) as u32));
        at += dice.millis(1..=150);
    }
    let loss = dice.share(0.0, 0.05);
    plan.impaired(|path| {
        path.loss = if is_lossy { loss } else { 0.0 };
        path.duplicate = if is_lossy { 0.02 } else { 0.0 };
    })
}
