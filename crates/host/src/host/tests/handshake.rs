use super::world::{A, B, World, lan, offloading, tun, v4, v6};
use crate::{Direction, Error, Event, Events, HostError, SegmentTrace};
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_wire::{Flags, SeqNumber, StateName};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec;
use std::vec::Vec;

#[test]
fn over_every_medium_and_both_versions() {
    for link in [tun, lan, offloading] {
        for ip in [v4, v6] {
            let mut world = World::new(link);
            let (a, b) = world.connected(ip);
            assert_eq!(world.hosts[A].connection(a).unwrap().state(), StateName::Established);
            assert_eq!(world.hosts[B].connection(b).unwrap().state(), StateName::Established);
            assert!(world.told(A, a).intersects(Events::CONNECTED));
            let (a, b) =
                (world.hosts[A].endpoints(a).unwrap(), world.hosts[B].endpoints(b).unwrap());
            assert_eq!((a.local, a.remote), (b.remote, b.local));
            assert_eq!(a.local.ip(), ip(A));
        }
    }
}

/// The article's own numbers, seen by both observers.
#[test]
fn the_observer_tells_the_three_steps() {
    let mut world = World::new(tun);
    let story: Arc<Mutex<Vec<(usize, SegmentTrace)>>> = Arc::default();
    for host in [A, B] {
        let story = Arc::clone(&story);
        let observer = move |trace: &SegmentTrace| story.lock().unwrap().push((host, *trace));
        world.hosts[host].set_observer(Some(Box::new(observer)));
    }
    world.hosts[A].preset_isn(SeqNumber(1_234_567));
    world.hosts[B].preset_isn(SeqNumber(7_654_321));
    let (a, _) = world.connected(v4);
    let told: Vec<_> = story
        .lock()
        .unwrap()
        .iter()
        .map(|(host, trace)| {
            let ack = if trace.flags.ack() { trace.ack.0 } else { 0 };
            (*host, trace.direction, trace.flags, trace.seq.0, ack, trace.state)
        })
        .collect();
    let (syn, syn_ack, ack) = (Flags::SYN, Flags::SYN_ACK, Flags::ACK);
    use Direction::{In, Out};
    use StateName::{Established, SynReceived, SynSent};
    assert_eq!(
        told,
        vec![
            (A, Out, syn, 1_234_567, 0, SynSent),
            (B, In, syn, 1_234_567, 0, SynReceived),
            (B, Out, syn_ack, 7_654_321, 1_234_568, SynReceived),
            (A, In, syn_ack, 7_654_321, 1_234_568, Established),
            (A, Out, ack, 1_234_568, 7_654_322, Established),
            (B, In, ack, 1_234_568, 7_654_322, Established),
        ]
    );
    assert_eq!(story.lock().unwrap()[0].1.connection, Some(a));
}

#[test]
fn a_closed_port_refuses_within_a_round_trip() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let start = world.now;
        let a = world.hosts[A].connect(world.now, SocketAddr::new(ip(B), 81), None).unwrap();
        world.run_until(Duration::from_secs(1), |world| {
            world.hosts[A].connection(a).unwrap().state() == StateName::Closed
        });
        assert_eq!(world.now.since(start), Duration::from_millis(10));
        assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Refused));
        assert!(world.told(A, a).intersects(Events::CLOSED));
        world.hosts[A].close(world.now, a);
        world.flush();
        assert_eq!((world.counts(A).connections, world.counts(A).ports_in_use), (0, 0));
        assert_eq!(world.hosts[B].counters().resets_sent, 1);
    }
}

/// RFC 9293 §3.5, figure 8: both SYNs cross.
#[test]
fn simultaneous_open() {
    let mut world = World::new(tun);
    let (a, b) = (SocketAddr::new(v4(A), 1_000), SocketAddr::new(v4(B), 2_000));
    let at_a = world.hosts[A].connect(world.now, b, Some(a)).unwrap();
    let at_b = world.hosts[B].connect(world.now, a, Some(b)).unwrap();
    world.run_until(Duration::from_secs(1), |world| {
        [(A, at_a), (B, at_b)].into_iter().all(|(host, id)| {
            world.hosts[host].connection(id).unwrap().state() == StateName::Established
        })
    });
}

#[test]
fn a_full_backlog_makes_peers_wait_until_there_is_room() {
    let mut world = World::with(tun, |config| config.policy.syn_cookies = crate::CookiePolicy::Off);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.hosts[B].listen(address, 2).unwrap();
    let clients: Vec<_> =
        (0..4).map(|_| world.hosts[A].connect(world.now, address, None).unwrap()).collect();
    world.run_for(Duration::from_millis(500));
    assert_eq!(world.counts(B).to_accept, 2);
    assert!(world.hosts[B].counters().dropped_half_open_full > 0);
    let announced = |world: &World| {
        world.events[B].iter().filter(|event| matches!(event, Event::Listener { .. })).count()
    };
    assert_eq!(announced(&world), 1);
    let mut accepted = 0;
    world.run_until(Duration::from_secs(30), |world| {
        while world.hosts[B].accept(listener).is_some() {
            accepted += 1;
        }
        accepted == 4
    });
    world.run_for(Duration::from_secs(3));
    for client in clients {
        assert_eq!(world.hosts[A].connection(client).unwrap().state(), StateName::Established);
    }
    assert_eq!(world.counts(B).half_open, 0);
}

#[test]
fn a_lost_syn_and_a_lost_syn_ack_are_repeated() {
    for lost in 0..3 {
        let mut world = World::new(tun);
        let mut count = 0;
        world.filter = Some(Box::new(move |_, _| {
            count += 1;
            count != lost + 1
        }));
        world.connected(v4);
    }
}

/// A half-open record whose peer never answers goes away by itself (RFC 9293 §3.10.8).
#[test]
fn half_open_records_end() {
    let mut world = World::new(tun);
    world.listen(B, SocketAddr::new(v4(B), 80));
    world.filter = Some(Box::new(|from, _| from == A));
    let a = world.hosts[A].connect(world.now, SocketAddr::new(v4(B), 80), None).unwrap();
    world.run_for(Duration::from_millis(100));
    assert_eq!((world.counts(B).half_open, world.counts(B).ports_in_use), (1, 1));
    world.hosts[A].close(world.now, a);
    world.run_for(Duration::from_secs(300));
    let counts = world.counts(B);
    assert_eq!((counts.half_open, counts.connections, counts.ports_in_use), (0, 0, 1));
    assert_eq!(counts.timers, 1);
}

#[test]
fn closing_a_listener_resets_what_was_not_accepted() {
    let mut world = World::new(tun);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    let a = world.hosts[A].connect(world.now, address, None).unwrap();
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.counts(B).to_accept, 1);
    world.hosts[B].close_listener(world.now, listener);
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Reset));
    let counts = world.counts(B);
    assert_eq!((counts.connections, counts.to_accept, counts.ports_in_use), (0, 0, 0));
    assert!(world.hosts[B].accept(listener).is_none());
    let news = |event: &Event| matches!(event, Event::Connection { .. });
    assert!(!world.events[B].iter().any(news), "nobody ever knew of it");
}

#[test]
fn a_listener_closed_during_the_handshake_resets() {
    let mut world = World::new(tun);
    let address = SocketAddr::new(v4(B), 80);
    let listener = world.listen(B, address);
    let a = world.hosts[A].connect(world.now, address, None).unwrap();
    world.step();
    assert_eq!(world.counts(B).half_open, 1);
    world.hosts[B].close_listener(world.now, listener);
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Reset));
    assert_eq!((world.counts(B).half_open, world.counts(B).ports_in_use), (0, 0));
}

#[test]
fn an_address_is_listened_at_once() {
    let mut world = World::new(tun);
    let exact = SocketAddr::new(v4(B), 80);
    let any: SocketAddr = "0.0.0.0:80".parse().unwrap();
    let any_v6: SocketAddr = "[::]:80".parse().unwrap();
    let at_exact = world.listen(B, exact);
    let at_any = world.listen(B, any);
    let at_v6 = world.listen(B, any_v6);
    assert_eq!(world.hosts[B].listen(exact, 1), Err(HostError::AddrInUse(exact)));
    let foreign = SocketAddr::new(v4(A), 80);
    assert_eq!(world.hosts[B].listen(foreign, 1), Err(HostError::AddrNotAvailable(v4(A))));
    for (remote, listener) in
        [(exact, at_exact), (SocketAddr::new(v6(B), 80), at_v6), (exact, at_exact)]
    {
        world.hosts[A].connect(world.now, remote, None).unwrap();
        world.run_for(Duration::from_millis(50));
        assert!(world.hosts[B].accept(listener).is_some());
    }
    world.hosts[B].close_listener(world.now, at_exact);
    world.hosts[A].connect(world.now, exact, None).unwrap();
    world.run_for(Duration::from_millis(50));
    assert!(world.hosts[B].accept(at_any).is_some());
    let chosen = world.hosts[B].listen(SocketAddr::new(v4(B), 0), 1).unwrap();
    assert!(world.hosts[B].listener_address(chosen).unwrap().port() >= 32_768);
}
