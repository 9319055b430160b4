//! Which of its addresses a host sends from (RFC 9293 MUST-44), by RFC 6724 §5 as far as addresses alone decide.

use super::prefix::common_prefix;
use core::cmp::Reverse;
use core::net::{IpAddr, Ipv6Addr};

/// The best of `candidates` to reach `destination`; each comes with whether it is on the outgoing interface.
pub(crate) fn select_source(
    destination: IpAddr,
    candidates: impl Iterator<Item = (IpAddr, bool)>,
) -> Option<IpAddr> {
    let wanted = scope(destination);
    candidates
        .filter(|(address, _)| address.is_ipv4() == destination.is_ipv4())
        // A link-local address means something only on its own link.
        .filter(|(address, outgoing)| *outgoing || scope(*address) != LINK)
        .min_by_key(|(address, outgoing)| {
            let own = scope(*address);
            // Rule 2: the smallest scope that reaches; failing that the largest there is.
            let reach = if own >= wanted { own } else { u8::MAX - own };
            let same = *address != destination;
            (same, reach, !*outgoing, Reverse(common_prefix(*address, destination)))
        })
        .map(|(address, _)| address)
}

const LINK: u8 = 2;
const SITE: u8 = 5;
const GLOBAL: u8 = 14;

/// RFC 6724 §3.1 and §3.2, with the numbers of RFC 4291 §2.7's multicast scopes.
fn scope(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) if address.is_loopback() || address.is_link_local() => LINK,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(address) if address.is_multicast() => address.octets()[1] & 0xf,
        IpAddr::V6(address) if address == Ipv6Addr::LOCALHOST => LINK,
        IpAddr::V6(address) if address.is_unicast_link_local() => LINK,
        IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfec0 => SITE,
        IpAddr::V6(_) => GLOBAL,
    }
}
