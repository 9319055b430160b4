//! What the handshake hands over to the sender.

use super::Sender;
use super::flow::Flow;
use crate::PathMetrics;
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// A connection that had less acknowledged says nothing of the path's capacity.
const LASTING_SEGMENTS: u64 = 20;

/// Thresholds above this were never set.
const UNKNOWN_THRESHOLD: u32 = 1 << 30;

impl Sender {
    /// The handshake took `round_trip`, its own segment of it sent again `retransmissions` times.
    pub(crate) fn on_handshake(&mut self, round_trip: Duration, retransmissions: u8) {
        if retransmissions == 0 {
            self.rtt.sample(round_trip);
        } else {
            self.rtt.distrust();
        }
        if retransmissions > 1 {
            // RFC 6928 §2: one lost SYN is no sign of congestion, more are.
            let mss = self.mss();
            self.controller.get_mut().on_idle(mss, u32::from(u8::MAX));
        }
    }

    /// The first `len` octets of the buffer went with the SYN at `sent_at`, and `ack` is what the peer says of them. What it did
    /// not take goes again at once, and nobody is to blame for it (RFC 7413 §4.2.1).
    pub(crate) fn take_over_syn_data(&mut self, sent_at: Instant, len: u16, ack: SeqNumber) {
        let len = u32::from(len);
        let acked = ack.since(self.una).min(len);
        self.buffer.release(acked as usize);
        self.bytes_acked += u64::from(acked);
        self.una += acked;
        self.nxt = self.una + (len - acked);
        self.small_end = self.una;
        if acked > 0 {
            let una = self.una;
            self.flow.get_or_insert_with(|| Flow::new(sent_at, una)).syn_octets = acked as u16;
        }
        if acked < len {
            self.in_flight.push(sent_at, self.una, len - acked, self.mss);
            self.in_flight.refused(self.nxt);
        }
    }

    /// What is worth remembering. A connection too short to meet congestion tells nothing of where it is (RFC 9040 §8.1).
    pub(crate) fn path_metrics(&self) -> PathMetrics {
        let (_, threshold) = self.congestion_window();
        let lasted = self.bytes_acked >= LASTING_SEGMENTS * u64::from(self.mss);
        PathMetrics {
            round_trip: self.rtt.smoothed().map(|rtt| (rtt, self.rtt.variation())),
            slow_start_threshold: (lasted && threshold < UNKNOWN_THRESHOLD).then_some(threshold),
        }
    }

    /// Earlier connections' knowledge, where the handshake gave none. A larger initial window is never taken from it
    /// (RFC 9040 §4.3: within the policy of RFC 6928).
    pub(crate) fn seed(&mut self, metrics: &PathMetrics) {
        if let Some((rtt, variation)) = metrics.round_trip {
            self.rtt.seed(rtt, variation);
        }
        if let Some(threshold) = metrics.slow_start_threshold {
            // Less than two segments would be no slow start at all.
            let least = 2 * self.mss();
            self.controller.get_mut().seed_threshold(threshold.max(least));
        }
    }

    /// Data was sent before the handshake was complete, while only the SYN-ACK had a timer (RFC 7413 §4.2.2): its own begins now.
    pub(crate) fn on_handshake_complete(&mut self, now: Instant) {
        self.timer.since = now;
        self.rearm(now);
    }
}
