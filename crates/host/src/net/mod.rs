//! The IP layer: interfaces, routes, neighbours, paths, fragments.

mod destination;
mod interface;
mod neighbour;
mod path;
mod prefix;
mod reassembly;
mod route;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use destination::Destinations;
pub(crate) use interface::Interface;
pub(crate) use neighbour::{Evidence, Expiry, Neighbours, Resolution, Solicit};
pub(crate) use path::Paths;
pub(crate) use reassembly::{Outcome, Reassembly};
pub use route::Route;
pub(crate) use route::{Hop, Routes};

use crate::config::{HostConfig, InterfaceConfig, InterfaceId};
use crate::error::HostError;
use crate::hash::Keyed;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use hashbrown::HashMap;
use prefix::Prefix;
use sockeye_wire::Instant;
use sockeye_wire::ip::{IPV6_MIN_MTU, IpHeader};

/// Smallest MTU of an IPv4 link (RFC 791 §3.2).
const IPV4_MIN_MTU: u16 = 68;

/// Octets of a TCP header without options, which the MSS does not count (RFC 9293 §3.7.1).
const TCP_HEADER_BYTES: u16 = 20;

/// What a destination address means to this host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cast {
    Own,
    Multicast,
    Broadcast,
    Other,
}

pub(crate) struct Network {
    interfaces: Vec<Interface>,
    routes: Routes,
    /// Own addresses and the interface each is on.
    own: HashMap<IpAddr, InterfaceId, Keyed>,
    pub(crate) neighbours: Neighbours<Keyed>,
    pub(crate) paths: Paths<Keyed>,
    pub(crate) destinations: Destinations<Keyed>,
    pub(crate) reassembly: Reassembly<Keyed>,
    generation: u32,
}

impl Network {
    pub(crate) fn new(config: &HostConfig) -> Self {
        let keyed = |purpose| Keyed::derive(&config.secret, purpose);
        let limits = &config.limits;
        let mut network = Self {
            interfaces: Vec::new(),
            routes: Routes::default(),
            own: HashMap::with_hasher(keyed("own addresses")),
            neighbours: Neighbours::new(
                limits.neighbours,
                limits.neighbour_queue,
                keyed("neighbours"),
            ),
            paths: Paths::new(limits.paths, keyed("paths")),
            destinations: Destinations::new(limits.destinations, keyed("destinations")),
            reassembly: Reassembly::new(
                limits.reassembly_bytes,
                limits.reassembly_time,
                keyed("reassembly"),
            ),
            generation: 0,
        };
        let loopback = InterfaceConfig {
            gso_max_bytes: u32::from(u16::MAX),
            checksum_offload: true,
            ..InterfaceConfig::ip(u16::MAX)
        }
        .with_address(Ipv4Addr::LOCALHOST, 8)
        .with_address(Ipv6Addr::LOCALHOST, 128);
        // These prefixes are not too long, the only thing that could fail.
        let added = network.add_interface(loopback);
        debug_assert_eq!(added, Ok(InterfaceId::LOOPBACK));
        network
    }

    pub(crate) fn add_interface(
        &mut self,
        config: InterfaceConfig,
    ) -> Result<InterfaceId, HostError> {
        let id = InterfaceId(self.interfaces.len() as u32);
        let interface = Interface::new(id, config)?;
        self.own.extend(interface.addresses.iter().map(|prefix| (prefix.address, id)));
        self.interfaces.push(interface);
        self.generation += 1;
        Ok(id)
    }

    pub(crate) fn add_address(
        &mut self,
        id: InterfaceId,
        address: IpAddr,
        len: u8,
    ) -> Result<(), HostError> {
        self.interface_mut(id)?.add_address(address, len)?;
        self.own.insert(address, id);
        self.generation += 1;
        Ok(())
    }

    pub(crate) fn remove_address(
        &mut self,
        id: InterfaceId,
        address: IpAddr,
    ) -> Result<(), HostError> {
        if !self.interface_mut(id)?.remove_address(address) {
            return Err(HostError::AddrNotAvailable(address));
        }
        let elsewhere = self.interfaces.iter().find(|interface| interface.has(address));
        match elsewhere.map(|interface| interface.id) {
            Some(other) => self.own.insert(address, other),
            None => self.own.remove(&address),
        };
        self.generation += 1;
        Ok(())
    }

    pub(crate) fn add_route(&mut self, route: Route) -> Result<(), HostError> {
        self.interface_mut(route.interface)?;
        let (address, len) = route.destination;
        let prefix = Prefix::new(address, len).ok_or(HostError::BadPrefix { address, len })?;
        self.routes.add(prefix, route);
        self.generation += 1;
        Ok(())
    }

    pub(crate) fn remove_route(&mut self, route: &Route) -> bool {
        self.generation += 1;
        self.routes.remove(route)
    }

    fn interface_mut(&mut self, id: InterfaceId) -> Result<&mut Interface, HostError> {
        self.interfaces.get_mut(id.0 as usize).ok_or(HostError::NoSuchInterface(id.0))
    }

    pub(crate) fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        self.interfaces.get(id.0 as usize)
    }

    /// Counts the changes that may lead packets elsewhere.
    pub(crate) const fn generation(&self) -> u32 {
        self.generation
    }

    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains_key(&address)
    }

    /// The next hop towards `destination`: the longest of all prefixes, on-link ones first among equals.
    pub(crate) fn hop(&self, destination: SocketAddr) -> Option<Hop> {
        let address = destination.ip();
        if self.is_own(address) {
            return Some(Hop { interface: InterfaceId::LOOPBACK, next: address });
        }
        let scope = match destination {
            SocketAddr::V6(destination) if destination.scope_id() != 0 => {
                Some(InterfaceId(destination.scope_id()))
            }
            _ => None,
        };
        let on_link = self.interfaces[1..]
            .iter()
            .filter(|interface| scope.is_none_or(|scope| scope == interface.id))
            .flat_map(|interface| interface.addresses.iter().map(|prefix| (interface.id, prefix)))
            .filter(|(_, prefix)| prefix.contains(address))
            .map(|(interface, prefix)| (prefix.len, Hop { interface, next: address }));
        let routed = self.routes.find(address, scope);
        routed.into_iter().chain(on_link).max_by_key(|(len, _)| *len).map(|(_, hop)| hop)
    }

    /// The address to send from (RFC 9293 MUST-44).
    pub(crate) fn source_for(&self, destination: IpAddr, hop: &Hop) -> Option<IpAddr> {
        if hop.interface == InterfaceId::LOOPBACK {
            return Some(destination);
        }
        let candidates = self.interfaces[1..].iter().flat_map(|interface| {
            let outgoing = interface.id == hop.interface;
            interface.addresses.iter().map(move |prefix| (prefix.address, outgoing))
        });
        source::select_source(destination, candidates)
    }

    /// The address to ask a neighbour from: one that shares its prefix, or any of the interface's.
    pub(crate) fn asking_address(&self, interface: &Interface, target: IpAddr) -> Option<IpAddr> {
        let family = interface
            .addresses
            .iter()
            .filter(|prefix| prefix.address.is_ipv4() == target.is_ipv4());
        family.max_by_key(|prefix| prefix.contains(target)).map(|prefix| prefix.address)
    }

    pub(crate) fn cast(&self, interface: InterfaceId, destination: IpAddr) -> Cast {
        if self.is_own(destination) {
            Cast::Own
        } else if destination.is_multicast() {
            Cast::Multicast
        } else if self.is_broadcast(interface, destination) {
            Cast::Broadcast
        } else if self.takes_any(interface) && !destination.is_unspecified() {
            Cast::Own
        } else {
            Cast::Other
        }
    }

    fn takes_any(&self, interface: InterfaceId) -> bool {
        self.interface(interface).is_some_and(|interface| interface.any_address)
    }

    fn is_broadcast(&self, interface: InterfaceId, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        address.is_broadcast()
            || self.interface(interface).is_some_and(|interface| {
                interface.addresses.iter().any(|prefix| prefix.broadcast() == Some(address))
            })
    }

    /// Whether a packet that arrived on `interface` can come from `source` (RFC 1122 §3.2.1.3, RFC 9293 MUST-63).
    pub(crate) fn is_valid_source(&self, interface: InterfaceId, source: IpAddr) -> bool {
        if interface == InterfaceId::LOOPBACK {
            return true;
        }
        let impossible = match source {
            IpAddr::V4(source) => {
                let first = source.octets()[0];
                first == 0 || first == 127 || first >= 224
            }
            IpAddr::V6(source) => {
                source.is_unspecified()
                    || source.is_loopback()
                    || source.is_multicast()
                    || source.to_ipv4_mapped().is_some()
            }
        };
        // An own address can only have been forged: what we send to ourselves never leaves.
        !impossible && !self.is_own(source) && !self.is_broadcast(interface, source)
    }

    /// Whether an address can be the other end of a connection (RFC 9293 MUST-46).
    pub(crate) fn is_valid_remote(&self, address: IpAddr) -> bool {
        !address.is_unspecified()
            && !address.is_multicast()
            && !self.interfaces.iter().any(|interface| self.is_broadcast(interface.id, address))
    }

    pub(crate) fn set_mtu(&mut self, id: InterfaceId, mtu: u16) -> Result<(), HostError> {
        self.interface_mut(id)?.mtu = mtu;
        self.generation += 1;
        Ok(())
    }

    /// The largest packet that the link of `hop` takes.
    pub(crate) fn link_mtu(&self, hop: &Hop) -> u16 {
        self.interface(hop.interface).map_or(u16::MAX, |interface| interface.mtu)
    }

    /// The largest packet to a destination through `hop`, as far as is known, and until when that may be taken for true: the
    /// smallest of link and path (RFC 9293 SHLD-6).
    pub(crate) fn mtu(&mut self, now: Instant, destination: IpAddr, hop: &Hop) -> (u16, Instant) {
        let link = self.link_mtu(hop);
        match self.paths.get(now, destination) {
            Some(path) if path.mtu < link => (path.mtu, path.expires),
            _ => (link, Instant::FAR_FUTURE),
        }
    }

    pub(crate) fn mss(&mut self, now: Instant, destination: IpAddr, hop: &Hop) -> Mss {
        Mss {
            // RFC 9293 MUST-67, RFC 6691: of the interface, for it is about what we receive.
            own: mss_of(self.link_mtu(hop), destination),
            path: mss_of(self.mtu(now, destination, hop).0, destination),
            default: if destination.is_ipv4() { 536 } else { 1_220 },
        }
    }
}

/// Octets of data and TCP options in the largest packets of a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mss {
    /// What we receive.
    pub(crate) own: u16,
    /// What the path is known to carry.
    pub(crate) path: u16,
    /// What a peer receives that tells nothing (RFC 9293 MUST-15).
    pub(crate) default: u16,
}

/// What remains of a packet for data and TCP options.
pub(crate) fn mss_of(mtu: u16, destination: IpAddr) -> u16 {
    // No link may be narrower (RFC 791 §3.2, RFC 8200 §5); an MSS without room for an option would be none at all.
    let floor = if destination.is_ipv4() { IPV4_MIN_MTU } else { IPV6_MIN_MTU };
    mtu.max(floor) - (IpHeader::len_for(destination) as u16 + TCP_HEADER_BYTES)
}
