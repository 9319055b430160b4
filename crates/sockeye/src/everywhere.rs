//! Calls that concern all shards of a stack, or the one that is found first.

use crate::core::Core;
use crate::error;
use crate::shared::{Handle, StackHandle};
use bytes::Bytes;
use smallvec::SmallVec;
use sockeye_host::{HostError, ListenerId};
use sockeye_wire::Instant;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

/// A listener's name on each shard.
pub(crate) type ListenerIds = SmallVec<[ListenerId; 1]>;

/// Which shard is asked first.
#[derive(Default)]
pub(crate) struct Turn(AtomicUsize);

/// How often another port is tried for a listener, because another shard has connections there.
const PORT_ATTEMPTS: usize = 64;

impl StackHandle {
    /// Asks each shard, by its index, for what is `next` there, until one has something. After that it is the next one's turn, so that
    /// none waits for ever behind a busy one. Where there is nothing, `wait` sees to it that the task is woken.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once the stack is shut down.
    pub(crate) fn poll_each<T>(
        &self,
        turn: &Turn,
        cx: &mut Context<'_>,
        mut next: impl FnMut(&Handle, usize, &mut Core) -> Option<T>,
        wait: impl Fn(&mut Core, usize, &Context<'_>),
    ) -> Poll<io::Result<T>> {
        let coop = ready!(tokio::task::coop::poll_proceed(cx));
        let count = self.shards().len();
        let first = turn.0.load(Ordering::Relaxed);
        for step in 0..count {
            let index = first.wrapping_add(step) % count;
            let shard = self.shard(index);
            let found = shard.call(|core, _now| {
                if let Some(found) = next(&shard, index, core) {
                    return Some(Ok(found));
                }
                if let Err(error) = core.lifecycle.ensure_open() {
                    return Some(Err(error));
                }
                wait(core, index, cx);
                None
            });
            if let Some(found) = found {
                turn.0.store(index + 1, Ordering::Relaxed);
                coop.made_progress();
                return Poll::Ready(found);
            }
        }
        Poll::Pending
    }

    /// Sets something up on every shard. The first one may refuse; of two who want the same it lets one pass.
    pub(crate) fn set_up(
        &self,
        mut set_up: impl FnMut(&mut Core, Instant) -> io::Result<()>,
    ) -> io::Result<()> {
        self.shards().iter().try_for_each(|shard| {
            shard.call(|core, now| {
                core.lifecycle.ensure_open()?;
                set_up(core, now)
            })
        })
    }

    /// Sends an IP packet as it is, from the shard whose turn it is.
    pub(crate) fn send_packet(&self, packet: Bytes) -> io::Result<()> {
        let mut sent = Err(error::stopped());
        if let Some(shard) = self.in_turn().next() {
            sent =
                shard.call(|core, now| core.host.send_packet(now, packet).map_err(error::of_host));
        }
        sent
    }

    /// Opens a connection: on the shard where its ports place it, or, if our port is open, on the one whose turn it is, which takes a port that
    /// places it there. Where all such ports are taken, or the shard is full, the next one tries.
    pub(crate) fn connect<T>(
        &self,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        mut attempt: impl FnMut(&Handle, &mut Core, Instant) -> Result<T, HostError>,
    ) -> io::Result<T> {
        let mut attempt_at = |shard: Handle| {
            shard.call(|core, now| {
                core.lifecycle.ensure_open()?;
                Ok::<_, io::Error>(attempt(&shard, core, now))
            })
        };
        let place = match self.shards() {
            [_] => Some(0),
            shards => shards[0].lock().host.shard_to_connect(remote, local),
        };
        if let Some(index) = place {
            return attempt_at(self.shard(index as usize))?.map_err(error::of_host);
        }
        let mut result = Err(HostError::PortsExhausted(remote));
        for shard in self.in_turn() {
            result = attempt_at(shard)?;
            use HostError::{PortsExhausted, TooManyConnections};
            if !matches!(result, Err(PortsExhausted(_) | TooManyConnections(_))) {
                break;
            }
        }
        result.map_err(error::of_host)
    }

    /// Listens on every shard, each with its part of the backlog; says where. What is to be done on each is done by `attempt`.
    pub(crate) fn listen(
        &self,
        local: SocketAddr,
        backlog: usize,
        mut attempt: impl FnMut(&mut Core, SocketAddr, usize) -> Result<ListenerId, HostError>,
    ) -> io::Result<(ListenerIds, SocketAddr)> {
        let backlog = backlog.div_ceil(self.shards().len());
        let mut attempts = PORT_ATTEMPTS;
        loop {
            attempts -= 1;
            let mut ids = ListenerIds::new();
            let mut bound = local;
            let mut is_used = false;
            for shard in self.shards() {
                // The first shard chooses the port, and of two who want the same lets one pass.
                let listening = shard.call(|core, _now| {
                    core.lifecycle.ensure_open()?;
                    is_used |= local.port() == 0
                        && bound.port() != 0
                        && core.host.has_connections_at(bound.port());
                    let id = attempt(core, bound, backlog).map_err(error::of_host)?;
                    bound = core.host.listener_address(id).unwrap_or(bound);
                    core.waiters.hold_listener(id);
                    Ok(id)
                });
                match listening {
                    Ok(id) => ids.push(id),
                    Err(error) => {
                        self.close_listeners(&ids);
                        return Err(error);
                    }
                }
            }
            if !is_used || attempts == 0 {
                return Ok((ids, bound));
            }
            self.close_listeners(&ids);
        }
    }

    /// Stops listening on every shard.
    pub(crate) fn close_listeners(&self, ids: &[ListenerId]) {
        for (shard, id) in self.shards().iter().zip(ids) {
            shard.call(|core, now| {
                core.waiters.release_listener(*id, &mut core.wakes);
                core.host.close_listener(now, *id);
            });
        }
    }
}
