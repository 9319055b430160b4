//! Fast Open between two hosts (RFC 7413), and what they remember of each other (RFC 9040).

use super::world::{A, B, World, tun, v4, v6};
use crate::{ConnectionId, Error, Events, HostError, ListenerId};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_tcp::{Config, FastOpenKeys};
use sockeye_wire::StateName;
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::TcpView;
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

fn world(ip: fn(usize) -> IpAddr, limit: usize) -> (World, ListenerId, SocketAddr) {
    let mut world = World::new(tun);
    let address = SocketAddr::new(ip(B), 80);
    let listener = world.listen(B, address);
    world.hosts[B].listen_options_mut(listener).unwrap().fast_open = Some(limit);
    (world, listener, address)
}

fn fast(world: &mut World, address: SocketAddr, data: &[u8]) -> (ConnectionId, usize) {
    let config = Arc::new(Config::default());
    world.hosts[A].connect_fast_open(world.now, address, None, config, data, false).unwrap()
}

/// The first connection asks for a cookie; both ends close it.
fn get_cookie(world: &mut World, listener: ListenerId, address: SocketAddr) {
    let (a, taken) = fast(world, address, b"not yet");
    assert_eq!(taken, 0, "no cookie is known");
    world.run_for(Duration::from_millis(50));
    let (b, _) = world.hosts[B].accept(listener).unwrap();
    assert!(!world.hosts[A].connection(a).unwrap().info().syn_data_acked);
    world.hosts[A].close(world.now, a);
    world.run_for(Duration::from_millis(50));
    world.hosts[B].close(world.now, b);
    world.run_for(Duration::from_millis(50));
}

#[test]
fn request_and_answer_in_one_round_trip() {
    for ip in [v4, v6] {
        let (mut world, listener, address) = world(ip, 8);
        assert!(!world.hosts[A].can_fast_open(world.now, ip(B), false));
        get_cookie(&mut world, listener, address);
        assert!(world.hosts[A].can_fast_open(world.now, ip(B), false));
        let start = world.now;
        let (a, taken) = fast(&mut world, address, b"question");
        assert_eq!(taken, 8);
        let mut b = None;
        world.run_until(Duration::from_secs(1), |world| {
            b = b.or_else(|| world.hosts[B].accept(listener));
            b.is_some()
        });
        let (b, _) = b.unwrap();
        assert_eq!(world.hosts[B].connection(b).unwrap().state(), StateName::SynReceived);
        let mut buffer = [0; 16];
        assert_eq!(world.hosts[B].read(world.now, b, &mut buffer), Ok(8));
        assert_eq!(world.hosts[B].write(world.now, b, b"answer"), Ok(6));
        world.run_until(Duration::from_secs(1), |world| {
            world.hosts[A].connection(a).unwrap().readable() == 6
        });
        assert_eq!(world.now.since(start), Duration::from_millis(10), "one round trip");
        world.run_for(Duration::from_millis(50));
        assert_eq!(world.hosts[B].connection(b).unwrap().state(), StateName::Established);
        assert!(world.hosts[A].connection(a).unwrap().info().syn_data_acked);
        assert!(world.hosts[B].connection(b).unwrap().info().syn_data_acked);
        let counters = world.hosts[B].counters();
        assert_eq!((counters.fast_opens, counters.fast_open_cookies_sent), (1, 1));
    }
}

/// RFC 7413 §4.2: a server that does not take data, or whose keys have changed, acknowledges the SYN alone; nothing is lost.
#[test]
fn a_server_that_does_not_take_it() {
    let (mut world, listener, address) = world(v4, 8);
    get_cookie(&mut world, listener, address);
    let changed = FastOpenKeys { primary: [9; 16], backup: None };
    world.hosts[B].set_fast_open_keys(changed);
    let whole = |world: &mut World, taken: bool| {
        let (a, count) = fast(world, address, b"question");
        assert_eq!(count, 8);
        world.run_for(Duration::from_millis(100));
        let (b, _) = world.hosts[B].accept(listener).unwrap();
        assert_eq!(world.hosts[B].read(world.now, b, &mut [0; 16]), Ok(8));
        assert_eq!(world.hosts[A].connection(a).unwrap().info().syn_data_acked, taken);
    };
    whole(&mut world, false);
    assert_eq!(world.hosts[B].counters().fast_opens_refused, 1);
    // The SYN-ACK brought a new cookie.
    whole(&mut world, true);
    // The key before the last is good, and its cookie replaced (RFC 7413 §4.1.2).
    let rotated = FastOpenKeys { primary: [10; 16], backup: Some([9; 16]) };
    world.hosts[B].set_fast_open_keys(rotated);
    whole(&mut world, true);
    world.hosts[B].set_fast_open_keys(FastOpenKeys { backup: None, ..rotated });
    whole(&mut world, true);
    world.hosts[B].listen_options_mut(listener).unwrap().fast_open = Some(0);
    whole(&mut world, false);
    // A listener's own keys go before the host's.
    let options = world.hosts[B].listen_options_mut(listener).unwrap();
    options.fast_open = None;
    options.fast_open_keys = Some(rotated);
    whole(&mut world, false);
    world.hosts[B].policy_mut().fast_open.every_listener = true;
    whole(&mut world, true);
    world.hosts[B].policy_mut().fast_open.server = false;
    whole(&mut world, false);
}

#[test]
fn without_cookies() {
    let (mut world, listener, address) = world(v4, 8);
    world.hosts[A].policy_mut().fast_open.client_without_cookie = true;
    world.hosts[B].policy_mut().fast_open.server_without_cookie = true;
    assert!(world.hosts[A].can_fast_open(world.now, v4(B), false));
    let (_, taken) = fast(&mut world, address, b"question");
    assert_eq!(taken, 8);
    world.step();
    let (b, _) = world.hosts[B].accept(listener).unwrap();
    assert_eq!(world.hosts[B].read(world.now, b, &mut [0; 16]), Ok(8));
    world.hosts[A].policy_mut().fast_open.client = false;
    let config = Arc::new(Config::default());
    let refused = world.hosts[A].connect_fast_open(world.now, address, None, config, b"", false);
    assert_eq!(refused, Err(HostError::FastOpenDisabled));
}

/// RFC 7413 §5.1: no more than the limit are open before their handshake is complete; a reset weighs on for a while.
#[test]
fn the_limit_on_pending_connections() {
    let (mut world, listener, address) = world(v4, 2);
    get_cookie(&mut world, listener, address);
    let open = |world: &mut World| {
        let before = world.hosts[B].counters().fast_opens;
        let (a, _) = fast(world, address, b"x");
        world.run_for(Duration::from_millis(7));
        (a, world.hosts[B].counters().fast_opens - before)
    };
    // SYN-ACKs do not get through: the handshakes stay incomplete.
    world.filter = Some(Box::new(|from, _| from == A));
    assert_eq!((open(&mut world).1, open(&mut world).1, open(&mut world).1), (1, 1, 0));
    assert_eq!(world.counts(B).half_open, 1);
    world.filter = None;
    world.run_for(Duration::from_secs(4));
    assert_eq!(open(&mut world).1, 1, "all handshakes are complete");
    world.run_for(Duration::from_millis(50));

    for _ in 0..2 {
        world.filter = Some(Box::new(|from, _| from == A));
        let (a, opened) = open(&mut world);
        assert_eq!(opened, 1);
        // As a client would that has gone.
        world.filter = None;
        world.hosts[A].abort(world.now, a);
        world.hosts[A].close(world.now, a);
        world.run_for(Duration::from_secs(2));
    }
    assert_eq!(open(&mut world).1, 0, "two resets weigh");
    world.run_for(Duration::from_secs(61));
    assert_eq!(open(&mut world).1, 1);
}

/// Whoever accepts a connection that has been reset meanwhile still gets what came with the SYN, and then the reason.
#[test]
fn reset_before_it_is_accepted() {
    let (mut world, listener, address) = world(v4, 8);
    get_cookie(&mut world, listener, address);
    let (a, _) = fast(&mut world, address, b"question");
    world.run_for(Duration::from_millis(50));
    world.hosts[A].abort(world.now, a);
    world.run_for(Duration::from_millis(50));
    let (b, _) = world.hosts[B].accept(listener).unwrap();
    world.flush();
    assert!(world.told(B, b).intersects(Events::READABLE));
    assert_eq!(world.hosts[B].read(world.now, b, &mut [0; 16]), Ok(8));
    assert_eq!(world.hosts[B].read(world.now, b, &mut [0; 16]), Err(Error::Reset));
}

#[test]
fn closing_the_listener_resets_its_children() {
    let (mut world, listener, address) = world(v4, 8);
    get_cookie(&mut world, listener, address);
    let (a, _) = fast(&mut world, address, b"question");
    world.run_for(Duration::from_millis(7));
    assert_eq!(world.counts(B).to_accept, 1);
    world.hosts[B].close_listener(world.now, listener);
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Reset));
    assert_eq!(world.counts(B).connections, 0);
}

/// RFC 9040 §4.3: what the last connection measured serves the next one while that has nothing of its own.
#[test]
fn the_next_connection_knows_the_round_trip() {
    for saves in [true, false] {
        let (mut world, listener, address) = world(v4, 8);
        for host in [A, B] {
            world.hosts[host].policy_mut().save_metrics = saves;
        }
        get_cookie(&mut world, listener, address);
        assert_eq!(world.counts(B).destinations, usize::from(saves));
        // The first SYN-ACK is lost, so that the handshake measures nothing.
        let lost = Arc::new(Mutex::new(false));
        let seen = Arc::clone(&lost);
        world.filter = Some(Box::new(move |from, _| {
            from == A || core::mem::replace(&mut *seen.lock().unwrap(), true)
        }));
        let a = world.hosts[A].connect(world.now, address, None).unwrap();
        world.run_for(Duration::from_secs(2));
        assert!(*lost.lock().unwrap());
        let rtt = world.hosts[A].connection(a).unwrap().info().rtt;
        assert_eq!(rtt, saves.then_some(Duration::from_millis(10)));
        world.hosts[A].forget_destinations();
        assert_eq!(world.counts(A).destinations, 0);
    }
}

/// Linux's TCP_MAXSEG, on either end.
#[test]
fn the_mss_can_be_lowered() {
    let small = || Some(Arc::new(Config { max_segment_size: Some(700), ..Config::default() }));
    for side in [A, B] {
        let (mut world, listener, address) = world(v4, 0);
        if let Some(small) = small().filter(|_| side == B) {
            assert!(world.hosts[B].set_listener_config(listener, small));
        }
        let announced: Arc<Mutex<Vec<u16>>> = Arc::default();
        let seen = Arc::clone(&announced);
        world.filter = Some(Box::new(move |_, packet| {
            let bytes = packet.to_bytes();
            let ip = IpView::parse(&bytes, bytes.len()).unwrap();
            let view = TcpView::parse(&bytes[ip.header_len..]).unwrap();
            let options = sockeye_tcp::SegmentOptions::decode(&view);
            seen.lock().unwrap().extend(options.mss);
            true
        }));
        let config = small().filter(|_| side == A).unwrap_or_default();
        let a = world.hosts[A].connect_with(world.now, address, None, config).unwrap();
        world.run_for(Duration::from_millis(50));
        let (b, _) = world.hosts[B].accept(listener).unwrap();
        let expected = if side == A { [700, 1_460] } else { [1_460, 700] };
        assert_eq!(*announced.lock().unwrap(), expected);
        let mss = |host: usize, id| world.hosts[host].connection(id).unwrap().info().send_mss;
        assert_eq!((mss(A, a), mss(B, b)), (688, 688));
    }
}
