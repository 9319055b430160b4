//! What the devices of all systems have in common.

use super::{TunConfig, TunError};
use sockeye_wire::Packet;
use std::io;
use std::net::IpAddr;
use tun_rs::DeviceBuilder;

/// The device gets the addresses that it is to be set up with.
pub(super) fn with_addresses(
    mut builder: DeviceBuilder,
    config: &TunConfig,
) -> Result<DeviceBuilder, TunError> {
    let mut v4 = None;
    for &(address, prefix) in config.configure.iter().flatten() {
        match address {
            IpAddr::V4(address) if v4.is_none() => {
                v4 = Some(address);
                builder = builder.ipv4(address, prefix, None);
            }
            IpAddr::V4(second) => return Err(TunError::SecondIpv4 { second, prefix }),
            IpAddr::V6(address) => builder = builder.ipv6(address, prefix),
        }
    }
    Ok(builder)
}

/// Puts into `batch` what `next` gives, `max` packets at most; says how many came.
#[inline]
pub(super) fn fill(
    batch: &mut Vec<Packet>,
    max: usize,
    mut next: impl FnMut() -> io::Result<Option<Packet>>,
) -> io::Result<usize> {
    for received in 0..max {
        match next()? {
            Some(packet) => batch.push(packet),
            None => return Ok(received),
        }
    }
    Ok(max)
}
