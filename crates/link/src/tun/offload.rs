//! What a TUN device may leave to us.

use rustix::ioctl::{IntegerSetter, Opcode, ioctl};
use std::io;
use std::os::fd::AsFd;

/// Linux leaves the checksums and the cutting of TCP to us, also with ECN, but no other protocol's: a host that does not know UDP's
/// super-segments would answer for the first datagram only.
pub(super) fn tcp_only(device: impl AsFd) -> io::Result<()> {
    let what = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    // SAFETY: TUNSETOFFLOAD takes its argument by value and touches no memory of ours.
    unsafe { ioctl(device, IntegerSetter::<TUNSETOFFLOAD>::new_usize(what)) }?;
    Ok(())
}

// linux/if_tun.h
const TUNSETOFFLOAD: Opcode = rustix::ioctl::opcode::write::<std::ffi::c_uint>(b'T', 208);
const TUN_F_CSUM: usize = 0x01;
const TUN_F_TSO4: usize = 0x02;
const TUN_F_TSO6: usize = 0x04;
const TUN_F_TSO_ECN: usize = 0x08;
