//! One scenario with one seed: hosts, a network, conversations, fate; and the verdict on what came of it.

mod director;
mod forgery;
mod opening;
mod plan;
mod stage;
#[cfg(test)]
mod tests;
mod verdict;

pub use plan::{Change, Expectation, Flow, Forgery, Happening, Plan, Role};
pub use verdict::{Fault, Verdict};

use crate::network::Network;
use crate::scenarios::Scenario;
use crate::seed::Dice;
use director::Director;
use sockeye_wire::Instant;
use std::io::Write;

/// Runs a scenario with the chances of one seed. Every packet is shown to the eye, and written to `capture` as pcapng if there is one.
#[must_use]
pub fn try_out(
    scenario: &'static Scenario,
    seed: u64,
    capture: Option<Box<dyn Write + Send>>,
) -> Verdict {
    let mut dice = Dice::new(seed, scenario.name);
    let plan = (scenario.plan)(&mut dice).bounded();
    let mut verdict = judge(&plan, &mut dice, capture);
    verdict.scenario = scenario.name;
    verdict.seed = seed;
    verdict
}

/// Carries a plan through.
fn judge(plan: &Plan, dice: &mut Dice, capture: Option<Box<dyn Write + Send>>) -> Verdict {
    let mut verdict = Verdict::new();
    let (mut network, mut director) = match stage::set(plan, dice, capture) {
        Ok(stage) => stage,
        Err(error) => {
            verdict.faults.push(error.into());
            return verdict;
        }
    };
    if let Err(fault) = act(plan, &mut network, &mut director) {
        verdict.faults.push(fault);
    }
    verdict.virtual_time = network.now().since(Instant::ZERO);
    verdict.packets = network.packets();
    director.conclude(&mut verdict);
    match network.finish() {
        Ok((reports, _)) => {
            for report in &reports {
                verdict.retransmissions += report.to_server.retransmitted.packets;
                verdict.retransmissions += report.to_client.retransmitted.packets;
                for finding in report.violations() {
                    let packet = finding.packets.first().copied().unwrap_or(0);
                    verdict.faults.push(Fault::Violation { packet, what: finding.text.clone() });
                }
            }
        }
        Err(error) => verdict.faults.push(error.into()),
    }
    verdict
}

/// Until everything is over, and then until nothing is under way any more.
fn act(plan: &Plan, network: &mut Network, director: &mut Director<'_>) -> Result<(), Fault> {
    while !director.is_over(network) {
        let at = network.now().since(Instant::ZERO);
        if at > plan.limit {
            return Err(Fault::Endless { limit: plan.limit, left: director.left(network) });
        }
        if !network.step(director)? {
            return Err(Fault::Deadlock { at, left: director.left(network) });
        }
        director.check(network);
        director.tidy(network);
    }
    director.retire();
    while network.step(director)? {
        director.check(network);
    }
    Ok(())
}
