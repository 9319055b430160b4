//! Neighbour discovery for IPv6 over Ethernet (RFC 4861): solicitations and advertisements.

use crate::ethernet::MacAddr;
use crate::icmp::IcmpHeader;
use crate::packet::append;
use crate::{HeaderBytes, Payload};
use bytes::Bytes;
use core::net::Ipv6Addr;

/// ICMPv6 type of a neighbour solicitation.
pub const SOLICITATION: u8 = 135;
/// ICMPv6 type of a neighbour advertisement.
pub const ADVERTISEMENT: u8 = 136;
/// Hop limit of every message; one that arrives with less came through a router (RFC 4861 §7.1).
pub const HOP_LIMIT: u8 = 255;
/// Octets of a message with its link-layer address option.
pub const MESSAGE_BYTES: usize = 32;

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;

/// The group that every node with `address` listens to (RFC 4291 §2.7.1).
#[must_use]
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 0xff), low)
}

/// A question or an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NdpMessage {
    /// Who has the target address?
    Solicitation {
        /// The address that is asked for.
        target: Ipv6Addr,
        /// The asker's hardware address; absent in duplicate address detection.
        source_mac: Option<MacAddr>,
    },
    /// The sender has it.
    Advertisement {
        /// The address that is answered for.
        target: Ipv6Addr,
        /// The sender is a router.
        router: bool,
        /// Answers a solicitation, so the way to the sender works.
        solicited: bool,
        /// Replaces an address known before.
        overrides: bool,
        /// The sender's hardware address.
        target_mac: Option<MacAddr>,
    },
}

impl NdpMessage {
    /// Reads an ICMPv6 message of this type and code; `body` is what follows the checksum.
    ///
    /// `None` if it is no neighbour message or one that RFC 4861 §7.1 tells to discard. Checksum and hop limit are the
    /// caller's to check.
    #[must_use]
    pub fn parse(kind: u8, code: u8, body: &[u8]) -> Option<Self> {
        let target = Ipv6Addr::from(<[u8; 16]>::try_from(body.get(4..20)?).ok()?);
        if code != 0 || target.is_multicast() {
            return None;
        }
        let options = &body[20..];
        match kind {
            SOLICITATION => {
                let source_mac = link_layer_option(options, SOURCE_LINK_LAYER)?;
                Some(Self::Solicitation { target, source_mac })
            }
            ADVERTISEMENT => Some(Self::Advertisement {
                target,
                router: body[0] & 0x80 != 0,
                solicited: body[0] & 0x40 != 0,
                overrides: body[0] & 0x20 != 0,
                target_mac: link_layer_option(options, TARGET_LINK_LAYER)?,
            }),
            _ => None,
        }
    }

    /// Appends the ICMPv6 message from `source` to `destination`, checksum filled in: [`MESSAGE_BYTES`] octets, or 24
    /// without a hardware address.
    ///
    /// # Panics
    /// If fewer octets of room are left.
    pub fn emit(&self, source: Ipv6Addr, destination: Ipv6Addr, out: &mut HeaderBytes) {
        let (header, target, option, mac) = match *self {
            Self::Solicitation { target, source_mac } => {
                let header = IcmpHeader { kind: SOLICITATION, code: 0, rest: [0; 4] };
                (header, target, SOURCE_LINK_LAYER, source_mac)
            }
            Self::Advertisement { target, router, solicited, overrides, target_mac } => {
                let flags =
                    u8::from(router) << 7 | u8::from(solicited) << 6 | u8::from(overrides) << 5;
                let header = IcmpHeader { kind: ADVERTISEMENT, code: 0, rest: [flags, 0, 0, 0] };
                (header, target, TARGET_LINK_LAYER, target_mac)
            }
        };
        let mut data = [0; MESSAGE_BYTES - 8];
        data[..16].copy_from_slice(&target.octets());
        let mut len = 16;
        if let Some(mac) = mac {
            data[16..18].copy_from_slice(&[option, 1]);
            data[18..24].copy_from_slice(&mac.0);
            len = 24;
        }
        let body = Payload::from(Bytes::copy_from_slice(&data[..len]));
        header.emit(source.into(), destination.into(), &body, out);
        append(out, &data[..len]);
    }
}

/// The option's address, if there is one; `None` outside if an option has no length (RFC 4861 §4.6).
fn link_layer_option(mut options: &[u8], wanted: u8) -> Option<Option<MacAddr>> {
    let mut found = None;
    while let &[kind, words, ..] = options {
        let len = usize::from(words) * 8;
        if len == 0 || len > options.len() {
            return None;
        }
        if kind == wanted && found.is_none() {
            found = <[u8; 6]>::try_from(&options[2..8]).ok().map(MacAddr);
        }
        options = &options[len..];
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icmp::IcmpView;
    use proptest::prelude::*;

    #[test]
    fn groups_of_the_rfc() {
        // RFC 4291 §2.7.1's own example.
        let address = "4037::1:800:200e:8c6c".parse().unwrap();
        assert_eq!(solicited_node(address).to_string(), "ff02::1:ff0e:8c6c");
    }

    use std::string::ToString;

    proptest! {
        #[test]
        fn a_message_survives(target: u128, mac: Option<[u8; 6]>, flags: [bool; 3], ask: bool) {
            let target = Ipv6Addr::from(target & (u128::MAX >> 1));
            let mac = mac.map(MacAddr);
            let [router, solicited, overrides] = flags;
            let message = if ask {
                NdpMessage::Solicitation { target, source_mac: mac }
            } else {
                NdpMessage::Advertisement { target, router, solicited, overrides, target_mac: mac }
            };
            let (source, destination) = (Ipv6Addr::LOCALHOST, solicited_node(target));
            let mut out = HeaderBytes::new();
            message.emit(source, destination, &mut out);
            let Some(IcmpView::Other { kind, code, body }) =
                IcmpView::parse_v6(source.into(), destination.into(), &out)
            else {
                panic!("checksum or length");
            };
            prop_assert_eq!(NdpMessage::parse(kind, code, body), Some(message));
        }

        #[test]
        fn any_bytes_are_read_or_refused(ask: bool, body: std::vec::Vec<u8>) {
            let _ = NdpMessage::parse(if ask { SOLICITATION } else { ADVERTISEMENT }, 0, &body);
        }
    }
}
