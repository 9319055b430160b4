//! What Linux knows of a network interface, asked by `ioctl` (netdevice(7)).
//!
//! Not through `/sys`, which shows the interfaces of the network namespace that it was mounted in.

use rustix::fd::AsRawFd;
use rustix::net::{AddressFamily, SocketType, socket};
use sockeye_wire::MacAddr;
use std::io;

/// An interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NetDevice {
    pub(crate) index: u32,
    pub(crate) mtu: usize,
    /// None if it is no Ethernet.
    pub(crate) mac: Option<MacAddr>,
}

impl NetDevice {
    /// Asks for the interface of that name, which was checked to be shorter than 16 octets.
    pub(crate) fn find(name: &str) -> io::Result<Self> {
        let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
        let index = rustix::net::netdevice::name_to_index(&socket, name)?;
        let ask = |request| ask(socket.as_raw_fd(), name, request);
        // SAFETY: SIOCGIFMTU fills this member of the union.
        let mtu = unsafe { ask(libc::SIOCGIFMTU)?.ifr_ifru.ifru_mtu };
        // SAFETY: SIOCGIFHWADDR fills this member of the union.
        let address = unsafe { ask(libc::SIOCGIFHWADDR)?.ifr_ifru.ifru_hwaddr };
        let [a, b, c, d, e, f, ..] = address.sa_data.map(|octet| octet as u8);
        let is_ethernet = address.sa_family == libc::ARPHRD_ETHER;
        Ok(Self {
            index,
            mtu: usize::try_from(mtu).unwrap_or(0),
            mac: is_ethernet.then_some(MacAddr([a, b, c, d, e, f])),
        })
    }
}

fn ask(socket: i32, name: &str, request: libc::Ioctl) -> io::Result<libc::ifreq> {
    // SAFETY: all zero is a value of this plain C structure.
    let mut asked: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, octet) in asked.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1).zip(name.bytes()) {
        *to = octet as libc::c_char;
    }
    // SAFETY: both requests read and write one `ifreq`, which is ours alone for the time of the call.
    match unsafe { libc::ioctl(socket, request, &raw mut asked) } {
        0 => Ok(asked),
        _ => Err(io::Error::last_os_error()),
    }
}
