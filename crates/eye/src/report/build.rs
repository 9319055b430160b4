//! From a followed connection to its report.

use super::{
    Address, Blame, ChecksReport, CloseHow, CloseReport, ConnectionReport, DirectionReport,
    Finding, FindingCode, HandshakeReport, IcmpReport, Outcome, Retransmitted, Roles, Severity,
    States, StepReport, TimeWait,
};
use crate::judge::{Rule, Violation};
use crate::tracker::{Connection, Side, Step};

impl Connection {
    /// What is to be said of it.
    pub(crate) fn report(&self) -> ConnectionReport {
        let address = |side| {
            let endpoint = self.endpoint(side);
            Address { addr: endpoint.ip(), port: endpoint.port }
        };
        let ending = self.ending();
        let outcome = self.outcome();
        let time_wait = match self.in_time_wait() {
            [true, true] => Some(TimeWait::Both),
            [true, false] => Some(TimeWait::Client),
            [false, true] => Some(TimeWait::Server),
            [false, false] => None,
        };
        ConnectionReport {
            id: self.id(),
            file: None,
            client: address(Side::Client),
            server: address(Side::Server),
            roles: self.roles_inferred().then_some(Roles::Inferred),
            first: self.first(),
            last: self.last(),
            duration_s: self.last().since(self.first()).as_secs_f64(),
            handshake: self.handshake_report(outcome),
            state: States { client: self.state(Side::Client), server: self.state(Side::Server) },
            close: CloseReport {
                how: ending.how,
                by: ending.by,
                packet: ending.packet,
                simultaneous: self.closed_simultaneously(),
                time_wait,
            },
            icmp: self.icmp().map(|seen| IcmpReport {
                packet: seen.packet,
                kind: seen.error.kind.kind,
                code: seen.error.kind.code,
                text: seen.error.kind.to_string(),
                from: seen.error.from.ip(),
            }),
            to_server: self.direction(Side::Client),
            to_client: self.direction(Side::Server),
            findings: self.findings(outcome, ending.how),
        }
    }

    fn handshake_report(&self, outcome: Outcome) -> HandshakeReport {
        let handshake = self.handshake();
        let checks = handshake.checks;
        let seconds = |duration: Option<std::time::Duration>| duration.map(|d| d.as_secs_f64());
        HandshakeReport {
            outcome,
            syn: handshake.syn.map(StepReport::from),
            syn_ack: handshake.syn_ack.map(StepReport::from),
            ack: handshake.ack.map(StepReport::from),
            checks: ChecksReport {
                syn_ack_acks_syn: checks.syn_ack_acks_syn,
                ack_flag_set: checks.ack_flag_set,
                ack_acks_syn_ack: checks.ack_acks_syn_ack,
                seq_follows: checks.seq_follows,
            },
            rtt_s: seconds(handshake.rtt()),
            rtt_to_server_s: seconds(handshake.rtt_to_server()),
            rtt_to_client_s: seconds(handshake.rtt_to_client()),
        }
    }

    fn outcome(&self) -> Outcome {
        let handshake = self.handshake();
        if handshake.syn.is_none() {
            return Outcome::NotCaptured;
        }
        if self.is_synchronized(Side::Client) {
            return match handshake.simultaneous {
                true => Outcome::Simultaneous,
                false => Outcome::Established,
            };
        }
        match self.reset() {
            Some(reset) if reset.accepted && reset.by == Side::Server => return Outcome::Refused,
            Some(reset) if reset.by == Side::Client => return Outcome::Aborted,
            _ => {}
        }
        if handshake.syn_ack.is_some() {
            return Outcome::HalfOpen;
        }
        match self.icmp() {
            Some(icmp) if icmp.error.kind.is_unreachable() => Outcome::Filtered,
            _ => Outcome::Unanswered,
        }
    }

    fn direction(&self, side: Side) -> DirectionReport {
        let (end, peer) = (self.end(side), self.end(side.other()));
        let counters = &end.counters;
        DirectionReport {
            packets: counters.packets,
            wire_bytes: counters.wire_bytes,
            payload_bytes: counters.payload_bytes,
            unique_bytes: end.delivered(peer.acknowledges),
            retransmitted: Retransmitted {
                packets: counters.retransmitted_packets,
                bytes: counters.retransmitted_bytes,
                syn: counters.retransmitted_syn.into(),
                fin: counters.retransmitted_fin.into(),
            },
            out_of_order: counters.out_of_order,
            duplicates: counters.duplicates,
            not_captured: end.sequence.not_captured(),
            keep_alives: counters.keep_alives.into(),
            psh: counters.push,
            urg: counters.urgent.into(),
            checksum_bad: counters.checksum_bad.into(),
        }
    }

    fn findings(&self, outcome: Outcome, how: CloseHow) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.opening_finding(outcome));
        findings.extend(self.wrong_numbers());
        if how == CloseHow::Reset {
            findings.extend(self.reset_finding());
        }
        for side in [Side::Client, Side::Server] {
            findings.extend(self.corruption(side));
        }
        findings.extend(self.violations().iter().map(violation));
        findings
    }

    fn opening_finding(&self, outcome: Outcome) -> Option<Finding> {
        let handshake = self.handshake();
        let server = self.endpoint(Side::Server);
        let syn = handshake.syn?;
        let tries = syn.retransmissions + 1;
        let (code, severity, by, packets, text) = match outcome {
            Outcome::Refused => {
                let reset = self.reset()?;
                let text = format!("{server} refused the connection with a RST.");
                let packets = vec![syn.packet, reset.packet];
                (FindingCode::Refused, Severity::Note, Blame::Server, packets, text)
            }
            Outcome::Unanswered => {
                let times = if tries == 1 { "once" } else { &format!("{tries} times") };
                let text = format!("The SYN to {server} was sent {times} and never answered.");
                let packets = vec![syn.packet];
                (FindingCode::SynUnanswered, Severity::Warn, Blame::Network, packets, text)
            }
            Outcome::Filtered => {
                let icmp = self.icmp()?;
                let (from, kind) = (icmp.error.from.ip(), icmp.error.kind);
                let text = format!("{from} answered the SYN to {server} with ICMP: {kind}.");
                let packets = vec![syn.packet, icmp.packet];
                (FindingCode::SynFiltered, Severity::Warn, Blame::Middlebox, packets, text)
            }
            Outcome::HalfOpen => {
                let syn_ack = handshake.syn_ack?;
                let tries = syn_ack.retransmissions + 1;
                let text = format!(
                    "The server's SYN+ACK (sent {tries}×) was never acknowledged: the connection stayed half open."
                );
                (FindingCode::HalfOpen, Severity::Warn, Blame::Client, vec![syn_ack.packet], text)
            }
            _ => return None,
        };
        Some(Finding { code, severity, by, packets, text })
    }

    fn wrong_numbers(&self) -> Option<Finding> {
        let handshake = self.handshake();
        let checks = handshake.checks;
        if !checks.any_wrong() {
            return None;
        }
        let (syn_ack, ack) = (handshake.syn_ack, handshake.ack);
        let expected = |step: Option<Step>| step.map_or(0, |step| (step.seq + 1).0);
        let number = |step: Option<Step>| step.and_then(|step| step.ack).map_or(0, |ack| ack.0);
        let (by, packet, text) = if checks.syn_ack_acks_syn == Some(false) {
            let (is, due) = (number(syn_ack), expected(handshake.syn));
            let text = format!("The SYN+ACK acknowledges {is}; the client's SYN asks for {due}.");
            (Blame::Server, syn_ack?.packet, text)
        } else if checks.ack_flag_set == Some(false) {
            (Blame::Client, ack?.packet, "The client's answer to the SYN+ACK lacks ACK.".to_owned())
        } else if checks.ack_acks_syn_ack == Some(false) {
            let (is, due) = (number(ack), expected(syn_ack));
            let text =
                format!("The client acknowledges {is}; the server's SYN+ACK asks for {due}.");
            (Blame::Client, ack?.packet, text)
        } else {
            let (is, due) = (ack?.seq, expected(handshake.syn));
            let text = format!("The client goes on at {is}; its SYN promised {due}.");
            (Blame::Client, ack?.packet, text)
        };
        let (code, severity) = (FindingCode::HandshakeNumberWrong, Severity::Error);
        Some(Finding { code, severity, by, packets: vec![packet], text })
    }

    fn reset_finding(&self) -> Option<Finding> {
        let reset = self.reset()?;
        let sent = [Side::Client, Side::Server].map(|side| self.end(side).counters.payload_bytes);
        if sent == [0, 0] {
            return None;
        }
        let delivered = [Side::Client, Side::Server]
            .map(|side| self.end(side).delivered(self.end(side.other()).acknowledges));
        let text = format!(
            "The {} reset the connection after {} bytes to the server and {} to the client, without a FIN from either side.",
            reset.by.as_str(),
            delivered[0],
            delivered[1],
        );
        Some(Finding {
            code: FindingCode::ResetMidStream,
            severity: Severity::Warn,
            by: reset.by.into(),
            packets: vec![reset.packet],
            text,
        })
    }

    fn corruption(&self, side: Side) -> Option<Finding> {
        let bad = self.end(side).counters.checksum_bad;
        let at_sender = self.violations().iter().any(|found| found.rule == Rule::BadChecksum);
        (bad > 0 && !at_sender).then(|| Finding {
            code: FindingCode::Corruption,
            severity: Severity::Warn,
            by: Blame::Network,
            packets: Vec::new(),
            text: format!(
                "{bad} segments of the {} have a wrong checksum that offload does not explain; the receiver drops them.",
                side.as_str(),
            ),
        })
    }
}

fn violation(found: &Violation) -> Finding {
    let code = match found.rule {
        Rule::NoFlags => FindingCode::Null,
        Rule::ChristmasTree => FindingCode::ChristmasTree,
        Rule::SynFin => FindingCode::SynFin,
        _ => FindingCode::ProtocolViolation,
    };
    let severity = match (found.rule.is_advice(), found.certain) {
        (true, _) => Severity::Note,
        (_, false) => Severity::Warn,
        _ => Severity::Error,
    };
    let who = match found.by {
        Side::Client => "The client",
        Side::Server => "The server",
    };
    let times = if found.count == 1 { String::new() } else { format!(" ({} times)", found.count) };
    let doubt = if found.certain { "" } else { ", unless the capture missed packets" };
    let rule = found.rule;
    Finding {
        code,
        severity,
        by: found.by.into(),
        packets: found.packets.to_vec(),
        text: format!("{who}: {rule}{times}{doubt}."),
    }
}

impl From<Step> for StepReport {
    fn from(step: Step) -> Self {
        Self {
            packet: step.packet,
            seq: step.seq.0,
            ack: step.ack.map(|ack| ack.0),
            retransmissions: step.retransmissions.into(),
        }
    }
}
