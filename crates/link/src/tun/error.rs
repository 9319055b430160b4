//! Why a TUN device cannot be used, and what to do about it.

#[cfg(target_os = "linux")]
use super::TunConfig;
#[cfg(target_os = "linux")]
use rustix::io::Errno;
use std::io;
use std::net::Ipv4Addr;
use thiserror::Error;

/// Why a TUN device cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TunError {
    /// An interface name of more than 15 octets.
    #[error("interface name {name:?} is too long: Linux allows 15 bytes, this has {}", name.len())]
    NameTooLong {
        /// The name.
        name: String,
    },
    /// An interface name that Linux does not allow.
    #[error("{name:?} is no interface name: it must not be empty, nor contain '/', ':' or spaces")]
    BadName {
        /// The name.
        name: String,
    },
    /// Neither creating devices nor attaching to this one is allowed.
    #[error(
        "no permission for TUN device {name:?}: creating one needs CAP_NET_ADMIN. Run as root (sudo), or prepare the \
         device once as root:\n{}",
        indented(commands)
    )]
    NoPrivilege {
        /// The device.
        name: String,
        /// What root would run, so that we need no privilege.
        commands: Vec<String>,
    },
    /// `/dev/net/tun` cannot be opened, for lack of the file or of the driver.
    #[error(
        "/dev/net/tun is missing: load the driver (sudo modprobe tun), or give the container the device \
         (--device /dev/net/tun)"
    )]
    NoDriver(#[source] io::Error),
    /// Somebody else has the device open.
    #[error(
        "TUN device {name:?} is in use by another program: end that one, or choose another name"
    )]
    Busy {
        /// The device.
        name: String,
    },
    /// There is an interface of that name which is no TUN device, or one of another kind.
    #[error(
        "interface {name:?} exists and is no plain TUN device: choose another name (\"ip tuntap\" lists them)"
    )]
    NotTun {
        /// The interface.
        name: String,
    },
    /// A second IPv4 subnet to be set up.
    #[error(
        "one IPv4 subnet can be set up on a TUN device; add the other by hand: ip addr add {second}/{prefix} dev NAME"
    )]
    SecondIpv4 {
        /// The address that is one too many.
        second: Ipv4Addr,
        /// Its prefix length.
        prefix: u8,
    },
    /// The device cannot be had on a system other than Linux.
    #[error(
        "no TUN device {name:?}: {source} (it needs an administrator's rights, and Windows wintun.dll)"
    )]
    Elsewhere {
        /// The device.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("setting up TUN device {name:?}: {source}. By hand, as root:\n{}", indented(commands))]
    Other {
        /// The device.
        name: String,
        /// What root would run.
        commands: Vec<String>,
        /// What the kernel said.
        source: io::Error,
    },
}

#[cfg(target_os = "linux")]
impl TunError {
    pub(super) fn from_io(source: io::Error, config: &TunConfig, created: bool) -> Self {
        let name = config.name.clone();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::PERM | Errno::ACCESS) => {
                Self::NoPrivilege { name, commands: config.ip_commands() }
            }
            Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => Self::NoDriver(source),
            Some(Errno::BUSY) => Self::Busy { name },
            Some(Errno::INVAL) if !created => Self::NotTun { name },
            _ => Self::Other { name, commands: config.ip_commands(), source },
        }
    }
}

fn indented(commands: &[String]) -> String {
    commands.iter().map(|command| format!("  {command}")).collect::<Vec<_>>().join("\n")
}
