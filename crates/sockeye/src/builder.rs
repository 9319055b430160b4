//! Putting a stack together.

use crate::capture::{TapPoint, Tapped};
use crate::clock::Clock;
use crate::core::Core;
use crate::driver::Driver;
use crate::error;
use crate::handover::Common;
use crate::shared::{Shared, StackHandle};
use crate::stack::Stack;
use crate::telemetry;
use sockeye_host::{
    Host, HostConfig, InterfaceConfig, Limits, Medium, Observer, Policy, Route, SegmentTrace, Shard,
};
use sockeye_link::Link;
use sockeye_tcp::Config;
use sockeye_wire::SeqNumber;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// A stack in the making; see [`Stack::builder`].
#[must_use = "a stack begins with spawn()"]
pub struct StackBuilder {
    host: Option<HostConfig>,
    tcp: Option<Config>,
    limits: Option<Limits>,
    policy: Option<Policy>,
    hop_limit: Option<u8>,
    ephemeral_ports: Option<RangeInclusive<u16>>,
    secret: Option<[u8; 32]>,
    initial_sequence_number: Option<u32>,
    interfaces: Vec<Interface>,
    observer: Option<Box<dyn Observer>>,
    shards: usize,
}

impl StackBuilder {
    pub(crate) fn new() -> Self {
        Self {
            host: None,
            tcp: None,
            limits: None,
            policy: None,
            hop_limit: None,
            ephemeral_ports: None,
            secret: None,
            initial_sequence_number: None,
            interfaces: Vec::new(),
            observer: None,
            shards: 1,
        }
    }

    /// Adds an interface: a link with the stack's addresses on it.
    pub fn interface(mut self, interface: Interface) -> Self {
        self.interfaces.push(interface);
        self
    }

    /// Settings of every connection.
    pub fn tcp(mut self, config: Config) -> Self {
        self.tcp = Some(config);
        self
    }

    /// All settings of the host; those that have a method of their own here come on top, in whatever order they are given.
    pub fn host(mut self, config: HostConfig) -> Self {
        self.host = Some(config);
        self
    }

    /// Bounds on what strangers can make the stack hold or send.
    ///
    /// ```
    /// use sockeye::{Limits, Stack};
    ///
    /// let mut limits = Limits::default();
    /// // The defaults:
    /// assert_eq!(limits.connections, 16_777_216);
    /// assert_eq!(limits.half_open, 65_536);
    /// assert_eq!(limits.time_wait, 262_144);
    /// assert_eq!(limits.icmp_errors_per_second, 1_000);
    /// assert_eq!(limits.resets_per_second, 10_000);
    /// // A small device:
    /// limits.connections = 1_000;
    /// limits.half_open = 256;
    /// let builder = Stack::builder().limits(limits);
    /// # let _ = builder;
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Switches of the host: Fast Open, SYN cookies, what is remembered of destinations. [`Policy`] says what each is by default.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// TTL or hop limit of what is sent (RFC 9293 MUST-49); 64 if nothing is said.
    pub fn hop_limit(mut self, hop_limit: u8) -> Self {
        self.hop_limit = Some(hop_limit);
        self
    }

    /// Where local ports are taken from when none is asked for (RFC 6056); 32,768 to 60,999 if nothing is said.
    pub fn ephemeral_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ephemeral_ports = Some(ports);
        self
    }

    /// What unguessable choices are made from. Without it, and without [`host`](Self::host), the operating system's random
    /// generator gives one; a fixed one makes runs repeatable and is for tests only.
    pub fn secret(mut self, secret: [u8; 32]) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The initial sequence number of the next connection, for demonstrations: it makes that connection easy to attack.
    pub fn initial_sequence_number(mut self, iss: u32) -> Self {
        self.initial_sequence_number = Some(iss);
        self
    }

    /// Is told of every segment of every connection as it comes or goes, and of the state after it.
    ///
    /// Called while the stack is locked: it must be quick, and must not call the stack or anything of it.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Cuts the stack into that many parts, at least one, each with its own connections, lock and task; 1 if nothing is said.
    ///
    /// A connection lives in one shard, which a keyed hash of its addresses and ports chooses; shards have nothing in common on a packet's
    /// way. Each needs [queues](Interface::queues) of its own of every interface. A packet that arrives at another shard's
    /// queue is passed on, in batches: more work than if it had come to the right one, as a TUN device of Linux sees to once we have
    /// sent something for that connection.
    ///
    /// What is bounded ([`Limits`](crate::Limits), the backlog of a listener) is dealt out to the shards in equal parts.
    ///
    /// The tasks run where the runtime has them run: one of several threads serves them at the same time, each beside the tasks that
    /// wait for its connections, so that waking those needs no other thread.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards.max(1);
        self
    }

    /// Begins: a task on the current tokio runtime serves the stack from now on.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for an impossible address or route, or an interface with fewer queues than there
    /// are shards; whatever the operating system says when
    /// it gives no random secret, or the runtime cannot watch a link.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has I/O and time enabled.
    pub fn spawn(self) -> io::Result<Stack> {
        let (stack, drivers) = self.build()?;
        drivers.into_iter().for_each(|driver| drop(tokio::spawn(driver)));
        Ok(stack)
    }

    /// The stack, and what has to be polled for it to live.
    pub(crate) fn build(self) -> io::Result<(Stack, Vec<Driver>)> {
        let mut config = match (self.host, self.secret) {
            (Some(host), None) => host,
            (Some(host), Some(secret)) => HostConfig { secret, ..host },
            (None, Some(secret)) => HostConfig::new(secret),
            (None, None) => HostConfig::new(random_secret()?),
        };
        if let Some(tcp) = self.tcp {
            config.tcp = Arc::new(tcp);
        }
        config.limits = self.limits.unwrap_or(config.limits);
        config.policy = self.policy.unwrap_or(config.policy);
        config.hop_limit = self.hop_limit.unwrap_or(config.hop_limit);
        config.ephemeral_ports = self.ephemeral_ports.unwrap_or(config.ephemeral_ports);
        let count = self.shards;
        config.limits = config.limits.divided(count as u32);
        let (clock, common) = (Clock::start(), Common::new(count));
        let mut observers = observers(self.observer, count);
        let taps = taps(&self.interfaces);
        let mut interfaces = self.interfaces;
        let mut shards = Vec::with_capacity(count);
        for index in 0..count {
            config.shard = Shard { index: index as u32, count: count as u32 };
            let mut host = Host::new(config.clone());
            host.set_observer(observers.next());
            telemetry::watch(&mut host);
            if let Some(iss) = self.initial_sequence_number {
                host.preset_isn(SeqNumber(iss));
            }
            let mut links = Vec::with_capacity(interfaces.len());
            for interface in &mut interfaces {
                let id = host.add_interface(interface.config(count)?).map_err(error::of_host)?;
                for &(destination, gateway) in &interface.routes {
                    let route = Route { destination, gateway, interface: id, metric: 0 };
                    host.add_route(route).map_err(error::of_host)?;
                }
                links.extend(interface.take_links(index, count).map(|link| (id, link)));
            }
            shards.push(Shared::new(Core::new(host, links, clock, (index, Arc::clone(&common)))));
        }
        let shards: Arc<[Shared]> = shards.into();
        let drivers: Vec<_> = (0..count)
            .map(|index| Driver::new(Arc::clone(&shards), index))
            .collect::<io::Result<_>>()?;
        Ok((Stack::new(StackHandle::new(shards), taps), drivers))
    }
}

impl std::fmt::Debug for StackBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackBuilder").field("interfaces", &self.interfaces).finish_non_exhaustive()
    }
}

/// One observer for each shard, or none for any; with several shards they take turns at the only one there is.
fn observers(
    observer: Option<Box<dyn Observer>>,
    shards: usize,
) -> Box<dyn Iterator<Item = Box<dyn Observer>>> {
    match observer {
        Some(observer) if shards > 1 => {
            let common = CommonObserver(Arc::new(Mutex::new(observer)));
            Box::new(std::iter::repeat_with(move || Box::new(common.clone()) as Box<dyn Observer>))
        }
        observer => Box::new(observer.into_iter()),
    }
}

#[derive(Clone)]
struct CommonObserver(Arc<Mutex<Box<dyn Observer>>>);

impl Observer for CommonObserver {
    fn segment(&mut self, trace: &SegmentTrace) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).segment(trace);
    }
}

/// A link, and what the stack is on it.
#[must_use = "an interface does something once it is given to StackBuilder::interface"]
pub struct Interface {
    name: Option<String>,
    tap: Arc<TapPoint>,
    /// None where the link of a queue has gone to its shard.
    queues: Vec<Option<Box<dyn Link>>>,
    addresses: Vec<(IpAddr, u8)>,
    routes: Vec<((IpAddr, u8), Option<IpAddr>)>,
    any_address: bool,
}

impl Interface {
    /// A link, without addresses yet.
    pub fn new(link: impl Link + 'static) -> Self {
        Self::queues([link])
    }

    /// An interface with several queues, all alike, dealt out to the stack's [shards](StackBuilder::shards): at least one for each.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// use sockeye::link::{Tun, TunConfig};
    /// use sockeye::{Interface, Stack};
    ///
    /// let subnet = ("10.0.0.2".parse()?, 24);
    /// let queues = Tun::open_queues(&TunConfig::for_stack("sock0", &[subnet]), 4)?;
    /// let interface = Interface::queues(queues).address(subnet.0, subnet.1);
    /// let stack = Stack::builder().interface(interface).shards(4).spawn()?;
    /// # let _ = stack;
    /// # Ok(())
    /// # }
    /// ```
    pub fn queues<L: Link + 'static>(queues: impl IntoIterator<Item = L>) -> Self {
        let mut links = queues.into_iter().peekable();
        let tap = TapPoint::new(links.peek().map_or(sockeye_link::Medium::Ip, Link::medium));
        let tapped = |link| Box::new(Tapped::new(link, Arc::clone(&tap))) as Box<dyn Link>;
        let queues = links.map(|link| Some(tapped(link))).collect();
        Self {
            name: None,
            tap,
            queues,
            addresses: Vec::new(),
            routes: Vec::new(),
            any_address: false,
        }
    }

    /// What the interface is called in [captures](Stack::capture): for the reader's eyes alone. `if0`, `if1`, … if nothing is said.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Gives the stack an address on this link; everything in its subnet is reached directly.
    pub fn address(mut self, address: impl Into<IpAddr>, prefix_len: u8) -> Self {
        self.addresses.push((address.into(), prefix_len));
        self
    }

    /// Takes every unicast address that a packet arrives for as one of the stack's: where a TUN device brings all that a machine sends.
    /// [`Incoming`](crate::Incoming), and listeners at an unspecified address, get connections to addresses that are nobody's, and
    /// echo requests to them are answered. For the way back there must be a route, such as [`default_route`](Self::default_route).
    pub fn any_address(mut self) -> Self {
        self.any_address = true;
        self
    }

    /// Sends what goes to `destination` this way: through `gateway`, or directly.
    pub fn route(
        mut self,
        destination: impl Into<IpAddr>,
        prefix_len: u8,
        gateway: Option<IpAddr>,
    ) -> Self {
        self.routes.push(((destination.into(), prefix_len), gateway));
        self
    }

    /// Sends everything that no other route knows this way, of both families, directly: as is usual on a TUN device, where whoever
    /// holds the other end finds the way.
    pub fn default_route(self) -> Self {
        self.route(Ipv4Addr::UNSPECIFIED, 0, None).route(Ipv6Addr::UNSPECIFIED, 0, None)
    }

    /// Sends everything of the gateway's family that no other route knows through it.
    pub fn gateway(self, gateway: impl Into<IpAddr>) -> Self {
        let gateway = gateway.into();
        let everything = match gateway {
            IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        self.route(everything, 0, Some(gateway))
    }

    /// The links of the queues that a shard has.
    fn take_links(
        &mut self,
        shard: usize,
        shards: usize,
    ) -> impl Iterator<Item = Box<dyn Link>> + '_ {
        self.queues.iter_mut().skip(shard).step_by(shards).filter_map(Option::take)
    }

    /// What the host is told of it, which is asked once for each shard, before the links are taken.
    fn config(&self, shards: usize) -> io::Result<InterfaceConfig> {
        if self.queues.len() < shards {
            let queues = self.queues.len();
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("an interface with {queues} queues for {shards} shards"),
            ));
        }
        let link = self.queues.iter().flatten().next();
        let link = link.ok_or(io::ErrorKind::InvalidInput)?;
        let mtu = u16::try_from(link.mtu()).unwrap_or(u16::MAX);
        let medium = match link.medium() {
            sockeye_link::Medium::Ip => Medium::Ip,
            sockeye_link::Medium::Ethernet(address) => Medium::Ethernet(address),
        };
        let mut config = InterfaceConfig::ip(mtu);
        config.medium = medium;
        let offload = link.offload();
        config.gso_max_bytes = offload.segmentation_bytes;
        config.checksum_offload = offload.checksum;
        config.addresses.clone_from(&self.addresses);
        config.any_address = self.any_address;
        Ok(config)
    }
}

impl std::fmt::Debug for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interface")
            .field("queues", &self.queues.len())
            .field("addresses", &self.addresses)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// Where a capture can listen.
fn taps(interfaces: &[Interface]) -> Arc<[(String, Arc<TapPoint>)]> {
    let named = |(index, interface): (usize, &Interface)| {
        let name = interface.name.clone().unwrap_or_else(|| format!("if{index}"));
        (name, Arc::clone(&interface.tap))
    };
    interfaces.iter().enumerate().map(named).collect()
}

fn random_secret() -> io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .map_err(|error| io::Error::other(format!("no random secret: {error}")))?;
    Ok(secret)
}
