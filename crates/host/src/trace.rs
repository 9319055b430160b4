//! Watching segments as they come and go.

use crate::ids::ConnectionId;
use sockeye_tcp::Endpoints;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};

/// Which way a segment went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// It arrived here.
    In,
    /// It was sent from here.
    Out,
}

/// A segment of one of the host's connections, half-open ones and TIME-WAIT included, and what it did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentTrace {
    /// When the host processed or made it.
    pub time: Instant,
    /// The connection; none while it is half open for a listener, and in a TIME-WAIT that the application let go of.
    pub connection: Option<ConnectionId>,
    /// Its two ends.
    pub endpoints: Endpoints,
    /// Which way it went.
    pub direction: Direction,
    /// Sequence number.
    pub seq: SeqNumber,
    /// Acknowledgement number; meaningful with ACK only.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// Window as on the wire.
    pub window: u16,
    /// Octets of data.
    pub payload_len: usize,
    /// The state that this host is in afterwards.
    pub state: StateName,
}

/// Told of every segment; costs nothing while none is set.
pub trait Observer: Send {
    /// A segment was processed or sent.
    fn segment(&mut self, trace: &SegmentTrace);
}

impl<F: FnMut(&SegmentTrace) + Send> Observer for F {
    fn segment(&mut self, trace: &SegmentTrace) {
        self(trace);
    }
}
