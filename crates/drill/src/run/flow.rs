//! A connection as the script sees it, and as the wire does: addresses, sequence numbers, timestamps.

use crate::packet::{Actual, Isns};
use crate::script::{OptionSpec, TcpSpec};
use crate::settings::Settings;
use sockeye_posix::Fd;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// How far the script has come with a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    New,
    Listening,
    /// `connect` was called.
    Connecting,
    /// The script expects, or has seen, the SYN.
    SynSent,
    /// The peer has answered.
    Connected,
    /// A listener's child: the script sent its first packet.
    Received,
    /// The SYN-ACK is expected, or was seen.
    SynAckSent,
    /// The handshake's last ACK was sent.
    Accepted,
}

/// What of a local end is known before the SYN shows it: what the socket was bound to, or the host's only address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Own {
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

/// A socket of the script with the connection behind it.
///
/// Numbers of segments with SYN are absolute in a script, all others count from the SYN, as tcpdump shows them.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) stage: Stage,
    /// The stack's descriptor, once there is one.
    pub(super) fd: Option<Fd>,
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: Option<SocketAddr>,
    /// Where our SYN must come from, as far as that is known; of a listener's child everything is.
    own: Own,
    script_local_isn: u32,
    live_local_isn: u32,
    remote_isn: u32,
    /// Sequence number of the last SYN that the script sent: a new connection may begin with it.
    last_syn: u32,
    /// Timestamps sent, from the script's value to the wire's.
    timestamps: BTreeMap<u32, u32>,
    /// The first of them: all others are compared by their distance from it.
    first_timestamp: Option<(u32, u32)>,
    flow_label: Option<(u32, u32)>,
}

impl Flow {
    pub(super) const fn new(fd: Option<Fd>) -> Self {
        Self {
            stage: Stage::New,
            fd,
            local: None,
            remote: None,
            own: Own { address: None, port: None },
            script_local_isn: 0,
            live_local_isn: 0,
            remote_isn: 0,
            last_syn: 0,
            timestamps: BTreeMap::new(),
            first_timestamp: None,
            flow_label: None,
        }
    }

    /// A listener's child, made by an inbound packet.
    pub(super) fn child(settings: &Settings, remote: SocketAddr, tcp: &TcpSpec) -> Self {
        let mut flow = Self::new(None);
        flow.stage = Stage::Received;
        flow.local = Some(settings.bind_address());
        flow.remote = Some(remote);
        flow.remote_isn = tcp.seq;
        flow.last_syn = tcp.seq;
        flow
    }

    /// `connect` is called.
    pub(super) fn connect(&mut self, own: Own, remote: SocketAddr) {
        self.stage = Stage::Connecting;
        self.local = None;
        self.remote = Some(remote);
        self.own = own;
    }

    /// Whether the connection is from where it must be (RFC 9293 MUST-43, MUST-44).
    pub(super) fn check_source(&self, source: SocketAddr) -> Result<(), String> {
        let address = self.own.address.unwrap_or(source.ip());
        let expected = SocketAddr::new(address, self.own.port.unwrap_or(source.port()));
        if source == expected {
            return Ok(());
        }
        Err(format!("source: expected {expected}, actual {source}"))
    }

    /// The script expects this packet next.
    pub(super) fn on_expected(&mut self, tcp: &TcpSpec) {
        let (syn, ack) = (tcp.flags.syn(), tcp.flags.ack());
        // A SYN-ACK with a number of its own: the listener has begun a new connection between the same ends.
        let anew = matches!(self.stage, Stage::SynAckSent | Stage::Accepted)
            && tcp.seq != self.script_local_isn;
        if anew && syn && ack {
            self.stage = Stage::Received;
            self.remote_isn = self.last_syn;
            self.fd = None;
        }
        if self.stage == Stage::Connecting && syn && !ack {
            self.stage = Stage::SynSent;
            self.script_local_isn = tcp.seq;
        } else if self.stage == Stage::Received && syn && ack {
            self.script_local_isn = tcp.seq;
        }
    }

    /// Whether the stack's packet belongs to this connection; learns from the first one.
    pub(super) fn owns(&mut self, actual: &Actual) -> bool {
        if self.local == Some(actual.source) && self.remote == Some(actual.destination) {
            return true;
        }
        let flags = actual.tcp.flags;
        let opens = matches!(self.stage, Stage::SynSent | Stage::Connecting)
            && flags.syn()
            && !flags.ack()
            && self.local.is_none()
            && self.remote == Some(actual.destination);
        if opens {
            self.local = Some(actual.source);
            self.live_local_isn = actual.tcp.seq;
        }
        opens
    }

    /// The stack sent this packet where the script expects `expected`.
    pub(super) fn on_sent(&mut self, expected: &TcpSpec, actual: &Actual) {
        if self.stage == Stage::Received && expected.flags.syn() && expected.flags.ack() {
            self.stage = Stage::SynAckSent;
            self.live_local_isn = actual.tcp.seq;
        }
    }

    /// From the wire's sequence numbers to the script's.
    pub(super) fn translate_outbound(&self, tcp: &mut TcpSpec) {
        let syn = tcp.flags.syn();
        tcp.seq = tcp.seq.wrapping_sub(self.local_offset(syn));
        let remote = if syn { 0 } else { self.remote_isn };
        if tcp.flags.ack() {
            tcp.ack = tcp.ack.wrapping_sub(remote);
        }
        move_sack(tcp, remote.wrapping_neg());
    }

    /// Remembers the timestamp sent and puts it into the script's numbers, if the script expects one.
    pub(super) fn timestamp_to_script(&mut self, expected: &TcpSpec, actual: &mut TcpSpec) {
        let Some((expected, _)) = timestamps(expected) else { return };
        let Some(OptionSpec::Timestamps { val, .. }) = find_timestamps(actual) else { return };
        self.timestamps.insert(expected, *val);
        let (first_script, first_live) = *self.first_timestamp.get_or_insert((expected, *val));
        *val = first_script.wrapping_add(val.wrapping_sub(first_live));
    }

    /// From the script's numbers to the wire's, for a packet to the stack.
    ///
    /// # Errors
    /// A message, if the packet echoes a timestamp that was never sent.
    pub(super) fn translate_inbound(
        &mut self,
        tcp: &mut TcpSpec,
        settings: &Settings,
    ) -> Result<(), String> {
        let flags = tcp.flags;
        if self.stage == Stage::SynAckSent && flags.ack() {
            self.stage = Stage::Accepted;
        } else if self.stage == Stage::SynSent && flags.syn() {
            self.remote_isn = tcp.seq;
            if flags.ack() {
                self.stage = Stage::Connected;
            }
        }
        let syn = flags.syn();
        if syn {
            self.last_syn = tcp.seq;
        }
        let local = self.local_offset(syn);
        tcp.seq = tcp.seq.wrapping_add(if syn { 0 } else { self.remote_isn });
        if flags.ack() {
            tcp.ack = tcp.ack.wrapping_add(local);
        }
        move_sack(tcp, local);
        if flags.ack()
            && let Some(OptionSpec::Timestamps { ecr, .. }) = find_timestamps(tcp)
        {
            *ecr = match (self.timestamps.get(ecr), self.first_timestamp) {
                (Some(live), _) => *live,
                (None, Some((script, live))) if settings.tcp_ts_ecr_scaled => {
                    ecr.wrapping_sub(script).wrapping_add(live)
                }
                _ => {
                    return Err(format!(
                        "no packet with the timestamp {ecr} was sent that could be echoed"
                    ));
                }
            };
        }
        Ok(())
    }

    /// What a segment of the stack is signed with besides the keys (RFC 5925 §5.2); `tcp` is in the wire's numbers.
    pub(super) const fn isns_outbound(&self, tcp: &TcpSpec) -> Isns {
        isns(tcp, self.live_local_isn, self.remote_isn)
    }

    /// The same of a segment to the stack.
    pub(super) const fn isns_inbound(&self, tcp: &TcpSpec) -> Isns {
        isns(tcp, self.remote_isn, self.live_local_isn)
    }

    /// The sequence number of our SYN on the wire; 0 before it was sent.
    pub(super) const fn local_isn(&self) -> u32 {
        self.live_local_isn
    }

    /// A quoted segment's sequence number on the wire.
    pub(super) const fn quoted_seq(&self, seq: u32) -> u32 {
        seq.wrapping_add(self.live_local_isn)
    }

    /// Whether a flow label is as expected: equal ones in the script are equal on the wire, different ones differ.
    pub(super) fn check_flow_label(&mut self, expected: u32, actual: u32) -> Result<(), String> {
        if expected == 0 {
            return Ok(());
        }
        if actual == 0 {
            return Err("flow label: expected one, actual 0".into());
        }
        let (script, live) = *self.flow_label.get_or_insert((expected, actual));
        if (script == expected) != (live == actual) {
            let should =
                if script == expected { "the same as before" } else { "another than before" };
            return Err(format!("flow label: expected {should}, actual {actual:#x}"));
        }
        self.flow_label = Some((expected, actual));
        Ok(())
    }

    const fn local_offset(&self, syn: bool) -> u32 {
        if syn {
            self.live_local_isn.wrapping_sub(self.script_local_isn)
        } else {
            self.live_local_isn
        }
    }
}

const fn isns(tcp: &TcpSpec, source: u32, destination: u32) -> Isns {
    if tcp.flags.syn() && !tcp.flags.ack() {
        return Isns { source: tcp.seq, destination: 0 };
    }
    Isns { source, destination }
}

fn move_sack(tcp: &mut TcpSpec, offset: u32) {
    for option in tcp.options.iter_mut().flatten() {
        if let OptionSpec::Sack(blocks) = option {
            for (left, right) in blocks {
                *left = left.wrapping_add(offset);
                *right = right.wrapping_add(offset);
            }
        }
    }
}

fn find_timestamps(tcp: &mut TcpSpec) -> Option<&mut OptionSpec> {
    tcp.options.iter_mut().flatten().find(|option| matches!(option, OptionSpec::Timestamps { .. }))
}

fn timestamps(tcp: &TcpSpec) -> Option<(u32, u32)> {
    tcp.options.iter().flatten().find_map(|option| match option {
        OptionSpec::Timestamps { val, ecr } => Some((*val, *ecr)),
        _ => None,
    })
}
