//! An interface and the addresses on it.

use super::prefix::Prefix;
use crate::config::{InterfaceConfig, InterfaceId, Medium};
use crate::error::HostError;
use alloc::vec::Vec;
use core::net::IpAddr;
use sockeye_wire::MacAddr;

#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) id: InterfaceId,
    pub(crate) medium: Medium,
    pub(crate) mtu: u16,
    pub(crate) addresses: Vec<Prefix>,
    pub(crate) gso_max_bytes: u32,
    pub(crate) segmentation: bool,
    pub(crate) checksum_offload: bool,
    pub(crate) any_address: bool,
}

impl Interface {
    /// Whether packets leave as they are: no link header, and not to the host itself.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.medium == Medium::Ip && self.id != InterfaceId::LOOPBACK
    }

    pub(crate) fn new(id: InterfaceId, config: InterfaceConfig) -> Result<Self, HostError> {
        let mut interface = Self {
            id,
            medium: config.medium,
            mtu: config.mtu,
            addresses: Vec::with_capacity(config.addresses.len()),
            gso_max_bytes: config.gso_max_bytes,
            segmentation: config.segmentation,
            checksum_offload: config.checksum_offload,
            any_address: config.any_address,
        };
        for (address, len) in config.addresses {
            interface.add_address(address, len)?;
        }
        Ok(interface)
    }

    pub(crate) fn add_address(&mut self, address: IpAddr, len: u8) -> Result<(), HostError> {
        let prefix = Prefix::new(address, len).ok_or(HostError::BadPrefix { address, len })?;
        self.addresses.retain(|known| known.address != address);
        self.addresses.push(prefix);
        Ok(())
    }

    /// Whether there was such an address.
    pub(crate) fn remove_address(&mut self, address: IpAddr) -> bool {
        let before = self.addresses.len();
        self.addresses.retain(|known| known.address != address);
        self.addresses.len() < before
    }

    pub(crate) const fn mac(&self) -> Option<MacAddr> {
        match self.medium {
            Medium::Ip => None,
            Medium::Ethernet(mac) => Some(mac),
        }
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address == address)
    }
}
