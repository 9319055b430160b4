//! RFC 3168: the receiver of a mark echoes it in every acknowledgement until the sender says that its window was reduced.

use crate::Segment;
use sockeye_wire::{Ecn as Codepoint, Flags};

/// Both halves of classic feedback.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classic {
    /// A mark arrived, and the sender's CWR has not come since.
    echoing: bool,
    /// Our window was reduced, and the peer has not been told.
    cwr_due: bool,
    pub(super) received: u32,
    pub(super) echoes: u32,
}

impl Classic {
    /// RFC 3168 §6.1.3.
    pub(super) fn on_received(&mut self, segment: &Segment) -> bool {
        let mut now = false;
        if segment.flags.intersects(Flags::CWR) {
            self.echoing = false;
            // The sender's window may be a single segment: it waits for this acknowledgement.
            now = segment.sequence_len() > 0;
        }
        if segment.ecn == Codepoint::Ce {
            self.received = self.received.wrapping_add(u32::from(segment.wire_segments));
            now |= !self.echoing;
            self.echoing = true;
        }
        if segment.flags.intersects(Flags::ECE) {
            self.echoes = self.echoes.wrapping_add(1);
        }
        now
    }

    pub(super) fn on_reduced(&mut self) {
        self.cwr_due = true;
    }

    pub(super) fn is_cwr_due(&self) -> bool {
        self.cwr_due
    }

    pub(super) fn flags(&mut self, fresh: bool) -> Flags {
        let mut flags = if self.echoing { Flags::ECE } else { Flags::NONE };
        if fresh && core::mem::take(&mut self.cwr_due) {
            flags |= Flags::CWR;
        }
        flags
    }
}
