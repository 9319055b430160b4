//! Putting a stack together.

use crate::core::Core;
use crate::driver::Driver;
use crate::error;
use crate::shared::{Handle, Shared};
use crate::stack::Stack;
use sockeye_host::{Host, HostConfig, InterfaceConfig, Limits, Medium, Observer, Policy, Route};
use sockeye_link::Link;
use sockeye_tcp::Config;
use sockeye_wire::SeqNumber;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;

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

    /// Begins: a task on the current tokio runtime serves the stack from now on.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for an impossible address or route; whatever the operating system says when
    /// it gives no random secret, or the runtime cannot watch a link.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has I/O and time enabled.
    pub fn spawn(self) -> io::Result<Stack> {
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
        let mut host = Host::new(config);
        if let Some(observer) = self.observer {
            host.set_observer(Some(observer));
        }
        if let Some(iss) = self.initial_sequence_number {
            host.preset_isn(SeqNumber(iss));
        }
        let mut links = Vec::with_capacity(self.interfaces.len());
        for interface in self.interfaces {
            let id = host.add_interface(interface.config()).map_err(error::of_host)?;
            for (destination, gateway) in interface.routes {
                let route = Route { destination, gateway, interface: id, metric: 0 };
                host.add_route(route).map_err(error::of_host)?;
            }
            links.push((id, interface.link));
        }
        let shared = Arc::new(Shared::new(Core::new(host, links)));
        tokio::spawn(Driver::new(Arc::clone(&shared))?);
        Ok(Stack::new(Handle::new(shared)))
    }
}

impl std::fmt::Debug for StackBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackBuilder").field("interfaces", &self.interfaces).finish_non_exhaustive()
    }
}

/// A link, and what the stack is on it.
#[must_use = "an interface does something once it is given to StackBuilder::interface"]
pub struct Interface {
    link: Box<dyn Link>,
    addresses: Vec<(IpAddr, u8)>,
    routes: Vec<((IpAddr, u8), Option<IpAddr>)>,
    any_address: bool,
}

impl Interface {
    /// A link, without addresses yet.
    pub fn new(link: impl Link + 'static) -> Self {
        Self { link: Box::new(link), addresses: Vec::new(), routes: Vec::new(), any_address: false }
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

    fn config(&self) -> InterfaceConfig {
        let mtu = u16::try_from(self.link.mtu()).unwrap_or(u16::MAX);
        let medium = match self.link.medium() {
            sockeye_link::Medium::Ip => Medium::Ip,
            sockeye_link::Medium::Ethernet(address) => Medium::Ethernet(address),
        };
        let mut config = InterfaceConfig::ip(mtu);
        config.medium = medium;
        let offload = self.link.offload();
        config.gso_max_bytes = offload.segmentation_bytes;
        config.checksum_offload = offload.checksum;
        config.addresses.clone_from(&self.addresses);
        config.any_address = self.any_address;
        config
    }
}

impl std::fmt::Debug for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interface")
            .field("medium", &self.link.medium())
            .field("addresses", &self.addresses)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

fn random_secret() -> io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .map_err(|error| io::Error::other(format!("no random secret: {error}")))?;
    Ok(secret)
}
