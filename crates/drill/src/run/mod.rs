//! A script, run: events in order, in virtual time.

mod calls;
mod flow;
mod needs;
mod outbound;
mod symbols;
mod time;
mod world;

use crate::code::{self, Names, Value as CodeValue};
use crate::command::{Effect, interpret};
use crate::packet::{Addresses, icmp_packet, sign, tcp_packet};
use crate::script::{
    Action, Body, CallSpec, Direction, Event, EventTime, IcmpSpec, IpInfo, Micros, PacketSpec,
    Script, TcpSpec,
};
use crate::settings::{IpVersion, Settings};
use crate::verdict::{Failure, Report, Verdict};
use calls::{Calls, Waiting};
use flow::{Flow, Stage};
use sockeye_posix::Sysctls;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use time::Due;
use world::World;

/// The other end's port for the first connection that it opens; further ones count up.
const FIRST_REMOTE_PORT: u16 = 40_000;
/// How long a call that is not said to block, or one before another, may block.
const CALL_PATIENCE: Micros = 600_000_000;
/// How long a blocking call is waited for when the next one comes.
const OVERLAP_PATIENCE: Micros = 1_000_000;

/// Reads and runs the script in `text`; `path` is shown in messages. Its own `--option` lines go over `settings`.
#[must_use]
pub fn run_text(path: impl AsRef<Path>, text: &str, settings: &Settings) -> Report {
    let (path, version) = (path.as_ref(), settings.version);
    let failed = |line, message: String| {
        Report::new(path, version, Verdict::Failed(Failure::new(line, message)))
    };
    let mut settings = settings.clone();
    // The script's own version of IP decides what some names stand for.
    let options = match Script::parse_with(path, text, &settings.names()) {
        Ok(script) => script.options,
        Err(error) => return failed(error.line, error.message),
    };
    for option in &options {
        if let Err(error) = settings.apply(option) {
            return failed(option.line, error.to_string());
        }
    }
    match Script::parse_with(path, text, &settings.names()) {
        Ok(script) => run(&script, &settings),
        Err(error) => failed(error.line, error.message),
    }
}

/// Runs a script; `settings` are those of [`run_text`] with the script's own options applied.
#[must_use]
pub fn run(script: &Script, settings: &Settings) -> Report {
    let mut report = Report::new(&script.path, settings.version, Verdict::Passed);
    if let Some(need) = needs::foreign(script) {
        report.verdict = Verdict::Skipped(need.into());
        return report;
    }
    let six = settings.version == IpVersion::V6;
    if [settings.local_address(), settings.remote_address()]
        .iter()
        .any(|address| address.is_ipv6() != six)
    {
        let message =
            format!("--local_ip and --remote_ip are not addresses of {}", settings.version.name());
        report.verdict = Verdict::Failed(Failure::new(1, message));
        return report;
    }
    let outcome = match Run::new(script, settings) {
        Ok(mut run) => {
            let init = script.init.as_ref();
            let outcome = init
                .map_or(Ok(()), |init| run.command(init.line, &init.text))
                .and_then(|()| run.events());
            report.warnings.append(&mut run.warnings);
            report.printed.append(&mut run.printed);
            report.packets = run.world.take_trace();
            outcome
        }
        Err(message) => Err(fail(1, message)),
    };
    match outcome {
        Ok(()) => {}
        Err(Stop::Failed(failure)) => report.verdict = Verdict::Failed(failure),
        Err(Stop::Skipped(reason)) => report.verdict = Verdict::Skipped(reason),
    }
    report
}

/// Why a run ends before its script does.
enum Stop {
    Failed(Failure),
    Skipped(String),
}

/// A run under way.
struct Run<'a> {
    script: &'a Script,
    settings: &'a Settings,
    kernel: Sysctls,
    world: World,
    calls: Calls,
    /// All sockets that the script has made, and listeners' children.
    flows: Vec<Flow>,
    /// The one that packets are for: the last one made, as with packetdrill.
    under_test: Option<usize>,
    /// The one blocking call.
    blocked: Option<Blocked<'a>>,
    names: Names,
    next_port: u16,
    /// The last packet that was handed over is not the last one of a batch.
    batch_is_open: bool,
    warnings: Vec<String>,
    printed: Vec<String>,
}

/// A blocking call under way.
struct Blocked<'a> {
    line: u32,
    spec: &'a CallSpec,
    end: Due,
    before: Option<Micros>,
    waiting: Waiting,
}

impl<'a> Run<'a> {
    fn new(script: &'a Script, settings: &'a Settings) -> Result<Self, String> {
        let mut kernel = Sysctls::default();
        // Linux has no name for it.
        Arc::make_mut(&mut kernel.tcp).advertised_user_timeout =
            settings.advertised_user_timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Ok(Self {
            script,
            settings,
            world: World::new(settings, &kernel)?,
            kernel,
            calls: Calls::new(settings),
            flows: Vec::new(),
            under_test: None,
            blocked: None,
            names: symbols::code_names(),
            next_port: FIRST_REMOTE_PORT,
            batch_is_open: false,
            warnings: Vec::new(),
            printed: Vec::new(),
        })
    }

    fn events(&mut self) -> Result<(), Stop> {
        let script = self.script;
        let mut before: Option<(&Event, Due)> = None;
        for (index, event) in script.events.iter().enumerate() {
            let next = script.events.get(index + 1);
            let more_follow = self.settings.inbound_batches && next.is_some_and(is_at_once);
            let due = self.due(event, before).map_err(|message| fail(event.line, message))?;
            let last = before.map(|(_, due)| due.at);
            self.event(event, due, last, more_follow)?;
            before = Some((event, due));
        }
        self.finish(before.map_or(0, |(_, due)| due.at))
    }

    fn due(&self, event: &Event, before: Option<(&Event, Due)>) -> Result<Due, String> {
        // Inbound packets in a row are timed from each other, not from when they were handed over.
        let anchored = |event: &Event| matches!(&event.action, Action::Packet(packet) if packet.direction == Direction::Inbound);
        let from = match before {
            Some((last, due)) if anchored(last) && anchored(event) => due.at,
            _ => self.world.micros(),
        };
        let due = Due::new(event.time, from);
        let absolute =
            |time: EventTime| matches!(time, EventTime::Absolute(_) | EventTime::AbsoluteRange(..));
        match before {
            None if due.at != 0 => Err("the first event is at time 0".into()),
            Some((last, last_due))
                if absolute(last.time) && absolute(event.time) && due.at < last_due.at =>
            {
                Err("time goes backward".into())
            }
            _ => Ok(due),
        }
    }

    fn event(
        &mut self,
        event: &'a Event,
        due: Due,
        before: Option<Micros>,
        more_follow: bool,
    ) -> Result<(), Stop> {
        let line = event.line;
        match &event.action {
            Action::Packet(packet) => match (packet.direction, &packet.body) {
                (Direction::Outbound, Body::Tcp(tcp)) => {
                    self.expect(line, packet.ip, tcp, due, before)
                }
                (Direction::Outbound, Body::Icmp(_)) => {
                    Err(fail(line, "unsupported: outbound ICMP"))
                }
                (Direction::Inbound, _) => {
                    if !self.batch_is_open {
                        self.wait(line, "an inbound packet", due, before)?;
                    }
                    self.batch_is_open = more_follow;
                    self.inbound(packet).map_err(|message| fail(line, message))?;
                    self.look_at_blocked()
                }
            },
            Action::Call(call) => self.call(line, call, event.time, due, before),
            Action::Command(text) => {
                self.wait(line, "a command", due, before)?;
                self.command(line, text)
            }
            Action::Code(text) => {
                self.wait(line, "code", due, before)?;
                self.code(text).map_err(|message| fail(line, message))
            }
        }
    }

    /// Lets time pass until an event is due.
    fn wait(
        &mut self,
        line: u32,
        what: &str,
        due: Due,
        before: Option<Micros>,
    ) -> Result<(), Stop> {
        self.pass(line, due.at)?;
        if before.is_some() {
            due.check(what, self.world.micros(), before, self.settings)
                .map_err(|message| fail(line, message))?;
        }
        Ok(())
    }

    fn pass(&mut self, line: u32, until: Micros) -> Result<(), Stop> {
        self.world.advance(until).map_err(|message| fail(line, message))?;
        self.look_at_blocked()
    }

    fn inbound(&mut self, packet: &PacketSpec) -> Result<(), String> {
        let bytes = match &packet.body {
            Body::Tcp(tcp) => self.inbound_tcp(packet.ip, tcp)?,
            Body::Icmp(icmp) => self.inbound_icmp(packet.ip, icmp)?,
        };
        self.world.inject(bytes, self.batch_is_open);
        Ok(())
    }

    fn inbound_tcp(&mut self, ip: IpInfo, spec: &TcpSpec) -> Result<Vec<u8>, String> {
        if self.flow().is_none_or(|flow| flow.stage == Stage::Listening) {
            let remote = SocketAddr::new(self.settings.remote_address(), self.next_port);
            self.next_port = self.next_port.wrapping_add(1);
            self.flows.push(Flow::child(self.settings, remote, spec));
            self.under_test = Some(self.flows.len() - 1);
        }
        let settings = self.settings;
        let flow = self.flow_mut().ok_or("no socket for this packet")?;
        let mut tcp = spec.clone();
        flow.translate_inbound(&mut tcp, settings)?;
        let mut addresses = addresses(flow, settings);
        if let Some((source, destination)) = spec.ports {
            for (address, port) in
                [(&mut addresses.source, source), (&mut addresses.destination, destination)]
            {
                if port != 0 {
                    address.set_port(port);
                }
            }
        }
        let isns = flow.isns_inbound(&tcp);
        sign(addresses, &mut tcp, &self.calls.keys, isns)?;
        Ok(tcp_packet(addresses, ip, &tcp))
    }

    fn inbound_icmp(&self, ip: IpInfo, icmp: &IcmpSpec) -> Result<Vec<u8>, String> {
        let flow = self.flow().ok_or("no socket for this packet")?;
        icmp_packet(addresses(flow, self.settings), ip, icmp, flow.quoted_seq(icmp.quoted.0))
    }

    fn call(
        &mut self,
        line: u32,
        spec: &'a CallSpec,
        time: EventTime,
        due: Due,
        before: Option<Micros>,
    ) -> Result<(), Stop> {
        self.wait(line, "a system call", due, before)?;
        if spec.end.is_some() && self.blocked.is_some() {
            self.outlast_blocked(line, OVERLAP_PATIENCE)?;
        }
        let started = self.calls.start(&mut self.world, &mut self.flows, spec, self.settings);
        self.world.settle();
        let waiting = started.map_err(|stop| stop.at(line, &spec.name))?;
        let end = spec.end.map(|end| match time {
            EventTime::Relative(_) => Due::new(EventTime::Absolute(end + due.offset), 0),
            _ => Due::new(EventTime::Absolute(end), 0),
        });
        match (end, waiting.token()) {
            (Some(end), _) => {
                self.blocked = Some(Blocked { line, spec, end, before, waiting });
            }
            // Whether it blocks or not: it is said to be done at once, and what follows would be late.
            (None, Some(_)) => {
                let end = Due { any: true, ..Due::new(EventTime::Absolute(due.at), 0) };
                self.blocked = Some(Blocked { line, spec, end, before, waiting });
                self.outlast_blocked(line, CALL_PATIENCE)?;
            }
            (None, None) => self.end_call(line, spec, waiting)?,
        }
        self.look_at_blocked()
    }

    fn end_call(&mut self, line: u32, spec: &CallSpec, waiting: Waiting) -> Result<(), Stop> {
        let ended = self.calls.end(&mut self.flows, &mut self.under_test, spec, waiting);
        ended.map_err(|message| fail(line, format!("{}: {message}", spec.name)))
    }

    /// Ends the blocking call if it is over.
    fn look_at_blocked(&mut self) -> Result<(), Stop> {
        let Some(mut blocked) = self.blocked.take() else { return Ok(()) };
        let mut at = self.world.micros();
        if let Some(token) = blocked.waiting.token() {
            match self.world.completion(token) {
                Some((when, result)) => {
                    at = when;
                    blocked.waiting.complete(result);
                }
                None => {
                    self.blocked = Some(blocked);
                    return Ok(());
                }
            }
        }
        let (line, spec) = (blocked.line, blocked.spec);
        self.end_call(line, spec, blocked.waiting)?;
        let checked = blocked.end.check("the call to return", at, blocked.before, self.settings);
        checked.map_err(|message| fail(line, format!("{}: {message}", spec.name)))
    }

    /// Lets time pass until no call blocks.
    fn outlast_blocked(&mut self, line: u32, patience: Micros) -> Result<(), Stop> {
        let limit = self.world.micros() + patience;
        self.look_at_blocked()?;
        while let Some(blocked) = &self.blocked {
            let name = blocked.spec.name.clone();
            let stepped = self.world.step(limit).map_err(|message| fail(line, message))?;
            self.look_at_blocked()?;
            if !stepped && self.blocked.is_some() {
                return Err(fail(line, format!("{name} still blocks")));
            }
        }
        Ok(())
    }

    fn command(&mut self, line: u32, text: &str) -> Result<(), Stop> {
        for effect in interpret(text, &self.script.path) {
            match effect {
                Effect::Sysctl { name, value } => match self.kernel.apply(&name, &value) {
                    Ok(()) => self.kernel.install(&mut self.world.sockets),
                    Err(message) => self.warnings.push(format!("line {line}: {message}")),
                },
                Effect::Warning(message) => self.warnings.push(format!("line {line}: {message}")),
                Effect::Skip(reason) => return Err(Stop::Skipped(reason)),
                Effect::FlushMetrics => self.world.sockets.host_mut().forget_destinations(),
                Effect::Address { address, prefix_len } => self
                    .world
                    .add_interface(address, prefix_len)
                    .map_err(|message| fail(line, message))?,
                Effect::Zeros { name, bytes } => self.calls.make_file(name, bytes),
                Effect::NoFile(name) => self.calls.remove_file(&name),
                Effect::Nothing => {}
            }
        }
        Ok(())
    }

    fn code(&mut self, text: &str) -> Result<(), String> {
        let fd = self.flow().and_then(|flow| flow.fd).ok_or("no socket for this code")?;
        let info = self.world.sockets.tcp_info(self.world.now(), fd);
        let info = info.map_err(|error| format!("TCP_INFO: {error}"))?;
        for name in sockeye_posix::TcpInfo::NAMES {
            if let Some(value) = info.get(name) {
                self.names.insert((*name).to_owned(), CodeValue::Int(i128::from(value)));
            }
        }
        if let Some(flow) = self.flow() {
            self.names.extend(symbols::wire_names(flow));
        }
        code::run(text, &mut self.names, &mut self.printed).map_err(|error| error.to_string())
    }

    fn flow(&self) -> Option<&Flow> {
        self.under_test.and_then(|index| self.flows.get(index))
    }

    fn flow_mut(&mut self) -> Option<&mut Flow> {
        self.under_test.and_then(|index| self.flows.get_mut(index))
    }

    /// After the last event: nothing is left over.
    fn finish(&mut self, end: Micros) -> Result<(), Stop> {
        let line = self.script.events.last().map_or(1, |event| event.line);
        if let Some(blocked) = &self.blocked {
            let until = blocked.end.latest() + time::tolerance(0, self.settings);
            self.pass(line, until.max(end))?;
            if let Some(blocked) = &self.blocked {
                return Err(fail(
                    blocked.line,
                    format!("{}: still blocks at the end of the script", blocked.spec.name),
                ));
            }
        }
        if self.settings.allow_trailing {
            return Ok(());
        }
        self.world.settle();
        self.nothing_more(line)
    }
}

/// An inbound packet at the time of the event before.
fn is_at_once(event: &Event) -> bool {
    let inbound =
        matches!(&event.action, Action::Packet(packet) if packet.direction == Direction::Inbound);
    inbound && event.time == EventTime::Relative(0)
}

/// Addresses of a packet to the stack.
fn addresses(flow: &Flow, settings: &Settings) -> Addresses {
    Addresses {
        source: flow.remote.unwrap_or(settings.connect_address()),
        destination: flow.local.unwrap_or(settings.bind_address()),
    }
}

fn fail(line: u32, message: impl Into<String>) -> Stop {
    Stop::Failed(Failure::new(line, message))
}
