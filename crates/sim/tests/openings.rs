//! Connections that open in other ways than most (Fast Open, SYN cookies, both), over bad networks, with the eye watching: every request
//! and every answer arrives whole, and the eye finds nothing wrong.

use sockeye_host::{
    ConnectionId, CookiePolicy, Error, Event, Events, Host, HostConfig, ListenerId,
};
use sockeye_link::impair::Impairment;
use sockeye_sim::network::End;
use sockeye_sim::{Network, NodeId, Script};
use sockeye_wire::Instant;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const CONNECTIONS: usize = 12;
/// More than a SYN takes.
const LONG_REQUEST_BYTES: usize = 3_000;
/// One segment. With SYN cookies a later one that comes first is one of nobody's: only the first octet's number tells the client's ISN.
const SHORT_REQUEST_BYTES: usize = 500;
const ANSWER_BYTES: usize = 30_000;

/// A asks, one connection after the other; B answers and closes; A closes.
struct Asking {
    a: NodeId,
    request: Vec<u8>,
    server: SocketAddr,
    listener: ListenerId,
    /// A's connection, what it has written and read.
    current: Option<(ConnectionId, usize, usize)>,
    /// B's connections, and what they have read and written.
    serving: HashMap<ConnectionId, (usize, usize)>,
    done: usize,
    on_syns: usize,
}

impl Asking {
    fn begin(&mut self, now: Instant, host: &mut Host) {
        let config = Arc::new(sockeye_tcp::Config::default());
        let (id, taken) = host
            .connect_fast_open(now, self.server, None, config, &self.request, false)
            .expect("a connection");
        self.on_syns += taken;
        self.current = Some((id, taken, 0));
    }

    fn ask(&mut self, now: Instant, host: &mut Host, events: Events) {
        let Some((id, mut written, mut read)) = self.current else { return };
        if events.intersects(Events::CONNECTED | Events::WRITABLE) && written < self.request.len() {
            match host.write(now, id, &self.request[written..]) {
                Ok(count) => written += count,
                Err(error) => assert_eq!(error, Error::WouldBlock),
            }
        }
        let mut buffer = [0; 4_096];
        loop {
            match host.read(now, id, &mut buffer) {
                Ok(0) => {
                    assert_eq!((written, read), (self.request.len(), ANSWER_BYTES));
                    host.close(now, id);
                    self.done += 1;
                    self.current = None;
                    if self.done < CONNECTIONS {
                        self.begin(now, host);
                    }
                    return;
                }
                Ok(count) => read += count,
                Err(error) => {
                    assert_eq!(error, Error::WouldBlock);
                    break;
                }
            }
        }
        self.current = Some((id, written, read));
    }

    fn serve(&mut self, now: Instant, host: &mut Host, id: ConnectionId) {
        let (read, written) = self.serving.entry(id).or_default();
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = host.read(now, id, &mut buffer) {
            *read += count;
        }
        if *read < self.request.len() {
            return;
        }
        assert_eq!(*read, self.request.len());
        while *written < ANSWER_BYTES {
            match host.write(now, id, &[9; ANSWER_BYTES][*written..]) {
                Ok(count) => *written += count,
                Err(_) => return,
            }
        }
        self.serving.remove(&id);
        host.shutdown(now, id);
        host.close(now, id);
    }
}

impl Script for Asking {
    fn on_event(&mut self, node: NodeId, now: Instant, host: &mut Host, event: Event) {
        match event {
            Event::Connection { events, .. } if node == self.a => self.ask(now, host, events),
            Event::Connection { id, .. } if self.serving.contains_key(&id) => {
                self.serve(now, host, id);
            }
            Event::Connection { .. } | Event::Incoming | Event::Strays => {}
            Event::Listener { .. } => {
                while let Some((id, _)) = host.accept(self.listener) {
                    self.serving.insert(id, (0, 0));
                    self.serve(now, host, id);
                }
            }
        }
    }
}

fn run(seed: u64, fast_open: bool, cookies: CookiePolicy) {
    let impairment = Impairment {
        loss: 0.05,
        reorder: 0.05,
        duplicate: 0.05,
        delay: Duration::from_millis(10),
        ..Impairment::default()
    };
    let mut network = Network::new();
    let nodes = ["A", "B"].map(|name| {
        let mut config = HostConfig::new([seed as u8; 32]);
        config.policy.fast_open.every_listener = fast_open;
        config.policy.syn_cookies = cookies;
        network.add_host(name, config)
    });
    let ends = nodes.map(|node| End {
        node,
        address: (Ipv4Addr::new(10, 0, 0, node.0 as u8 + 1).into(), 24),
        impairment: impairment.clone(),
        seed: seed * 2 + node.0 as u64,
    });
    network.join(ends, 1_500).expect("two ends");
    let server = SocketAddr::from(([10, 0, 0, 2], 80));
    let listener = network.host_mut(nodes[1]).listen(server, 16).expect("a listener");
    let mut asking = Asking {
        a: nodes[0],
        request: vec![7; if fast_open { LONG_REQUEST_BYTES } else { SHORT_REQUEST_BYTES }],
        server,
        listener,
        current: None,
        serving: HashMap::new(),
        done: 0,
        on_syns: 0,
    };
    asking.begin(Instant::ZERO, network.host_mut(nodes[0]));
    while asking.done < CONNECTIONS || !asking.serving.is_empty() {
        assert!(
            network.step(&mut asking).expect("a step"),
            "seed {seed}: {} are done",
            asking.done
        );
        assert!(network.now() < Instant::from_millis(3_600_000), "seed {seed}");
    }
    while network.step(&mut asking).expect("a step") {}
    let counters = *network.host(nodes[1]).counters();
    let (reports, summary) = network.finish().expect("a story");
    let found: Vec<_> = reports.iter().flat_map(|report| report.violations()).collect();
    assert!(found.is_empty(), "seed {seed}: {found:?}");
    assert_eq!((summary.connections, summary.malformed), (CONNECTIONS as u64, 0));
    assert_eq!(asking.on_syns > 0, fast_open);
    assert_eq!(counters.fast_opens > 0, fast_open);
    assert_eq!(counters.syn_cookies_valid > 0, cookies == CookiePolicy::Always);
}

/// RFC 7413: data before the handshake is complete, from either end.
#[test]
fn fast_open_over_a_bad_network() {
    for seed in 0..20 {
        run(seed, true, CookiePolicy::Off);
    }
}

/// RFC 4987 §3.6: nothing is remembered of any SYN.
#[test]
fn syn_cookies_over_a_bad_network() {
    for seed in 0..20 {
        run(seed, false, CookiePolicy::Always);
    }
}
