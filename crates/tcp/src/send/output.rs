//! What may be sent now: retransmissions, new data under both windows, Nagle's rule and silly-window avoidance, the FIN.

use super::hold::Hold;
use super::{Fin, Sender, TimerKind};
use crate::Config;
use sockeye_wire::{Instant, Payload, SeqNumber};

/// A segment with sequence space, decided and recorded as sent.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) seq: SeqNumber,
    pub(crate) payload: Payload,
    pub(crate) fin: bool,
    /// It was never sent before.
    pub(crate) fresh: bool,
    /// It ends a write (RFC 9293 MUST-61, SHLD-27), or did when it was first sent.
    pub(crate) push: bool,
    /// Distance to the end of urgent data, if the segment must tell of it.
    pub(crate) urgent_pointer: Option<u16>,
    /// Payload of each wire segment if there are several.
    pub(crate) gso_size: u16,
    pub(crate) wire_segments: u16,
}

impl Sender {
    /// The next segment with sequence space, if one may leave now; what it returns counts as sent.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        max_payload: usize,
        config: &Config,
    ) -> Option<Planned> {
        if let Some(flow) = &mut self.flow {
            flow.pacer.clear();
        }
        let rate = self.pacing_rate(config);
        let most = match max_payload {
            0 => 0,
            _ => max_payload.min(self.item_bytes(config) as usize),
        };
        // Each segment has its own distance to the end of urgent data, which whoever cuts an item up would not know.
        let most = if self.urgent.is_some() { 0 } else { most };
        let max_payload = self.burst(most, rate);
        let planned = if !self.is_probing_for_frto()
            && let Some((start, len)) = self.in_flight.next_lost()
        {
            self.retransmit(now, start, len, max_payload)?
        } else if let Some(size) = self.probe_size(now) {
            if !self.may_leave(now) {
                return None;
            }
            self.on_probe_sent(self.nxt, size);
            let planned = self.send_new(now, size, false);
            Planned { gso_size: 0, wire_segments: 1, push: false, ..planned }
        } else {
            let len = self.sendable(now, max_payload, config)?;
            if !self.may_leave(now) {
                return None;
            }
            let (len, push) = self.before_forced_push(len, config);
            self.send_new(now, len, push)
        };
        self.note_departure(now, planned.payload.len() as u32, planned.wire_segments, rate);
        self.validate_window(now, self.congestion_room() < self.mss(), config);
        Some(planned)
    }

    fn retransmit(
        &mut self,
        now: Instant,
        start: SeqNumber,
        len: u32,
        max_payload: usize,
    ) -> Option<Planned> {
        let mss = self.mss();
        // The first segment of a timeout or fast retransmit goes whatever the windows say: it is the probe too (RFC 9293 SHLD-16,
        // SHLD-17, MAY-7). Later ones go when the congestion window lets them.
        let least = if start == self.una { mss } else { 0 };
        let forced = if self.recovery.forces_retransmission() { least } else { 0 };
        let room = self.congestion_room().max(forced);
        let usable = (self.una + self.window).since(start).max(least);
        let whole = (max_payload as u32 / mss).max(1) * mss;
        let (len, allowed) = (len.min(whole), room.min(usable));
        let len = if len <= allowed { len } else { allowed / mss * mss };
        if len == 0 || !self.may_leave(now) {
            return None;
        }
        let data_end = self.buffer_end();
        let fin = self.fin == Fin::Sent && (start + len).after(data_end);
        let data = len - u32::from(fin);
        let payload = self.buffer.slice(start.since(self.una) as usize, data as usize);
        let push = data > 0 && start + data == data_end;
        let push = self.in_flight.on_retransmitted(now, len, self.mss, push);
        self.retransmissions += data.div_ceil(mss).max(1);
        self.on_sent(now, len, true);
        Some(self.planned(start, payload, fin, push))
    }

    /// How much new data may leave now, in full segments wherever possible (RFC 9293 SHLD-28); `Some(0)` for a FIN alone. `None`: nothing, and the reason decides which timer runs.
    #[inline]
    fn sendable(&mut self, now: Instant, max_payload: usize, config: &Config) -> Option<u32> {
        let unsent = self.unsent_of_record();
        if unsent == 0 && self.fin != Fin::Queued {
            self.note_run_dry();
            return None;
        }
        self.restart_after_idle(now, config);
        let mss = self.mss();
        // Nothing, not less than nothing, if the window has shrunk below SND.NXT (RFC 9293 MUST-34, SHLD-15).
        let usable = (self.una + self.window).since(self.nxt);
        let room = self.congestion_room();
        if unsent == 0 {
            // The FIN takes a sequence number, so it needs window too.
            return self.or_persist(now, usable > 0).then_some(0);
        }
        let whole = (max_payload as u32 / mss).max(1) * mss;
        let len = unsent.min(usable).min(whole);
        // Nothing that is written later can fill up what ends a record.
        let complete = unsent < self.unsent();
        if len >= mss {
            // A partial last segment goes along only if it might leave alone.
            let whole = len / mss * mss;
            let alone = complete || (!self.holds_back(config) && self.may_send_small(config));
            let tail = len > whole && alone;
            let len = if len == unsent && tail { len } else { whole };
            if room >= mss {
                // Half a window at most in one item, so that at least two are on their way: as on Linux.
                let (window, _) = self.congestion_window();
                let most = room.min((window / 2).max(mss));
                return Some(if most >= len { len } else { most / mss * mss });
            }
            self.validate_window(now, true, config);
            return None;
        }
        if len == unsent {
            if room < len {
                self.validate_window(now, true, config);
                return None;
            }
            if !complete && self.holds_back(config) {
                self.note_run_dry();
                // Not for ever: the timer that overrides the peer's small window overrides this, too.
                return self.or_persist(now, false).then_some(len);
            }
            if !complete && !self.may_send_small(config) {
                self.note_run_dry();
                return None;
            }
            return Some(len);
        }
        // Less than the window asks for (RFC 9293 §3.8.6.2.1, MUST-38): only if it is half the largest window ever seen and nothing is in
        // flight; otherwise the override timer, merged with the persist timer, decides.
        let worthwhile = self.is_all_acked() && usable >= self.max_window.div_ceil(2) && usable > 0;
        self.or_persist(now, worthwhile).then_some(len)
    }

    /// Less than a segment is left to send, though more could be: delivery rates will be the application's.
    #[inline]
    fn note_run_dry(&mut self) {
        if self.congestion_room() > 0 {
            self.in_flight.mark_app_limited();
        }
    }

    /// A window that was not used for longer than a retransmission timeout says little about the network (RFC 5681 §4.1).
    #[inline]
    fn restart_after_idle(&mut self, now: Instant, config: &Config) {
        if !self.is_all_acked() || self.window == 0 {
            return;
        }
        self.controller.get_mut().on_restart(now);
        let (idle, timeout) = (now.since(self.last_sent), self.rtt.timeout(0));
        if config.slow_start_after_idle && idle > timeout {
            let restart =
                crate::congestion::initial_window(self.mss(), config.initial_window_segments);
            let timeouts = (idle.as_nanos() - 1) / timeout.as_nanos().max(1);
            self.controller.get_mut().on_idle(restart, timeouts.min(32) as u32);
            // Once is enough, even if nothing can leave yet.
            self.last_sent = now;
        }
    }

    /// If nothing may leave and nothing is in flight, only a timer can go on (RFC 9293 MUST-35, SHLD-29).
    fn or_persist(&mut self, now: Instant, allowed: bool) -> bool {
        if !allowed && self.is_all_acked() && self.timer.kind == TimerKind::Idle {
            let timeout = self.rtt.timeout(self.timer.backoff);
            self.timer.arm_after(TimerKind::Persist, now, timeout);
        }
        allowed
    }

    /// The application has said that more will follow.
    #[inline]
    fn holds_back(&self, config: &Config) -> bool {
        (config.cork || self.hold == Hold::Waits)
            && self.fin != Fin::Queued
            && self.urgent.is_none()
    }

    /// Nagle's rule (RFC 896, RFC 9293 SHLD-7) in Minshall's variant: a small segment waits only for an earlier small one, and so
    /// never longer than that one's acknowledgement (MUST-60); what is written meanwhile goes with it (MAY-16).
    #[inline]
    fn may_send_small(&self, config: &Config) -> bool {
        !config.nagle
            || self.fin == Fin::Queued
            || self.urgent.is_some()
            || self.small_end.at_or_before(self.una)
    }

    fn send_new(&mut self, now: Instant, len: u32, push: bool) -> Planned {
        let seq = self.nxt;
        let payload = self.buffer.slice(seq.since(self.una) as usize, len as usize);
        let ends = len > 0 && len == self.unsent_of_record();
        self.nxt += len;
        let push = push || (ends && (self.unsent() > 0 || self.hold == Hold::Nothing));
        let fin = self.fin == Fin::Queued
            && self.nxt == self.buffer_end()
            && self.nxt.before(self.una + self.window);
        if !len.is_multiple_of(self.mss()) {
            self.small_end = self.nxt;
        }
        if fin {
            self.fin = Fin::Sent;
            self.nxt += 1;
        }
        self.in_flight.push(now, seq, len + u32::from(fin), self.mss);
        if fin {
            self.in_flight.note_fin(seq + len);
        }
        self.on_sent(now, len + u32::from(fin), false);
        if push {
            self.in_flight.note_push();
            self.note_pushed(now);
        }
        Planned { fresh: true, ..self.planned(seq, payload, fin, push) }
    }

    fn planned(&self, seq: SeqNumber, payload: Payload, fin: bool, push: bool) -> Planned {
        let mss = self.mss();
        let len = payload.len() as u32;
        let wire_segments = len.div_ceil(mss).max(1) as u16;
        let gso_size = if wire_segments > 1 { self.mss } else { 0 };
        // What leaves in one item should go up in one at the peer: as on Linux.
        let push = push || wire_segments > 1;
        // RFC 9293 MUST-62: the pointer names the octet after the urgent data; MUST-31: it may lie beyond this segment.
        let urgent_pointer = self
            .urgent
            .filter(|urgent| urgent.after(seq))
            .map(|urgent| urgent.since(seq).min(u32::from(u16::MAX)) as u16);
        Planned { seq, payload, fin, fresh: false, push, urgent_pointer, gso_size, wire_segments }
    }

    #[inline]
    pub(super) fn on_sent(&mut self, now: Instant, len: u32, again: bool) {
        self.last_sent = now;
        self.recovery.on_sent(now, len, self.mss(), again);
        if again || matches!(self.timer.kind, TimerKind::Idle | TimerKind::Persist) {
            self.timer.since = now;
        }
        self.rearm(now);
    }

    /// Bytes that the congestion window still takes.
    #[inline]
    pub(super) fn congestion_room(&self) -> u32 {
        let window = match self.recovery.window() {
            Some(window) if !self.controller.get().steers_recovery() => window,
            _ => self.controller.window().saturating_add(self.recovery.inflation(self.mss())),
        };
        let room = window.saturating_sub(self.in_flight.outstanding());
        if self.is_probing_for_frto() { room.max(self.frto_room()) } else { room }
    }

    /// Silly-window override (RFC 9293 §3.8.6.2.1): the part of the data that a small window takes, once the timer has run out.
    pub(crate) fn poll_override(&mut self, now: Instant) -> Option<Planned> {
        let usable = (self.una + self.window).since(self.nxt);
        let len = self.unsent_of_record().min(usable).min(self.mss());
        self.set_more(false);
        if len == 0 || !self.is_all_acked() {
            return None;
        }
        let planned = self.send_new(now, len, false);
        // So little says that the window is not used, whatever was in flight before.
        self.note_flight();
        Some(planned)
    }

    /// The tail loss probe: a new segment if the window takes one, otherwise the last one again (RFC 8985 §7.3). Afterwards only
    /// the retransmission timer runs.
    pub(crate) fn poll_tail_probe(&mut self, now: Instant) -> Option<Planned> {
        let mss = self.mss();
        let usable = (self.una + self.window).since(self.nxt);
        let fresh = self.unsent_of_record().min(mss);
        let planned = if fresh > 0 && fresh <= usable {
            self.tail_probe.on_sent(self.nxt + fresh, false);
            Some(self.send_new(now, fresh, false))
        } else if let Some((start, len, push)) = self.in_flight.resend_last(now, self.mss) {
            self.tail_probe.on_sent(self.nxt, true);
            let fin = self.fin == Fin::Sent && start + len == self.nxt;
            let data = len - u32::from(fin);
            let payload = self.buffer.slice(start.since(self.una) as usize, data as usize);
            self.retransmissions += 1;
            let push = data > 0 && (push || start + data == self.buffer_end());
            Some(self.planned(start, payload, fin, push))
        } else {
            None
        };
        self.last_sent = now;
        self.timer.since = now;
        self.timer.arm_after(TimerKind::Retransmit, now, self.rtt.timeout(self.timer.backoff));
        planned
    }
}
