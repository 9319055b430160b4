//! The sockets, their virtual time, and the packets that they have sent.

use crate::command::{Change, changes};
use crate::descriptors::Descriptors;
use crate::flags::Flags;
use crate::kernel::Kernel;
use sockeye_host::{Host, HostConfig, HostError, InterfaceConfig, InterfaceId};
use sockeye_link::{Medium, segmentation::cut};
use sockeye_posix::{Errno, Fd, Sockets, Token, Value};
use sockeye_wire::ip::{IpView, protocol};
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Instant, Meta, Packet};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// When the world begins: far from 0, so that clocks that count from there have no odd values.
const START: Instant = Instant::from_millis(100_000_000);
/// The clock's step while packetdrill spins on it: it would never end otherwise.
const TICK: Duration = Duration::from_micros(1);
/// Looks at the clock, with nothing between them, that are a spin and not the few that packetdrill takes for each line: time
/// stands still in these, so that a line's packets and calls have the line's time, however many came before it.
const LOOKS_A_TICK: u32 = 16;
/// Largest packet of a device that segments (Linux's `GSO_MAX_SIZE`).
const GSO_MAX_BYTES: u32 = 65_535;
/// More timers at one time than any stack needs: one that sets itself again at once would never end.
const TIMERS_AT_ONCE: usize = 10_000;

/// A packet as it left, and when.
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Stack {
    pub(crate) sockets: Sockets,
    pub(crate) descriptors: Descriptors,
    kernel: Option<Kernel>,
    interface: InterfaceId,
    coalesced_from: Option<u16>,
    now: Instant,
    /// Looks at the clock since the last tick, or since anything else was done.
    looks: u32,
    sent: VecDeque<Sent>,
    completed: HashMap<Token, Result<Value, Errno>>,
}

impl Stack {
    /// Settings are the kernel's, if one is given, and otherwise the stack's own.
    pub(crate) fn new(
        flags: &Flags,
        secret: [u8; 32],
        kernel: Option<Kernel>,
    ) -> Result<Self, HostError> {
        let mut host = Host::new(HostConfig::new(secret));
        let mut link =
            InterfaceConfig { gso_max_bytes: GSO_MAX_BYTES, ..InterfaceConfig::ip(flags.mtu) };
        for address in flags.addresses() {
            link = link.with_address(address, whole(address));
        }
        let interface = host.add_interface(link)?;
        host.add_default_route(interface, None)?;
        Ok(Self {
            sockets: Sockets::new(host),
            descriptors: Descriptors::default(),
            kernel,
            interface,
            coalesced_from: flags.coalesced_from,
            now: START,
            looks: 0,
            sent: VecDeque::new(),
            completed: HashMap::new(),
        })
    }

    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// A look at the clock. Only many in a row take time.
    pub(crate) fn look(&mut self) -> Instant {
        self.looks += 1;
        if self.looks < LOOKS_A_TICK {
            return self.now;
        }
        self.looks = 0;
        self.now += TICK;
        if self.sockets.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.fire();
        }
        self.now
    }

    /// Jumps to the next thing that falls due, if that is not after `limit`; false, and no time has passed, if there is none.
    pub(crate) fn step(&mut self, limit: Instant) -> bool {
        self.settle();
        let Some(deadline) = self.sockets.deadline().filter(|deadline| *deadline <= limit) else {
            return false;
        };
        self.now = self.now.max(deadline);
        self.fire();
        true
    }

    /// Time has passed, and nothing fell due.
    pub(crate) fn pass_to(&mut self, at: Instant) {
        self.now = self.now.max(at);
    }

    fn fire(&mut self) {
        for _ in 0..TIMERS_AT_ONCE {
            self.sockets.on_timer(self.now);
            self.settle();
            if self.sockets.deadline().is_none_or(|deadline| deadline > self.now) {
                return;
            }
        }
    }

    /// A packet arrives. The address that it is for is the stack's own: on packetdrill's device there is nobody else.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        if let Ok(ip) = IpView::parse(bytes, bytes.len()) {
            self.own(ip.destination);
        }
        let mut meta = Meta::at(self.now);
        if let (Some(size), Some(payload)) = (self.coalesced_from, payload_len(bytes)) {
            meta = meta.coalesced_from(payload, size);
        }
        let packet = Packet::from_bytes(meta, bytes.to_vec().into());
        self.sockets.on_packet(self.now, self.interface, packet);
        self.settle();
    }

    /// Makes an address one of the stack's own.
    pub(crate) fn own(&mut self, address: IpAddr) {
        let host = self.sockets.host_mut();
        let usable = !address.is_unspecified() && !address.is_multicast();
        if usable && !host.is_own_address(address) {
            // The interface is there, and the prefix fits.
            let _ = host.add_address(self.interface, address, whole(address));
        }
    }

    /// The stack's descriptor behind a number of packetdrill's.
    pub(crate) fn fd(&self, number: i32) -> Fd {
        self.descriptors.find(number)
    }

    /// A number for packetdrill, of a descriptor that a call gave.
    pub(crate) fn publish(&mut self, fd: Result<Fd, Errno>) -> Result<i32, Errno> {
        let fd = fd?;
        self.descriptors.publish(fd).inspect_err(|_| {
            let _ = self.sockets.close(self.now, fd);
        })
    }

    /// Takes over the kernel settings of this moment: before calls that depend on them.
    pub(crate) fn configure(&mut self) {
        if let Some(kernel) = &mut self.kernel {
            kernel.read().install(&mut self.sockets);
        }
    }

    /// A shell command of the script's was run.
    pub(crate) fn on_command(&mut self, command: &str) {
        for change in changes(command) {
            match (change, &mut self.kernel) {
                (Change::Forget, _) => self.sockets.host_mut().forget_destinations(),
                (Change::Queue(queue), Some(kernel)) => kernel.set_queue(queue),
                (Change::Queue(_), None) => {}
            }
        }
    }

    pub(crate) fn next_sent(&mut self) -> Option<Sent> {
        self.settle();
        self.sent.pop_front()
    }

    pub(crate) fn is_completed(&self, token: Token) -> bool {
        self.completed.contains_key(&token)
    }

    pub(crate) fn take_completed(&mut self, token: Token) -> Option<Result<Value, Errno>> {
        self.completed.remove(&token)
    }

    /// Collects what followed from the last call.
    pub(crate) fn settle(&mut self) {
        self.looks = 0;
        while let Some((_, packet)) = self.sockets.poll_transmit(self.now) {
            let at = self.now;
            cut(packet, Medium::Ip, |packet| {
                self.sent.push_back(Sent { at, bytes: packet.to_bytes().to_vec() });
            });
        }
        while let Some((token, result)) = self.sockets.poll_completion() {
            self.completed.insert(token, result);
        }
    }
}

/// The prefix length that leaves one address.
const fn whole(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Octets of data in a packet of TCP's; none if it is not one.
fn payload_len(bytes: &[u8]) -> Option<usize> {
    let ip = IpView::parse(bytes, bytes.len()).ok()?;
    let tcp = bytes.get(ip.header_len..).filter(|_| ip.protocol == protocol::TCP)?;
    ip.total_len.checked_sub(ip.header_len + TcpView::parse(tcp).ok()?.header_len())
}
