//! Cables: between two hosts, between a host and a place where several meet, between two such places.

use super::channel::{Channel, Target};
use super::{ChannelId, End, JunctionId, Network, Way};
use sockeye_host::{HostError, InterfaceConfig};
use sockeye_link::impair::{Impairer, Impairment};
use sockeye_wire::Packet;
use sockeye_wire::ip::IpView;
use std::net::IpAddr;

/// A router without a queue of its own: whatever arrives goes on at once.
#[derive(Default)]
pub(super) struct Junction {
    /// The hosts here, and the channels to them.
    hosts: Vec<(IpAddr, usize)>,
    /// The channel to everyone else.
    onward: Option<usize>,
}

impl Network {
    /// Lays a cable between two hosts; `mtu` is the largest IP packet in octets. The channels' names come in the order of the ends
    /// that send into them.
    ///
    /// # Errors
    /// [`HostError::BadPrefix`] if a prefix is longer than its address.
    ///
    /// # Panics
    /// If a host is not one of this network's.
    pub fn join(&mut self, ends: [End; 2], mtu: u16) -> Result<[ChannelId; 2], HostError> {
        let [one, other] = ends;
        let targets = [self.plug(&one, mtu)?, self.plug(&other, mtu)?];
        let impairers = [one, other].map(|end| Impairer::new(end.seed, end.impairment));
        Ok(self.lay(targets, impairers))
    }

    /// Adds a place where cables meet, without any.
    pub fn add_junction(&mut self) -> JunctionId {
        self.junctions.push(Junction::default());
        JunctionId(self.junctions.len() - 1)
    }

    /// Lays a cable between a host and a junction; `back` is what happens to what the host receives, and its seed. The first
    /// channel is the host's.
    ///
    /// # Errors
    /// [`HostError::BadPrefix`] if the prefix is longer than its address.
    ///
    /// # Panics
    /// If the host or the junction is not one of this network's.
    pub fn attach(
        &mut self,
        end: End,
        junction: JunctionId,
        back: (Impairment, u64),
        mtu: u16,
    ) -> Result<[ChannelId; 2], HostError> {
        let targets = [self.plug(&end, mtu)?, Target::Junction(junction)];
        let impairers = [(end.impairment, end.seed), back];
        let laid = self.lay(targets, impairers.map(|(what, seed)| Impairer::new(seed, what)));
        self.junctions[junction.0].hosts.push((end.address.0, laid[1].0));
        Ok(laid)
    }

    /// Lays a cable between two junctions, over which all goes that is not for a host of the junction itself. Each is given
    /// with what happens to what it sends, and the seed of that.
    ///
    /// # Panics
    /// If a junction is not one of this network's.
    pub fn trunk(&mut self, ends: [(JunctionId, Impairment, u64); 2]) -> [ChannelId; 2] {
        let junctions = [ends[0].0, ends[1].0];
        let impairers = ends.map(|(_, impairment, seed)| Impairer::new(seed, impairment));
        let laid = self.lay(junctions.map(Target::Junction), impairers);
        for (junction, channel) in junctions.into_iter().zip(laid) {
            self.junctions[junction.0].onward = Some(channel.0);
        }
        laid
    }

    /// Gives a host an interface; its way is the next channel to be laid.
    fn plug(&mut self, end: &End, mtu: u16) -> Result<Target, HostError> {
        let (address, prefix_len) = end.address;
        let config = InterfaceConfig { segmentation: false, ..InterfaceConfig::ip(mtu) }
            .with_address(address, prefix_len);
        let node = &mut self.nodes[end.node.0];
        let interface = node.host.add_interface(config)?;
        let tap = self.tap.add_interface(&node.name);
        node.ways.push(Way { interface, channel: usize::MAX, tap });
        Ok(Target::Host(end.node, interface))
    }

    /// Two channels between these ends.
    fn lay(&mut self, ends: [Target; 2], impairers: [Impairer; 2]) -> [ChannelId; 2] {
        let first = self.channels.len();
        for (at, impairer) in impairers.into_iter().enumerate() {
            if let Target::Host(node, interface) = ends[at] {
                let ways = self.nodes[node.0].ways.iter_mut();
                for way in ways.filter(|way| way.interface == interface) {
                    way.channel = first + at;
                }
            }
            self.channels.push(Channel::new(ends[1 - at], first + 1 - at, impairer));
        }
        [ChannelId(first), ChannelId(first + 1)]
    }
}

impl Junction {
    pub(super) fn way(&self, packet: &Packet) -> Option<usize> {
        let destination = IpView::parse(packet.front(), packet.len()).ok()?.destination;
        let here = self.hosts.iter().find(|(address, _)| *address == destination);
        here.map(|(_, channel)| *channel).or(self.onward)
    }
}
