//! A segment's way in: checksum, connection, or nobody.

use super::Host;
use super::auth::pieces_from;
use super::ingress::Datagram;
use super::open::endpoints_of;
use super::run::Run;
use crate::budget::Pressure;
use crate::demux::Target;
use crate::ids::ConnectionId;
use crate::trace::{Direction, SegmentTrace};
use alloc::boxed::Box;
use sockeye_tcp::auth::{Authenticator, Signature};
use sockeye_tcp::{Endpoints, Reset, Segment, TimeWaitEvent};
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Checksum, ChecksumState, Instant, Packet, SeqNumber, StateName};

impl Host {
    #[inline]
    pub(super) fn on_tcp(&mut self, now: Instant, mut datagram: Datagram<'_>) {
        // RFC 9293 MUST-57: for everything, not the SYN alone.
        if datagram.packet.meta.link_broadcast {
            self.counters.dropped_broadcast += 1;
            return;
        }
        let at = datagram.transport_at;
        let front = datagram.packet.front();
        let view = match TcpView::parse(front.get(at..).unwrap_or(&[])) {
            Ok(view) => view,
            Err(_) if front.len() < datagram.packet.len() => {
                *datagram.packet =
                    Packet::from_bytes(datagram.packet.meta, datagram.packet.to_bytes());
                return self.on_tcp(now, datagram);
            }
            Err(_) => {
                self.counters.dropped_malformed += 1;
                return;
            }
        };
        // RFC 9293 MUST-3: whatever the sum does not bear out is dropped in silence.
        if datagram.packet.meta.checksum == ChecksumState::Unverified
            && !sum_from(datagram.ip.pseudo_header(), datagram.packet, at).is_valid()
        {
            self.counters.dropped_checksum += 1;
            return;
        }
        let endpoints = endpoints_of(
            datagram.interface,
            (datagram.ip.destination, view.destination_port()),
            (datagram.ip.source, view.source_port()),
        );
        let mut segment = Segment::decode(&view, &datagram.packet.meta);
        let data_at = at + view.header_len();

        let (hash, target) = if self.is_recent(&endpoints) {
            (0, Some(Target::Connection(self.recent)))
        } else {
            let hash = self.demux.hash(&endpoints);
            (hash, self.find(hash, &endpoints))
        };
        // Addresses are looked at only here: those of a known connection were, when it was opened.
        if target.is_none() {
            if !self.is_for_us(&datagram) {
                return;
            }
            if self.misplace(&mut datagram, &endpoints) {
                return;
            }
        }
        self.counters.segments_received += u64::from(segment.wire_segments);
        let mut auth = None;
        if segment.options.signature != Signature::None
            || self.may_need_signature(target, segment.flags.syn())
        {
            let at = (at, data_at);
            match self.admit(target, &endpoints, &segment, datagram.packet, at) {
                Ok(stranger) => auth = stranger,
                Err(_) => return,
            }
        }
        let run = match target {
            Some(Target::Connection(index)) if self.may_run(index, segment.seq) => {
                Run::after(&datagram, &segment, data_at)
            }
            _ => None,
        };
        segment.payload = datagram.packet.take_payload(data_at);
        match target {
            Some(Target::Connection(index)) => {
                self.recent = index;
                let field = (datagram.ip.hop_limit, datagram.ip.dscp);
                self.on_connection_segment(now, index, &endpoints, &mut segment, (field, auth));
                if let Some(run) = run
                    && self.expected(index) == Some(run.end())
                {
                    let trace =
                        self.observer.is_some().then(|| trace_in(now, &endpoints, &segment));
                    self.begin_run(index, run, trace);
                }
            }
            Some(Target::HalfOpen(index)) => {
                self.on_half_open_segment(now, index, &endpoints, segment);
            }
            Some(Target::TimeWait(index)) => {
                self.on_time_wait_segment(now, index, &endpoints, segment, auth);
            }
            Some(Target::Held(index)) => self.on_held_segment(now, index, &endpoints, &segment),
            None => self.on_segment_to_nobody(now, hash, &endpoints, &segment, auth),
        }
    }

    /// Whether a segment in a batch is what a connection without keys waits for, so that others may follow it.
    #[inline]
    fn may_run(&self, index: u32, seq: SeqNumber) -> bool {
        self.is_in_batch
            && self.connections.at(index).is_some_and(|record| {
                record.auth.is_none() && record.connection.expected() == Some(seq)
            })
    }

    fn expected(&self, index: u32) -> Option<SeqNumber> {
        self.connections.at(index)?.connection.expected()
    }

    #[inline]
    fn is_recent(&self, endpoints: &Endpoints) -> bool {
        self.connections.at(self.recent).is_some_and(|record| record.ends.are(endpoints))
    }

    /// Whose a 4-tuple is.
    #[inline]
    pub(super) fn find(&self, hash: u32, endpoints: &Endpoints) -> Option<Target> {
        self.demux.find(hash, |target| {
            let known = match target {
                Target::Connection(index) => self.connections.at(index).map(|of| &of.ends),
                Target::HalfOpen(index) => self.half_open.at(index).map(|of| &of.ends),
                Target::TimeWait(index) => self.time_wait.at(index).map(|of| &of.ends),
                Target::Held(index) => self.held.at(index).map(|of| &of.ends),
            };
            known.is_some_and(|ends| ends.are(endpoints))
        })
    }

    /// From now on what comes for the 4-tuple with this hash is the target's.
    pub(super) fn make_findable(&mut self, hash: u32, target: Target) {
        let Self { demux, connections, half_open, time_wait, held, .. } = self;
        demux.insert(hash, target, |target| {
            let known = match target {
                Target::Connection(index) => connections.at(index).map(|of| of.hash),
                Target::HalfOpen(index) => half_open.at(index).map(|of| of.hash),
                Target::TimeWait(index) => time_wait.at(index).map(|of| of.hash),
                Target::Held(index) => held.at(index).map(|of| of.hash),
            };
            known.unwrap_or_default()
        });
    }

    #[inline]
    fn on_connection_segment(
        &mut self,
        now: Instant,
        index: u32,
        endpoints: &Endpoints,
        segment: &mut Segment,
        ((hop_limit, dscp), auth): ((u8, u8), Option<Box<Authenticator>>),
    ) {
        if segment.flags.syn() {
            if let Some(minimum_iss) = self.give_way(now, index, endpoints, segment) {
                let hash = self.demux.hash(endpoints);
                return self.on_syn(now, hash, endpoints, segment, (Some(minimum_iss), auth));
            }
            if self.is_only_a_name(index) {
                let hash = self.demux.hash(endpoints);
                self.demux.remove(hash, Target::Connection(index));
                self.recent = u32::MAX;
                return self.on_segment_to_nobody(now, hash, endpoints, segment, auth);
            }
        }
        if self.budget.pressure() != Pressure::None {
            self.relieve(index, segment);
        }
        let trace = self.observer.is_some().then(|| trace_in(now, endpoints, segment));
        let reset = self.counted(index, |record| {
            record.path.received_hop_limit = hop_limit;
            record.path.received_dscp = dscp;
            record.connection.take_segment(now, segment)
        });
        let Some(reset) = reset else { return };
        if let Some(trace) = trace
            && let Some(record) = self.connections.at(index)
        {
            let state = record.connection.state();
            let connection = self.connections.key_at(index).map(ConnectionId);
            self.observe(|| SegmentTrace { connection, state, ..trace });
        }
        self.changed(now, index);
        if let Some(reset) = reset {
            self.send_reset(now, endpoints, reset, Some(Target::Connection(index)));
        }
    }

    /// Whether a connection is over, and only its application still knows of it: for the network there is none (RFC 9293 §3.3.2,
    /// CLOSED), and a restarted peer may open another between the same ends (§3.5.1).
    fn is_only_a_name(&self, index: u32) -> bool {
        self.connections.at(index).is_some_and(|record| {
            record.auth.is_none() && !self.listeners.have_keys() && record.connection.is_done()
        })
    }

    /// A SYN for a connection in TIME-WAIT that its application still holds: it may have to give its 4-tuple up (RFC 6191 §2), and then
    /// says what the new connection's ISS must exceed.
    fn give_way(
        &mut self,
        now: Instant,
        index: u32,
        endpoints: &Endpoints,
        syn: &Segment,
    ) -> Option<SeqNumber> {
        let timestamps = self.passive_config(endpoints.local)?.timestamps;
        let record = self.connections.at_mut(index)?;
        if record.auth.is_some() || self.listeners.have_keys() {
            // What signs the new connection is decided where there is no old one.
            return None;
        }
        let minimum_iss = record.connection.reopens(syn, timestamps)?;
        let before = record.connection.buffered();
        record.connection.supersede();
        self.budget.changed(before, record.connection.buffered());
        let hash = record.hash;
        self.demux.remove(hash, Target::Connection(index));
        // It still has the name, but no longer gets what is sent to it.
        self.recent = u32::MAX;
        self.changed(now, index);
        self.finish(index);
        Some(minimum_iss)
    }

    fn on_time_wait_segment(
        &mut self,
        now: Instant,
        index: u32,
        endpoints: &Endpoints,
        segment: Segment,
        auth: Option<Box<Authenticator>>,
    ) {
        let config = self.passive_config(endpoints.local);
        let timestamps = config.is_some_and(|config| config.timestamps);
        let answered = self.time_wait.change(index, |record| {
            (record.time_wait.on_segment(now, &segment, timestamps), record.hash)
        });
        let Some((event, hash)) = answered else { return };
        let trace = trace_in(now, endpoints, &segment);
        self.observe(|| SegmentTrace { state: StateName::TimeWait, ..trace });
        match event {
            TimeWaitEvent::Ignore => {}
            TimeWaitEvent::Ack(transmit) => {
                self.observe_out(now, None, endpoints, &transmit, StateName::TimeWait);
                self.send_segment(now, endpoints, transmit, Some(Target::TimeWait(index)));
            }
            TimeWaitEvent::Reopen { minimum_iss } => {
                // RFC 6191: only if somebody still listens.
                if self.is_wanted(endpoints.local) {
                    self.forget_time_wait(index);
                    self.on_syn(now, hash, endpoints, &segment, (Some(minimum_iss), auth));
                } else if let Some(reset) = Reset::for_segment(&segment) {
                    self.send_reset(now, endpoints, reset, Some(Target::TimeWait(index)));
                }
            }
        }
    }

    /// RFC 9293 §3.10.7.1 and §3.10.7.2: CLOSED and LISTEN.
    fn on_segment_to_nobody(
        &mut self,
        now: Instant,
        hash: u32,
        endpoints: &Endpoints,
        segment: &Segment,
        auth: Option<Box<Authenticator>>,
    ) {
        let flags = segment.flags;
        if endpoints.remote.port() == 0 || endpoints.local.port() == 0 {
            // Reserved (RFC 6335 §6): nobody can be there to hear an answer.
            self.counters.dropped_malformed += 1;
            return;
        }
        if flags.rst() {
            return;
        }
        if !self.is_wanted(endpoints.local) || flags.ack() {
            if auth.is_none() && self.redeem_cookie(now, hash, endpoints, segment) {
                return;
            }
            if let Some(reset) = Reset::for_segment(segment) {
                match auth {
                    None => self.send_reset(now, endpoints, reset, None),
                    Some(mut auth) => self.send_signed_reset(now, endpoints, reset, &mut auth),
                }
            }
        } else if flags.syn() {
            self.on_syn(now, hash, endpoints, segment, (None, auth));
        }
    }
}

/// `sum` and everything from `at` on.
#[inline]
pub(super) fn sum_from(mut sum: Checksum, packet: &Packet, at: usize) -> Checksum {
    for piece in pieces_from(packet, at) {
        sum = sum.with(piece);
    }
    sum
}

pub(super) fn trace_in(now: Instant, endpoints: &Endpoints, segment: &Segment) -> SegmentTrace {
    SegmentTrace {
        time: now,
        connection: None,
        endpoints: *endpoints,
        direction: Direction::In,
        seq: segment.seq,
        ack: segment.ack,
        flags: segment.flags,
        window: segment.window,
        payload_len: segment.payload.len(),
        state: StateName::Closed,
    }
}
