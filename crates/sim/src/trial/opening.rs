//! How a conversation is opened: plainly, with data on the SYN (RFC 7413), with keys that both ends have (RFC 5925, RFC 2385).

use super::stage::socket;
use super::{Flow, Plan, Role};
use sockeye_host::{ConnectionId, Host, HostError, KeyOwner, ListenerId};
use sockeye_tcp::auth::{Algorithm, Key, Pattern, Signature};
use sockeye_wire::Instant;
use std::net::SocketAddr;
use std::sync::Arc;

/// KeyIDs of TCP-AO, the same in both directions. The first signs until somebody asks for another.
pub(super) const FIRST_KEY_ID: u8 = 10;
/// The one that is asked for.
pub(super) const NEXT_KEY_ID: u8 = 20;

/// A listener for a conversation's server.
pub(super) fn listen(host: &mut Host, plan: &Plan, at: usize) -> Result<ListenerId, HostError> {
    let flow = &plan.flows[at];
    let id = host.listen(socket(plan, at, Role::Server), plan.backlog)?;
    if flow.fast_open
        && let Some(options) = host.listen_options_mut(id)
    {
        options.fast_open = Some(plan.backlog);
    }
    for key in keys(flow.signature) {
        // A new listener takes any.
        let _added = host.add_key(KeyOwner::Listener(id), key);
    }
    Ok(id)
}

/// A connection, and how much of `first` its SYN carries.
pub(super) fn open(
    host: &mut Host,
    now: Instant,
    (local, remote): (SocketAddr, SocketAddr),
    flow: &Flow,
    (role, first): (Role, &[u8]),
) -> Result<(ConnectionId, usize), HostError> {
    let tcp = Arc::new(flow.tcp[role.index()].clone());
    if flow.fast_open {
        return host.connect_fast_open(now, remote, Some(local), tcp, first, false);
    }
    let id = host.connect_with(now, remote, Some(local), tcp)?;
    for key in keys(flow.signature) {
        // Its SYN is not sent yet, so that it takes any.
        let _added = host.add_key(KeyOwner::Connection(id), key);
    }
    Ok((id, 0))
}

/// The keys of either end.
fn keys(signature: Signature) -> Vec<Key> {
    let all = Pattern::default();
    match signature {
        Signature::None => Vec::new(),
        Signature::Md5 => vec![Key::md5(all, b"what both know")],
        Signature::Ao => {
            [(FIRST_KEY_ID, Algorithm::HmacSha1), (NEXT_KEY_ID, Algorithm::Aes128Cmac)]
                .map(|(id, algorithm)| Key::ao(all, id, id, algorithm, b"what both know"))
                .into()
        }
    }
}
