//! What `--so_flags` says: `local=ADDRESS,mtu=OCTETS,mss=OCTETS,tcp_NAME=VALUE`, in any order, and any of them as often as wanted.

use std::net::IpAddr;
use std::num::NonZeroU16;

/// Set-up of the stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Flags {
    /// Own addresses from which connections are opened. Those that packetdrill binds to or sends to are added by themselves.
    pub(crate) local: Vec<IpAddr>,
    /// Largest IP packet in octets.
    pub(crate) mtu: u16,
    /// Packets with more payload than this, in octets, arrive as the device's coalescing of packets with this much.
    pub(crate) coalesced_from: Option<u16>,
    /// Kernel settings (`tcp_congestion_control=cubic`) that count whatever the kernel's own are.
    pub(crate) sysctls: Vec<(String, String)>,
}

impl Default for Flags {
    fn default() -> Self {
        Self { local: Vec::new(), mtu: 1_500, coalesced_from: None, sysctls: Vec::new() }
    }
}

impl Flags {
    /// # Errors
    /// The part that cannot be understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut flags = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let bad = || part.to_owned();
            match part.split_once('=') {
                Some(("local", address)) => {
                    flags.local.push(address.parse().map_err(|_| bad())?);
                }
                Some(("mtu", octets)) => flags.mtu = octets.parse().map_err(|_| bad())?,
                Some(("mss", octets)) => {
                    let size: NonZeroU16 = octets.parse().map_err(|_| bad())?;
                    flags.coalesced_from = Some(size.get());
                }
                Some((name, value)) if name.starts_with("tcp_") => {
                    flags.sysctls.push((name.to_owned(), value.to_owned()));
                }
                _ => return Err(bad()),
            }
        }
        Ok(flags)
    }

    /// Own addresses: those given, and one of each family that has none.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        let usual: [IpAddr; 2] =
            [[192, 168, 0, 1].into(), [0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1].into()];
        let mut addresses = self.local.clone();
        for address in usual {
            if !self.local.iter().any(|given| given.is_ipv4() == address.is_ipv4()) {
                addresses.push(address);
            }
        }
        addresses
    }
}
