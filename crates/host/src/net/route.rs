//! Routes: longest prefix first, then the smallest metric.

use super::prefix::Prefix;
use crate::config::InterfaceId;
use alloc::vec::Vec;
use core::net::IpAddr;

/// Where packets to some destinations go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// The destinations' common beginning, and its length in bits; 0 for a default route.
    pub destination: (IpAddr, u8),
    /// The router to send through; `None` if the destinations are on the link.
    pub gateway: Option<IpAddr>,
    /// The interface to send on.
    pub interface: InterfaceId,
    /// Among routes with equal prefixes the smallest wins.
    pub metric: u32,
}

/// A packet's next step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hop {
    pub(crate) interface: InterfaceId,
    pub(crate) next: IpAddr,
}

#[derive(Default)]
pub(crate) struct Routes {
    /// In order of preference.
    routes: Vec<(Prefix, Route)>,
}

impl Routes {
    pub(crate) fn add(&mut self, prefix: Prefix, route: Route) {
        self.remove(&route);
        let rank = |prefix: &Prefix, route: &Route| (u8::MAX - prefix.len, route.metric);
        let at =
            self.routes.partition_point(|known| rank(&known.0, &known.1) <= rank(&prefix, &route));
        self.routes.insert(at, (prefix, route));
    }

    /// Whether there was such a route; the metric is not compared.
    pub(crate) fn remove(&mut self, route: &Route) -> bool {
        let before = self.routes.len();
        self.routes.retain(|(_, known)| Route { metric: route.metric, ..*known } != *route);
        self.routes.len() < before
    }

    /// The best route to `destination`, on `interface` if one is given, and the length of its prefix.
    pub(crate) fn find(
        &self,
        destination: IpAddr,
        interface: Option<InterfaceId>,
    ) -> Option<(u8, Hop)> {
        let (prefix, route) = self.routes.iter().find(|(prefix, route)| {
            prefix.contains(destination) && interface.is_none_or(|wanted| wanted == route.interface)
        })?;
        let next = route.gateway.unwrap_or(destination);
        Some((prefix.len, Hop { interface: route.interface, next }))
    }
}
