//! F-RTO (RFC 5682): after a retransmission timeout, new data is sent in place of what is believed lost, and what it brings back
//! tells whether anything was.

use super::Sender;
use super::in_flight::Delivered;
use super::recovery::{Episode, Kind};

/// New segments that step 2b may send.
const PROBE_SEGMENTS: u32 = 2;

/// How far the algorithm has come in an episode that a timeout began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frto {
    /// It does not apply, or has found that the loss is real: conventional recovery.
    Over,
    /// Step 1: the first segment was sent again; the next acknowledgement decides.
    Resent,
    /// Step 2b: nothing but new data is sent until the next acknowledgement decides.
    Probing,
}

impl Sender {
    /// A timeout is about to begin an episode: F-RTO applies unless another recovery is under way (RFC 5682 §2.1, step 1).
    pub(super) fn begin_frto(&self) -> Frto {
        match self.recovery.episode() {
            None | Some(Episode { kind: Kind::Timeout(_) | Kind::Marked(_), .. }) => Frto::Resent,
            Some(_) => Frto::Over,
        }
    }

    /// Whether nothing may be sent again for now.
    #[inline]
    pub(super) fn is_probing_for_frto(&self) -> bool {
        matches!(self.recovery.episode(), Some(Episode { kind: Kind::Timeout(Frto::Probing), .. }))
    }

    /// What step 2b lets out whatever the congestion window says.
    pub(super) fn frto_room(&self) -> u32 {
        let sent = self.nxt.since(self.recovery.recover);
        (PROBE_SEGMENTS * self.mss()).saturating_sub(sent)
    }

    /// Steps 2 and 3, in their SACK form, which is the basic form for peers without (RFC 5682 §3.1); true if the timeout was
    /// spurious.
    pub(super) fn frto_on_ack(&mut self, advanced: bool, delivered: &Delivered) -> bool {
        let (una, recover) = (self.una, self.recovery.recover);
        let more_to_send = self.unsent() > 0 && (self.una + self.window).after(self.nxt);
        let Some(Episode { kind: Kind::Timeout(stage), .. }) = self.recovery.episode_mut() else {
            return false;
        };
        match stage {
            Frto::Over => false,
            Frto::Resent => {
                *stage = if advanced && una.before(recover) && more_to_send {
                    Frto::Probing
                } else {
                    Frto::Over
                };
                false
            }
            Frto::Probing => {
                *stage = Frto::Over;
                delivered.original_end.is_some_and(|end| end.at_or_before(recover))
            }
        }
    }
}
