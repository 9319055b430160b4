//! What must hold, at every moment and at the end.

#[cfg(test)]
mod tests;

use crate::end::End;
use crate::scenario::Ending;
use sockeye_tcp::Info;
use sockeye_wire::Flags;
use sockeye_wire::StateName::{self, *};

/// A rule that was broken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    /// An end went from one state to another that does not follow it.
    Transition,
    /// A segment was sent that nobody may send.
    Segment,
    /// Data was read that was not written, or twice, or in another order.
    Data,
    /// The end of the peer's data was read before it was all there, or though the peer did not close.
    EndOfData,
    /// The ends are connected and yet not of one mind.
    Agreement,
    /// They go on for ever.
    Endless,
    /// Nothing more can happen, and that is not how it has to end.
    Ending,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Transition,
        Self::Segment,
        Self::Data,
        Self::EndOfData,
        Self::Agreement,
        Self::Endless,
        Self::Ending,
    ];

    /// What holds while it is not broken.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transition => "each state follows from the one before",
            Self::Segment => "each segment is one that may be sent",
            Self::Data => "data arrives once and in order",
            Self::EndOfData => "an end of data is the peer's close",
            Self::Agreement => "connected ends agree",
            Self::Endless => "they come to an end",
            Self::Ending => "nothing is lost and nobody is left half open",
        }
    }
}

/// More segments than this are never needed.
const MANY_SEGMENTS: u32 = 200;

/// RFC 9293, figure 5, with the errors reported in it corrected, and the ways that one event goes at once. An abort, a reset
/// and a time-out lead from everywhere to CLOSED.
const FOLLOWS: [(StateName, StateName); 31] = [
    (Closed, Listen),
    (Closed, SynSent),
    (Listen, SynReceived),
    (SynSent, SynReceived),
    (SynSent, Established),
    (SynSent, Closed),
    // The CLOSE was called early: the FIN follows the handshake at once.
    (SynSent, FinWait1),
    // FIN rides on the SYN-ACK.
    (SynSent, CloseWait),
    (SynReceived, Listen),
    (SynReceived, Established),
    (SynReceived, FinWait1),
    // FIN rides on the acknowledgement that completes the handshake.
    (SynReceived, CloseWait),
    (SynReceived, Closing),
    (SynReceived, Closed),
    (Established, FinWait1),
    (Established, CloseWait),
    (FinWait1, FinWait2),
    (FinWait1, Closing),
    // The segment with the peer's FIN acknowledges ours too (note 3 of the figure).
    (FinWait1, TimeWait),
    (FinWait2, TimeWait),
    // Nobody reads any more, and the peer has had its time to close.
    (FinWait2, Closed),
    (FinWait2, Listen),
    (CloseWait, LastAck),
    (Closing, TimeWait),
    // A reset: both directions were closed, the peer has only forgotten sooner (RFC 9293 §3.10.7.4).
    (Closing, Closed),
    (TimeWait, Closed),
    // A new connection takes the 4-tuple (RFC 6191).
    (TimeWait, SynReceived),
    (LastAck, Closed),
    // A server listens again once its connection is over.
    (LastAck, Listen),
    (TimeWait, Listen),
    (Closing, Listen),
];

/// Whether `to` may follow `from`; `torn` if a reset, an abort or a time-out ended the connection.
pub(crate) fn follows(from: StateName, to: StateName, torn: bool) -> bool {
    from == to || FOLLOWS.contains(&(from, to)) || torn && matches!(to, Closed | Listen)
}

/// Whether both ends know each other's numbers.
pub(crate) fn is_synchronized(state: StateName) -> bool {
    !matches!(state, Closed | Listen | SynSent | SynReceived)
}

/// RFC 9293 §3.5.2, §3.10: which control bits go together.
pub(crate) fn may_be_sent(flags: Flags) -> bool {
    let alone = u8::from(flags.syn()) + u8::from(flags.fin()) + u8::from(flags.rst()) <= 1;
    // Only a first SYN, and a reset in answer to an acknowledgement, acknowledge nothing.
    alone && (flags.ack() || flags.syn() || flags.rst())
}

/// What holds between two ends at every moment.
pub(crate) fn check(ends: &[End; 2], sent: u32) -> Option<Rule> {
    for (end, peer) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
        let reader = &end.application;
        if reader.accepted > 1 {
            return Some(Rule::Agreement);
        }
        let Some(writer) = peer.application_of(reader.client_iss) else {
            if reader.client_iss == ends[0].application.client_iss {
                // Not answered yet.
                continue;
            }
            return Some(Rule::Agreement);
        };
        if !writer.written.starts_with(&reader.read) {
            return Some(Rule::Data);
        }
        if reader.end_of_data && !(writer.has_closed && writer.written == reader.read) {
            return Some(Rule::EndOfData);
        }
    }
    if let (Some(a), Some(b)) = (ends[0].synchronized(), ends[1].synchronized())
        && !(ends[0].application.client_iss == ends[1].application.client_iss
            && knows(&a, &b)
            && knows(&b, &a))
    {
        return Some(Rule::Agreement);
    }
    (sent > MANY_SEGMENTS).then_some(Rule::Endless)
}

/// What `receiver` expects next lies in what `sender` has sent and not seen acknowledged.
fn knows(receiver: &Info, sender: &Info) -> bool {
    receiver.rcv_nxt.at_or_after(sender.snd_una) && receiver.rcv_nxt.at_or_before(sender.snd_nxt)
}

/// Whether the ends may stay as they are.
pub(crate) fn is_well_ended(ends: &[End; 2], ending: Ending) -> bool {
    let closed = ends.iter().all(|end| matches!(end.state(), Closed | Listen));
    match ending {
        Ending::Established => match (ends[0].synchronized(), ends[1].synchronized()) {
            (Some(a), Some(b)) => {
                (a.state, b.state) == (Established, Established)
                    && is_all_read(ends)
                    && (a.snd_una, a.snd_nxt, a.rcv_nxt) == (b.rcv_nxt, b.rcv_nxt, b.snd_nxt)
            }
            _ => false,
        },
        Ending::ClosedInOrder => {
            let fine = |end: &End| end.application.error.is_none() && end.application.end_of_data;
            closed && is_all_read(ends) && ends.iter().all(fine)
        }
        Ending::Closed => closed,
    }
}

fn is_all_read(ends: &[End; 2]) -> bool {
    let [a, b] = ends.each_ref().map(|end| &end.application);
    a.read == b.written && b.read == a.written
}
