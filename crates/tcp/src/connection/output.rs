//! What a connection sends.

use super::Connection;
use crate::options::Timestamps;
use crate::send::Planned;
use crate::state::{Open, State};
use crate::tally::Standing;
use crate::{Config, Transmit};
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::tcp::{MAX_OPTION_BYTES, OptionBytes, TcpHeader};
use sockeye_wire::{Ecn, Flags, Instant};

/// Timestamps and the padding in front of them.
const TIMESTAMPS_BYTES: usize = 12;

impl Connection {
    /// The next segment to send; call until `None`. `max_payload` bounds a super-segment for links that cut it
    /// themselves (segmentation offload); 0 asks for one segment an item.
    #[inline]
    pub fn poll_transmit(&mut self, now: Instant, max_payload: usize) -> Option<Transmit> {
        if self.extras.tallies() {
            return self.tally_transmit(now, max_payload);
        }
        self.next_transmit(now, max_payload)
    }

    fn tally_transmit(&mut self, now: Instant, max_payload: usize) -> Option<Transmit> {
        let before = Standing::of(self);
        let transmit = self.next_transmit(now, max_payload)?;
        if let Some(tally) = self.extras.tally_mut() {
            tally.on_sent(&before, &transmit);
        }
        Some(transmit)
    }

    #[inline]
    fn next_transmit(&mut self, now: Instant, max_payload: usize) -> Option<Transmit> {
        match &mut self.state {
            State::Closed(closed) => {
                closed.farewell.take().map(crate::state::Farewell::into_transmit)
            }
            State::SynSent(syn_sent) => {
                syn_sent.poll_transmit(now, &self.config, self.extras.fast_open())
            }
            State::SynReceived(received) => received.half.poll_transmit(now, &self.config),
            State::FastOpened(opened) => {
                let fast_open = self.extras.fast_open_mut();
                opened.poll_transmit(now, max_payload, &self.config, fast_open)
            }
            State::TimeWait(time_wait, _) => {
                core::mem::take(&mut self.time_wait_ack).then(|| time_wait.acknowledgement(now))
            }
            State::Established(open)
            | State::CloseWait(open)
            | State::FinWait1(open)
            | State::FinWait2(open)
            | State::Closing(open)
            | State::LastAck(open) => open.poll_transmit(now, max_payload, &self.config),
        }
    }

    /// Small queues: octets of data that this connection should hand to its device in one go, so that other connections' segments need not
    /// wait behind a long queue of its own.
    #[must_use]
    pub fn small_queue_bytes(&self) -> usize {
        self.state.open().map_or(usize::MAX, |open| open.send.small_queue() as usize)
    }

    /// Whether segments leave one after the other rather than together.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.state.open().is_some_and(|open| open.send.pacing_rate(&self.config).is_some())
    }

    /// The application has read: whether the peer should hear of the new window at once. Call after reading; the update comes from
    /// [`poll_transmit`](Self::poll_transmit).
    #[inline]
    pub fn on_read(&mut self, now: Instant) {
        if let State::Established(open) | State::FinWait1(open) | State::FinWait2(open) =
            &mut self.state
        {
            let tuning = self.config.receive_tuning();
            open.receive.on_read(now, open.negotiated.own_mss, tuning);
            if open.receive.window_update_due(u32::from(open.negotiated.own_mss)) {
                open.receive.ack.now();
            }
        }
    }
}

impl Open {
    #[inline]
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        max_payload: usize,
        config: &Config,
    ) -> Option<Transmit> {
        if core::mem::take(&mut self.probe_due) {
            return Some(match self.send.poll_override(now) {
                Some(planned) => self.data_segment(now, planned, config),
                None => self.probe_segment(now),
            });
        }
        if core::mem::take(&mut self.tail_probe_due)
            && let Some(planned) = self.send.poll_tail_probe(now)
        {
            return Some(self.data_segment(now, planned, config));
        }
        if let Some(ecn) = &mut self.ecn
            && self.send.take_reduced()
        {
            ecn.on_reduced();
        }
        let alone = self.ecn.as_ref().is_some_and(|ecn| ecn.must_send_alone());
        let max_payload = if alone { 0 } else { max_payload };
        if let Some(planned) = self.send.poll(now, max_payload, config) {
            return Some(self.data_segment(now, planned, config));
        }
        self.send.observe_activity(now);
        self.receive.ack.is_owed().then(|| self.ack_segment(now))
    }

    /// A segment with sequence space; it carries the acknowledgement too.
    #[inline]
    fn data_segment(&mut self, now: Instant, planned: Planned, config: &Config) -> Transmit {
        let mut flags = Flags::ACK;
        if planned.push {
            flags |= Flags::PSH;
        }
        if planned.fin {
            flags |= Flags::FIN;
        }
        if planned.urgent_pointer.is_some() {
            flags |= Flags::URG;
        }
        let fresh = planned.fresh && !planned.payload.is_empty();
        let mut codepoint = Ecn::NotEct;
        if let Some(ecn) = &mut self.ecn {
            flags |= ecn.flags(fresh);
            codepoint = ecn.codepoint(fresh);
        }
        // Selective acknowledgements take payload's room: they ride only where there is some.
        let room = (self.send.mss() as usize).saturating_sub(planned.payload.len());
        let options = if room < 12 || planned.gso_size != 0 {
            self.options(now, &[], 0)
        } else {
            let blocks = self.sack_blocks();
            self.options(now, &blocks[..blocks.len().min((room - 4) / 8)], room)
        };
        self.receive.ack.on_piggybacked();
        if fresh {
            self.receive.on_data_sent(now, config.delayed_ack);
        }
        let header = TcpHeader {
            seq: planned.seq,
            ack: self.receive.nxt,
            flags,
            window: self.receive.advertise(u32::from(self.negotiated.own_mss)),
            urgent_pointer: planned.urgent_pointer.unwrap_or(0),
            options,
            ..TcpHeader::default()
        };
        Transmit {
            header,
            payload: planned.payload,
            gso_size: planned.gso_size,
            wire_segments: planned.wire_segments,
            ecn: codepoint,
        }
    }

    #[inline]
    fn ack_segment(&mut self, now: Instant) -> Transmit {
        self.receive.ack.on_sent();
        self.bare(now, self.send.nxt)
    }

    /// A window or keep-alive probe: an octet already acknowledged, without data, so that the peer must answer
    /// (RFC 9293 SHLD-12).
    fn probe_segment(&mut self, now: Instant) -> Transmit {
        self.bare(now, self.send.una.back(1))
    }

    fn bare(&mut self, now: Instant, seq: sockeye_wire::SeqNumber) -> Transmit {
        let blocks = self.sack_blocks();
        let options = self.options(now, &blocks, usize::MAX);
        let window = self.receive.advertise(u32::from(self.negotiated.own_mss));
        let mut flags = Flags::ACK;
        if let Some(ecn) = &mut self.ecn {
            flags |= ecn.flags(false);
        }
        Transmit::bare(seq, self.receive.nxt, flags, window, options)
    }

    #[inline]
    fn sack_blocks(&mut self) -> arrayvec::ArrayVec<SackBlock, 4> {
        if !self.negotiated.sack {
            return arrayvec::ArrayVec::new();
        }
        let timestamps = if self.negotiated.timestamps { TIMESTAMPS_BYTES } else { 0 };
        let signature = usize::from(self.negotiated.signature.option_bytes());
        self.receive.take_sack_blocks((MAX_OPTION_BYTES - timestamps - signature - 4) / 8)
    }

    #[inline]
    fn options(&mut self, now: Instant, blocks: &[SackBlock], room: usize) -> OptionBytes {
        let mut options = OptionBytes::new();
        if let Some(Timestamps { value, echo }) = self.timestamps(now) {
            let fits = options.push_timestamps(value, echo);
            debug_assert!(fits.is_ok());
        }
        // A signature comes on top, in front of these.
        let signature = usize::from(self.negotiated.signature.option_bytes());
        let fitting = blocks.len().min(options.remaining().saturating_sub(signature + 4) / 8);
        if fitting > 0 {
            let fits = options.push_sack(&blocks[..fitting]);
            debug_assert!(fits.is_ok());
        }
        let fits_more = |options: &OptionBytes| {
            options.remaining() >= signature + 4 && room >= options.padded_len() + 4
        };
        if fits_more(&options)
            && let Some(user_timeout) = self.user_timeout.take_option()
        {
            let fits = options.push(&user_timeout);
            debug_assert!(fits.is_ok());
        }
        if let Some(ecn) = &mut self.ecn {
            let free = options.remaining().saturating_sub(signature);
            let left = free.min(room.saturating_sub(options.padded_len()));
            if let Some(counters) = ecn.take_option(left) {
                let fits = options.push(&counters.as_option());
                debug_assert!(fits.is_ok());
            }
        }
        options
    }
}
