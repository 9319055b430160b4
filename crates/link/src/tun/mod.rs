//! A TUN device: IP packets that the kernel routes to an interface come to us, and ours go to the kernel.
//!
//! The stack's own address is never given to the interface, or the kernel would answer for it. On a device that [`Tun`]
//! created, Linux gets another address of the same subnet (see [`linux_address`]), and with it the route to ours; a device
//! that was there before is used as it is.
//!
//! On macOS and Windows the device is always created, and exchanges single packets.

mod addresses;
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
mod common;
mod config;
#[cfg(any(target_os = "macos", target_os = "windows"))]
mod elsewhere;
mod error;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod offload;
#[cfg(target_os = "linux")]
mod open;
#[cfg(test)]
#[cfg(target_os = "linux")]
pub(crate) mod tests;

pub use addresses::linux_address;
pub use config::{TunConfig, TunCounts};
#[cfg(any(target_os = "macos", target_os = "windows"))]
pub use elsewhere::Tun;
pub use error::TunError;
#[cfg(target_os = "linux")]
pub use linux::Tun;
