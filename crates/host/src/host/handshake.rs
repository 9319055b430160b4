//! The passive side of the handshake: LISTEN and SYN-RECEIVED.

use super::tcp::trace_in;
use super::{Announcement, Host};
use crate::demux::Target;
use crate::ids::{ConnectionId, ListenerId};
use crate::net::Hop;
use crate::record::HalfOpenRecord;
use crate::timer::TimerKey;
use crate::trace::SegmentTrace;
use crate::wheel::TimerId;
use alloc::boxed::Box;
use alloc::sync::Arc;
use sockeye_tcp::auth::{Authenticator, Signature};
use sockeye_tcp::{Config, Connection, Endpoints, HalfOpen, HalfOpenEvent, Segment};
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
        let Some(id) = self.listeners.find(endpoints.local) else { return };
        let Some(listener) = self.listeners.get_mut(id) else { return };
        if listener.is_full() {
            self.counters.dropped_backlog_full += 1;
            return;
        }
        if listener.half_open >= listener.backlog
            || self.half_open.len() >= self.config.limits.half_open
        {
            self.counters.dropped_half_open_full += 1;
            return;
        }
        let Some(hop) = self.network.hop(endpoints.remote) else {
            self.counters.dropped_no_route += 1;
            return;
        };
        listener.half_open += 1;
        let config = Arc::clone(&listener.config);
        let mut opening = self.opening(now, endpoints, &hop, minimum_iss);
        opening.signature = auth.as_ref().map_or(Signature::None, |auth| auth.signature());
        let half_open = HalfOpen::on_syn(&config, opening, syn, now);
        let deadline = half_open.deadline();
        let place = self.half_open.insert(HalfOpenRecord {
            half_open,
            endpoints: *endpoints,
            hash,
            timer: TimerId::UNSET,
            listener: id,
            auth,
        });
        let timer = self.wheel.insert(TimerKey::HalfOpen(place.index), Some(deadline));
        if let Some(record) = self.half_open.get_mut(place) {
            record.timer = timer;
        }
        self.demux.insert(hash, Target::HalfOpen(place.index));
        self.ports.connected(endpoints.local.port());
        let trace = trace_in(now, endpoints, syn);
        self.observe(|| SegmentTrace { state: StateName::SynReceived, ..trace });
        self.half_open_output(now, place.index);
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
        let config = Arc::clone(&listener.config);
        if listener.is_full() && segment.flags.ack() && !segment.flags.rst() {
            // The peer believes the connection open; our SYN-ACK again will make it try again, as Linux does.
            self.counters.dropped_backlog_full += 1;
            return;
        }
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
        let HalfOpenRecord { endpoints, hash, auth, .. } = record;
        // A route that went away since the SYN may come back.
        let unrouted =
            Hop { interface: crate::config::InterfaceId::LOOPBACK, next: endpoints.remote.ip() };
        let hop = self.network.hop(endpoints.remote).unwrap_or(unrouted);
        let id = self.insert_connection(connection, endpoints, hash, hop, (Some(listener), auth));
        self.demux.replace(hash, Target::HalfOpen(index), Target::Connection(id.0.index));
        self.changed(now, id.0.index);
        if let Some(listener_entry) = self.listeners.get_mut(listener) {
            listener_entry.to_accept.push_back(id);
            self.to_accept += 1;
            if !core::mem::replace(&mut listener_entry.announced, true) {
                self.events.push_back(Announcement::Listener(listener));
            }
        }
        Some(id)
    }

    /// Sends what a half-open record has to say.
    pub(super) fn half_open_output(&mut self, now: Instant, index: u32) {
        let Some(record) = self.half_open.at(index) else { return };
        let config = self.listener_config(record.listener);
        while let Some(record) = self.half_open.at_mut(index)
            && let Some(transmit) = record.half_open.poll_transmit(now, &config)
        {
            let endpoints = record.endpoints;
            self.observe_out(now, None, &endpoints, &transmit, StateName::SynReceived);
            self.send_segment(now, &endpoints, transmit, Some(Target::HalfOpen(index)));
        }
    }

    /// The listener is gone.
    fn refuse_half_open(&mut self, now: Instant, index: u32) {
        let Some(record) = self.half_open.at(index) else { return };
        let endpoints = record.endpoints;
        let transmit = record.half_open.refuse(now);
        self.observe_out(now, None, &endpoints, &transmit, StateName::Closed);
        self.send_segment(now, &endpoints, transmit, Some(Target::HalfOpen(index)));
        self.forget_half_open(index);
    }

    pub(super) fn on_half_open_timer(&mut self, now: Instant, index: u32) {
        let Some(record) = self.half_open.at_mut(index) else { return };
        let Some(listener) = self.listeners.get(record.listener) else {
            self.refuse_half_open(now, index);
            return;
        };
        if record.half_open.on_timer(now, &listener.config) {
            self.wheel.set(record.timer, Some(record.half_open.deadline()));
            self.half_open_output(now, index);
        } else {
            self.forget_half_open(index);
        }
    }

    /// The host's own settings if the listener is gone.
    fn listener_config(&self, id: ListenerId) -> Arc<Config> {
        Arc::clone(self.listeners.get(id).map_or(&self.config.tcp, |listener| &listener.config))
    }

    fn forget_half_open(&mut self, index: u32) {
        if let Some(record) = self.take_half_open(index) {
            self.demux.remove(record.hash, Target::HalfOpen(index));
            self.ports.disconnected(record.endpoints.local.port());
        }
    }

    /// Out of its table, its timer and its listener's count.
    fn take_half_open(&mut self, index: u32) -> Option<HalfOpenRecord> {
        let record = self.half_open.remove(index)?;
        self.wheel.remove(record.timer);
        if let Some(listener) = self.listeners.get_mut(record.listener) {
            listener.half_open = listener.half_open.saturating_sub(1);
        }
        Some(record)
    }
}
