//! Address prefixes.

use core::net::{IpAddr, Ipv4Addr};

/// The first `len` bits of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prefix {
    pub(crate) address: IpAddr,
    pub(crate) len: u8,
}

impl Prefix {
    /// `None` if the prefix is longer than the address.
    pub(crate) fn new(address: IpAddr, len: u8) -> Option<Self> {
        (len <= width(address)).then_some(Self { address, len })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && common_prefix(self.address, address) >= self.len
    }

    /// The address that means everyone in an IPv4 prefix; none in a point-to-point one (RFC 3021) or a single host's.
    pub(crate) fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(address) if self.len < 31 => {
                let hosts = u32::MAX.checked_shr(u32::from(self.len)).unwrap_or(0);
                Some(Ipv4Addr::from(u32::from(address) | hosts))
            }
            _ => None,
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Bits in which two addresses agree from the left; 0 if they are of different families.
pub(crate) fn common_prefix(a: IpAddr, b: IpAddr) -> u8 {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros() as u8,
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros() as u8,
        _ => 0,
    }
}
