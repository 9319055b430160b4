//! Congestion control: a small trait and what implements it (RFC 9293 MUST-19, MAY-18).

mod algorithm;
mod bbr;
mod cubic;
mod hystart;
mod reno;
mod sample;
#[cfg(test)]
pub(crate) mod tests;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use bbr::Bbr;
pub use cubic::Cubic;
pub use reno::Reno;

pub use sample::{LostSegment, RateSample, Sample};

use alloc::boxed::Box;
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber};

/// What an acknowledgement tells a controller.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// When it arrived.
    pub now: Instant,
    /// New octets that it covers.
    pub bytes: u32,
    /// Payload of a full segment.
    pub mss: u32,
    /// The round trip it measured, if it measured one.
    pub rtt: Option<Duration>,
    /// SRTT.
    pub smoothed_rtt: Duration,
    /// What is sent is paced.
    pub paced: bool,
    /// SND.UNA after it.
    pub una: SeqNumber,
    /// SND.NXT.
    pub nxt: SeqNumber,
}

/// How much may be outstanding. Windows are in bytes; `mss` is the payload of a full segment.
///
/// Loss detection and recovery are the sender's business: a controller only learns their outcome.
pub trait CongestionControl {
    /// The congestion window.
    fn window(&self) -> u32;

    /// The slow-start threshold.
    fn slow_start_threshold(&self) -> u32;

    /// Earlier connections met congestion at this many octets (RFC 9040 §4.3); nothing to an algorithm without such a threshold.
    fn seed_threshold(&mut self, _threshold: u32) {}

    /// New bytes were acknowledged outside of recovery. Called only while the window was the limit: no growth while the
    /// application is (RFC 7661).
    fn on_acknowledged(&mut self, acknowledged: &Acknowledged);

    /// Loss was found by acknowledgements with `in_flight` bytes outstanding.
    fn on_loss(&mut self, in_flight: u32, mss: u32);

    /// The retransmission timer expired; `first` is false for repeated timeouts of one segment (RFC 5681 §3.1).
    fn on_timeout(&mut self, in_flight: u32, mss: u32, first: bool);

    /// The peer reported congestion that the network marked instead of losing something (RFC 3168 §6.1.2, RFC 8511); called at most
    /// once a round trip, with `in_flight` bytes outstanding. A window of one segment stays one.
    fn on_ecn(&mut self, in_flight: u32, mss: u32);

    /// The connection was idle for `timeouts` retransmission timeouts, at least one. The window halves for each, down to
    /// `restart_window`: RFC 5681 §4.1 in the gentle way of RFC 2861, as on Linux.
    fn on_idle(&mut self, restart_window: u32, timeouts: u32);

    /// For a retransmission timeout, never more than `used` bytes of the window were in flight, or the initial window if that is more:
    /// the window half believes it (RFC 2861 §2).
    fn on_underused(&mut self, used: u32);

    /// An acknowledgement reported that something arrived or was lost, or both; called in recovery too, after the calls above.
    fn on_sample(&mut self, _sample: &Sample) {}

    /// A segment was found to be lost.
    fn on_segment_lost(&mut self, _lost: &LostSegment) {}

    /// Everything sent before the last loss has arrived.
    fn on_recovered(&mut self) {}

    /// The loss that was being recovered from was none, and the controller itself takes back what it did; the others are replaced by
    /// what they were before.
    fn on_spurious(&mut self) {}

    /// Something is about to leave and nothing is in flight, because the application had nothing to send.
    fn on_restart(&mut self, _now: Instant) {}

    /// The window that the send buffer has to provide for: twice as much may be waiting for an acknowledgement while a loss is repaired.
    fn provision(&self) -> u32 {
        self.window()
    }

    /// Whether the window of this controller holds during recovery too, in place of proportional rate reduction.
    fn steers_recovery(&self) -> bool {
        false
    }

    /// Whether delivery rate samples of what is sent now say nothing of the network, because the controller itself holds it back.
    fn holds_back(&self) -> bool {
        false
    }

    /// Octets of payload a second at which the controller wants segments to leave, if it does.
    fn pacing_rate(&self) -> Option<u64> {
        None
    }
}

/// The window after an idle time, and the threshold that remembers how large it was (RFC 2861 §2).
fn after_idle(window: u32, threshold: u32, restart_window: u32, timeouts: u32) -> (u32, u32) {
    let threshold = threshold.max(window / 4 * 3);
    let restart_window = restart_window.min(window);
    (window.checked_shr(timeouts).unwrap_or(0).max(restart_window), threshold)
}

/// The window and the threshold after no more than `used` bytes of the window were (RFC 2861 §2).
fn after_underuse(window: u32, threshold: u32, used: u32) -> (u32, u32) {
    if used >= window {
        return (window, threshold);
    }
    (window - (window - used) / 2, threshold.max(window / 4 * 3))
}

/// Octets of a super-segment at most.
pub(crate) const MAX_QUANTUM: u32 = 65_536;

/// Octets that may leave at once at `rate` octets a second: what it carries in a millisecond, at least two segments of `mss`, at
/// most a super-segment.
pub(crate) fn send_quantum(rate: u64, mss: u32) -> u32 {
    (rate / 1_000).min(MAX_QUANTUM.into()).max(2 * u64::from(mss)) as u32
}

/// The controller of a connection: an enum, so that it lives in the connection.
#[derive(Clone, Debug)]
pub(crate) enum Controller {
    Reno(Reno),
    Cubic(Cubic),
    Bbr(Box<Bbr>),
}

/// What a controller starts with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Bytes.
    pub(crate) window: u32,
    /// The slow-start threshold, where there is one.
    pub(crate) threshold: u32,
    /// Payload of a full segment.
    pub(crate) mss: u32,
    /// SRTT, if it is known.
    pub(crate) rtt: Option<Duration>,
    /// All chance follows from this.
    pub(crate) seed: u32,
}

impl Controller {
    pub(crate) fn new(algorithm: Algorithm, start: &Start) -> Self {
        match algorithm {
            Algorithm::Reno => Self::Reno(Reno::new(start.window).with_threshold(start.threshold)),
            Algorithm::Cubic => {
                Self::Cubic(Cubic::new(start.window).with_threshold(start.threshold))
            }
            Algorithm::Bbr => {
                let Start { window, mss, rtt, seed, .. } = *start;
                Self::Bbr(Box::new(Bbr::new(window, mss, rtt, seed)))
            }
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Reno(_) => Algorithm::Reno,
            Self::Cubic(_) => Algorithm::Cubic,
            Self::Bbr(_) => Algorithm::Bbr,
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> &dyn CongestionControl {
        match self {
            Self::Reno(reno) => reno,
            Self::Cubic(cubic) => cubic,
            Self::Bbr(bbr) => &**bbr,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut dyn CongestionControl {
        match self {
            Self::Reno(reno) => reno,
            Self::Cubic(cubic) => cubic,
            Self::Bbr(bbr) => &mut **bbr,
        }
    }

    #[inline]
    pub(crate) fn window(&self) -> u32 {
        self.get().window()
    }

    #[inline]
    pub(crate) fn slow_start_threshold(&self) -> u32 {
        self.get().slow_start_threshold()
    }

    /// The loss was none: back to what was before, unless the window has grown beyond that since (RFC 9438 §4.9).
    pub(crate) fn undo(&mut self, before: &Self) {
        if let Self::Bbr(bbr) = self {
            bbr.on_spurious();
        } else if before.algorithm() == self.algorithm() && before.window() >= self.window() {
            self.clone_from(before);
        }
    }
}

/// The initial window of RFC 6928 §2, `segments` being its 10.
pub(crate) fn initial_window(mss: u32, segments: u8) -> u32 {
    let segments = u32::from(segments.max(1));
    (segments * mss).min((2 * mss).max(1_460 * segments))
}
