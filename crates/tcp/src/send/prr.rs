//! Proportional rate reduction (RFC 9937): how much may leave for each acknowledgement during recovery.

/// One recovery.
#[derive(Clone, Debug)]
pub(super) struct Prr {
    /// RecoverFS: what was in flight when it began.
    flight: u32,
    threshold: u32,
    delivered: u32,
    pub(super) out: u32,
    /// What may be in flight now.
    pub(super) window: u32,
}

impl Prr {
    /// `flight` as RFC 9937 §6.2 defines RecoverFS; `threshold` from the congestion control.
    pub(super) fn new(flight: u32, threshold: u32) -> Self {
        Self { flight: flight.max(1), threshold, delivered: 0, out: 0, window: 0 }
    }

    /// An acknowledgement delivered `delivered` octets; `in_flight` is what is in the network after it; `safe` if it advanced
    /// SND.UNA and showed no further loss.
    pub(super) fn on_ack(&mut self, delivered: u32, in_flight: u32, safe: bool, mss: u32) {
        if delivered == 0 && self.out > 0 {
            self.window = self.window.max(in_flight);
            return;
        }
        self.delivered = self.delivered.saturating_add(delivered);
        let mut count = if in_flight > self.threshold {
            let share = u64::from(self.delivered) * u64::from(self.threshold);
            (share.div_ceil(u64::from(self.flight)) as u32).saturating_sub(self.out)
        } else {
            let bound = self.delivered.saturating_sub(self.out).max(delivered);
            let bound = if safe { bound + mss } else { bound };
            bound.min(self.threshold - in_flight)
        };
        if self.out == 0 && count == 0 {
            count = mss;
        }
        self.window = in_flight.saturating_add(count);
    }
}
