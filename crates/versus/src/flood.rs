//! A flood of SYNs against a server that also has honest clients: how many of those get through, and what the server holds.

use crate::cpu;
use crate::pair::stranger;
use sockeye_host::{ConnectionId, Host, HostConfig, InterfaceConfig, InterfaceId};
use sockeye_wire::{Flags, Instant, Packet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// SYNs between two looks at the honest clients.
const BURST: u32 = 64;
/// What each client sends, and the server has to have read in time.
const REQUEST: [u8; 1_024] = [7; 1_024];
/// What a client waits for at most.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flood {
    /// SYNs of the flood.
    pub syns: u64,
    /// Wall-clock time of the whole.
    pub time: Duration,
    /// Honest connections opened.
    pub connections: usize,
    /// Of those, the ones whose request was read within [`PATIENCE`].
    pub in_time: usize,
    /// Longest time that one of these took.
    pub slowest: Duration,
    /// Most half-open records at once, and the limit on them.
    pub half_open: [usize; 2],
    /// Cookies that the server sent, and that opened a connection.
    pub cookies: [u64; 2],
}

struct Client {
    id: ConnectionId,
    since: Instant,
    written: bool,
}

/// Opens `connections` one after another, `spacing` apart, while SYNs arrive as fast as this thread can make and handle them. The table of
/// half-open connections is full before the first.
pub fn measure(connections: usize, spacing: Duration) -> Flood {
    let [(mut client, client_if), (mut server, server_if)] = [host(0), host(1)];
    let Ok(listener) = server.listen(SocketAddr::new(address(1), 80), 1 << 20) else {
        panic!("nobody else listens");
    };
    let limit = server.config().limits.half_open;
    let begin = clock();
    let mut flood = Flood { connections, half_open: [0, limit], ..Flood::default() };
    let (mut clients, mut opened, mut read) = (Vec::new(), 0, Vec::new());
    let mut first = None;
    while opened < connections || !clients.is_empty() {
        let now = clock();
        for _ in 0..BURST {
            server.on_packet(now, server_if, stranger(now, flood.syns as u32, Flags::SYN));
            flood.syns += 1;
        }
        flood.half_open[0] = flood.half_open[0].max(server.counts().half_open);
        let full = server.counts().half_open >= limit || first.is_some();
        if full
            && opened < connections
            && now >= *first.get_or_insert(now) + spacing * opened as u32
        {
            if let Ok(id) = client.connect(now, SocketAddr::new(address(1), 80), None) {
                clients.push(Client { id, since: now, written: false });
            }
            opened += 1;
        }
        for known in clients.iter_mut().filter(|known| !known.written) {
            known.written = client.write(now, known.id, &REQUEST) == Ok(REQUEST.len());
        }
        exchange(now, (&mut client, client_if), (&mut server, server_if));
        while let Some((id, ends)) = server.accept(listener) {
            read.push((id, ends.remote, 0));
        }
        let mut out = [0; 2_048];
        read.retain_mut(|(id, remote, octets)| {
            *octets += server.read(now, *id, &mut out).unwrap_or(0);
            if *octets < REQUEST.len() {
                return true;
            }
            let is_its = |known: &Client| {
                client.endpoints(known.id).is_some_and(|ends| ends.local == *remote)
            };
            if let Some(at) = clients.iter().position(is_its) {
                // The hosts' clock stands still for a whole round.
                let took = clock().since(clients.swap_remove(at).since);
                flood.in_time += usize::from(took <= PATIENCE);
                flood.slowest = flood.slowest.max(took);
            }
            false
        });
        clients.retain(|known| now.since(known.since) <= PATIENCE);
        for host in [&mut client, &mut server] {
            if host.deadline().is_some_and(|deadline| deadline <= now) {
                host.on_timer(now);
            }
            while host.poll_event().is_some() {}
        }
    }
    let counters = server.counters();
    flood.cookies = [counters.syn_cookies_sent, counters.syn_cookies_valid];
    flood.time = clock().since(begin);
    flood
}

/// Until neither has anything to say; what is for strangers is lost.
fn exchange(
    now: Instant,
    (client, client_if): (&mut Host, InterfaceId),
    (server, server_if): (&mut Host, InterfaceId),
) {
    let mut quiet = false;
    while !quiet {
        quiet = true;
        while let Some((_, packet)) = server.poll_transmit(now) {
            if is_for_client(&packet) {
                client.on_packet(now, client_if, packet);
                quiet = false;
            }
        }
        while let Some((_, packet)) = client.poll_transmit(now) {
            server.on_packet(now, server_if, packet);
            quiet = false;
        }
    }
}

fn is_for_client(packet: &Packet) -> bool {
    packet.front().get(16..20) == Some(&[10, 0, 0, 1])
}

fn host(end: u8) -> (Host, InterfaceId) {
    let mut host = Host::new(HostConfig::new([end + 1; 32]));
    match host.add_interface(InterfaceConfig::ip(1_500).with_address(address(end), 8)) {
        Ok(id) => (host, id),
        Err(error) => panic!("{error}"),
    }
}

fn address(end: u8) -> IpAddr {
    Ipv4Addr::new(10, end, 0, 1).into()
}

fn clock() -> Instant {
    Instant::from_nanos(u64::try_from(cpu::clock().as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::measure;
    use std::time::Duration;

    #[test]
    fn honest_clients_get_through_by_cookies() {
        let flood = measure(20, Duration::ZERO);
        assert_eq!(flood.half_open[0], flood.half_open[1]);
        assert!(flood.in_time > 0 && flood.cookies[1] > 0 && flood.cookies[0] >= flood.cookies[1]);
    }
}
