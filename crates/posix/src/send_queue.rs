//! How full a send buffer is, counted as Linux counts: in packets that are filled one after the other, each with an
//! overhead. What a program sees of it is how much a `write` takes, and when a socket is writable again.

use std::collections::VecDeque;

/// What one packet costs beside its data: Linux's `struct sk_buff`, its shared information and the room for headers.
const OVERHEAD: u32 = 1_280;
/// Room for headers that no packet's data takes (Linux's `MAX_TCP_HEADER`), and the fixed parts that the buffer's growth
/// counts for a segment.
const HEADER_ROOM: u32 = 320;
const SHARED_INFO: u32 = 320;
const PACKET_STRUCT: u32 = 256;
/// Largest super-segment.
const LARGEST: u32 = 65_536 - HEADER_ROOM;
/// Windows up to this are used whole (Linux's `TCP_MSS_DEFAULT`).
const SMALL_WINDOW: u32 = 536;

/// Lengths of the packets that hold what is written and not acknowledged, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendQueue {
    packets: VecDeque<u32>,
    octets: u32,
    /// Nothing is added to the last packet: a record ends with it.
    complete: bool,
}

/// What the queue must know of its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    /// Payload of a full segment.
    pub(crate) mss: u32,
    /// The peer's largest window so far.
    pub(crate) max_window: u32,
    /// Written and not acknowledged.
    pub(crate) unacknowledged: u32,
    /// Written and not sent.
    pub(crate) unsent: u32,
}

impl Sending {
    /// How far a packet is filled: whole segments, at most half the peer's window (`tcp_xmit_size_goal`).
    fn goal(self) -> u32 {
        let half =
            if self.max_window > SMALL_WINDOW { self.max_window / 2 } else { self.max_window };
        let bound = if half > 0 { LARGEST.min(half) } else { LARGEST };
        (bound / self.mss * self.mss).max(self.mss)
    }
}

impl SendQueue {
    /// Brings the lengths in line with what was sent and acknowledged meanwhile.
    pub(crate) fn update(&mut self, sending: Sending) {
        while self.octets > sending.unacknowledged
            && let Some(first) = self.packets.front_mut()
        {
            let gone = (self.octets - sending.unacknowledged).min(*first);
            *first -= gone;
            self.octets -= gone;
            if *first == 0 {
                self.packets.pop_front();
            }
        }
        // A packet that was sent in part was cut in two.
        if let Some(last) = self.packets.back_mut()
            && sending.unsent > 0
            && *last > sending.unsent
        {
            *last -= sending.unsent;
            self.packets.push_back(sending.unsent);
        }
    }

    /// Data and overhead (`sk_wmem_queued`).
    pub(crate) fn used(&self) -> u32 {
        self.octets + OVERHEAD * self.packets.len() as u32
    }

    /// How much may be written into the packet that is being filled, or into a new one; 0 if there is no room for that
    /// (`sk_stream_memory_free`).
    pub(crate) fn room(&self, sending: Sending, buffer: u32, notsent_low_water: u32) -> u32 {
        let goal = sending.goal();
        match self.packets.back() {
            Some(last) if sending.unsent > 0 && *last < goal && !self.complete => goal - last,
            _ if self.used() < buffer && sending.unsent < notsent_low_water => goal,
            _ => 0,
        }
    }

    /// `octets` of the room were taken.
    pub(crate) fn fill(&mut self, sending: Sending, octets: u32) {
        match self.packets.back_mut() {
            Some(last) if sending.unsent > 0 && *last < sending.goal() && !self.complete => {
                *last += octets;
            }
            _ => {
                self.packets.push_back(octets);
                self.complete = false;
            }
        }
        self.octets += octets;
    }

    /// What was written so far ends a record (`MSG_EOR`).
    pub(crate) fn end_record(&mut self) {
        self.complete = true;
    }

    /// Whether a program that waits for room is to be woken: a third of the buffer is free, and less than half the low
    /// water is unsent (`sk_stream_is_writeable`).
    pub(crate) fn is_writable(
        &self,
        sending: Sending,
        buffer: u32,
        notsent_low_water: u32,
    ) -> bool {
        buffer.saturating_sub(self.used()) >= self.used() / 2
            && sending.unsent < notsent_low_water.div_ceil(2)
    }
}

/// What a buffer grows to that shall not limit a window of `segments` (`tcp_sndbuf_expand`): twice as much, overhead
/// included.
pub(crate) fn expanded(mss: u32, segments: u32) -> u32 {
    let segment = (mss + HEADER_ROOM + SHARED_INFO).next_power_of_two() + PACKET_STRUCT;
    segment.saturating_mul(segments).saturating_mul(2)
}
