//! SYNs for any address and port: held until somebody has decided about them, then answered, refused or forgotten.

use super::tcp::trace_in;
use super::{Announcement, Host};
use crate::config::InterfaceId;
use crate::demux::Target;
use crate::error::HostError;
use crate::ids::{ConnectionId, HeldId};
use crate::incoming::{HeldRecord, Incoming, IncomingConfig};
use crate::net::Hop;
use crate::timer::TimerOwner;
use crate::trace::SegmentTrace;
use crate::wheel::TimerId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::SocketAddr;
use sockeye_tcp::{Config, Endpoints, HalfOpen, Reset, Segment};
use sockeye_wire::{Instant, SeqNumber, StateName};

impl Host {
    /// Holds from now on each SYN that reaches the host and that no listener is for, whatever its address and port: nothing answers it
    /// before [`complete`](Self::complete), [`refuse`](Self::refuse) or [`forget_held`](Self::forget_held) is called. `None` ends
    /// that: what is held is refused, and a SYN that finds no listener is answered by a reset again.
    ///
    /// Which addresses reach the host is for its interfaces to say; see
    /// [`InterfaceConfig::any_address`](crate::InterfaceConfig::any_address). A listener, at an exact address or at any, goes first.
    ///
    /// A held SYN takes the room of a half-open connection, and there are at most
    /// [`IncomingConfig::limit`]; it is forgotten after [`IncomingConfig::patience`]. The same SYN again changes nothing; another one
    /// from the same port replaces it, as its client has begun anew. No cookie is ever sent for it, and data on it is not taken: the
    /// client sends it again.
    pub fn set_incoming(&mut self, now: Instant, config: Option<IncomingConfig>) {
        match (config, &mut self.incoming) {
            (Some(config), Some(incoming)) => incoming.config = config,
            (Some(config), none) => *none = Some(Box::new(Incoming::new(config))),
            (None, _) => {
                self.incoming = None;
                // The table is bounded.
                for index in self.held.indices() {
                    if let Some(key) = self.held.key_at(index) {
                        self.refuse(now, HeldId(key));
                    }
                }
            }
        }
    }

    /// The next SYN that is held and was not yet fetched, and the two ends of the connection it asks for.
    pub fn next_held(&mut self) -> Option<(HeldId, Endpoints)> {
        let incoming = self.incoming.as_mut()?;
        while let Some(id) = incoming.queue.pop_front() {
            if let Some(record) = self.held.get(id.0) {
                return Some((id, record.ends.get()));
            }
        }
        None
    }

    /// Whether a SYN is still held: its client may have given up, or begun anew, or its time may have run out.
    #[must_use]
    pub fn is_held(&self, id: HeldId) -> bool {
        self.held.get(id.0).is_some()
    }

    /// Answers a held SYN. The connection is in SYN-RECEIVED; it tells `CONNECTED` when the client has acknowledged, or `CLOSED` when
    /// it has reset or never answered. What is written before is sent then.
    ///
    /// # Errors
    /// [`HostError::NotHeld`] if the SYN is not held any more; [`HostError::TooManyConnections`], and it is held on.
    pub fn complete(&mut self, now: Instant, id: HeldId) -> Result<ConnectionId, HostError> {
        if !self.is_held(id) {
            return Err(HostError::NotHeld);
        }
        if self.connections.len() >= self.config.limits.connections {
            return Err(HostError::TooManyConnections(self.config.limits.connections));
        }
        let config = self.incoming_config();
        let HeldRecord { half_open, ends, hash, .. } =
            self.take_held(id).ok_or(HostError::NotHeld)?;
        let endpoints = ends.get();
        // A route that went away since the SYN may come back.
        let unrouted = Hop { interface: InterfaceId::LOOPBACK, next: endpoints.remote.ip() };
        let hop = self.network.hop(endpoints.remote).unwrap_or(unrouted);
        let connection = half_open.admit(config, now);
        let new = self.insert_connection(connection, endpoints, hash, hop, (None, None));
        self.demux.replace(hash, Target::Held(id.0.index), Target::Connection(new.0.index));
        self.mark_ready(new.0.index);
        Ok(new)
    }

    /// Answers a held SYN as a closed port does, within the limit on resets. False if it is not held any more.
    pub fn refuse(&mut self, now: Instant, id: HeldId) -> bool {
        let Some(record) = self.held.get(id.0) else { return false };
        let (endpoints, reset) = (record.ends.get(), record.half_open.turn_away());
        self.forget_held(id);
        self.send_reset(now, &endpoints, reset, None);
        true
    }

    /// Answers a held SYN by nothing, as if it had been lost: if the client sends it again, it is held again. False if it is not held
    /// any more.
    pub fn forget_held(&mut self, id: HeldId) -> bool {
        let Some(record) = self.take_held(id) else { return false };
        self.demux.remove(record.hash, Target::Held(id.0.index));
        self.ports.disconnected(record.ends.local_port());
        true
    }

    /// Whether a SYN to `local` is for anybody.
    pub(super) fn is_wanted(&self, local: SocketAddr) -> bool {
        self.incoming.is_some() || self.listeners.find(local).is_some()
    }

    /// Settings of the connection that a SYN to `local` would open.
    pub(super) fn passive_config(&self, local: SocketAddr) -> Option<Arc<Config>> {
        match self.listeners.find(local) {
            Some(id) => Some(self.config_of(id)),
            None => self.incoming.is_some().then(|| self.incoming_config()),
        }
    }

    fn incoming_config(&self) -> Arc<Config> {
        let own = self.incoming.as_ref().and_then(|incoming| incoming.config.tcp.as_ref());
        Arc::clone(own.unwrap_or(&self.config.tcp))
    }

    /// A SYN that no listener is for.
    pub(super) fn hold(
        &mut self,
        now: Instant,
        hash: u32,
        endpoints: &Endpoints,
        syn: &Segment,
        minimum_iss: Option<SeqNumber>,
    ) {
        let Some(incoming) = &self.incoming else { return };
        let (limit, until) = (incoming.config.limit, now + incoming.config.patience);
        if self.held.len() >= limit {
            self.counters.dropped_held_full += 1;
            return;
        }
        let Some(hop) = self.network.hop(endpoints.remote) else {
            self.counters.dropped_no_route += 1;
            return;
        };
        let config = self.incoming_config();
        let opening = self.opening(now, endpoints, &hop, minimum_iss, &config);
        let mut half_open = HalfOpen::on_syn(&config, opening, syn, now);
        half_open.hold(until);
        let ends = (*endpoints).into();
        let place = self.held.insert(HeldRecord { half_open, ends, hash, timer: TimerId::UNSET });
        let timer = self.timers.insert(TimerOwner::Held(place.index).into(), Some(until));
        if let Some(record) = self.held.get_mut(place) {
            record.timer = timer;
        }
        self.make_findable(hash, Target::Held(place.index));
        self.ports.connected(endpoints.local.port());
        self.counters.syns_held += 1;
        self.observe(|| SegmentTrace { state: StateName::Listen, ..trace_in(now, endpoints, syn) });
        if let Some(incoming) = &mut self.incoming {
            incoming.push(HeldId(place), &self.held);
            if !core::mem::replace(&mut incoming.announced, true) {
                self.events.push_back(Announcement::Incoming);
            }
        }
    }

    /// A segment for a connection whose SYN is held.
    pub(super) fn on_held_segment(
        &mut self,
        now: Instant,
        index: u32,
        endpoints: &Endpoints,
        segment: &Segment,
    ) {
        let Some(record) = self.held.at(index) else { return };
        let (irs, hash) = (record.half_open.irs(), record.hash);
        let flags = segment.flags;
        let trace = trace_in(now, endpoints, segment);
        self.observe(|| SegmentTrace { state: StateName::Listen, ..trace });
        if flags.rst() {
            // Before anything was sent only the next number can be the client's own.
            if segment.seq == irs + 1 {
                self.forget_held_at(index);
            }
        } else if flags.ack() {
            // RFC 9293 §3.10.7.2: whatever it acknowledges was not sent.
            if let Some(reset) = Reset::for_segment(segment) {
                self.send_reset(now, endpoints, reset, None);
            }
        } else if flags.syn() && segment.seq == irs {
            self.counters.syns_held_again += 1;
        } else if flags.syn() {
            self.forget_held_at(index);
            self.hold(now, hash, endpoints, segment, None);
        }
    }

    pub(super) fn on_held_timer(&mut self, now: Instant, index: u32) {
        // A place may have changed hands since it was found due.
        if self.held.at(index).is_some_and(|record| record.half_open.deadline() <= now) {
            self.counters.held_expired += 1;
            self.forget_held_at(index);
        }
    }

    fn forget_held_at(&mut self, index: u32) {
        if let Some(key) = self.held.key_at(index) {
            self.forget_held(HeldId(key));
        }
    }

    /// Out of its table and off the wheel.
    fn take_held(&mut self, id: HeldId) -> Option<HeldRecord> {
        self.held.get(id.0)?;
        let record = self.held.remove(id.0.index)?;
        self.timers.remove(record.timer);
        Some(record)
    }
}
