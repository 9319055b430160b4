//! The state of each end, as a function of facts (RFC 9293 §3.3.2, figure 5).
//!
//! What an arriving segment obliges its receiver to answer changes the receiver's state when the answer is seen; what needs
//! no answer (the acknowledgement of a SYN or FIN, a RST) changes it as it passes.

use super::{Connection, Side};
use sockeye_wire::StateName;

impl Connection {
    /// The state of an end; `None` if nothing was seen that tells.
    pub(crate) fn state(&self, side: Side) -> Option<StateName> {
        let (end, peer) = (self.end(side), self.end(side.other()));
        if let Some(reset) = self.reset() {
            let sent_it = reset.by == side && (reset.answered || !reset.contested);
            let believes_it = reset.by != side && reset.accepted && end.counters.packets > 0;
            if sent_it || believes_it {
                return Some(StateName::Closed);
            }
        }
        // In mid-stream, only an exchange tells that there is a connection.
        let exchange = end.acknowledges && peer.counters.packets > 0;
        if end.isn.is_none() && !exchange {
            return None;
        }
        let acked_peer_syn = peer.sequence.acked() >= 1;
        let own_syn_acked = end.isn.is_none()
            || end.sequence.acked() >= 1
            || (side == Side::Client && end.spoke_beyond_syn);
        if !acked_peer_syn {
            return Some(StateName::SynSent);
        }
        if !own_syn_acked {
            return Some(StateName::SynReceived);
        }
        let peer_closed = peer.fin_acked();
        Some(match (end.fin_at.is_some(), end.fin_acked(), peer_closed) {
            (false, _, false) => StateName::Established,
            (false, _, true) => StateName::CloseWait,
            (true, false, false) => StateName::FinWait1,
            (true, true, false) => StateName::FinWait2,
            (true, false, true) if end.fin_after_peer => StateName::LastAck,
            (true, true, true) if end.fin_after_peer => StateName::Closed,
            (true, false, true) => StateName::Closing,
            (true, true, true) => StateName::TimeWait,
        })
    }

    /// Whether an end has got as far as ESTABLISHED.
    pub(crate) fn is_synchronized(&self, side: Side) -> bool {
        let (end, peer) = (self.end(side), self.end(side.other()));
        let own_syn_acked = end.isn.is_none()
            || end.sequence.acked() >= 1
            || (side == Side::Client && end.spoke_beyond_syn);
        end.acknowledges && own_syn_acked && peer.sequence.acked() >= 1
    }
}
