//! What is known of how a sender's data flows: one block, allocated with the first segment.

use super::Sender;
use super::activity::{Activity, Limit};
use super::pacing::Pacer;
use super::rate::DeliveryRate;
use super::validation::Usage;
use crate::congestion::{initial_window, send_quantum};
use crate::{Config, Info};
use alloc::boxed::Box;
use sockeye_wire::{Instant, SeqNumber};

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) usage: Usage,
    pub(super) pacer: Pacer,
    pub(super) rate: DeliveryRate,
    activity: Activity,
    /// Up to where what was written was pushed.
    pushed: SeqNumber,
    /// Octets of data on the SYN that the SYN-ACK acknowledged: to Linux's counters they are part of the SYN.
    pub(super) syn_octets: u16,
}

impl Flow {
    pub(super) fn new(now: Instant, una: SeqNumber) -> Box<Self> {
        let (pacer, rate) = (Pacer::default(), DeliveryRate::default());
        let (usage, activity) = (Usage::new(now, una), Activity::default());
        Box::new(Self { usage, pacer, rate, activity, pushed: una, syn_octets: 0 })
    }
}

impl Sender {
    /// Most payload that one item may carry, pacing at `rate` if at all.
    #[inline]
    pub(super) fn burst(&self, max_payload: usize, rate: Option<u64>) -> usize {
        rate.map_or(max_payload, |rate| max_payload.min(send_quantum(rate, self.mss()) as usize))
    }

    /// Whether pacing lets something leave now.
    #[inline]
    pub(super) fn may_leave(&mut self, now: Instant) -> bool {
        self.flow.as_mut().is_none_or(|flow| flow.pacer.may_leave(now))
    }

    /// When what pacing keeps back may leave.
    #[inline]
    pub(super) fn departure(&self) -> Instant {
        self.flow.as_ref().map_or(Instant::FAR_FUTURE, |flow| flow.pacer.deadline())
    }

    /// `octets` of payload in `segments` have left, paced at `rate` if at all.
    #[inline]
    pub(super) fn note_departure(
        &mut self,
        now: Instant,
        octets: u32,
        segments: u16,
        rate: Option<u64>,
    ) {
        let una = self.una;
        let flow = self.flow.get_or_insert_with(|| Flow::new(now, una));
        if let Some(rate) = rate {
            flow.pacer.on_sent(now, octets, segments, rate);
        }
    }

    /// How much of `len` octets of new data may leave before a push that nobody asked for, and whether they end with it: a peer that
    /// keeps data back until PSH must not be filled up with it, so that one is due when more than half of its window was sent without,
    /// at the end of an item (as on Linux).
    #[inline]
    pub(super) fn before_forced_push(&self, len: u32, config: &Config) -> (u32, bool) {
        let pushed = self.flow.as_ref().map_or(self.una, |flow| flow.pushed);
        let (half, waiting) = (self.max_window / 2, self.nxt.since(pushed));
        if len == 0 || waiting + len <= half {
            return (len, false);
        }
        let mss = self.mss();
        let item = (self.item_bytes(config).min(half) / mss * mss).max(mss);
        let left = ((half / item + 1) * item).saturating_sub(waiting);
        // Where segments began elsewhere none is cut short for it.
        let len = if left > 0 && left.is_multiple_of(mss) { len.min(left) } else { len };
        (len, len >= left)
    }

    /// All that was sent is pushed.
    #[inline]
    pub(super) fn note_pushed(&mut self, now: Instant) {
        let (una, nxt) = (self.una, self.nxt);
        self.flow.get_or_insert_with(|| Flow::new(now, una)).pushed = nxt;
    }

    /// New data was sent, or the congestion window kept it back: how much of that window is used (RFC 2861).
    #[inline]
    pub(super) fn validate_window(&mut self, now: Instant, limited: bool, config: &Config) {
        let (flight, mss) = (self.flight_size(), self.mss());
        let (window, threshold) = self.congestion_window();
        let Some(flow) = self.flow.as_deref_mut() else { return };
        flow.usage.observe(flight, self.una, self.nxt, limited);
        let is_limited = flow.usage.is_limited(window, threshold);
        let timeout = || self.rtt.timeout(0);
        let underused = flow.usage.underused(now, flight, is_limited, timeout);
        if let Some(used) = underused
            && config.slow_start_after_idle
            && self.recovery.is_open()
        {
            let used = used.max(initial_window(mss, config.initial_window_segments));
            self.controller.get_mut().on_underused(used);
        }
    }

    /// The windows let out more than is waiting: to wake a writer is worth it for less than usual. Only where recovery does not slow
    /// down what is sent; the others have enough in their buffer for as long as a hole is open.
    #[inline]
    pub(crate) fn runs_dry(&self) -> bool {
        let usable = (self.una + self.window).since(self.nxt);
        self.controller.get().steers_recovery()
            && self.unsent() < usable.min(self.congestion_room())
    }

    /// Nothing more can leave at the moment: what is the reason?
    #[inline]
    pub(crate) fn observe_activity(&mut self, now: Instant) {
        let (una, unsent) = (self.una, self.unsent());
        if self.flow.is_none() && unsent == 0 {
            return;
        }
        let usable = (una + self.window).since(self.nxt);
        let limit = if unsent == 0 {
            match (self.is_all_acked(), self.starved) {
                (true, _) => Limit::Idle,
                (false, true) => Limit::SendBuffer,
                (false, false) => Limit::Network,
            }
        } else if usable < unsent.min(self.mss()) && self.congestion_room() > usable {
            Limit::ReceiveWindow
        } else {
            Limit::Network
        };
        self.flow.get_or_insert_with(|| Flow::new(now, una)).activity.observe(now, limit);
    }

    /// Something was sent that the congestion window had no part in.
    pub(super) fn note_flight(&mut self) {
        let (flight, una, nxt) = (self.flight_size(), self.una, self.nxt);
        if let Some(flow) = self.flow.as_deref_mut() {
            flow.usage.observe(flight, una, nxt, false);
        }
    }

    /// What is known of the flow, for people and programs.
    pub(crate) fn describe_flow(&self, info: &mut Info, config: &Config) {
        info.congestion = Some(self.controller.algorithm());
        info.phase = self.phase();
        info.timer = self.timer.kind;
        info.activity = self.flow.as_ref().map(|flow| flow.activity).unwrap_or_default();
        info.last_sent = (self.last_sent != Instant::ZERO).then_some(self.last_sent);
        info.window_probes = self.timer.probes;
        info.resent = self.in_flight.resent();
        info.reorderings = self.rack.reorderings();
        info.reordering_segments = self.rack.reordering_segments();
        info.sacked = self.in_flight.sacked();
        info.lost = self.in_flight.lost();
        let with_syn = self.flow.as_ref().map_or(0, |flow| flow.syn_octets);
        info.delivered =
            (self.bytes_acked + u64::from(info.sacked)).saturating_sub(u64::from(with_syn));
        info.pacing_rate = self.pacing_rate(config);
        let min_rtt = self.rack.min_rtt();
        info.min_rtt = (!min_rtt.is_zero()).then_some(min_rtt);
        if let Some(rate) = self.flow.as_ref().map(|flow| flow.rate) {
            info.delivery_rate = (rate.bytes_per_second > 0).then_some(rate.bytes_per_second);
            info.delivery_rate_app_limited = rate.app_limited;
        }
    }

    /// Whether the congestion window, rather than the application or the peer, bounds what is sent: only then may it grow.
    #[inline]
    pub(super) fn window_limited(&self) -> bool {
        let (window, threshold) = self.congestion_window();
        self.flow.as_ref().is_some_and(|flow| flow.usage.is_limited(window, threshold))
    }
}
