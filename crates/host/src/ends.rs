//! The two ends of a connection as the tables keep them: small where there are many.

use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use sockeye_tcp::Endpoints;

/// [`Endpoints`] in 16 octets, or behind a pointer where the addresses are longer.
#[derive(Clone)]
pub(crate) enum Ends {
    V4 { local: Ipv4Addr, remote: Ipv4Addr, local_port: u16, remote_port: u16 },
    Other(Box<Endpoints>),
}

impl Ends {
    #[inline]
    pub(crate) fn get(&self) -> Endpoints {
        match self {
            Self::V4 { local, remote, local_port, remote_port } => Endpoints {
                local: SocketAddrV4::new(*local, *local_port).into(),
                remote: SocketAddrV4::new(*remote, *remote_port).into(),
            },
            Self::Other(endpoints) => **endpoints,
        }
    }

    #[inline]
    pub(crate) fn are(&self, endpoints: &Endpoints) -> bool {
        match self {
            Self::V4 { local, remote, local_port, remote_port } => {
                let SocketAddr::V4(other_local) = endpoints.local else { return false };
                let SocketAddr::V4(other_remote) = endpoints.remote else { return false };
                other_remote.ip() == remote
                    && other_remote.port() == *remote_port
                    && other_local.port() == *local_port
                    && other_local.ip() == local
            }
            Self::Other(known) => **known == *endpoints,
        }
    }

    #[inline]
    pub(crate) fn local_port(&self) -> u16 {
        match self {
            Self::V4 { local_port, .. } => *local_port,
            Self::Other(endpoints) => endpoints.local.port(),
        }
    }

    #[inline]
    pub(crate) fn remote_ip(&self) -> IpAddr {
        match self {
            Self::V4 { remote, .. } => IpAddr::V4(*remote),
            Self::Other(endpoints) => endpoints.remote.ip(),
        }
    }
}

impl From<Endpoints> for Ends {
    fn from(endpoints: Endpoints) -> Self {
        match (endpoints.local, endpoints.remote) {
            (SocketAddr::V4(local), SocketAddr::V4(remote)) => Self::V4 {
                local: *local.ip(),
                remote: *remote.ip(),
                local_port: local.port(),
                remote_port: remote.port(),
            },
            _ => Self::Other(Box::new(endpoints)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ends;
    use core::net::SocketAddr;
    use sockeye_tcp::Endpoints;

    #[test]
    fn what_goes_in_comes_out() {
        assert_eq!(size_of::<Ends>(), 16);
        let addresses: [SocketAddr; 4] =
            ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:81", "[2001:db8::1]:80"]
                .map(|address| address.parse().unwrap());
        let all = addresses.iter().flat_map(|local| {
            addresses.iter().map(|remote| Endpoints { local: *local, remote: *remote })
        });
        let all: std::vec::Vec<_> = all.collect();
        for one in &all {
            let ends = Ends::from(*one);
            assert_eq!(ends.get(), *one);
            assert_eq!((ends.local_port(), ends.remote_ip()), (one.local.port(), one.remote.ip()));
            assert!(all.iter().all(|other| ends.are(other) == (one == other)));
        }
    }
}
