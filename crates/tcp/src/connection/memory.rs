//! What a connection holds of data, and how it holds less when its host is short of memory.

use super::Connection;
use crate::Segment;
use crate::state::State;

/// Octets that a connection holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Buffered {
    /// Written and not yet acknowledged.
    pub send_bytes: usize,
    /// Acknowledged and not yet read.
    pub receive_bytes: usize,
    /// Arrived behind a hole, with what each piece costs beside its octets.
    pub out_of_order_bytes: usize,
}

impl Buffered {
    /// All of it.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.send_bytes + self.receive_bytes + self.out_of_order_bytes
    }
}

impl Connection {
    /// What is held at the moment.
    #[inline]
    #[must_use]
    pub fn buffered(&self) -> Buffered {
        if let Some(open) = self.state.open() {
            return Buffered {
                send_bytes: open.send.buffer.len(),
                receive_bytes: open.receive.queue.len(),
                out_of_order_bytes: open.receive.out_of_order_bytes(),
            };
        }
        let (send_bytes, receive_bytes) = match &self.state {
            State::SynSent(syn_sent) => (syn_sent.buffer.len(), 0),
            State::SynReceived(received) => (received.buffer.len(), 0),
            State::TimeWait(_, leftover) => (0, leftover.unread.len()),
            State::Closed(closed) => (0, closed.unread.len()),
            _ => (0, 0),
        };
        Buffered { send_bytes, receive_bytes, out_of_order_bytes: 0 }
    }

    /// Keeps the receive buffer from growing until it is called no more, and makes it no larger than `bytes` (or the smallest window that
    /// can be told) if that is given. What was promised to the peer stays promised (RFC 9293 SHLD-14).
    pub fn hold_back(&mut self, bytes: Option<u32>) {
        if let Some(open) = self.state.open_mut() {
            open.receive.hold_back(bytes);
        }
    }

    /// Whether the text of `segment` begins at or before what is expected next, so that it can be read at once.
    #[must_use]
    pub fn is_next(&self, segment: &Segment) -> bool {
        let open = self.state.open();
        open.is_some_and(|open| segment.seq.at_or_before(open.receive.nxt))
    }

    /// Forgets what arrived behind a hole: the peer still has it, and sends it again (RFC 2018 §8).
    pub fn forget_out_of_order(&mut self) {
        if let Some(open) = self.state.open_mut() {
            open.receive.forget_out_of_order();
        }
    }
}
