//! ARP for IPv4 over Ethernet (RFC 826).

use crate::HeaderBytes;
use crate::ethernet::MacAddr;
use crate::packet::append;
use core::net::Ipv4Addr;
use etherparse::{ArpHardwareId, ArpPacketSlice, EtherType};

/// What the sender wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArpOperation {
    /// Who has the target address?
    Request,
    /// The sender has it.
    Reply,
}

/// A question or an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArpPacket {
    /// Question or answer.
    pub operation: ArpOperation,
    /// The sender's hardware address.
    pub sender_mac: MacAddr,
    /// The sender's address; unspecified in an address probe (RFC 5227).
    pub sender: Ipv4Addr,
    /// The target's hardware address; zero in a question.
    pub target_mac: MacAddr,
    /// The address that is asked for, or the asker's.
    pub target: Ipv4Addr,
}

impl ArpPacket {
    /// Reads what follows the Ethernet header; `None` if it is not ARP for IPv4 over Ethernet, or neither question nor
    /// answer.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let packet = ArpPacketSlice::from_slice(bytes).ok()?;
        if packet.hw_addr_type() != ArpHardwareId::ETHERNET
            || packet.proto_addr_type() != EtherType::IPV4
        {
            return None;
        }
        let operation = match packet.operation().0 {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            _ => return None,
        };
        let mac = |bytes: &[u8]| bytes.try_into().ok().map(MacAddr);
        let address = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from);
        Some(Self {
            operation,
            sender_mac: mac(packet.sender_hw_addr())?,
            sender: address(packet.sender_protocol_addr())?,
            target_mac: mac(packet.target_hw_addr())?,
            target: address(packet.target_protocol_addr())?,
        })
    }

    /// Appends the packet's 28 octets.
    ///
    /// # Panics
    /// If fewer than 28 octets of room are left.
    pub fn emit(&self, out: &mut HeaderBytes) {
        let operation = match self.operation {
            ArpOperation::Request => 1,
            ArpOperation::Reply => 2,
        };
        append(out, &[0, 1, 0x08, 0x00, 6, 4, 0, operation]);
        append(out, &self.sender_mac.0);
        append(out, &self.sender.octets());
        append(out, &self.target_mac.0);
        append(out, &self.target.octets());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_packet_survives(request: bool, a: [u8; 6], b: [u8; 6], sender: u32, target: u32) {
            let packet = ArpPacket {
                operation: if request { ArpOperation::Request } else { ArpOperation::Reply },
                sender_mac: MacAddr(a),
                sender: sender.into(),
                target_mac: MacAddr(b),
                target: target.into(),
            };
            let mut out = HeaderBytes::new();
            packet.emit(&mut out);
            prop_assert_eq!(out.len(), 28);
            prop_assert_eq!(ArpPacket::parse(&out), Some(packet));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: std::vec::Vec<u8>) {
            let _ = ArpPacket::parse(&bytes);
        }
    }
}
