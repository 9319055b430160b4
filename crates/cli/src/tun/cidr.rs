//! An address and its subnet, as `--addr` takes it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address of a host and the length of its subnet's prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) prefix_len: u8,
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix_len) = text.split_once('/').ok_or_else(|| {
            let usual = if text.contains(':') { 64 } else { 24 };
            format!("the subnet is missing: write {text}/{usual} if it is as large as most")
        })?;
        let address: IpAddr = address.parse().map_err(|_| {
            format!("{address:?} is no IP address: write one such as 10.9.0.2/24 or fd09::2/64")
        })?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_len = prefix_len.parse().ok().filter(|len| *len <= width).ok_or_else(|| {
            format!("{prefix_len:?} is no prefix length: it is a number from 0 to {width}")
        })?;
        let cidr = Self { address, prefix_len };
        cidr.check()?;
        Ok(cidr)
    }
}

impl Cidr {
    /// That the address can be a host's (RFC 1122 §3.2.1.3, RFC 4291 §2.5 and §2.6.1).
    fn check(self) -> Result<(), String> {
        let Self { address, prefix_len } = self;
        let (width, bits) = match address {
            IpAddr::V4(address) => (32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (128, address.to_bits()),
        };
        let host_bits = width - u32::from(prefix_len);
        let hosts = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
        let what = if address.is_unspecified() {
            "stands for no host"
        } else if address.is_loopback() {
            "never leaves a host"
        } else if address.is_multicast() {
            "stands for a group of hosts"
        } else if address == IpAddr::from([255; 4]) {
            "stands for all hosts"
        } else if host_bits > 1 && bits & hosts == 0 {
            "is the subnet's own address, not a host's"
        } else if host_bits > 1 && address.is_ipv4() && bits & hosts == hosts {
            "is the subnet's broadcast address, not a host's"
        } else {
            return Ok(());
        };
        Err(format!("{address} {what}: choose one such as 10.9.0.2/24 or fd09::2/64"))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}
