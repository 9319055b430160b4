//! ICMP received: echo answered, errors obeyed (RFC 9293 MUST-54).

use super::Host;
use super::ingress::Datagram;
use super::open::endpoints_of;
use crate::demux::Target;
use sockeye_tcp::{Endpoints, IcmpError};
use sockeye_wire::icmp::{ErrorKind, IcmpHeader, IcmpView, Quoted};
use sockeye_wire::ndp;
use sockeye_wire::{Instant, StateName};

impl Host {
    pub(super) fn on_icmp_v4(&mut self, now: Instant, datagram: &mut Datagram<'_>) {
        let bytes = datagram.transport();
        match IcmpView::parse_v4(&bytes) {
            Some(message) => self.on_icmp(now, datagram, message),
            None => self.counters.dropped_checksum += 1,
        }
    }

    pub(super) fn on_icmp_v6(&mut self, now: Instant, datagram: &mut Datagram<'_>) {
        let bytes = datagram.transport();
        let (source, destination) = (datagram.ip.source, datagram.ip.destination);
        match IcmpView::parse_v6(source, destination, &bytes) {
            // Neighbour discovery has its own rules about addresses.
            Some(IcmpView::Other {
                kind: kind @ (ndp::SOLICITATION | ndp::ADVERTISEMENT),
                code,
                body,
            }) => self.on_ndp(now, datagram, kind, code, body),
            Some(message) => self.on_icmp(now, datagram, message),
            None => self.counters.dropped_checksum += 1,
        }
    }

    fn on_icmp(&mut self, now: Instant, datagram: &mut Datagram<'_>, message: IcmpView<'_>) {
        if !self.is_for_us(datagram) {
            return;
        }
        match message {
            IcmpView::EchoRequest { token, data } => {
                self.counters.echoes_answered += 1;
                let header = IcmpHeader::echo_reply(datagram.ip.source, token);
                self.send_icmp(now, datagram, header, bytes::Bytes::copy_from_slice(data));
            }
            IcmpView::Error { kind, quoted } => {
                let quoted = Quoted::parse(quoted);
                let is_about_tcp = quoted.as_ref().is_none_or(Quoted::is_tcp);
                if !is_about_tcp && self.keep_stray(datagram) {
                    return;
                }
                if let Some(quoted) = quoted.as_ref().filter(|quoted| quoted.is_tcp())
                    && self.misplace(datagram, &quoted_ends(datagram, quoted))
                {
                    return;
                }
                let obeyed =
                    quoted.is_some_and(|quoted| self.on_icmp_error(now, datagram, kind, &quoted));
                if obeyed {
                    self.counters.icmp_errors_obeyed += 1;
                } else {
                    self.counters.icmp_errors_ignored += 1;
                }
            }
            IcmpView::EchoReply { .. } | IcmpView::Other { .. } => {
                if self.keep_stray(datagram) {
                    return;
                }
                self.counters.dropped_unwanted += 1;
            }
        }
    }

    /// Whether the error was about a segment of ours that is in the network (RFC 5927 §4).
    fn on_icmp_error(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        kind: ErrorKind,
        quoted: &Quoted,
    ) -> bool {
        if !quoted.is_tcp() {
            return false;
        }
        let index = match self.quoted_target(datagram, quoted) {
            Some(Target::Connection(index)) => index,
            Some(Target::HalfOpen(index)) => {
                return self.on_half_open_error(now, index, kind, quoted);
            }
            _ => return false,
        };
        if self.is_icmp_distrusted(index, kind) {
            return false;
        }
        if let ErrorKind::PacketTooBig { mtu } = kind {
            return self.on_too_big(now, index, quoted, mtu);
        }
        let Some(error) = meaning(kind) else { return false };
        self.tell_connection(now, index, error, quoted);
        true
    }

    pub(super) fn tell_connection(
        &mut self,
        now: Instant,
        index: u32,
        error: IcmpError,
        quoted: &Quoted,
    ) {
        if let Some(record) = self.connections.at_mut(index) {
            let before = record.connection.buffered();
            record.connection.on_icmp(error, quoted.seq);
            // What Fast Open opened and nobody has accepted is half open as well; whoever accepts it learns why it is not any more.
            if self.config.policy.soft_errors_end_half_open
                && record.to_accept
                && record.connection.state() == StateName::SynReceived
                && let Some(error) = record.connection.soft_error()
            {
                record.connection.on_unreachable(error);
            }
            self.budget.changed(before, record.connection.buffered());
            self.changed(now, index);
        }
    }

    /// The client of a half-open connection cannot be reached. Hard errors end it (RFC 9293 SHLD-26); of soft ones there is nobody
    /// to tell (MUST-56).
    fn on_half_open_error(
        &mut self,
        now: Instant,
        index: u32,
        kind: ErrorKind,
        quoted: &Quoted,
    ) -> bool {
        let Some(record) = self.half_open.at(index) else { return false };
        if record.half_open.iss() != quoted.seq {
            return false;
        }
        // Nothing of a SYN-ACK can be made smaller, but the connection will know.
        if let ErrorKind::PacketTooBig { mtu } = kind {
            let remote = record.ends.get().remote;
            let Some(hop) = self.network.hop(remote) else { return false };
            let narrower = self.narrower(now, remote.ip(), &hop, quoted, mtu);
            return narrower.is_some_and(|mtu| self.network.paths.set(now, remote.ip(), mtu));
        }
        let even_soft = self.config.policy.soft_errors_end_half_open;
        let ends = meaning(kind).is_some_and(|error| even_soft || error.is_hard());
        if ends {
            self.forget_half_open(index);
        }
        ends
    }

    fn quoted_target(&self, datagram: &Datagram<'_>, quoted: &Quoted) -> Option<Target> {
        let endpoints = quoted_ends(datagram, quoted);
        self.find(self.demux.hash(&endpoints), &endpoints)
    }
}

/// The name of the connection that an error is about.
fn quoted_ends(datagram: &Datagram<'_>, quoted: &Quoted) -> Endpoints {
    endpoints_of(
        datagram.interface,
        (quoted.source, quoted.source_port),
        (quoted.destination, quoted.destination_port),
    )
}

/// What a connection makes of an error; a source quench says nothing to TCP (RFC 9293 MUST-55, RFC 6633), and what a report of a
/// packet too big means depends on the path.
const fn meaning(kind: ErrorKind) -> Option<IcmpError> {
    Some(match kind {
        ErrorKind::NetworkUnreachable => IcmpError::NetworkUnreachable,
        ErrorKind::HostUnreachable => IcmpError::HostUnreachable,
        ErrorKind::ProtocolUnreachable => IcmpError::ProtocolUnreachable,
        ErrorKind::PortUnreachable => IcmpError::PortUnreachable,
        ErrorKind::Prohibited => IcmpError::AdministrativelyProhibited,
        ErrorKind::TimeExceeded => IcmpError::TimeExceeded,
        ErrorKind::ParameterProblem => IcmpError::ParameterProblem,
        ErrorKind::SourceQuench | ErrorKind::PacketTooBig { .. } => return None,
    })
}
