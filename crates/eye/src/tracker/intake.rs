//! What a segment's acknowledgement, data, FIN or RST change of a connection.

use super::connection::{pair, scale};
use super::end::Behind;
use super::{Connection, End, Reset, Side, Step, Touch};
use crate::config::Vantage;
use crate::judge::Case;
use crate::observation::Marks;
use sockeye_wire::Flags;

/// An acknowledgement this far beyond what was seen is no gap of the capture but a number out of the blue.
const MAX_CAPTURE_GAP: i64 = 1 << 28;
/// A FIN this far from what was seen is not of this connection.
const MAX_FIN_DISTANCE: u64 = 1 << 30;

impl Connection {
    /// Takes in a segment whose numbers have been placed, a SYN's already.
    pub(super) fn take_in(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, flags, arrival, .. } = *case;
        if flags.rst() {
            self.on_rst(case, touch);
            return;
        }
        self.contest_reset(side);
        if !flags.syn() && !self.end(side).spoke_beyond_syn {
            self.first_words(case, touch);
        }
        if flags.ack() {
            self.take_in_ack(case, touch);
        }
        let Some(seq) = case.seq else {
            return;
        };
        let start = seq + i64::from(flags.syn());
        let end = start + i64::from(case.segment.payload_len);
        let mut repeated = self.take_in_data(case, start, end, touch);
        let sender = &mut self.ends[side.index()];
        if flags.syn() && sender.isn == Some(case.segment.tcp.seq()) {
            if touch.marks.contains(Marks::SYN_AGAIN) {
                sender.counters.retransmitted_syn += 1;
                repeated = true;
            }
            sender.sequence.reach(end);
        }
        if flags.fin() && flags.ack() {
            repeated |= self.take_in_fin(side, end, arrival.number, touch);
        }
        if repeated {
            let sender = &mut self.ends[side.index()];
            sender.counters.retransmitted_packets += 1;
            sender.retries.again(seq, arrival.number);
            touch.marks |= Marks::RETRANSMISSION;
        }
    }

    #[inline]
    fn take_in_ack(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, flags, .. } = *case;
        let Some(ack) = case.ack else {
            return;
        };
        let established = self.is_synchronized(side);
        let [end, peer] = pair(&mut self.ends, side);
        end.acknowledges = true;
        let beyond = ack - peer.sequence.max_end();
        // What was acknowledged but never seen slipped past the capture, if the number is near enough to be true.
        let slipped = established
            && case.arrival.vantage == Vantage::Path
            && peer.fin_at.is_none()
            && beyond <= MAX_CAPTURE_GAP;
        if beyond <= 0 || slipped {
            if !peer.fin_acked() && peer.fin_at.is_some_and(|fin| ack > fin) {
                touch.marks |= Marks::ACKS_FIN;
            }
            let data_end = peer.data_end();
            peer.sequence.acknowledge(ack, data_end);
        }
        if let Some(scale) = if flags.syn() { Some(0) } else { scale(end, peer) } {
            let edge = ack + (i64::from(case.segment.tcp.window()) << scale);
            end.window_edge = Some(end.window_edge.map_or(edge, |before| before.max(edge)));
        }
    }

    /// The first segment that is neither SYN nor RST: from the client, it ends the handshake.
    fn first_words(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, segment, flags, arrival, .. } = *case;
        self.ends[side.index()].spoke_beyond_syn = flags.ack();
        if side == Side::Client && self.handshake.ack.is_none() {
            let server_sent = self.end(Side::Server).sequence.max_end();
            let ack = flags.ack().then(|| segment.tcp.ack());
            let step = Step::new(arrival.number, segment.tcp.seq(), ack, arrival.time);
            let server_sent = u32::try_from(server_sent).unwrap_or(u32::MAX);
            touch.marks |= self.handshake.on_answer(step, server_sent);
        }
    }

    /// Says whether the data were sent before.
    #[inline]
    fn take_in_data(&mut self, case: &Case<'_>, start: i64, end: i64, touch: &mut Touch) -> bool {
        let Case { side, segment, arrival, .. } = *case;
        let len = end - start;
        let sender = &self.ends[side.index()];
        // RFC 9293 §3.8.4: an octet before the window, to be acknowledged again.
        let probes = len <= 1
            && !case.flags.intersects(Flags::SYN | Flags::FIN)
            && start + 1 == sender.sequence.acked()
            && start + 1 == sender.sequence.max_end();
        if probes {
            self.ends[side.index()].counters.keep_alives += 1;
            self.ends[side.index()].retries.again(start, arrival.number);
            touch.marks |= Marks::KEEP_ALIVE;
            return false;
        }
        if len == 0 {
            return false;
        }
        let rtt = || self.handshake.rtt().map(|rtt| rtt.as_nanos() as u64);
        let sender = &mut self.ends[side.index()];
        let behind = start < sender.sequence.max_end();
        let inserted = sender.sequence.insert(start, end);
        let (number, ip_id, time) = (segment.tcp.seq(), segment.ip_id, arrival.time);
        if !behind {
            sender.sent_new(number, ip_id, time);
            if sender.sequence.has_hole() {
                touch.marks |= Marks::AFTER_HOLE;
            }
            return false;
        }
        match sender.sent_behind(number, ip_id, time, inserted.old, rtt()) {
            Behind::Copy => {
                sender.counters.duplicates += 1;
                touch.marks |= Marks::DUPLICATE;
                false
            }
            Behind::Late => {
                sender.counters.out_of_order += 1;
                touch.marks |= Marks::OUT_OF_ORDER;
                false
            }
            Behind::Retransmission => {
                let repeated = if inserted.old > 0 { inserted.old } else { len.unsigned_abs() };
                sender.counters.retransmitted_bytes += repeated;
                true
            }
        }
    }

    /// Says whether the FIN was sent before.
    fn take_in_fin(&mut self, side: Side, at: i64, packet: u64, touch: &mut Touch) -> bool {
        let [end, peer] = pair(&mut self.ends, side);
        if end.fin_at.is_some() {
            end.counters.retransmitted_fin += 1;
            return true;
        }
        if at.abs_diff(end.sequence.max_end()) > MAX_FIN_DISTANCE {
            return false;
        }
        end.fin_at = Some(at);
        end.fin_packet = packet;
        end.fin_after_peer = peer.fin_acked();
        end.sequence.reach(at + 1);
        touch.marks |= Marks::FIRST_FIN;
        false
    }

    fn on_rst(&mut self, case: &Case<'_>, touch: &mut Touch) {
        let Case { side, flags, arrival, .. } = *case;
        let synchronized = self.is_synchronized(side);
        let [end, peer] = pair(&mut self.ends, side);
        let accepted = match (case.seq, peer.isn.is_some() && end.isn.is_none()) {
            // In SYN-SENT a RST is believed if it acknowledges the SYN (RFC 9293 §3.5.3).
            (_, true) => match case.ack {
                Some(ack) => flags.ack() && ack >= 1 && ack <= peer.sequence.max_end(),
                None => false,
            },
            (Some(seq), false) => {
                seq <= end.sequence.max_end()
                    && seq >= end.sequence.acked().min(end.sequence.max_end())
            }
            // Nothing of its sender was seen before.
            (None, false) => true,
        };
        if accepted {
            touch.marks |= Marks::RESETS;
            if let (Some(ack), true) =
                (case.ack, case.ack.is_some_and(|ack| ack <= peer.sequence.max_end()))
            {
                let data_end = peer.data_end();
                peer.sequence.acknowledge(ack, data_end);
            }
        }
        if let Some(reset) = &mut self.reset {
            reset.answered |= accepted && reset.by != side;
            if reset.accepted || !accepted {
                return;
            }
        }
        let fins = self.ends.iter().filter(|end| end.fin_at.is_some()).count();
        let after_close = self.ends.iter().all(End::fin_acked);
        self.reset = Some(Reset {
            by: side,
            packet: arrival.number,
            accepted,
            contested: false,
            answered: false,
            after_close,
            after_fin: fins > 0,
            synchronized,
        });
    }

    /// A segment other than a RST, after one: whoever sent the RST would not send it, and whoever believed it neither. If
    /// both go on, the RST was somebody else's, and without effect.
    #[inline]
    fn contest_reset(&mut self, side: Side) {
        let Some(reset) = &mut self.reset else {
            return;
        };
        if reset.by == side {
            reset.contested = true;
            if !reset.accepted {
                self.reset = None;
            }
        } else if reset.contested {
            self.reset = None;
        }
    }
}
