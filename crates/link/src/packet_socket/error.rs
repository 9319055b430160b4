//! Why an interface's frames cannot be had, and what to do about it.

use rustix::io::Errno;
use std::io;
use thiserror::Error;

/// Why a packet socket cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PacketSocketError {
    /// There is no interface of that name.
    #[error("there is no interface {name:?} (\"ip link\" lists them)")]
    NoInterface {
        /// The name.
        name: String,
    },
    /// The interface carries no Ethernet frames.
    #[error("interface {name:?} is no Ethernet: a TUN device is used as one, loopback not at all")]
    NotEthernet {
        /// The interface.
        name: String,
    },
    /// Packet sockets are not allowed.
    #[error(
        "no permission for a packet socket on {name:?}: it needs CAP_NET_RAW. Run as root (sudo)"
    )]
    NoPrivilege {
        /// The interface.
        name: String,
    },
    /// Anything else.
    #[error("a packet socket on {name:?}: {source}")]
    Other {
        /// The interface.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl PacketSocketError {
    pub(super) fn from_io(source: io::Error, name: &str) -> Self {
        let name = name.to_owned();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::PERM | Errno::ACCESS) => Self::NoPrivilege { name },
            Some(Errno::NODEV | Errno::NXIO) => Self::NoInterface { name },
            _ => Self::Other { name, source },
        }
    }
}
