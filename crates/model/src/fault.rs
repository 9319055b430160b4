//! Ends and channels that break a rule on purpose: the checker has to find each.

use crate::Side;
use sockeye_tcp::{Segment, Transmit};
use sockeye_wire::{Flags, SeqNumber};

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A does not check that the SYN-ACK acknowledges *its* SYN.
    BelievesAnyAcknowledgement,
    /// A is gone as soon as it would be in TIME-WAIT, and answers nothing.
    SkipsTimeWait,
    /// Each connection begins with the sequence numbers of the one before.
    RepeatsSequenceNumbers,
    /// B's timers never run out.
    NoTimers,
    /// A sends FIN with its SYN.
    FinWithSyn,
    /// The channel moves what it repeats to where new data is expected.
    RenumbersRepeats,
    /// The channel takes the FIN off what it delivers to A.
    SwallowsFin,
}

impl Fault {
    pub(crate) fn on_transmit(self, from: Side, transmit: &mut Transmit) {
        if self == Self::FinWithSyn && from == Side::A && transmit.header.flags.syn() {
            transmit.header.flags |= Flags::FIN;
        }
    }

    pub(crate) fn on_deliver(self, to: Side, segment: &mut Segment, iss: SeqNumber) {
        if to != Side::A {
            return;
        }
        match self {
            Self::BelievesAnyAcknowledgement if segment.flags == Flags::SYN_ACK => {
                segment.ack = iss + 1;
            }
            Self::SwallowsFin => segment.flags = segment.flags - Flags::FIN,
            _ => {}
        }
    }

    pub(crate) fn on_repeat(self, segment: &mut Segment) {
        if self == Self::RenumbersRepeats {
            segment.seq += segment.payload.len() as u32;
        }
    }
}
