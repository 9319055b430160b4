//! What ICMP tells (RFC 9293 §3.9.2.2, RFC 5461, RFC 5927).

use super::Connection;
use crate::state::{Open, State};
use crate::{Error, Events};
use sockeye_wire::SeqNumber;

/// An ICMP or ICMPv6 error about a segment of ours, by meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IcmpError {
    /// Unreachable network (IPv4 3/0, IPv6 1/0).
    NetworkUnreachable,
    /// Unreachable host or address (IPv4 3/1, IPv6 1/3), source route failed (3/5).
    HostUnreachable,
    /// No TCP at the peer (IPv4 3/2, IPv6 4/1).
    ProtocolUnreachable,
    /// No listener at the peer (IPv4 3/3, IPv6 1/4).
    PortUnreachable,
    /// Filtered (IPv4 3/9, 3/10, 3/13; IPv6 1/1).
    AdministrativelyProhibited,
    /// TTL or reassembly time exceeded.
    TimeExceeded,
    /// A header field was bad.
    ParameterProblem,
}

impl IcmpError {
    const fn as_error(self) -> Error {
        match self {
            Self::NetworkUnreachable => Error::NetworkUnreachable,
            Self::ProtocolUnreachable => Error::ProtocolUnreachable,
            Self::PortUnreachable => Error::Refused,
            Self::HostUnreachable
            | Self::AdministrativelyProhibited
            | Self::TimeExceeded
            | Self::ParameterProblem => Error::HostUnreachable,
        }
    }

    /// Whether trying again is pointless (RFC 1122 §4.2.3.9, RFC 9293 SHLD-26).
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(
            self,
            Self::ProtocolUnreachable | Self::PortUnreachable | Self::AdministrativelyProhibited
        )
    }
}

impl Connection {
    /// An ICMP error quoted a segment of ours that began at `quoted`. It is believed only if that segment can be in the network.
    /// While the connection opens, a hard error ends it; afterwards every error is soft: remembered, reported, never fatal
    /// (RFC 5461 §4, RFC 9293 MUST-56).
    pub fn on_icmp(&mut self, error: IcmpError, quoted: SeqNumber) {
        let (opening, valid) = match &self.state {
            State::SynSent(syn_sent) => (true, quoted == syn_sent.opening.iss),
            State::SynReceived(received) => (true, quoted == received.half.iss()),
            State::FastOpened(opened) => {
                let len = opened.open.send.nxt.since(opened.half.iss());
                (false, quoted.within(opened.half.iss(), len))
            }
            state => (
                false,
                state
                    .open()
                    .is_some_and(|open| quoted.within(open.send.una, open.send.flight_size())),
            ),
        };
        if !valid {
            return;
        }
        if opening && (error.is_hard() || self.config.soft_errors_end_opening) {
            self.fail(error.as_error());
        } else {
            self.remember(error.as_error());
        }
    }

    fn remember(&mut self, error: Error) {
        self.soft_error = Some(error);
        self.events |= Events::SOFT_ERROR;
    }

    /// The IP layer cannot reach the peer, as when nobody answers for its hardware address: a connection that is opening fails with
    /// `error`, an open one remembers it.
    pub fn on_unreachable(&mut self, error: Error) {
        match &self.state {
            State::SynSent(_) | State::SynReceived(_) | State::FastOpened(_) => self.fail(error),
            _ => self.remember(error),
        }
    }

    /// A router reports that the path takes segments of at most `mss` octets, headers not counted: lowers what is sent from now on,
    /// and what is sent again, without a word to congestion control (RFC 1191 §6.4, RFC 8201 §5.4). `quoted` is where the segment
    /// that did not fit began; a report of one that cannot be in the network is not believed (RFC 5927 §4).
    pub fn on_path_mss(&mut self, mss: u16, quoted: SeqNumber) {
        if let State::SynSent(syn_sent) = &mut self.state {
            if quoted.within(syn_sent.opening.iss, 1 + u32::from(syn_sent.syn_data())) {
                syn_sent.on_path_mss(mss);
            }
            return;
        }
        let Some(open) = self.state.open_mut() else { return };
        if !quoted.within(open.send.una, open.send.flight_size()) {
            return;
        }
        // Segments of the present size did arrive: perhaps the report lies.
        let proven = open.send.bytes_acked >= u64::from(open.send.mss());
        if self.config.confirm_path_mtu && proven {
            open.send.hold_path_claim(mss, quoted);
        } else {
            open.limit_path_mss(mss);
        }
    }

    /// The retransmission timer ran out: if the segment that a report quoted is still missing, the report was right
    /// (RFC 5927 §7.2).
    pub(super) fn confirm_path_claim(&mut self) {
        if let Some(open) = self.state.open_mut()
            && let Some(mss) = open.send.take_path_claim()
        {
            open.limit_path_mss(mss);
        }
    }

    /// The host itself knows that the path takes segments of `mss` octets, more or fewer than before: an interface or a route
    /// changed, or what was known of the path is too old (RFC 1191 §6.3).
    pub fn set_path_mss(&mut self, mss: u16) {
        let mss = self.config.max_segment_size.map_or(mss, |most| mss.min(most));
        match &mut self.state {
            State::SynSent(syn_sent) => syn_sent.opening.path_mss = mss,
            state => {
                if let Some(open) = state.open_mut() {
                    let effective = open.negotiated.over(mss).effective_mss();
                    open.send.on_path_changed(effective);
                }
            }
        }
    }
}

impl Open {
    fn limit_path_mss(&mut self, mss: u16) {
        let effective = self.negotiated.over(mss).effective_mss();
        if u32::from(effective) < self.send.mss() {
            self.send.on_too_big(effective);
        }
    }
}
