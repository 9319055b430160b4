//! Which address Linux gets on its side of the device.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first host address of the subnet of `address`/`prefix_len` that is not in `taken`, for the other end of the link.
///
/// A subnet of two addresses has two hosts (RFC 3021, RFC 6164); a larger one does without its first address (the network's, in
/// IPv6 the routers' anycast address) and in IPv4 without its last (broadcast). `None` if nothing is left or the prefix is too long.
#[must_use]
pub fn linux_address(address: IpAddr, prefix_len: u8, taken: &[IpAddr]) -> Option<IpAddr> {
    let (width, bits) = match address {
        IpAddr::V4(address) => (32_u32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let host_bits = width.checked_sub(u32::from(prefix_len))?;
    let last = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
    let network = bits & !last;
    let hosts = match host_bits {
        0 => return None,
        1 => 0..=1,
        _ if address.is_ipv4() => 1..=last - 1,
        _ => 1..=last,
    };
    hosts
        .map(|host| match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((network | host) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(network | host)),
        })
        // With `address` one more is taken; one more still is enough to find a free one.
        .take(taken.len() + 2)
        .find(|host| *host != address && !taken.contains(host))
}
