//! TIME-WAIT: the small record that answers stray segments (RFC 9293 §3.6.1, MUST-13, RFC 1337, RFC 6191).

use crate::challenge::{ChallengeThrottle, DEFAULT_INTERVAL};
use crate::options::Timestamps;
use crate::state::{Open, timestamp_clock};
use crate::{Segment, Transmit};
use core::time::Duration;
use sockeye_wire::tcp::OptionBytes;
use sockeye_wire::{Flags, Instant, SeqNumber};

/// What remains of a connection that this side closed first.
#[derive(Clone, Debug)]
pub struct TimeWait {
    deadline: Instant,
    /// Whole milliseconds, for a small record.
    duration_millis: u32,
    /// SND.NXT.
    snd_nxt: SeqNumber,
    /// RCV.NXT, one beyond the peer's FIN.
    rcv_nxt: SeqNumber,
    /// TS.Recent, if timestamps were in use.
    ts_recent: Option<u32>,
    timestamp_offset: u32,
    window: u16,
    challenge: ChallengeThrottle,
}

/// What a segment in TIME-WAIT asks for.
#[derive(Debug)]
pub enum TimeWaitEvent {
    /// Nothing.
    Ignore,
    /// This acknowledgement is to be sent.
    Ack(Transmit),
    /// A new connection may take the 4-tuple (RFC 6191): treat the SYN as a listener would, with an ISS above this.
    Reopen {
        /// Our ISS must lie above this number.
        minimum_iss: SeqNumber,
    },
}

impl TimeWait {
    pub(crate) fn new(open: &Open, now: Instant, duration: Duration) -> Self {
        Self {
            deadline: now + duration,
            duration_millis: duration.as_millis().try_into().unwrap_or(u32::MAX),
            snd_nxt: open.send.nxt,
            rcv_nxt: open.receive.nxt,
            ts_recent: open.negotiated.timestamps.then(|| open.receive.ts_recent()),
            timestamp_offset: open.negotiated.timestamp_offset,
            // Rounded up, or the right edge would move to the left (RFC 7323 §2.3).
            window: open
                .receive
                .window()
                .div_ceil(1 << open.negotiated.receive_shift)
                .min(u32::from(u16::MAX)) as u16,
            challenge: ChallengeThrottle::default(),
        }
    }

    /// When the record may be forgotten.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When it began, or began again because the peer's FIN came again.
    #[must_use]
    pub fn since(&self) -> Instant {
        let nanos = u64::from(self.duration_millis) * 1_000_000;
        Instant::from_nanos(self.deadline.as_nanos().saturating_sub(nanos))
    }

    /// SND.NXT: a new connection on this 4-tuple must begin above it.
    #[must_use]
    pub fn snd_nxt(&self) -> SeqNumber {
        self.snd_nxt
    }

    /// RCV.NXT.
    #[must_use]
    pub fn rcv_nxt(&self) -> SeqNumber {
        self.rcv_nxt
    }

    /// Whether timestamps were in use: only then may a new connection of ours take the 4-tuple early (RFC 6191 §3).
    #[must_use]
    pub fn had_timestamps(&self) -> bool {
        self.ts_recent.is_some()
    }

    /// A segment for the 4-tuple arrived; a new connection would use `timestamps` if the SYN offers them.
    #[must_use]
    pub fn on_segment(
        &mut self,
        now: Instant,
        segment: &Segment,
        timestamps: bool,
    ) -> TimeWaitEvent {
        // RFC 1337, fix F1: a reset must not end TIME-WAIT early.
        if segment.flags.rst() {
            return TimeWaitEvent::Ignore;
        }
        if segment.flags.syn() && !segment.flags.ack() {
            // One that is not newer is dropped without a word (RFC 6191 §2).
            return self
                .reopens(segment, timestamps)
                .map_or(TimeWaitEvent::Ignore, |minimum_iss| TimeWaitEvent::Reopen {
                    minimum_iss,
                });
        }
        if segment.flags.fin() && !segment.flags.syn() && segment.end() == self.rcv_nxt {
            // The FIN again: our acknowledgement was lost.
            self.deadline = now + Duration::from_millis(self.duration_millis.into());
            self.take_timestamp(segment);
            return TimeWaitEvent::Ack(self.acknowledgement(now));
        }
        // The bare ACK that another end in TIME-WAIT would send is not answered.
        let is_expected = segment.sequence_len() == 0 && segment.seq == self.rcv_nxt;
        if is_expected && !self.is_old_duplicate(segment) {
            self.take_timestamp(segment);
            return TimeWaitEvent::Ignore;
        }
        // Nothing else is acceptable once the FIN was received; anybody can send it, so it moves nothing (RFC 5961 §7).
        if self.challenge.permit(now, DEFAULT_INTERVAL) {
            TimeWaitEvent::Ack(self.acknowledgement(now))
        } else {
            TimeWaitEvent::Ignore
        }
    }

    /// TS.Recent never goes back (RFC 7323 §4.3).
    fn take_timestamp(&mut self, segment: &Segment) {
        if let (Some(recent), Some(timestamps)) = (&mut self.ts_recent, segment.options.timestamps)
            && !timestamps.is_older_than(*recent)
        {
            *recent = timestamps.value;
        }
    }

    fn is_old_duplicate(&self, segment: &Segment) -> bool {
        self.ts_recent
            .zip(segment.options.timestamps)
            .is_some_and(|(recent, timestamps)| timestamps.is_older_than(recent))
    }

    /// Whether a SYN belongs to a newer incarnation, by the table of RFC 6191 §2 (RFC 9293 SHLD-4); then what our ISS must lie above.
    pub(crate) fn reopens(&self, syn: &Segment, timestamps: bool) -> Option<SeqNumber> {
        let is_syn = syn.flags.syn() && !syn.flags.ack() && !syn.flags.rst();
        (is_syn && self.is_newer(syn, timestamps)).then_some(self.snd_nxt)
    }

    fn is_newer(&self, syn: &Segment, timestamps: bool) -> bool {
        let newer_seq = syn.seq.after(self.rcv_nxt.back(1));
        match (self.ts_recent, syn.options.timestamps.filter(|_| timestamps)) {
            (Some(recent), Some(Timestamps { value, .. })) => {
                let ahead = value.wrapping_sub(recent) as i32;
                ahead > 0 || ahead == 0 && newer_seq
            }
            (None, Some(_)) => true,
            (_, None) => newer_seq,
        }
    }

    /// The last acknowledgement, as often as the peer needs it.
    pub(crate) fn acknowledgement(&self, now: Instant) -> Transmit {
        let mut options = OptionBytes::new();
        if let Some(echo) = self.ts_recent {
            let value = timestamp_clock(now, self.timestamp_offset);
            let fits = options.push_timestamps(value, echo);
            debug_assert!(fits.is_ok());
        }
        Transmit::bare(self.snd_nxt, self.rcv_nxt, Flags::ACK, self.window, options)
    }
}
