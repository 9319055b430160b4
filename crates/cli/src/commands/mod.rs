//! The commands, one a file.

pub(crate) mod about;
#[cfg(target_os = "linux")]
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod drill;
#[cfg(target_os = "linux")]
pub(crate) mod listen;
#[cfg(target_os = "linux")]
pub(crate) mod proxy;
pub(crate) mod read;
#[cfg(target_os = "linux")]
pub(crate) mod serve;
pub(crate) mod sim;
