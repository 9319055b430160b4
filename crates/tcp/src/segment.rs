//! Segments as the machine sees them: decoded on the way in, described on the way out.

use crate::options::SegmentOptions;
use sockeye_wire::tcp::{OptionBytes, TcpHeader, TcpView};
use sockeye_wire::{Ecn, Flags, Instant, Meta, Payload, SeqNumber};

/// A segment that arrived, checksum already verified.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Sequence number.
    pub seq: SeqNumber,
    /// Acknowledgement number; meaningful with ACK only.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// Window, unscaled.
    pub window: u16,
    /// Urgent pointer; meaningful with URG only.
    pub urgent_pointer: u16,
    /// The options that matter to the machine.
    pub options: SegmentOptions,
    /// Data.
    pub payload: Payload,
    /// When it reached the link.
    pub arrival: Instant,
    /// Wire segments that it stands for.
    pub wire_segments: u16,
    /// ECN field of its IP header.
    pub ecn: Ecn,
}

impl Segment {
    /// Everything but the payload, which is moved in afterwards because it shares the packet's buffer.
    #[inline]
    #[must_use]
    pub fn decode(view: &TcpView<'_>, meta: &Meta) -> Self {
        Self {
            seq: view.seq(),
            ack: view.ack(),
            flags: view.flags(),
            window: view.window(),
            urgent_pointer: view.urgent_pointer(),
            options: SegmentOptions::decode(view),
            payload: Payload::empty(),
            arrival: meta.arrival,
            wire_segments: meta.wire_segments.max(1),
            ecn: meta.ecn,
        }
    }

    /// SEG.LEN: data, SYN and FIN (RFC 9293 §3.3.1).
    #[inline]
    #[must_use]
    pub fn sequence_len(&self) -> u32 {
        self.payload.len() as u32 + self.flags.sequence_len()
    }

    /// The sequence number after the segment.
    #[inline]
    #[must_use]
    pub fn end(&self) -> SeqNumber {
        self.seq + self.sequence_len()
    }
}

/// A segment to be sent; whoever knows the addresses adds ports, IP header and checksum.
#[derive(Clone, Debug, Default)]
pub struct Transmit {
    /// The header, ports zero.
    pub header: TcpHeader,
    /// Data, as slices of the send buffer.
    pub payload: Payload,
    /// Payload bytes of each wire segment when there are several; 0 otherwise.
    pub gso_size: u16,
    /// Wire segments that this item becomes.
    pub wire_segments: u16,
    /// ECN field for the IP header.
    pub ecn: Ecn,
}

impl Transmit {
    /// A segment without data.
    #[must_use]
    pub(crate) fn bare(
        seq: SeqNumber,
        ack: SeqNumber,
        flags: Flags,
        window: u16,
        options: OptionBytes,
    ) -> Self {
        let header = TcpHeader { seq, ack, flags, window, options, ..TcpHeader::default() };
        Self { header, wire_segments: 1, ..Self::default() }
    }
}

/// A reset in answer to a segment that belongs nowhere (RFC 9293 §3.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Its sequence number.
    pub seq: SeqNumber,
    /// Its acknowledgement number, with ACK set, if the offending segment had none itself.
    pub ack: Option<SeqNumber>,
    /// TSval of the offending segment, to be echoed (RFC 7323 §5.2).
    pub echo: Option<u32>,
}

impl Reset {
    /// The answer to `segment`; `None` if it is a reset itself, which is never answered.
    #[must_use]
    pub fn for_segment(segment: &Segment) -> Option<Self> {
        if segment.flags.rst() {
            return None;
        }
        let echo = segment.options.timestamps.map(|timestamps| timestamps.value);
        Some(if segment.flags.ack() {
            Self { seq: segment.ack, ack: None, echo }
        } else {
            Self { seq: SeqNumber(0), ack: Some(segment.end()), echo }
        })
    }

    /// The segment to send.
    #[must_use]
    pub fn into_transmit(self) -> Transmit {
        let mut options = OptionBytes::new();
        if let Some(echo) = self.echo {
            let fits = options.push_timestamps(0, echo);
            debug_assert!(fits.is_ok());
        }
        let flags = if self.ack.is_some() { Flags::RST | Flags::ACK } else { Flags::RST };
        Transmit::bare(self.seq, self.ack.unwrap_or_default(), flags, 0, options)
    }
}
