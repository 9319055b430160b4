//! Partial segments held back because the application says that more will follow: Linux's `MSG_MORE` and `TCP_CORK`.

use super::Sender;

/// What the last write said about the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Hold {
    /// Nothing: what was written is worth sending, and is the end of something (PSH).
    #[default]
    Nothing,
    /// More will follow, and a partial segment waits for it.
    Waits,
    /// More was to follow, but the peer has answered first: a partial segment waits no longer.
    WaitedEnough,
}

impl Sender {
    /// Whether more will follow what was written and is being written.
    pub(crate) fn set_more(&mut self, more: bool) {
        self.hold = if more { Hold::Waits } else { Hold::Nothing };
    }

    /// A segment arrived, or the timer ran out: waiting for more would waste the turn.
    #[inline]
    pub(crate) fn stop_waiting_for_more(&mut self) {
        if self.hold == Hold::Waits {
            self.hold = Hold::WaitedEnough;
        }
    }
}
