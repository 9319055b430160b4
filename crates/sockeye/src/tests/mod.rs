//! Tests over two stacks on an in-memory link.

mod blocking;
mod capture;
#[cfg(feature = "futures-io")]
mod futures_io;
mod incoming;
mod life;
mod options;
mod over;
mod ready;
mod shards;
mod streams;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod telemetry;
#[cfg(target_os = "linux")]
mod tun;
mod wakeups;

use crate::link::Link;
use crate::link::memory::{PairConfig, pair};
use crate::{Interface, Stack, StackBuilder, TcpListener, TcpStream};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(super) const A4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const B4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(super) const A6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
pub(super) const B6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);

/// A builder for a stack with an address of each family on the link.
pub(super) fn on(link: impl Link + 'static, v4: Ipv4Addr, v6: Ipv6Addr) -> StackBuilder {
    Stack::builder().interface(Interface::new(link).address(v4, 24).address(v6, 64)).secret([7; 32])
}

pub(super) fn two_stacks() -> (Stack, Stack) {
    let (a, b) = pair(PairConfig::default());
    (on(a, A4, A6).spawn().unwrap(), on(b, B4, B6).spawn().unwrap())
}

pub(super) fn at(address: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(address.into(), port)
}

/// A connection from one stack to the other, both ends.
pub(super) async fn connection(a: &Stack, b: &Stack) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(b, at(B4, 0)).unwrap();
    let (client, server) =
        tokio::join!(a.connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}
