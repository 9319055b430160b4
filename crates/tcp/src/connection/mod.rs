//! The face of a connection: what its host and its application call.

mod api;
mod extras;
mod icmp;
mod memory;
mod output;
#[cfg(test)]
pub(crate) mod tests;
mod timers;

pub(crate) use extras::Extras;
pub use icmp::IcmpError;
pub use memory::Buffered;

use crate::fast_open::{FastOpen, FastOpened};
use crate::half_open::Verdict;
use crate::opening::{Answer, SynReceived, SynSent};
use crate::state::{Closed, Leftover, State};
use crate::tally::{Arrived, Standing};
use crate::time_wait::TimeWaitEvent;
use crate::{
    Config, Error, Events, Info, Opening, PathMetrics, Reset, Segment, TimeWait, segment_arrives,
};
use alloc::sync::Arc;
use core::net::SocketAddr;
use sockeye_wire::{Instant, SeqNumber, StateName};

/// The two ends of a connection, as the local host sees them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Endpoints {
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
}

/// One TCP connection.
///
/// After every call that takes `&mut self`, [`poll_transmit`](Self::poll_transmit) may have something to send,
/// [`deadline`](Self::deadline) may have moved and [`take_events`](Self::take_events) may have news.
#[derive(Debug)]
pub struct Connection {
    pub(crate) state: State,
    config: Arc<Config>,
    events: Events,
    /// The application has let go: what arrives from now on has no reader.
    orphaned: bool,
    /// It reads no more: what arrives once our direction is over, too, has no reader.
    deaf: bool,
    /// The last soft error, told if the connection times out (RFC 9293 MUST-47).
    soft_error: Option<Error>,
    /// Since when the peer has made no progress on what it owes us, from where the user timeout counts; in FIN-WAIT-2, since when
    /// it lasts or nobody waits for it any more.
    stalled_since: Instant,
    /// TIME-WAIT owes an acknowledgement.
    time_wait_ack: bool,
    pub(crate) extras: Extras,
}

impl Connection {
    /// Active OPEN: the SYN is the first thing to transmit (RFC 9293 §3.10.1).
    #[must_use]
    pub fn connect(config: Arc<Config>, opening: Opening, now: Instant) -> Self {
        let state = State::SynSent(SynSent::new(&config, opening, now));
        Self::new(config, state, now)
    }

    pub(crate) fn new(config: Arc<Config>, state: State, now: Instant) -> Self {
        let extras = Extras::new(config.tally);
        Self {
            state,
            config,
            events: Events::NONE,
            orphaned: false,
            deaf: false,
            soft_error: None,
            stalled_since: now,
            time_wait_ack: false,
            extras,
        }
    }

    /// A listener's connection that exists before its handshake is complete.
    pub(crate) fn fast_opened(
        config: Arc<Config>,
        state: State,
        fast_open: FastOpen,
        events: Events,
        now: Instant,
    ) -> Self {
        let mut connection = Self { events, ..Self::new(config, state, now) };
        connection.extras.set_fast_open(fast_open);
        connection.tally_syn();
        connection
    }

    /// What the first SYN takes with it.
    pub(crate) fn carry_on_syn(&mut self, data: &[u8]) {
        if let State::SynSent(syn_sent) = &mut self.state {
            syn_sent.carry(data);
        }
    }

    /// A half-open record became a connection by `segment`, which is processed from its text on.
    pub(crate) fn established(
        config: Arc<Config>,
        state: State,
        now: Instant,
        segment: Segment,
    ) -> Self {
        let mut connection = Self::new(config, state, now);
        connection.events |= Events::CONNECTED | Events::WRITABLE;
        connection.tally_syn();
        // In a synchronized state no segment provokes a reset.
        let _none = connection.on_segment(now, segment);
        connection
    }

    /// A segment arrived for this connection; `now` is not before its arrival. The answer, if it is a reset, is returned;
    /// all else comes from [`poll_transmit`](Self::poll_transmit).
    #[inline]
    pub fn on_segment(&mut self, now: Instant, mut segment: Segment) -> Option<Reset> {
        self.take_segment(now, &mut segment)
    }

    /// As [`on_segment`](Self::on_segment), leaving nothing of use behind: for whoever has the segment by reference, because it is
    /// large to move.
    #[inline]
    pub fn take_segment(&mut self, now: Instant, segment: &mut Segment) -> Option<Reset> {
        if self.extras.tallies() {
            return self.tally_segment(now, segment);
        }
        self.process(now, segment)
    }

    fn tally_syn(&mut self) {
        if let Some(tally) = self.extras.tally_mut() {
            tally.on_syn_received();
        }
    }

    #[inline]
    pub(crate) fn tally_next(&mut self) {
        if let Some(tally) = self.extras.tally_mut() {
            tally.on_next();
        }
    }

    fn tally_segment(&mut self, now: Instant, segment: &mut Segment) -> Option<Reset> {
        let (before, arrived) = (Standing::of(self), Arrived::of(self, segment));
        let reset = self.process(now, segment);
        let after = Standing::of(self);
        let open = self.state.open();
        let duplicate = open.and_then(|open| open.send.duplicate_report(segment));
        if let Some(tally) = self.extras.tally_mut() {
            tally.on_segment(now, &arrived, (&before, &after), duplicate.is_some());
        }
        reset
    }

    pub(crate) fn process(&mut self, now: Instant, segment: &mut Segment) -> Option<Reset> {
        match &mut self.state {
            State::Closed(_) => Reset::for_segment(segment),
            State::SynSent(syn_sent) => match syn_sent.judge(now, &self.config, segment) {
                Answer::Drop => None,
                Answer::Reset(reset) => Some(reset),
                Answer::Refused => {
                    self.fail(Error::Refused);
                    None
                }
                Answer::Establish => {
                    self.on_syn_ack(now, segment);
                    None
                }
                Answer::Simultaneous => {
                    if let State::SynSent(syn_sent) = self.state.take() {
                        let received =
                            SynReceived::from_crossing(syn_sent, &self.config, segment, now);
                        self.state = State::SynReceived(received);
                    }
                    None
                }
            },
            State::SynReceived(received) => {
                let bounds = received.half.bounds(&self.config, received.syn_data);
                match received.half.judge(now, segment, &bounds) {
                    Verdict::Wait => None,
                    Verdict::Reset(reset) => Some(reset),
                    Verdict::Gone => {
                        let error = received.half.taken_back();
                        self.fail(error);
                        None
                    }
                    Verdict::Establish => {
                        self.on_crossing_complete(now, segment);
                        None
                    }
                }
            }
            State::FastOpened(_) => self.on_segment_to_fast_opened(now, segment),
            State::TimeWait(time_wait, _) => {
                if let TimeWaitEvent::Ack(_) = time_wait.on_segment(now, segment, true) {
                    self.time_wait_ack = true;
                }
                None
            }
            _ => {
                segment_arrives::in_synchronized_state(self, now, segment);
                None
            }
        }
    }

    /// SYN-SENT → ESTABLISHED: B's SYN+ACK acknowledges our SYN.
    fn on_syn_ack(&mut self, now: Instant, segment: &mut Segment) {
        let State::SynSent(syn_sent) = self.state.take() else { return };
        let (sent, retransmissions) = (syn_sent.syn_data(), syn_sent.retransmissions());
        let starved = syn_sent.starved;
        let mut open = syn_sent.open(now, &self.config, segment);
        if let Some(fast_open) = self.extras.fast_open_mut() {
            let (mss, all_acked) = (open.negotiated.peer_mss, open.send.is_all_acked());
            fast_open.on_syn_ack(segment, mss, sent, all_acked, retransmissions);
        }
        if starved {
            // What waits leaves now, with the acknowledgement, and will be answered: the exchange has begun.
            open.receive.ack.within(now, self.config.delayed_ack);
            open.receive.ack.on_reply();
        } else {
            open.receive.ack.now();
        }
        self.enter_established(open);
        segment_arrives::urg_text_and_fin(self, now, segment);
    }

    /// SYN-RECEIVED → ESTABLISHED after SYNs crossed.
    fn on_crossing_complete(&mut self, now: Instant, segment: &mut Segment) {
        let State::SynReceived(received) = self.state.take() else { return };
        let mut open = received.open(now, &self.config, segment.ack);
        if segment.flags.syn() {
            open.receive.note_duplicate(segment.seq, 1);
            open.receive.ack.now();
            // The peer's SYN was consumed before; its window was never scaled.
            segment.flags = segment.flags - sockeye_wire::Flags::SYN;
            segment.seq += 1;
            segment.window >>= open.negotiated.send_shift;
        }
        self.enter_established(open);
        let _none = self.process(now, segment);
    }

    fn enter_established(&mut self, open: crate::state::Open) {
        let closing = open.send.is_closing();
        self.state = if closing { State::FinWait1(open) } else { State::Established(open) };
        self.events |= Events::CONNECTED | Events::WRITABLE;
    }

    /// The connection is over for `error`; what had arrived stays readable.
    pub(crate) fn fail(&mut self, error: Error) {
        self.end(Some(error), None);
    }

    /// → CLOSED.
    pub(crate) fn end(&mut self, error: Option<Error>, farewell: Option<crate::state::Farewell>) {
        let (Leftover { unread, metrics }, finished) = match self.state.take() {
            State::Closed(closed) => {
                (Leftover { unread: closed.unread, metrics: closed.metrics }, closed.finished)
            }
            State::TimeWait(_, leftover) => (leftover, true),
            State::SynSent(_) | State::SynReceived(_) => Default::default(),
            State::Established(open)
            | State::FinWait1(open)
            | State::FinWait2(open)
            | State::CloseWait(open)
            | State::Closing(open)
            | State::LastAck(open)
            | State::FastOpened(FastOpened { open, .. }) => {
                let finished = open.receive.is_finished();
                (open.into_leftover(), finished)
            }
        };
        self.state = State::Closed(Closed { error, unread, metrics, finished, farewell });
        self.events |= Events::CLOSED | Events::READABLE | Events::WRITABLE;
    }

    /// → TIME-WAIT.
    pub(crate) fn enter_time_wait(&mut self, now: Instant) {
        let duration = self.config.time_wait;
        let ack_owed = &mut self.time_wait_ack;
        self.state.advance(|open| {
            *ack_owed = open.receive.ack.is_owed();
            let time_wait = TimeWait::new(&open, now, duration);
            State::TimeWait(time_wait, open.into_leftover())
        });
        self.events |= Events::CLOSED | Events::READABLE | Events::WRITABLE;
    }

    /// → FIN-WAIT-2, which ends by itself once nobody waits for the peer's data.
    pub(crate) fn enter_fin_wait_2(&mut self, now: Instant) {
        self.state.advance(State::FinWait2);
        self.stalled_since = now;
        // It was no lasting obstacle, and would be the wrong reason if the connection timed out later.
        self.soft_error = None;
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    pub(crate) fn notify(&mut self, events: Events) {
        self.events |= events;
    }

    /// A full send buffer must drain to this before writers are woken, so that each wake-up is worth it.
    pub(crate) fn send_low_water(&self) -> usize {
        self.send_limit() / 3 * 2
    }

    #[cfg(test)]
    pub(crate) fn controller(&self) -> Option<&crate::congestion::Controller> {
        self.state.open().map(|open| open.send.controller())
    }

    /// Size of the send buffer now.
    pub(crate) fn send_limit(&self) -> usize {
        let window = self.state.open().map_or(0, |open| open.send.unreduced_window());
        self.config.send_buffer(window) as usize
    }

    pub(crate) fn is_orphaned(&self) -> bool {
        self.orphaned
    }

    /// The application has closed both directions, though it has not let go.
    pub(crate) fn is_shut(&self) -> bool {
        use State::{Closing, FinWait1, FinWait2};
        self.deaf && matches!(self.state, FinWait1(_) | FinWait2(_) | Closing(_))
    }

    pub(crate) fn made_progress(&mut self, now: Instant) {
        self.stalled_since = now;
        // It was no lasting obstacle, and would be the wrong reason if the connection timed out later.
        self.soft_error = None;
    }

    /// What happened since the last call.
    #[inline]
    pub fn take_events(&mut self) -> Events {
        core::mem::take(&mut self.events)
    }

    /// The state's name.
    #[inline]
    #[must_use]
    pub fn state(&self) -> StateName {
        self.state.name()
    }

    /// Why the connection is over; `None` while it is not, and after an orderly close.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match &self.state {
            State::Closed(closed) => closed.error,
            _ => None,
        }
    }

    /// The last error that did not end the connection, such as an ICMP message (RFC 9293 SHLD-25).
    #[must_use]
    pub fn soft_error(&self) -> Option<Error> {
        self.soft_error
    }

    /// Whether the connection is over and has nothing left to send: once the application has let go of it, it may be forgotten.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(&self.state, State::Closed(closed) if closed.farewell.is_none())
    }

    /// In TIME-WAIT, once the application has let go: the small record that may replace this connection.
    #[must_use]
    pub fn time_wait(&self) -> Option<TimeWait> {
        match &self.state {
            State::TimeWait(time_wait, _) if self.orphaned && !self.time_wait_ack => {
                Some(time_wait.clone())
            }
            _ => None,
        }
    }

    /// Whether `syn` may take this connection's 4-tuple, which has been in TIME-WAIT (RFC 6191): the number that the new ISS must lie
    /// above. `timestamps` if the new connection would use them. [`supersede`](Self::supersede) makes room.
    #[must_use]
    pub fn reopens(&self, syn: &Segment, timestamps: bool) -> Option<SeqNumber> {
        match &self.state {
            State::TimeWait(time_wait, _) => time_wait.reopens(syn, timestamps),
            _ => None,
        }
    }

    /// Another connection takes the 4-tuple: this one is closed, what it received stays readable.
    pub fn supersede(&mut self) {
        self.end(None, None);
    }

    /// What was learned of the path, once the connection is over or in TIME-WAIT.
    #[must_use]
    pub fn path_metrics(&self) -> PathMetrics {
        match &self.state {
            State::Closed(closed) => closed.metrics,
            State::TimeWait(_, leftover) => leftover.metrics,
            _ => PathMetrics::default(),
        }
    }

    /// What earlier connections learned of the path (RFC 9040 §4.3); call when the handshake is complete.
    pub fn seed(&mut self, metrics: &PathMetrics) {
        if let Some(open) = self.state.open_mut() {
            open.send.seed(metrics);
        }
    }

    /// Settings in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A snapshot of the connection's inner life.
    #[must_use]
    pub fn info(&self) -> Info {
        Info::of(&self.state, &self.config, self.extras.fast_open(), self.extras.tally())
    }
}
