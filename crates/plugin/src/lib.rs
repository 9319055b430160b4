//! Sockeye as a shared object for google's packetdrill: `packetdrill --so_filename=libsockeye_plugin.so script.pkt`.
//!
//! packetdrill loads the object, calls `packetdrill_interface_init`, and makes all system calls of a script through the
//! table of functions that it gets, from two threads: its own, and one for calls that the script expects to wait. Packets
//! go through the same table, and so does the time, which is virtual: it jumps when packetdrill sleeps or waits for a packet,
//! creeps while packetdrill spins on the clock, and otherwise stands still.
//!
//! | module | what it is |
//! |---|---|
//! | `stack` | the sockets, their virtual time and the packets they sent; safe |
//! | `process`, `second` | threads: who waits for what; safe |
//! | `flags`, `kernel`, `command` | set-up: `--so_flags`, the kernel's settings, and what shell commands change |
//! | `interface` | packetdrill's table of functions |
//! | `calls`, `waiting`, `device` | the functions themselves |
//! | `memory`, `descriptors` | the program's memory and its descriptors |
//! | `preload`, `sendfile` | what packetdrill asks the C library for, if the object is preloaded |

mod calls;
mod command;
mod descriptors;
mod device;
mod flags;
mod interface;
mod kernel;
mod memory;
mod options;
pub mod preload;
mod process;
mod second;
mod sendfile;
mod stack;
#[cfg(test)]
mod tests;
mod waiting;

pub use interface::{Interface, packetdrill_interface_init};
