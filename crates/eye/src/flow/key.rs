//! Addresses and ports, small and quick to compare.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One end: address and port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// IPv6 address, or an IPv4 address in the low 32 bits.
    addr: u128,
    v6: bool,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// An IPv4 end.
    #[inline]
    #[must_use]
    pub const fn v4(addr: [u8; 4], port: u16) -> Self {
        Self { addr: u32::from_be_bytes(addr) as u128, v6: false, port }
    }

    /// An IPv6 end.
    #[inline]
    #[must_use]
    pub const fn v6(addr: [u8; 16], port: u16) -> Self {
        Self { addr: u128::from_be_bytes(addr), v6: true, port }
    }

    /// The same address with another port.
    #[must_use]
    pub const fn with_port(self, port: u16) -> Self {
        Self { addr: self.addr, v6: self.v6, port }
    }

    /// The address.
    #[inline]
    #[must_use]
    pub fn ip(self) -> IpAddr {
        if self.v6 {
            IpAddr::V6(Ipv6Addr::from(self.addr))
        } else {
            IpAddr::V4(Ipv4Addr::from(self.addr as u32))
        }
    }

    /// Address and port as the standard library has them.
    #[must_use]
    pub fn socket_addr(self) -> SocketAddr {
        SocketAddr::new(self.ip(), self.port)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.socket_addr(), f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Both ends of a connection, in an order that does not depend on who sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FlowKey {
    low: Endpoint,
    high: Endpoint,
}

impl FlowKey {
    /// The key of two ends, and whether the first one given is the lower.
    #[inline]
    #[must_use]
    pub fn of(source: Endpoint, destination: Endpoint) -> (Self, bool) {
        if source <= destination {
            (Self { low: source, high: destination }, true)
        } else {
            (Self { low: destination, high: source }, false)
        }
    }

    /// Lower and higher end.
    #[must_use]
    pub const fn ends(self) -> (Endpoint, Endpoint) {
        (self.low, self.high)
    }
}
