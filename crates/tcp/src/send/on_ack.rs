//! An acknowledgement reaches the sender (RFC 9293 §3.10.7.4, fifth step; RFC 5681, RFC 8985).

use super::in_flight::Delivered;
use super::newreno::NewReno;
use super::prr::Prr;
use super::rack::AckTimes;
use super::recovery::{DUPLICATE_THRESHOLD, Episode, Kind};
use super::tail_probe::Verdict;
use super::{Fin, Sender, TimerKind};
use crate::Segment;
use crate::congestion::{Acknowledged, RateSample, Sample};
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, SeqNumber};

/// What an acceptable acknowledgement did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AckOutcome {
    /// Octets of data newly acknowledged.
    pub(crate) acked: u32,
    /// Our FIN is acknowledged by it.
    pub(crate) fin_acked: bool,
}

impl Sender {
    /// Processes ACK and window of `segment`, whose ACK lies in SND.UNA − MAX.SND.WND ..= SND.NXT. `echo` is its TSecr in terms of
    /// our clock; `congestion` if it feeds back marks (RFC 3168 §6.1.2).
    #[inline]
    pub(crate) fn on_ack(
        &mut self,
        segment: &Segment,
        echo: Option<Instant>,
        congestion: bool,
    ) -> AckOutcome {
        self.stop_waiting_for_more();
        let old_window = self.window;
        let old_una = self.una;
        let was_limited = self.window_limited();
        let times = AckTimes { arrival: segment.arrival, echo, mss: self.mss };

        let advanced = segment.ack.after(old_una);
        let mut delivered = Delivered::default();
        let mut outcome = AckOutcome::default();
        if advanced {
            (outcome, delivered) = self.advance(segment, &times);
        }
        let duplicate =
            if self.sack { self.take_sack_blocks(segment, &times, &mut delivered) } else { None };
        let dsack = duplicate.is_some();
        if delivered.overtaken {
            self.rack.on_reordering();
        }
        let rate = self.in_flight.sample(segment.arrival, &delivered, self.rack.min_rtt());
        if let Some((flow, rate)) = self.flow.as_mut().zip(rate) {
            flow.rate.observe(&rate);
        }
        // A segment that was sent twice tells nothing, unless its echo says which transmission arrived (RFC 6298 §3).
        let sample_from = delivered.sample_from.or(echo.filter(|_| advanced));
        let sample = sample_from.map(|sent_at| segment.arrival.since(sent_at));
        if let Some(rtt) = sample {
            self.rtt.sample(rtt);
            self.tail_probe.sampled = true;
            if advanced {
                self.timer.backoff = 0;
            }
        }
        self.update_window(segment, advanced);
        let is_duplicate = segment.ack == old_una
            && !self.is_all_acked()
            && segment.sequence_len() == 0
            && self.window == old_window;

        if advanced || is_duplicate || delivered.sacked > 0 || dsack {
            self.undo_if_spurious(&times, advanced, duplicate, &delivered, sample, congestion);
            // What duplicates told of was answered with new data then (RFC 3042).
            let answered =
                if self.recovery.is_open() { self.recovery.inflation(self.mss()) } else { 0 };
            let lost = if self.sack {
                self.detect_by_time(segment.arrival, delivered, advanced)
            } else {
                self.count_duplicates(segment.arrival, is_duplicate, advanced, outcome.acked)
            };
            if self.tail_probe.on_ack(self.una, dsack, is_duplicate) == Verdict::Repaired {
                let (flight, mss) = (self.flight_to_reduce(), self.mss());
                self.controller.get_mut().on_loss(flight, mss);
            }
            if congestion && self.recovery.on_marks(self.una) {
                self.answer_marks(segment.arrival, delivered.acked + delivered.sacked);
            }
            // RFC 3168 §6.1.2: what tells of marks does not open the window.
            if was_limited && !lost && !congestion && outcome.acked > 0 {
                self.grow(segment.arrival, &delivered, answered);
            }
            self.tell_controller(segment.arrival, &delivered, rate);
            self.rearm(segment.arrival);
        }
        // Any acknowledgement answers the probes of a closed window (RFC 9293 MUST-37).
        self.timer.probes = 0;
        if self.window == 0 {
            // What was sent before the window closed is such a probe too, each time it is sent again (RFC 9293 SHLD-17).
            self.timer.timeouts = 0;
        }
        if self.timer.kind == TimerKind::Persist && self.window > 0 {
            self.timer.stop();
            self.timer.backoff = 0;
        }
        outcome
    }

    /// The window grows by what newly arrived, outside of recovery and in the slow start that follows a timeout; of that, `answered`
    /// octets let something out before.
    fn grow(&mut self, now: Instant, delivered: &Delivered, answered: u32) {
        let mss = self.mss();
        let arrived = delivered.acked + delivered.sacked;
        let bytes = match self.recovery.episode() {
            // Duplicates may have been of something else, so that what arrived is a segment at least: as on Linux.
            None => arrived.saturating_sub(answered).max(arrived.min(mss)),
            // Without SACK a hole's end acknowledges what had arrived long before (RFC 3465 §2.3: L = 1·SMSS).
            Some(Episode { kind: Kind::Timeout(_), .. }) if !self.sack => arrived.min(mss),
            Some(Episode { kind: Kind::Timeout(_), .. }) => arrived,
            Some(_) => return,
        };
        let acknowledged = Acknowledged {
            now,
            bytes,
            mss,
            rtt: delivered.sample_from.map(|sent_at| now.since(sent_at)),
            smoothed_rtt: self.rtt.smoothed().unwrap_or_default(),
            paced: !self.limits_bursts
                || self.flow.as_ref().is_some_and(|flow| flow.pacer.is_used()),
            una: self.una,
            nxt: self.nxt,
        };
        self.controller.get_mut().on_acknowledged(&acknowledged);
    }

    /// What the acknowledgement tells of the path, for controllers that model it.
    #[inline]
    fn tell_controller(&mut self, now: Instant, delivered: &Delivered, rate: Option<RateSample>) {
        let newly_lost = self.tell_losses();
        if !self.controller.get().steers_recovery() {
            return;
        }
        let sample = Sample {
            now,
            mss: self.mss(),
            newly_acked: delivered.acked + delivered.sacked,
            newly_lost,
            in_flight: self.in_flight.outstanding(),
            delivered: self.una + self.in_flight.sacked(),
            rtt: delivered.sample_from.map(|sent_at| now.since(sent_at)),
            rate,
            window_limited: self.flow.as_ref().is_some_and(|flow| flow.usage.was_full()),
            in_recovery: !self.recovery.is_loss_free(),
            selective: self.sack,
        };
        self.controller.get_mut().on_sample(&sample);
        if self.controller.get().holds_back() {
            self.in_flight.mark_app_limited();
        }
    }

    /// Tells of the segments found to be lost since the last time; says how much that was.
    pub(super) fn tell_losses(&mut self) -> u32 {
        let losses = self.in_flight.take_losses();
        for lost in &losses {
            self.controller.get_mut().on_segment_lost(lost);
        }
        losses.iter().map(|lost| lost.len).sum()
    }

    /// SND.UNA moves.
    #[inline]
    fn advance(&mut self, segment: &Segment, times: &AckTimes) -> (AckOutcome, Delivered) {
        let fin_acked = self.fin == Fin::Sent && segment.ack == self.nxt;
        let acked = segment.ack.since(self.una) - u32::from(fin_acked);
        self.una = segment.ack;
        self.buffer.release(acked as usize);
        self.bytes_acked += u64::from(acked);
        if fin_acked {
            self.fin = Fin::Acked;
        }
        if self.urgent.is_some_and(|urgent| self.una.at_or_after(urgent)) {
            self.urgent = None;
        }
        self.note_probe_arrived();
        let delivered = self.in_flight.acknowledge(self.una, times, &mut self.rack);
        self.timer.timeouts = 0;
        self.timer.since = segment.arrival;
        (AckOutcome { acked, fin_acked }, delivered)
    }

    /// The scoreboard learns what the peer holds (RFC 6675 §4); what it says of duplicates is returned.
    fn take_sack_blocks(
        &mut self,
        segment: &Segment,
        times: &AckTimes,
        delivered: &mut Delivered,
    ) -> Option<SackBlock> {
        let duplicate = self.duplicate_report(segment);
        if duplicate.is_some() {
            self.rack.on_dsack(self.una, self.nxt);
        }
        for block in &segment.options.sack {
            let plausible = block.left.at_or_after(self.una)
                && block.left.before(block.right)
                && block.right.at_or_before(self.nxt);
            if plausible {
                self.in_flight.sack(*block, times, &mut self.rack, delivered);
            }
        }
        duplicate
    }

    /// The first SACK block, if it reports a duplicate (RFC 2883 §4).
    pub(crate) fn duplicate_report(&self, segment: &Segment) -> Option<SackBlock> {
        let blocks = &segment.options.sack;
        let first = blocks.first()?;
        let inside = |outer: &SackBlock| {
            first.left.at_or_after(outer.left) && first.right.at_or_before(outer.right)
        };
        let dsack = first.right.at_or_before(self.una) || blocks.get(1).is_some_and(inside);
        dsack.then_some(*first)
    }

    /// Loss by time, recovery by proportional rate reduction; true if more was found to be lost.
    fn detect_by_time(&mut self, now: Instant, delivered: Delivered, advanced: bool) -> bool {
        self.leave_if_recovered();
        let newly_lost = self.detect(now);
        let (in_flight, mss) = (self.in_flight.outstanding(), self.mss());
        if newly_lost > 0 {
            self.recovery.marked_becomes_lost(self.nxt);
        }
        if let Some(Episode { kind: Kind::Sack(prr) | Kind::Marked(prr), .. }) =
            self.recovery.episode_mut()
        {
            let safe = advanced && newly_lost == 0;
            prr.on_ack(delivered.acked + delivered.sacked, in_flight, safe, mss);
        } else if newly_lost > 0
            && self.recovery.is_open()
            && self.lost_probe(now, Some(newly_lost)).is_none()
        {
            // RFC 9937 §6.2: what was in flight before this acknowledgement.
            let flight =
                self.flight_size() - self.in_flight.sacked() + delivered.sacked + delivered.acked;
            self.enter_sack_recovery(flight, delivered.acked + delivered.sacked);
        }
        newly_lost > 0
    }

    /// The peer told of marks: once a round trip the window is reduced as for a loss, though nothing is sent again.
    fn answer_marks(&mut self, now: Instant, delivered: u32) {
        let (mss, in_flight) = (self.mss(), self.in_flight.outstanding());
        let flight = in_flight + delivered;
        let before = self.controller.clone();
        if self.controller.window() <= mss {
            // The window cannot become smaller, so the rate does (RFC 3168 §6.1.2).
            let timeout = self.rtt.timeout(0);
            if let Some(flow) = &mut self.flow {
                flow.pacer.hold_until(now + timeout);
            }
        }
        self.controller.get_mut().on_ecn(flight, mss);
        let mut prr = Prr::new(flight, self.controller.window());
        prr.on_ack(delivered, in_flight, false, mss);
        self.recovery.enter(Kind::Marked(prr), self.una, self.nxt, before, &self.rtt);
    }

    fn enter_sack_recovery(&mut self, flight: u32, delivered: u32) {
        let mss = self.mss();
        let before = self.controller.clone();
        self.controller.get_mut().on_loss(flight, mss);
        let mut prr = Prr::new(flight, self.controller.window());
        prr.on_ack(delivered, self.in_flight.outstanding(), false, mss);
        self.recovery.enter(Kind::Sack(prr), self.una, self.nxt, before, &self.rtt);
        self.tail_probe.reset();
    }

    /// Marks what is lost by now; says how much.
    pub(super) fn detect(&mut self, now: Instant) -> u32 {
        let window = self.reordering_window();
        self.in_flight.detect(now, window)
    }

    /// How much later than expected a segment may be (RFC 8985 §6.2 step 4): three segments above a hole, of any size, mean loss as long
    /// as nothing was ever reordered.
    pub(super) fn reordering_window(&self) -> Duration {
        let told = !self.recovery.is_loss_free()
            || (self.rack.reorderings() == 0 && self.in_flight.holds_segments(DUPLICATE_THRESHOLD));
        self.rack.window(told, self.rtt.smoothed())
    }

    /// The reordering timer has run out: what it waited for is lost.
    pub(super) fn on_reorder_timeout(&mut self, now: Instant) {
        let lost = self.detect(now) > 0;
        if lost && !self.recovery.marked_becomes_lost(self.nxt) && self.recovery.is_open() {
            let flight = self.flight_size() - self.in_flight.sacked();
            self.enter_sack_recovery(flight, 0);
        }
        self.rearm(now);
    }

    /// Without SACK: three duplicates mean loss, a partial acknowledgement means another; true if one was found.
    fn count_duplicates(
        &mut self,
        now: Instant,
        is_duplicate: bool,
        advanced: bool,
        acked: u32,
    ) -> bool {
        self.leave_if_recovered();
        let mss = self.mss();
        match self.recovery.episode_mut() {
            Some(Episode { kind: Kind::NewReno(newreno), .. }) => {
                if is_duplicate {
                    newreno.on_duplicate(mss);
                } else if advanced {
                    let first = newreno.on_partial(acked, mss);
                    self.in_flight.mark_first_lost(mss);
                    self.rto_frozen = !first;
                    return true;
                }
            }
            Some(Episode { kind: Kind::Sack(_) | Kind::Timeout(_), .. }) => {}
            None | Some(Episode { kind: Kind::Marked(_), .. }) if advanced => {
                self.recovery.on_progress();
            }
            None | Some(Episode { kind: Kind::Marked(_), .. }) => {
                return is_duplicate
                    && self.recovery.on_duplicate(self.una)
                    && self.enter_newreno(now);
            }
        }
        false
    }

    fn enter_newreno(&mut self, now: Instant) -> bool {
        if let Some(size) = self.lost_probe(now, None) {
            self.in_flight.mark_first_lost(size);
            // What is in flight goes on telling of the same hole.
            self.recovery.recover = self.nxt;
            return true;
        }
        let (flight, mss) = (self.flight_to_reduce(), self.mss());
        let before = self.controller.clone();
        self.controller.get_mut().on_loss(flight, mss);
        self.recovery.enter(
            Kind::NewReno(NewReno::new(mss)),
            self.una,
            self.nxt,
            before,
            &self.rtt,
        );
        self.in_flight.mark_first_lost(mss);
        true
    }

    fn leave_if_recovered(&mut self) {
        let recover = self.recovery.recover;
        let left = if self.recovery.is_loss_free() {
            self.una.after(recover) || self.is_all_acked()
        } else {
            self.una.at_or_after(recover)
        };
        if !self.recovery.is_open() && left {
            if !self.recovery.is_loss_free() {
                self.rack.on_recovered();
            }
            self.recovery.leave();
            self.controller.get_mut().on_recovered();
            self.rto_frozen = false;
        }
    }

    /// A loss that was none: an original arrived after all (Eifel, RFC 3522), or every retransmission was reported as a duplicate
    /// (RFC 2883 §5). Nothing more is sent again, and congestion control is put back (RFC 4015 §3) unless the network said meanwhile, by
    /// marks, that the reduction was due (`congestion`, step 4).
    ///
    /// RFC 4015 makes the window FlightSize + min(bytes_acked, IW); here it is what it was, as on Linux and as RFC 9438 §4.9 asks.
    fn undo_if_spurious(
        &mut self,
        times: &AckTimes,
        advanced: bool,
        duplicate: Option<SackBlock>,
        delivered: &Delivered,
        sample: Option<Duration>,
        congestion: bool,
    ) {
        let by_frto = self.frto_on_ack(advanced, delivered);
        let mss = self.mss();
        let Some(episode) = self.recovery.episode_mut() else { return };
        let by_dsack = duplicate.is_some_and(|block| episode.on_duplicate(&block, mss));
        let by_echo = advanced
            && episode
                .first_resent
                .zip(times.echo)
                .is_some_and(|(resent, echo)| echo.as_millis() < resent.as_millis());
        if !by_dsack && !by_echo && !by_frto {
            return;
        }
        if let Some(episode) = self.recovery.leave() {
            if !congestion && !episode.marked {
                self.controller.undo(&episode.before);
                self.recovery.on_undone();
            }
            if let Kind::Timeout(_) = episode.kind {
                if let Some((before, sample)) = episode.rtt_before.as_ref().zip(sample) {
                    self.rtt.after_spurious_timeout(before, sample);
                }
            } else {
                self.rack.on_reordering();
            }
            self.in_flight.forget_lost();
            self.rto_frozen = false;
            self.timer.backoff = 0;
            self.timer.timeouts = 0;
        }
    }

    /// SND.WND follows the newest segment: wl1/wl2 (RFC 9293 §3.10.7.4). One that acknowledges more than any before is the newest
    /// whatever its number, as a retransmission or a probe may be: with the window of an older one the right edge would move beyond
    /// what the peer has offered.
    #[inline]
    fn update_window(&mut self, segment: &Segment, advanced: bool) {
        let newer = advanced
            || self.wl1.before(segment.seq)
            || (self.wl1 == segment.seq && self.wl2.at_or_before(segment.ack));
        if newer && segment.ack.at_or_after(self.una) {
            self.set_window(u32::from(segment.window) << self.shift, segment.seq, segment.ack);
        }
    }

    /// A segment arrived that says the same as the last one, at a later number.
    #[inline]
    pub(crate) fn note_newest(&mut self, seq: SeqNumber) {
        self.wl1 = seq;
    }

    fn set_window(&mut self, window: u32, wl1: SeqNumber, wl2: SeqNumber) {
        self.window = window;
        self.max_window = self.max_window.max(window);
        self.wl1 = wl1;
        self.wl2 = wl2;
    }

    /// Whether an ACK number is one that the peer can have sent (RFC 5961 §5.2, RFC 9293 MAY-12); beyond SND.NXT is the caller's check.
    #[inline]
    pub(crate) fn is_recent_ack(&self, ack: SeqNumber) -> bool {
        ack.at_or_after(self.una.back(self.max_window))
    }
}
