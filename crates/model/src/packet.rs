//! A segment in the channel, as bytes, so that it goes through the encoder and the decoder.

use sockeye_tcp::{Segment, Transmit};
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Instant, Meta, Payload};
use std::fmt;
use std::sync::Arc;

/// One of the two ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// The one that opens.
    A,
    /// The one that listens, or opens at the same time.
    B,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The one at the other end of the channel.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A segment on its way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    pub(crate) to: Side,
    bytes: Arc<[u8]>,
}

impl Packet {
    pub(crate) fn new(to: Side, transmit: &Transmit) -> Self {
        let mut header = [0; 60];
        let len = transmit.header.emit(&mut header);
        let mut bytes = header[..len].to_vec();
        for piece in transmit.payload.pieces() {
            bytes.extend_from_slice(piece);
        }
        Self { to, bytes: bytes.into() }
    }

    /// As its receiver decodes it, at `now`.
    pub(crate) fn segment(&self, now: Instant) -> Option<Segment> {
        let view = TcpView::parse(&self.bytes).ok()?;
        let mut segment = Segment::decode(&view, &Meta::at(now));
        segment.payload = Payload::from(bytes::Bytes::copy_from_slice(view.rest()));
        Some(segment)
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(segment) = self.segment(Instant::ZERO) else { return f.write_str("nonsense") };
        let (from, to) = (self.to.other(), self.to);
        let (flags, len) = (segment.flags.compact(), segment.payload.len());
        write!(f, "{from:?}→{to:?} {flags} seq {} ack {} len {len}", segment.seq.0, segment.ack.0)
    }
}
