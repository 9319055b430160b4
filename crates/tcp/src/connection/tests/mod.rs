//! The machine against a twin of itself, and against segments written by hand, in virtual time.

mod activity;
mod applications;
mod autotune;
mod closed_windows;
mod closing;
mod cookies;
mod ecn;
mod fast_open;
mod frto;
mod handshake;
pub(crate) mod harness;
mod holding;
mod icmp;
mod opening_windows;
mod options;
mod path_mtu;
mod pushing;
mod recovery;
mod reduction;
mod resets;
mod segments;
mod spurious;
mod time_wait;
mod timers;
mod transfer;
mod urgent;
mod user_timeout;
mod windows;
mod without_sack;

/// An idle connection is small, because what only traffic needs is elsewhere.
#[test]
fn a_connection_is_small() {
    assert!(size_of::<crate::Connection>() <= 400, "{}", size_of::<crate::Connection>());
}
