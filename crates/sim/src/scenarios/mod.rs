//! What a seed is tried with: one table, one idea a file.
//!
//! Each begins with [`Plan::mixed`](crate::trial::Plan::mixed), conversations of every size and manner, and adds its one kind of
//! trouble to it.

mod ack_loss;
mod blackouts;
mod bursty;
mod clean;
mod corrupting;
mod duplicating;
mod fast_open;
mod lossy;
mod marking;
mod mtu_change;
mod plain_peers;
mod reordering;
mod resets;
mod shared_bottleneck;
mod signatures;
mod simultaneous;
mod syn_flood;
mod tiny_buffers;
mod vanishing;
mod window_stalls;

use crate::seed::Dice;
use crate::trial::Plan;

/// One kind of trouble.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What is to happen with the chances of one seed.
    pub plan: fn(&mut Dice) -> Plan,
}

/// All of them.
pub static ALL: [Scenario; 20] = [
    clean::SCENARIO,
    lossy::SCENARIO,
    bursty::SCENARIO,
    reordering::SCENARIO,
    duplicating::SCENARIO,
    corrupting::SCENARIO,
    ack_loss::SCENARIO,
    blackouts::SCENARIO,
    vanishing::SCENARIO,
    mtu_change::SCENARIO,
    window_stalls::SCENARIO,
    simultaneous::SCENARIO,
    plain_peers::SCENARIO,
    resets::SCENARIO,
    tiny_buffers::SCENARIO,
    shared_bottleneck::SCENARIO,
    marking::SCENARIO,
    signatures::SCENARIO,
    syn_flood::SCENARIO,
    fast_open::SCENARIO,
];

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}
