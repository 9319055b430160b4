//! Packets that the script expects.

use super::flow::Flow;
use super::time::{Due, seconds, tolerance};
use super::world::to_micros;
use super::{Run, Stop, fail};
use crate::packet::{
    Actual, Addresses, Keys, compare, continues, join, show_actual, show_spec, verify,
};
use crate::script::{IpInfo, Micros, OptionSpec, TcpSpec};
use crate::verdict::Failure;

/// How long after its time a packet is waited for.
const LATENESS: Micros = 2_000_000;
/// How long a packet may take for which any time will do.
const ANY_TIME: Micros = 24 * 3_600_000_000;

impl Run<'_> {
    /// The next packet is this one.
    pub(super) fn expect(
        &mut self,
        line: u32,
        ip: IpInfo,
        spec: &TcpSpec,
        due: Due,
        before: Option<Micros>,
    ) -> Result<(), Stop> {
        let wanted = |at: &str| format!("{at} > {}", show_spec(ip, spec));
        let shown_due = if due.any { "*".to_owned() } else { seconds(due.at) };
        self.flow_mut().ok_or_else(|| fail(line, "no socket for this packet"))?.on_expected(spec);
        let limit = if due.any { self.world.micros() + ANY_TIME } else { due.latest() + LATENESS };
        let mut parts: Vec<Actual> = Vec::new();
        let mut signatures = Vec::new();
        let mut total = 0;
        let mut at;
        let found = loop {
            let sent = self.sniff(line, limit)?;
            let Some((when, actual)) = sent else {
                let message = if parts.is_empty() {
                    format!("nothing was sent until {} s", seconds(limit))
                } else {
                    format!("payload length: expected {}, actual {total}", spec.len)
                };
                let actual = parts.last().map(|part| show_actual(ip, part));
                return Err(Stop::Failed(Failure {
                    line,
                    message,
                    expected: Some(wanted(&shown_due)),
                    actual,
                }));
            };
            at = when;
            let flow = self
                .under_test
                .and_then(|index| self.flows.get_mut(index))
                .ok_or_else(|| fail(line, "no socket for this packet"))?;
            flow.on_sent(spec, &actual);
            let mut actual = actual;
            signatures.extend(verify_signature(flow, &self.calls.keys, spec, &mut actual).err());
            flow.translate_outbound(&mut actual.tcp);
            if let Some(last) = parts.last()
                && (!continues(last, &actual) || !is_same_size(last, &actual, spec.len, total))
            {
                let message = "the packet that should go on with this one does not".to_owned();
                let actual = Some(format!("{} > {}", seconds(at), show_actual(ip, &actual)));
                return Err(Stop::Failed(Failure {
                    line,
                    message,
                    expected: Some(wanted(&shown_due)),
                    actual,
                }));
            }
            total += u32::from(actual.tcp.len);
            parts.push(actual);
            // Where the script's packet is longer it stands for several, unless it is to be taken at its word.
            if total >= u32::from(spec.len) || self.settings.strict_segments {
                break join(&parts);
            }
        };
        let Some(mut actual) = found else {
            return Err(fail(line, "packets of more than 65,535 bytes together"));
        };
        let ticks = self.settings.tcp_ts_tick_usecs;
        let allowed = (ticks > 0).then(|| {
            let usecs = tolerance(due.at, self.settings).max(0) as u64;
            u32::try_from(usecs / u64::from(ticks)).unwrap_or(u32::MAX)
        });
        let flow = self.flow_mut().ok_or_else(|| fail(line, "no socket for this packet"))?;
        flow.timestamp_to_script(spec, &mut actual.tcp);
        let mut problems: Vec<String> =
            compare(ip, spec, &actual, allowed).iter().map(ToString::to_string).collect();
        problems.append(&mut signatures);
        problems.extend(flow.check_source(actual.source).err());
        problems.extend(flow.check_flow_label(ip.flow_label, actual.flow_label).err());
        problems.extend(due.check("the packet", at, before, self.settings).err());
        if problems.is_empty() {
            return Ok(());
        }
        let actual = Some(format!("{} > {}", seconds(at), show_actual(ip, &actual)));
        let message = problems.join("; ");
        Err(Stop::Failed(Failure { line, message, expected: Some(wanted(&shown_due)), actual }))
    }

    /// The next packet of the connection under test, time passing up to `limit` until there is one.
    fn sniff(&mut self, line: u32, limit: Micros) -> Result<Option<(Micros, Actual)>, Stop> {
        loop {
            while let Some(sent) = self.world.next_sent() {
                let at = to_micros(sent.at);
                let actual = sent.packet.map_err(|message| {
                    fail(line, format!("the stack sent {message} at {} s", seconds(at)))
                })?;
                if self.is_under_test(&actual) {
                    return Ok(Some((at, actual)));
                }
            }
            let stepped = self.world.step(limit).map_err(|message| fail(line, message))?;
            self.look_at_blocked()?;
            if !stepped {
                return Ok(None);
            }
        }
    }

    /// Packets of earlier sockets are nobody's concern, as with packetdrill.
    fn is_under_test(&mut self, actual: &Actual) -> bool {
        self.flow_mut().is_some_and(|flow| flow.owns(actual))
    }

    /// At the end of the script: every packet was expected.
    pub(super) fn nothing_more(&mut self, line: u32) -> Result<(), Stop> {
        while let Some(sent) = self.world.next_sent() {
            let at = seconds(to_micros(sent.at));
            let mut actual = sent
                .packet
                .map_err(|message| fail(line, format!("the stack sent {message} at {at} s")))?;
            if self.is_under_test(&actual) {
                if let Some(flow) = self.flow() {
                    flow.translate_outbound(&mut actual.tcp);
                }
                return Err(Stop::Failed(Failure {
                    line,
                    message: "after the last event there is one more packet".into(),
                    expected: None,
                    actual: Some(format!("{at} > {}", show_actual(IpInfo::default(), &actual))),
                }));
            }
        }
        Ok(())
    }
}

/// Whatever the script says of it, a signature of the stack is right, if there is a key.
fn verify_signature(
    flow: &Flow,
    keys: &Keys,
    spec: &TcpSpec,
    actual: &mut Actual,
) -> Result<(), String> {
    let addresses = Addresses { source: actual.source, destination: actual.destination };
    let isns = flow.isns_outbound(&actual.tcp);
    let mut verified = actual.tcp.clone();
    verify(addresses, &mut verified, &actual.payload, keys, isns)?;
    // Where the script has the octets themselves these are compared.
    let options = spec.options.iter().flatten();
    if options.clone().any(|option| matches!(option, OptionSpec::Signature { .. })) {
        actual.tcp = verified;
    }
    Ok(())
}

/// All parts but the last are of one size.
fn is_same_size(last: &Actual, next: &Actual, wanted: u16, so_far: u32) -> bool {
    let left = u32::from(wanted).saturating_sub(so_far);
    u32::from(next.tcp.len) >= left || next.tcp.len == last.tcp.len
}
