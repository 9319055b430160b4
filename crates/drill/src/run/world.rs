//! The stack under test, its clock, and the packets that it sent.

use super::time::seconds;
use crate::packet::{Actual, Sent, read, segment, show_actual};
use crate::script::{IpInfo, Micros};
use crate::settings::Settings;
use sockeye_host::{Host, HostConfig, InterfaceConfig, InterfaceId};
use sockeye_posix::{Errno, Sockets, Sysctls, Token, Value};
use sockeye_wire::ip::IpView;
use sockeye_wire::{Instant, Meta, Packet};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// When scripts start: not at the epoch, so that clocks counted from it are not 0.
const START: Instant = Instant::from_millis(100_000_000);
/// Largest packet of a device that segments (`GSO_MAX_SIZE` of Linux).
const GSO_MAX_BYTES: u32 = 65_535;
/// More timers in one step than any stack needs; a timer that sets itself again at once would never end.
const MAX_TIMERS_AT_ONCE: usize = 10_000;

pub(super) struct World {
    pub(super) sockets: Sockets,
    /// Each interface with its address; the first is the one that the default route goes by.
    interfaces: Vec<(IpAddr, InterfaceId)>,
    mtu_bytes: u16,
    now: Instant,
    /// Packets to the stack that wait for the last one of their batch.
    batch: Vec<(InterfaceId, Packet)>,
    sent: VecDeque<Sent>,
    /// Every item that crossed the interface, if that is wanted: what left as one, before it is cut.
    trace: Option<Vec<String>>,
    completed: BTreeMap<Token, (Instant, Result<Value, Errno>)>,
    gro_size: Option<u16>,
}

impl World {
    pub(super) fn new(settings: &Settings, kernel: &Sysctls) -> Result<Self, String> {
        let mut config = HostConfig::new([0x50; 32]);
        config.tcp = kernel.tcp.clone();
        let mut host = Host::new(config);
        let (address, mtu_bytes) = (settings.interface_address(), settings.mtu_bytes());
        let prefix = if settings.local_address().is_ipv4() { 16 } else { 48 };
        let interface = host
            .add_interface(device(mtu_bytes).with_address(address, prefix))
            .map_err(|error| error.to_string())?;
        host.add_default_route(interface, None).map_err(|error| error.to_string())?;
        let mut sockets = Sockets::with_config(host, kernel.sockets.clone());
        kernel.install(&mut sockets);
        Ok(Self {
            sockets,
            interfaces: vec![(address, interface)],
            mtu_bytes,
            now: START,
            batch: Vec::new(),
            sent: VecDeque::new(),
            trace: settings.trace.then(Vec::new),
            completed: BTreeMap::new(),
            gro_size: settings.gro_size,
        })
    }

    pub(super) const fn now(&self) -> Instant {
        self.now
    }

    /// Time since the script's start.
    pub(super) fn micros(&self) -> Micros {
        to_micros(self.now)
    }

    /// One more interface.
    ///
    /// # Errors
    /// A message, if there cannot be such an address.
    pub(super) fn add_interface(&mut self, address: IpAddr, prefix_len: u8) -> Result<(), String> {
        let config = device(self.mtu_bytes).with_address(address, prefix_len);
        let added = self.sockets.host_mut().add_interface(config);
        self.interfaces.push((address, added.map_err(|error| error.to_string())?));
        Ok(())
    }

    /// The host's address, if it has no other.
    pub(super) fn only_address(&self) -> Option<IpAddr> {
        match self.interfaces[..] {
            [(address, _)] => Some(address),
            _ => None,
        }
    }

    /// The next packet that the stack has sent.
    pub(super) fn next_sent(&mut self) -> Option<Sent> {
        self.sent.pop_front()
    }

    /// Hands a packet to the stack, with those before it that more had to follow.
    pub(super) fn inject(&mut self, bytes: Vec<u8>, more_follow: bool) {
        let mut packet = Packet::from_bytes(Meta::at(self.now), bytes.into());
        if let (Some(size), Ok(actual)) = (self.gro_size, read(&packet)) {
            packet.meta = packet.meta.coalesced_from(actual.tcp.len.into(), size);
        }
        if let (Some(trace), Ok(actual)) = (&mut self.trace, read(&packet)) {
            let shown = show_actual(IpInfo::default(), &actual);
            trace.push(format!("{} < {shown}", seconds(to_micros(self.now))));
        }
        let to = IpView::parse(&packet.to_bytes(), packet.len()).map(|ip| ip.destination);
        let has = |(address, _): &&(IpAddr, InterfaceId)| to.as_ref() == Ok(address);
        let interface = self.interfaces.iter().find(has).or(self.interfaces.first());
        self.batch.extend(interface.map(|(_, interface)| (*interface, packet)));
        if !more_follow {
            self.sockets.on_packets(self.now, self.batch.drain(..));
            self.settle();
        }
    }

    /// What crossed the interface, in the wire's numbers.
    pub(super) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    /// The result of a call that waited, and when it came.
    pub(super) fn completion(&mut self, token: Token) -> Option<(Micros, Result<Value, Errno>)> {
        self.completed.remove(&token).map(|(at, result)| (to_micros(at), result))
    }

    /// Lets time pass up to `until` micros after the start; what falls due happens at its own time.
    pub(super) fn advance(&mut self, until: Micros) -> Result<(), String> {
        while self.step(until)? {}
        self.now = self.now.max(from_micros(until));
        Ok(())
    }

    /// Lets time pass to the next thing that falls due, if that is not after `until`.
    pub(super) fn step(&mut self, until: Micros) -> Result<bool, String> {
        self.settle();
        let limit = from_micros(until);
        let Some(deadline) = self.sockets.deadline().filter(|deadline| *deadline <= limit) else {
            return Ok(false);
        };
        self.now = self.now.max(deadline);
        for _ in 0..MAX_TIMERS_AT_ONCE {
            self.sockets.on_timer(self.now);
            self.settle();
            if self.sockets.deadline().is_none_or(|deadline| deadline > self.now) {
                return Ok(true);
            }
        }
        Err("the stack's timers never rest".into())
    }

    /// Collects what followed from the last call into the stack.
    pub(super) fn settle(&mut self) {
        while let Some((_, packet)) = self.sockets.poll_transmit(self.now) {
            let size =
                if packet.meta.wire_segments > 1 { usize::from(packet.meta.gso_size) } else { 0 };
            let at = self.now;
            match read(&packet) {
                Ok(actual) => {
                    if let Some(trace) = &mut self.trace {
                        let shown = show_actual(IpInfo::default(), &actual);
                        trace.push(format!("{} > {shown}", seconds(to_micros(at))));
                    }
                    let pieces = segment(actual, size).into_iter();
                    self.sent.extend(pieces.map(|packet: Actual| Sent { at, packet: Ok(packet) }));
                }
                Err(message) => self.sent.push_back(Sent { at, packet: Err(message) }),
            }
        }
        while let Some((token, result)) = self.sockets.poll_completion() {
            self.completed.insert(token, (self.now, result));
        }
    }
}

/// A link that carries IP packets and cuts them itself.
fn device(mtu_bytes: u16) -> InterfaceConfig {
    InterfaceConfig { gso_max_bytes: GSO_MAX_BYTES, ..InterfaceConfig::ip(mtu_bytes) }
}

pub(super) fn to_micros(at: Instant) -> Micros {
    at.since(START).as_micros() as Micros
}

fn from_micros(micros: Micros) -> Instant {
    START + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
