//! What paths carry: reports of routers (RFC 1191, RFC 8201), interfaces that change, knowledge that grows old.

use super::Host;
use crate::config::InterfaceId;
use crate::error::HostError;
use crate::ids::ConnectionId;
use crate::net::{Hop, Network, mss_of};
use crate::record::Record;
use core::net::IpAddr;
use sockeye_wire::Instant;
use sockeye_wire::icmp::Quoted;

impl Host {
    /// Changes the MTU of an interface, in octets without the link's header. Connections through it send larger or smaller
    /// segments from their next one on; what they advertised to receive stands.
    ///
    /// # Errors
    /// [`HostError::NoSuchInterface`].
    pub fn set_mtu(&mut self, interface: InterfaceId, mtu: u16) -> Result<(), HostError> {
        self.network.set_mtu(interface, mtu)
    }

    /// The MTU of an interface.
    #[must_use]
    pub fn mtu(&self, interface: InterfaceId) -> Option<u16> {
        self.network.interface(interface).map(|interface| interface.mtu)
    }

    /// The largest packet to `destination`, in octets, as far as is known; none if no route leads there.
    #[must_use]
    pub fn path_mtu(&mut self, now: Instant, destination: IpAddr) -> Option<u16> {
        let hop = self.network.hop((destination, 0).into())?;
        Some(self.network.mtu(now, destination, &hop).0)
    }

    /// The largest packet that a connection sends, as far as the path is concerned; none if it is gone.
    #[must_use]
    pub fn connection_mtu(&mut self, now: Instant, id: ConnectionId) -> Option<u16> {
        let record = self.connections.get(id.0)?;
        let remote = record.ends.remote_ip();
        let hop = record.path.hop(remote);
        Some(self.network.mtu(now, remote, &hop).0)
    }

    /// Somebody found out what the path to `destination` carries. That is believed for ten minutes, and never above what the
    /// interface takes; connections that exist are not changed. False if there is no room for it.
    pub fn set_path_mtu(&mut self, now: Instant, destination: IpAddr, mtu: u16) -> bool {
        self.network.paths.set(now, destination, mtu)
    }

    /// Forgets what is known of the path to `destination`; false if that was nothing.
    pub fn forget_path_mtu(&mut self, destination: IpAddr) -> bool {
        self.network.paths.forget(destination)
    }

    /// RFC 1191, RFC 8201: the path of a connection is narrower than we thought.
    pub(super) fn on_too_big(
        &mut self,
        now: Instant,
        index: u32,
        quoted: &Quoted,
        mtu: u32,
    ) -> bool {
        let Some(record) = self.connections.at(index) else { return false };
        let info = record.connection.info();
        if !quoted.seq.within(info.snd_una, info.snd_nxt.since(info.snd_una)) {
            return false;
        }
        let remote = record.ends.remote_ip();
        let hop = record.path.hop(remote);
        let confirm = record.connection.config().confirm_path_mtu;
        let known = self.network.mtu(now, remote, &hop).0;
        let narrower = self.narrower(now, remote, &hop, quoted, mtu);
        if let Some(mtu) = narrower.filter(|_| !confirm) {
            self.network.paths.set(now, remote, mtu);
        }
        // What others have learned counts too: their report may have come first.
        let learned = (quoted.total_len > usize::from(known)).then_some(known);
        let Some(mtu) = narrower.or(learned) else { return false };
        let until = self.network.mtu(now, remote, &hop).1;
        let Some(record) = self.connections.at_mut(index) else { return false };
        record.path.mtu_until = until;
        record.connection.on_path_mss(mss_of(mtu, remote), quoted.seq);
        self.changed(now, index);
        true
    }

    /// What a report says that was not known.
    pub(super) fn narrower(
        &mut self,
        now: Instant,
        remote: IpAddr,
        hop: &Hop,
        quoted: &Quoted,
        mtu: u32,
    ) -> Option<u16> {
        let link = self.network.link_mtu(hop);
        let floor = self.config.policy.min_path_mtu;
        self.network.paths.narrower(now, remote, (mtu, quoted.total_len), link, floor)
    }
}

/// The path's MTU is not what it was, or nobody knows any more that it is less than the link's: a larger size is tried again
/// (RFC 1191 §6.3, RFC 8201 §5.3).
pub(super) fn refresh_mtu(now: Instant, network: &mut Network, record: &mut Record) {
    let remote = record.ends.remote_ip();
    let (mtu, until) = network.mtu(now, remote, &record.path.hop(remote));
    record.path.mtu_until = until;
    record.connection.set_path_mss(mss_of(mtu, remote));
}
