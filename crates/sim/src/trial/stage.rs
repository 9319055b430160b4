//! Hosts, cables and listeners, as a plan wants them.

use super::director::Director;
use super::{Plan, Role};
use crate::error::SimError;
use crate::network::{ChannelId, End, Network, NodeId};
use crate::seed::Dice;
use sockeye_host::{HostConfig, HostError};
use sockeye_link::Impairment;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The first conversation's port at the server; the others' follow.
const SERVER_PORT: u16 = 9_000;
/// The same at the client, where both ends open.
const CLIENT_PORT: u16 = 8_000;

/// What lies between the hosts.
pub(super) struct Scenery {
    /// The hosts of each pair.
    pub(super) pairs: Vec<[NodeId; 2]>,
    /// The way from the clients and the way from the servers, where the plan's impairments are.
    pub(super) path: [ChannelId; 2],
    /// The last channel before the client and before the server of the first pair.
    pub(super) last: [ChannelId; 2],
}

pub(super) fn set<'a>(
    plan: &'a Plan,
    dice: &mut Dice,
    capture: Option<Box<dyn Write + Send>>,
) -> Result<(Network, Director<'a>), SimError> {
    let mut network = Network::new();
    if let Some(out) = capture {
        network.capture_to(out).map_err(SimError::Capture)?;
    }
    let pairs = (0..plan.access.len().max(1)).map(|pair| add_pair(plan, &mut network, dice, pair));
    let pairs: Vec<_> = pairs.collect();
    let (path, last) = if plan.access.is_empty() {
        lay_cable(plan, &mut network, dice, pairs[0])?
    } else {
        lay_dumbbell(plan, &mut network, dice, &pairs)?
    };
    let director = Director::new(plan, Scenery { pairs, path, last }, dice.clone(), &mut network)?;
    Ok((network, director))
}

fn add_pair(plan: &Plan, network: &mut Network, dice: &mut Dice, pair: usize) -> [NodeId; 2] {
    Role::BOTH.map(|role| {
        let name = match (plan.access.len(), role) {
            (0, Role::Client) => "client".to_owned(),
            (0, Role::Server) => "server".to_owned(),
            (_, Role::Client) => format!("client {pair}"),
            (_, Role::Server) => format!("server {pair}"),
        };
        // A listener's connections have their host's settings, so those of a pair's flows agree there.
        let tcp = plan.flows.iter().find(|flow| flow.pair == pair);
        let tcp = tcp.map(|flow| flow.tcp[role.index()].clone()).unwrap_or_default();
        let config = HostConfig::new(dice.secret());
        network.add_host(name, HostConfig { tcp: Arc::new(tcp), policy: plan.policy, ..config })
    })
}

type Ways = ([ChannelId; 2], [ChannelId; 2]);

fn lay_cable(
    plan: &Plan,
    network: &mut Network,
    dice: &mut Dice,
    nodes: [NodeId; 2],
) -> Result<Ways, HostError> {
    let ends = Role::BOTH.map(|role| End {
        node: nodes[role.index()],
        address: (address(plan, 0, role), prefix_len(plan)),
        impairment: plan.path[role.index()].clone(),
        seed: dice.next_u64(),
    });
    let path = network.join(ends, plan.mtu)?;
    Ok((path, [path[1], path[0]]))
}

/// Clients on the left, servers on the right, one cable for all in the middle.
fn lay_dumbbell(
    plan: &Plan,
    network: &mut Network,
    dice: &mut Dice,
    pairs: &[[NodeId; 2]],
) -> Result<Ways, HostError> {
    let sides = [network.add_junction(), network.add_junction()];
    let path = network.trunk(
        Role::BOTH
            .map(|role| (sides[role.index()], plan.path[role.index()].clone(), dice.next_u64())),
    );
    let mut last = [path[1], path[0]];
    for (pair, nodes) in pairs.iter().enumerate() {
        let delay = plan.access.get(pair).copied().unwrap_or(Duration::ZERO) / 2;
        let impairment = Impairment { delay, ..Impairment::default() };
        for role in Role::BOTH {
            let end = End {
                node: nodes[role.index()],
                address: (address(plan, pair, role), prefix_len(plan)),
                impairment: impairment.clone(),
                seed: dice.next_u64(),
            };
            let back = (impairment.clone(), dice.next_u64());
            let laid = network.attach(end, sides[role.index()], back, plan.mtu)?;
            if pair == 0 {
                last[role.index()] = laid[1];
            }
        }
    }
    Ok((path, last))
}

/// Where one end of a conversation is.
pub(super) fn socket(plan: &Plan, flow: usize, role: Role) -> SocketAddr {
    let first = match role {
        Role::Client => CLIENT_PORT,
        Role::Server => SERVER_PORT,
    };
    let pair = plan.flows.get(flow).map_or(0, |flow| flow.pair);
    SocketAddr::new(address(plan, pair, role), first + flow as u16)
}

/// A router on the way.
pub(super) fn router(plan: &Plan) -> IpAddr {
    if plan.ipv6 {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0xffff, 0xffff).into()
    } else {
        Ipv4Addr::new(10, 255, 255, 254).into()
    }
}

fn address(plan: &Plan, pair: usize, role: Role) -> IpAddr {
    let (pair, last) = (pair as u16, role.index() as u16 + 1);
    if plan.ipv6 {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, pair, last).into()
    } else {
        Ipv4Addr::new(10, 0, pair as u8, last as u8).into()
    }
}

const fn prefix_len(plan: &Plan) -> u8 {
    if plan.ipv6 { 64 } else { 8 }
}
