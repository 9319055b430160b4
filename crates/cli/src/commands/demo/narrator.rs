//! The story, line by line while it happens.

use crate::terminal::{BAD, DIM, GOOD, HEADING, styled};
use crate::units;
use indicatif::ProgressBar;
use sockeye_sim::story::Header;
use sockeye_sim::{NodeId, Phase, Progress, Scenario, Step, StepKind};
use sockeye_wire::{Instant, SeqNumber, StateName};
use std::io::{self, Write};

/// Width of a packet's line up to the states.
const PACKET_WIDTH: usize = 56;

/// Writes what happens. Lines that cannot be written end the story; [`end`](Self::end) says why.
pub(super) struct Narrator<W: Write> {
    out: W,
    bar: ProgressBar,
    phase: Option<Phase>,
    ends: [End; 2],
    error: Option<io::Error>,
}

/// What an end has said of itself.
#[derive(Clone, Copy, Default)]
struct End {
    isn: Option<SeqNumber>,
    fin: Option<SeqNumber>,
    time_wait_since: Option<Instant>,
}

pub(super) fn name(node: NodeId) -> &'static str {
    if node.0 == 0 { "A" } else { "B" }
}

pub(super) fn other(node: NodeId) -> &'static str {
    name(NodeId(1 - node.0.min(1)))
}

impl<W: Write> Narrator<W> {
    pub(super) fn new(out: W, bar: ProgressBar) -> Self {
        Self { out, bar, phase: None, ends: Default::default(), error: None }
    }

    pub(super) fn begin(&mut self, scenario: &Scenario) -> io::Result<()> {
        let mut trouble = Vec::new();
        for (what, probability) in [
            ("loses", scenario.loss),
            ("reorders", scenario.reorder),
            ("duplicates", scenario.duplicate),
        ] {
            if probability > 0.0 {
                trouble.push(format!("{what} {} %", round(probability * 100.0)));
            }
        }
        let trouble = if trouble.is_empty() {
            "loses nothing".to_owned()
        } else {
            format!("{} of all packets", trouble.join(", "))
        };
        let rate =
            scenario.rate_bps.map_or("unlimited rate".to_owned(), |bps| units::rate(bps as f64));
        writeln!(
            self.out,
            "A (10.0.0.1) connects to B (10.0.0.2) over a network that takes {:?} there and back, has {rate}, and {trouble}. Seed {}.",
            scenario.rtt, scenario.seed,
        )
    }

    /// The story is over.
    pub(super) fn end(self) -> io::Result<()> {
        self.error.map_or(Ok(()), Err)
    }

    fn line(&mut self, text: &str) {
        if self.error.is_none()
            && let Err(error) = writeln!(self.out, "{text}")
        {
            self.error = Some(error);
        }
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase.replace(phase) != Some(phase) {
            let heading = match phase {
                Phase::Handshake => {
                    "Handshake: each end tells its number and acknowledges the other's"
                }
                Phase::Transfer => "Transfer",
                Phase::Close => {
                    "Close: each end says that it has no more to send, and the other acknowledges it"
                }
            };
            self.line(&format!("\n{}", styled(HEADING, heading)));
        }
    }

    fn sent(&mut self, step: &Step, header: &Header, again: bool, copies: usize) {
        let (own, peer) = (name(step.node), other(step.node));
        let end = &mut self.ends[step.node.0.min(1)];
        if header.flags.syn() {
            end.isn = Some(header.seq);
        }
        if header.flags.fin() {
            end.fin = Some(header.seq + header.payload_len as u32);
        }
        let flags = header.flags.names().collect::<Vec<_>>().join(",");
        let mut packet = format!("  {own} → {peer}  {flags:<8} seq={}", header.seq.0);
        if header.flags.ack() {
            packet.push_str(&format!(" ack={}", header.ack.0));
        }
        let mut notes = Vec::new();
        if step.changes_state() {
            notes.push(format!("{own}: {} → {}", step.before, step.after));
        }
        if again {
            notes.push("(again)".to_owned());
        }
        match copies {
            0 => notes.push(styled(BAD, "✗ lost")),
            1 => {}
            _ => notes.push(styled(DIM, "arrives twice")),
        }
        let line = format!("{packet:<PACKET_WIDTH$}{}", notes.join(" "));
        self.line(line.trim_end());
    }

    /// What an end makes of a packet: told where it changes the end's state.
    fn received(&mut self, step: &Step, header: &Header) {
        if !step.changes_state() {
            return;
        }
        let own = name(step.node);
        let checks = self.checks(step, header);
        let move_to = format!("{own}: {} → {}", step.before, step.after);
        if checks.is_empty() {
            let what = format!(
                "         {own} takes note of {}'s number {}",
                other(step.node),
                header.seq.0
            );
            self.line(&format!("{what:<PACKET_WIDTH$}{move_to}"));
        } else {
            let checks: Vec<_> = checks.iter().map(Check::text).collect();
            self.line(&format!("         {own} checks: {} → {}", checks.join(", "), step.after));
        }
    }

    fn checks(&self, step: &Step, header: &Header) -> Vec<Check> {
        let own = &self.ends[step.node.0.min(1)];
        let peer = &self.ends[1 - step.node.0.min(1)];
        let mut checks = Vec::new();
        let is_opening = matches!(step.before, StateName::SynSent | StateName::SynReceived);
        if is_opening && let Some(isn) = own.isn {
            checks.push(Check::follows("ack", header.ack, isn));
            if let Some(peers) = peer.isn.filter(|_| !header.flags.syn()) {
                checks.push(Check::follows("seq", header.seq, peers));
            }
            checks.push(Check { text: "ACK is set".to_owned(), holds: header.flags.ack() });
        } else if !is_opening && step.before != StateName::Listen {
            if let Some(fin) = own.fin {
                checks.push(Check::follows("ack", header.ack, fin));
            }
            if header.flags.fin() {
                checks.push(Check { text: "FIN is set".to_owned(), holds: true });
            }
        }
        checks
    }

    fn timed_out(&mut self, step: &Step) {
        let own = name(step.node);
        let since = self.ends[step.node.0.min(1)].time_wait_since.unwrap_or(step.time);
        let waited = step.time.since(since).as_secs();
        let what = format!("         {own} has waited {waited} s (2·MSL) for late packets");
        self.line(&format!("{what:<PACKET_WIDTH$}{own}: {} → {}", step.before, step.after));
    }
}

impl<W: Write> Progress for Narrator<W> {
    fn step(&mut self, phase: Phase, step: &Step) {
        self.enter(phase);
        if step.after == StateName::TimeWait {
            self.ends[step.node.0.min(1)].time_wait_since = Some(step.time);
        }
        match &step.kind {
            StepKind::Sent { header, again, copies } => self.sent(step, header, *again, *copies),
            StepKind::Received { header } => self.received(step, header),
            StepKind::TimedOut => self.timed_out(step),
        }
    }

    fn transferred(&mut self, bytes: u64) {
        self.enter(Phase::Transfer);
        self.bar.set_position(bytes);
    }

    fn compared(&mut self, bytes: u64, sent: u64, received: u64) {
        self.bar.finish_and_clear();
        self.line(&format!("  A wrote octets with the hash     {sent:016x} (XXH3)"));
        let verdict = if sent == received {
            styled(GOOD, "✓ the same")
        } else {
            styled(BAD, "✗ another")
        };
        let bytes = units::counted(bytes, "octet");
        self.line(&format!("  B read {bytes} with the hash {received:016x} {verdict}"));
    }
}

/// A check that an end makes.
struct Check {
    text: String,
    holds: bool,
}

impl Check {
    /// `number` is the one after `before`.
    fn follows(field: &str, number: SeqNumber, before: SeqNumber) -> Self {
        let holds = number == before + 1;
        let is = if holds { "=" } else { "≠" };
        Self { text: format!("{field} {} {is} {} + 1", number.0, before.0), holds }
    }

    fn text(&self) -> String {
        let mark = if self.holds { styled(GOOD, "✓") } else { styled(BAD, "✗") };
        format!("{} {mark}", self.text)
    }
}

/// Without the noise of binary fractions.
fn round(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}
