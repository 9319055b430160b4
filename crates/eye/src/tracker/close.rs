//! How a connection ended.

use super::{Connection, Side};
use sockeye_wire::StateName;

/// Retransmissions of the same place without an answer after which an end is held to have given up.
const GIVEN_UP_AFTER: u32 = 3;

/// A RST, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reset {
    pub(crate) by: Side,
    pub(crate) packet: u64,
    /// Its number was one that the receiver must believe.
    pub(crate) accepted: bool,
    /// Its supposed sender went on as if it had sent none.
    pub(crate) contested: bool,
    /// The other end has sent a RST as well since.
    pub(crate) answered: bool,
    /// FINs of both ends seen and acknowledged before.
    pub(crate) after_close: bool,
    /// A FIN of either end seen before.
    pub(crate) after_fin: bool,
    /// Its sender was in ESTABLISHED or later.
    pub(crate) synchronized: bool,
}

/// How, as [EYE's](crate::report::CloseHow) names have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    pub(crate) how: crate::report::CloseHow,
    pub(crate) by: Option<Side>,
    pub(crate) packet: Option<u64>,
}

impl Connection {
    pub(crate) fn ending(&self) -> Ending {
        use crate::report::CloseHow;
        if let Some(reset) = self.reset().filter(|reset| !reset.after_close) {
            let how = if reset.after_fin { CloseHow::ResetAfterFin } else { CloseHow::Reset };
            return Ending { how, by: Some(reset.by), packet: Some(reset.packet) };
        }
        let first = self.first_fin();
        let fins = [Side::Client, Side::Server].map(|side| self.end(side).fin_at.is_some());
        if fins == [true, true] {
            let (by, packet) = first.unzip();
            return Ending { how: CloseHow::Fin, by, packet };
        }
        let given_up = [Side::Client, Side::Server]
            .into_iter()
            .find(|&side| self.end(side).retries.unanswered >= GIVEN_UP_AFTER);
        if let Some(side) = given_up {
            let packet = self.end(side).retries.packet;
            return Ending { how: CloseHow::TimedOut, by: Some(side), packet: Some(packet) };
        }
        let (by, packet) = first.unzip();
        let how = if first.is_some() { CloseHow::HalfClosed } else { CloseHow::Open };
        Ending { how, by, packet }
    }

    /// Whose FIN was seen first, and in which packet.
    pub(crate) fn first_fin(&self) -> Option<(Side, u64)> {
        [Side::Client, Side::Server]
            .into_iter()
            .filter(|&side| self.end(side).fin_at.is_some())
            .map(|side| (side, self.end(side).fin_packet))
            .min_by_key(|&(_, packet)| packet)
    }

    /// Both sent FIN before they had seen the other's (RFC 9293 §3.6, figure 13).
    pub(crate) fn closed_simultaneously(&self) -> bool {
        [Side::Client, Side::Server].into_iter().all(|side| {
            let end = self.end(side);
            end.fin_at.is_some() && !end.fin_after_peer
        })
    }

    /// Which ends are left in TIME-WAIT.
    pub(crate) fn in_time_wait(&self) -> [bool; 2] {
        [Side::Client, Side::Server].map(|side| self.state(side) == Some(StateName::TimeWait))
    }

    /// Whether nothing more is to be expected.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.reset().is_some_and(|reset| reset.accepted)
            || (self.end(Side::Client).fin_acked() && self.end(Side::Server).fin_acked())
    }
}
