//! The commands, one a file.

pub(crate) mod about;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod listen;
pub(crate) mod read;
pub(crate) mod serve;
