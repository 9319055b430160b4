//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers under one face.
//!
//! [`IpView`] is what a receiver needs to know, extension headers walked; [`IpHeader`] is one to be built.

mod build;
mod extension;
#[cfg(test)]
mod tests;
mod view;

pub use build::IpHeader;
pub use extension::{Extensions, walk_extensions};
pub use view::{Fragment, IpError, IpView};

/// Octets of an IPv4 header without options.
pub const IPV4_HEADER_BYTES: usize = 20;
/// Octets of an IPv6 header without extensions.
pub const IPV6_HEADER_BYTES: usize = 40;
/// Smallest MTU of an IPv6 link (RFC 8200 §5).
pub const IPV6_MIN_MTU: u16 = 1280;

/// Protocol numbers as IANA assigned them.
pub mod protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// Nothing follows.
    pub const NO_NEXT_HEADER: u8 = 59;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;
}
