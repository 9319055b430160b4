//! The passive side of the handshake: LISTEN and SYN-RECEIVED.

use super::Host;
use super::fast_open::Reception;
use super::tcp::trace_in;
use crate::demux::Target;
use crate::ids::{ConnectionId, ListenerId};
use crate::net::Hop;
use crate::record::HalfOpenRecord;
use crate::trace::SegmentTrace;
use crate::wheel::Links;
use alloc::boxed::Box;
use sockeye_tcp::auth::{Authenticator, Signature};
use sockeye_tcp::{Connection, Endpoints, HalfOpen, HalfOpenEvent, Segment, Transmit};
use sockeye_wire::{Instant, SeqNumber, StateName};

impl Host {
    /// A SYN for a listener (RFC 9293 §3.10.7.2): the place where a decision about strangers is made.
    pub(super) fn on_syn(
        &mut self,
        now: Instant,
        hash: u32,
        endpoints: &Endpoints,
        syn: &Segment,
        (minimum_iss, auth): (Option<SeqNumber>, Option<Box<Authenticator>>),
    ) {
        let Some(id) = self.listeners.find(endpoints.local) else {
            return self.hold(now, hash, endpoints, syn, minimum_iss);
        };
        let Some(listener) = self.listeners.get(id) else { return };
        if listener.is_full() {
            self.counters.dropped_backlog_full += 1;
            return;
        }
        if self.connections.len() >= self.config.limits.connections {
            self.counters.dropped_connections_full += 1;
            return;
        }
        if self.is_short() {
            self.counters.dropped_memory_syn += 1;
            return;
        }
        let full = listener.half_open >= listener.backlog
            || self.half_open.len() >= self.config.limits.half_open;
        let Some(hop) = self.network.hop(endpoints.remote) else {
            self.counters.dropped_no_route += 1;
            return;
        };
        let trace = trace_in(now, endpoints, syn);
        if auth.is_none() && self.wants_cookie(full) {
            self.observe(|| SegmentTrace { state: StateName::Listen, ..trace });
            return self.send_syn_cookie(now, id, endpoints, &hop, syn);
        }
        if full {
            self.counters.dropped_half_open_full += 1;
            return;
        }
        let config = self.config_of(id);
        let mut opening = self.opening(now, endpoints, &hop, minimum_iss, &config);
        opening.signature = auth.as_ref().map_or(Signature::None, |auth| auth.signature());
        let half_open = HalfOpen::on_syn(&config, opening, syn, now);
        let state = StateName::SynReceived;
        // A signature leaves too little room for a cookie.
        let reception = match auth {
            None => self.receive_syn(now, id, endpoints, syn),
            Some(_) => Reception::HalfOpen(None),
        };
        match reception {
            Reception::Open(offer) => {
                let connection = half_open.fast_open(config, syn.clone(), now, offer);
                let connection = self.take_in(now, (hash, hop), id, endpoints, connection);
                if let Some(record) = self.connections.get_mut(connection.0) {
                    record.fast_opening = true;
                }
                self.observe(|| SegmentTrace { state, connection: Some(connection), ..trace });
            }
            Reception::HalfOpen(offer) => {
                let record = HalfOpenRecord {
                    half_open,
                    ends: (*endpoints).into(),
                    hash,
                    links: Links::UNLINKED,
                    listener: id,
                    auth,
                };
                let index = self.remember_half_open(record);
                self.observe(|| SegmentTrace { state, ..trace });
                if let Some(offer) = offer
                    && let Some(record) = self.half_open.at_mut(index)
                    && let Some(transmit) =
                        record.half_open.poll_transmit_with_cookie(now, &config, &offer)
                {
                    self.half_open_sends(now, index, endpoints, transmit);
                }
                self.half_open_output(now, index);
            }
        }
    }

    fn remember_half_open(&mut self, record: HalfOpenRecord) -> u32 {
        let (hash, port, id) = (record.hash, record.ends.local_port(), record.listener);
        let index = self.half_open.insert(record);
        if let Some(listener) = self.listeners.get_mut(id) {
            listener.half_open += 1;
        }
        self.make_findable(hash, Target::HalfOpen(index));
        self.ports.connected(port);
        index
    }

    /// A connection that had no half-open record: it can be found from now on, and waits to be accepted.
    pub(super) fn take_in(
        &mut self,
        now: Instant,
        (hash, hop): (u32, Hop),
        id: ListenerId,
        endpoints: &Endpoints,
        connection: Connection,
    ) -> ConnectionId {
        let connection =
            self.insert_connection(connection, *endpoints, hash, hop, (Some(id), None));
        self.make_findable(hash, Target::Connection(connection.0.index));
        self.ports.connected(endpoints.local.port());
        self.changed(now, connection.0.index);
        self.queue_to_accept(id, connection);
        connection
    }

    pub(super) fn on_half_open_segment(
        &mut self,
        now: Instant,
        index: u32,
        endpoints: &Endpoints,
        segment: Segment,
    ) {
        let Some(record) = self.half_open.at_mut(index) else { return };
        let id = record.listener;
        let Some(listener) = self.listeners.get(id) else {
            self.refuse_half_open(now, index);
            return;
        };
        if listener.is_full() && segment.flags.ack() && !segment.flags.rst() {
            self.counters.dropped_backlog_full += 1;
            if self.config.policy.abort_on_overflow {
                self.refuse_half_open(now, index);
            }
            // The peer believes the connection open; our SYN-ACK again will make it try again, as Linux does.
            return;
        }
        if self.connections.len() >= self.config.limits.connections
            && segment.flags.ack()
            && !segment.flags.rst()
        {
            self.counters.dropped_connections_full += 1;
            return;
        }
        if record.half_open.defers(&segment, listener.options.defer_accept) {
            return;
        }
        let config = self.config_of(id);
        let Some(record) = self.half_open.at_mut(index) else { return };
        let trace = trace_in(now, endpoints, &segment);
        let event = record.half_open.on_segment(now, &config, segment);
        match event {
            HalfOpenEvent::Waiting => {
                self.observe(|| SegmentTrace { state: StateName::SynReceived, ..trace });
                self.half_open_output(now, index);
            }
            HalfOpenEvent::Reset(reset) => {
                self.observe(|| SegmentTrace { state: StateName::SynReceived, ..trace });
                self.send_reset(now, endpoints, reset, Some(Target::HalfOpen(index)));
            }
            HalfOpenEvent::Gone => {
                self.observe(|| SegmentTrace { state: StateName::Listen, ..trace });
                self.forget_half_open(index);
            }
            HalfOpenEvent::Established(connection) => {
                let state = connection.state();
                let connection = self.establish(now, index, id, connection);
                self.observe(|| SegmentTrace { state, connection, ..trace });
            }
        }
    }

    /// The record becomes a connection and waits to be accepted.
    fn establish(
        &mut self,
        now: Instant,
        index: u32,
        listener: ListenerId,
        connection: Connection,
    ) -> Option<ConnectionId> {
        let record = self.take_half_open(index)?;
        let HalfOpenRecord { ends, hash, auth, .. } = record;
        let endpoints = ends.get();
        // A route that went away since the SYN may come back.
        let unrouted =
            Hop { interface: crate::config::InterfaceId::LOOPBACK, next: endpoints.remote.ip() };
        let hop = self.network.hop(endpoints.remote).unwrap_or(unrouted);
        let id = self.insert_connection(connection, endpoints, hash, hop, (Some(listener), auth));
        self.demux.replace(hash, Target::HalfOpen(index), Target::Connection(id.0.index));
        self.changed(now, id.0.index);
        self.queue_to_accept(listener, id);
        Some(id)
    }

    /// Sends what a half-open record has to say.
    pub(super) fn half_open_output(&mut self, now: Instant, index: u32) {
        let Some(record) = self.half_open.at(index) else { return };
        let config = self.config_of(record.listener);
        while let Some(record) = self.half_open.at_mut(index)
            && let Some(transmit) = record.half_open.poll_transmit(now, &config)
        {
            let endpoints = record.ends.get();
            self.half_open_sends(now, index, &endpoints, transmit);
        }
    }

    fn half_open_sends(
        &mut self,
        now: Instant,
        index: u32,
        endpoints: &Endpoints,
        transmit: Transmit,
    ) {
        self.observe_out(now, None, endpoints, &transmit, StateName::SynReceived);
        self.send_segment(now, endpoints, transmit, Some(Target::HalfOpen(index)));
    }

    /// The listener is gone, or will have no more.
    pub(super) fn refuse_half_open(&mut self, now: Instant, index: u32) {
        let Some(record) = self.half_open.at(index) else { return };
        let endpoints = record.ends.get();
        let transmit = record.half_open.refuse(now);
        self.observe_out(now, None, &endpoints, &transmit, StateName::Closed);
        self.send_segment(now, &endpoints, transmit, Some(Target::HalfOpen(index)));
        self.forget_half_open(index);
    }

    pub(super) fn on_half_open_timer(&mut self, now: Instant, index: u32) {
        let Some(record) = self.half_open.at(index) else { return };
        let id = record.listener;
        let Some(listener) = self.listeners.get(id) else {
            self.refuse_half_open(now, index);
            return;
        };
        let (config, deferred) = (self.config_of(id), listener.options.defer_accept);
        let waits = self
            .half_open
            .change(index, |record| record.half_open.on_timer(now, &config, deferred));
        if waits == Some(true) {
            self.half_open_output(now, index);
        } else {
            self.forget_half_open(index);
        }
    }

    pub(super) fn forget_half_open(&mut self, index: u32) {
        if let Some(record) = self.take_half_open(index) {
            self.demux.remove(record.hash, Target::HalfOpen(index));
            self.ports.disconnected(record.ends.local_port());
        }
    }

    /// Out of its table, its timer and its listener's count.
    fn take_half_open(&mut self, index: u32) -> Option<HalfOpenRecord> {
        let record = self.half_open.remove(index)?;
        if let Some(listener) = self.listeners.get_mut(record.listener) {
            listener.half_open = listener.half_open.saturating_sub(1);
        }
        Some(record)
    }
}
