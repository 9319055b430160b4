//! Which device, and what was lost on it.

use super::linux_address;
use std::net::IpAddr;

/// What device to use, and what to set up if it must be created.
#[derive(Clone, Debug)]
pub struct TunConfig {
    /// The interface's name, at most 15 octets; a `%d` in it lets the kernel choose a number.
    pub name: String,
    /// Octets of the largest packet, for a device that is created.
    pub mtu: u16,
    /// Addresses for Linux on a device that is created, each with its prefix length: at most one IPv4 subnet, any number of IPv6
    /// ones. `None` leaves such a device as the kernel made it: down and without address.
    pub configure: Option<Vec<(IpAddr, u8)>>,
    /// Let Linux hand over and take super-segments of TCP, and packets whose checksum is still open: one system call for up to 64 KiB. Other
    /// systems cannot.
    pub offload: bool,
}

impl TunConfig {
    /// A device with an MTU of 1,500 and offload for a stack that has these addresses: Linux gets [`linux_address`] of each subnet.
    #[must_use]
    pub fn for_stack(name: impl Into<String>, stack_addresses: &[(IpAddr, u8)]) -> Self {
        let mut configure: Vec<(IpAddr, u8)> = Vec::new();
        let taken: Vec<IpAddr> = stack_addresses.iter().map(|(address, _)| *address).collect();
        for &(address, prefix) in stack_addresses {
            if let Some(linux) = linux_address(address, prefix, &taken)
                && !configure.contains(&(linux, prefix))
            {
                configure.push((linux, prefix));
            }
        }
        Self { name: name.into(), mtu: 1_500, configure: Some(configure), offload: true }
    }

    /// The `ip` commands that set up the same device by hand, one a line, to be run as root.
    #[must_use]
    pub fn ip_commands(&self) -> Vec<String> {
        let name = &self.name;
        let mut commands = vec![format!("ip tuntap add dev {name} mode tun user $USER")];
        for (address, prefix) in self.configure.iter().flatten() {
            commands.push(format!("ip addr add {address}/{prefix} dev {name}"));
        }
        commands.push(format!("ip link set dev {name} mtu {} up", self.mtu));
        commands
    }
}

/// Packets that a [`Tun`](super::Tun) lost, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TunCounts {
    /// Sent while the interface was down.
    pub dropped_link_down: u64,
    /// Sent, and refused by the kernel as no IP packet or too long.
    pub dropped_refused: u64,
    /// Received longer than the MTU known at that time, and so cut.
    pub dropped_cut: u64,
}
