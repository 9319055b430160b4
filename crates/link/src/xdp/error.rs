//! Why an interface cannot be taken over, and what to do about it.

use rustix::io::Errno;
use std::io;
use thiserror::Error;

/// Why AF_XDP cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum XdpError {
    /// There is no interface of that name.
    #[error("there is no interface {name:?} (\"ip link\" lists them)")]
    NoInterface {
        /// The name.
        name: String,
    },
    /// The interface carries no Ethernet frames.
    #[error("interface {name:?} is no Ethernet")]
    NotEthernet {
        /// The interface.
        name: String,
    },
    /// The packets do not fit into a page with what the kernel keeps there.
    #[error(
        "the MTU of {name:?} is {mtu}, and AF_XDP takes at most {most}: ip link set dev {name} mtu {most}"
    )]
    MtuTooLarge {
        /// The interface.
        name: String,
        /// Its MTU in octets.
        mtu: usize,
        /// The largest possible one.
        most: usize,
    },
    /// Not allowed.
    #[error(
        "no permission for AF_XDP on {name:?}: it needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF. Run as root (sudo)"
    )]
    NoPrivilege {
        /// The interface.
        name: String,
    },
    /// Another program has the interface or its queue.
    #[error("interface {name:?} has an XDP program or an AF_XDP socket already: end that program")]
    Busy {
        /// The interface.
        name: String,
    },
    /// The kernel or the driver cannot do it.
    #[error("no AF_XDP on {name:?}: {source}")]
    Other {
        /// The interface.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl XdpError {
    pub(super) fn from_io(source: io::Error, name: &str) -> Self {
        let name = name.to_owned();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::PERM | Errno::ACCESS) => Self::NoPrivilege { name },
            Some(Errno::NODEV | Errno::NXIO) => Self::NoInterface { name },
            Some(Errno::BUSY | Errno::EXIST) => Self::Busy { name },
            _ => Self::Other { name, source },
        }
    }

    pub(super) fn from_socket(error: ::xdp::socket::SocketError, name: &str) -> Self {
        use ::xdp::socket::SocketError;
        match error {
            SocketError::SocketCreation(inner)
            | SocketError::SetSockOpt { inner, .. }
            | SocketError::GetSockOpt { inner, .. }
            | SocketError::RingMap { inner, .. }
            | SocketError::Bind(inner) => Self::from_io(inner, name),
        }
    }
}
