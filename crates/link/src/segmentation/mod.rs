//! Super-segments in software, for links that cannot cut or coalesce themselves.

mod complete;
mod cut;
mod fields;
mod merge;
mod software;
#[cfg(test)]
pub(crate) mod tests;

pub use complete::complete;
pub use cut::cut;
pub use merge::Merger;
pub use software::SoftwareOffload;

use crate::Medium;
use sockeye_wire::ip::{IpView, protocol};
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{ChecksumState, Packet, ethernet};

/// Whether something is left to be done to a packet before it can go over a wire: what [`cut`] does.
#[inline]
#[must_use]
pub fn is_unfinished(packet: &Packet) -> bool {
    packet.meta.wire_segments > 1 || packet.meta.checksum == ChecksumState::Partial
}

/// Where the headers of a TCP segment lie in its packet.
#[derive(Clone, Copy, Debug)]
struct Layout {
    ip: IpView,
    ip_at: usize,
    tcp_at: usize,
    data_at: usize,
}

impl Layout {
    /// `None` if the packet is no whole TCP segment with its headers in one piece.
    fn of(packet: &Packet, medium: Medium) -> Option<Self> {
        let front = packet.front();
        let ip_at = ip_at(medium);
        let ip = IpView::parse(front.get(ip_at..)?, packet.len() - ip_at).ok()?;
        if ip.protocol != protocol::TCP || ip.fragment.is_some() {
            return None;
        }
        let tcp_at = ip_at + ip.header_len;
        let tcp = TcpView::parse(front.get(tcp_at..)?).ok()?;
        let data_at = tcp_at + tcp.header_len();
        (data_at <= ip_at + ip.total_len).then_some(Self { ip, ip_at, tcp_at, data_at })
    }
}

/// Where the IP header begins; nobody here tags frames.
const fn ip_at(medium: Medium) -> usize {
    match medium {
        Medium::Ip => 0,
        Medium::Ethernet(_) => ethernet::HEADER_BYTES,
    }
}
