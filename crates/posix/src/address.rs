//! Socket addresses as programs write them: `struct sockaddr_in` and `sockaddr_in6`.

use crate::abi::{AF_INET, AF_INET6, AF_UNSPEC};
use crate::errno::Errno;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

const SOCKADDR_IN_BYTES: usize = 16;
/// `sin6_scope_id` may be left out (RFC 2133 had none).
const SOCKADDR_IN6_LEAST_BYTES: usize = 24;

/// What a program gives as an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    /// `AF_INET` or `AF_INET6`.
    Inet(SocketAddr),
    /// `AF_UNSPEC`.
    Unspecified,
    /// Another family.
    Family(i32),
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

impl Address {
    /// Reads a `struct sockaddr`.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] if it is too short for its family.
    pub fn decode(bytes: &[u8]) -> Result<Self, Errno> {
        let (family, rest) = bytes.split_first_chunk::<2>().ok_or(Errno::EINVAL)?;
        let port = || rest.first_chunk::<2>().map(|port| u16::from_be_bytes(*port));
        match i32::from(u16::from_ne_bytes(*family)) {
            AF_UNSPEC => Ok(Self::Unspecified),
            AF_INET if bytes.len() >= SOCKADDR_IN_BYTES => {
                let ip = rest.get(2..).and_then(<[u8]>::first_chunk::<4>).ok_or(Errno::EINVAL)?;
                Ok(Self::Inet((*ip, port().ok_or(Errno::EINVAL)?).into()))
            }
            AF_INET6 if bytes.len() >= SOCKADDR_IN6_LEAST_BYTES => {
                let ip = rest.get(6..).and_then(<[u8]>::first_chunk::<16>).ok_or(Errno::EINVAL)?;
                let scope = rest.get(22..).and_then(<[u8]>::first_chunk::<4>);
                let scope = scope.map_or(0, |scope| u32::from_ne_bytes(*scope));
                let port = port().ok_or(Errno::EINVAL)?;
                Ok(Self::Inet(SocketAddrV6::new((*ip).into(), port, 0, scope).into()))
            }
            AF_INET | AF_INET6 => Err(Errno::EINVAL),
            family => Ok(Self::Family(family)),
        }
    }

    /// Writes a `struct sockaddr`; of other families the family alone.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(28);
        let mut family = |family: i32| bytes.extend_from_slice(&(family as u16).to_ne_bytes());
        match self {
            Self::Unspecified => family(AF_UNSPEC),
            Self::Family(other) => family(*other),
            Self::Inet(SocketAddr::V4(v4)) => {
                family(AF_INET);
                bytes.extend_from_slice(&v4.port().to_be_bytes());
                bytes.extend_from_slice(&v4.ip().octets());
                bytes.resize(SOCKADDR_IN_BYTES, 0);
            }
            Self::Inet(SocketAddr::V6(v6)) => {
                family(AF_INET6);
                bytes.extend_from_slice(&v6.port().to_be_bytes());
                bytes.extend_from_slice(&v6.flowinfo().to_be_bytes());
                bytes.extend_from_slice(&v6.ip().octets());
                bytes.extend_from_slice(&v6.scope_id().to_ne_bytes());
            }
        }
        bytes
    }
}

/// The address as the host knows it: IPv4 in IPv6's clothes is IPv4 (RFC 4291 §2.5.5.2).
pub(crate) fn unmapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(v4.into(), address.port()),
            None => address,
        },
        IpAddr::V4(_) => address,
    }
}

/// The address as a program with an IPv6 socket sees it.
pub(crate) fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// The wildcard address of a family.
pub(crate) fn any(ipv6: bool) -> IpAddr {
    if ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}
