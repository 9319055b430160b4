//! The device, found or made.

use super::common::with_addresses;
use super::{TunConfig, TunError};
use rustix::net::{AddressFamily, SocketType};
use std::io;
use tun_rs::{DeviceBuilder, SyncDevice};

/// A queue of the device, and whether the device was not there before.
pub(super) fn device(
    config: &TunConfig,
    several_queues: bool,
) -> Result<(SyncDevice, bool), TunError> {
    check_name(&config.name)?;
    let created = !exists(&config.name);
    let mut builder = DeviceBuilder::new()
        .name(&config.name)
        .inherit_enable_state()
        .multi_queue(several_queues)
        .offload(config.offload);
    if created && config.configure.is_some() {
        builder = with_addresses(builder.mtu(config.mtu).enable(true), config)?;
    }
    let failed = |source: io::Error| TunError::from_io(source, config, created);
    Ok((builder.build_sync().map_err(failed)?, created))
}

fn check_name(name: &str) -> Result<(), TunError> {
    // IFNAMSIZ of if.h is 16 with the terminating zero.
    if name.len() > 15 {
        return Err(TunError::NameTooLong { name: name.to_owned() });
    }
    let is_bad = |c: char| c == '/' || c == ':' || c == '\0' || c.is_whitespace();
    if name.is_empty() || name == "." || name == ".." || name.contains(is_bad) {
        return Err(TunError::BadName { name: name.to_owned() });
    }
    Ok(())
}

fn exists(name: &str) -> bool {
    rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)
        .and_then(|socket| rustix::net::netdevice::name_to_index(socket, name))
        .is_ok()
}
