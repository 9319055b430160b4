//! The machine against a twin of itself, and against segments written by hand, in virtual time.

mod closing;
mod handshake;
mod harness;
mod resets;
mod segments;
mod timers;
mod transfer;
mod urgent;
mod windows;
