use super::world::{A, B, World, tun, v4};
use crate::{Error, Events};
use core::time::Duration;
use sockeye_wire::StateName;

#[test]
fn either_end_closes_first() {
    for (first, second) in [(A, B), (B, A)] {
        let mut world = World::new(tun);
        let (a, b) = world.connected(v4);
        let ids = [a, b];
        world.hosts[first].close(world.now, ids[first]);
        world.run_for(Duration::from_millis(100));
        assert!(world.told(second, ids[second]).intersects(Events::READABLE));
        assert_eq!(world.hosts[second].read(world.now, ids[second], &mut [0; 9]), Ok(0));
        world.hosts[second].close(world.now, ids[second]);
        world.run_for(Duration::from_millis(100));
        // Who closed first waits; the other is done.
        let (waits, done) = (world.counts(first), world.counts(second));
        assert_eq!((waits.connections, waits.time_wait, waits.ports_in_use), (0, 1, 1));
        assert_eq!((done.connections, done.time_wait, done.ports_in_use), (0, 0, 0));
        world.run_for(Duration::from_secs(61));
        let counts = world.counts(first);
        assert_eq!((counts.time_wait, counts.ports_in_use, counts.timers), (0, 0, 1));
        assert_eq!(world.hosts[first].demux.len(), 0);
    }
}

#[test]
fn both_close_at_once() {
    let mut world = World::new(tun);
    let (a, b) = world.connected(v4);
    world.hosts[A].close(world.now, a);
    world.hosts[B].close(world.now, b);
    world.run_for(Duration::from_millis(100));
    for host in [A, B] {
        assert_eq!((world.counts(host).connections, world.counts(host).time_wait), (0, 1));
    }
    world.run_for(Duration::from_secs(61));
    assert_eq!((world.counts(A).time_wait, world.counts(B).time_wait), (0, 0));
}

/// A connection that its application still holds stays, however closed; the record becomes small when it lets go.
#[test]
fn a_held_connection_stays_until_let_go() {
    let mut world = World::new(tun);
    let (a, b) = world.connected(v4);
    world.hosts[A].shutdown(world.now, a);
    world.run_for(Duration::from_millis(100));
    world.hosts[B].shutdown(world.now, b);
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.hosts[A].connection(a).unwrap().state(), StateName::TimeWait);
    assert_eq!(world.hosts[B].connection(b).unwrap().state(), StateName::Closed);
    world.hosts[A].close(world.now, a);
    world.hosts[B].close(world.now, b);
    world.flush();
    assert_eq!((world.counts(A).connections, world.counts(A).time_wait), (0, 1));
    assert_eq!(world.counts(B).connections, 0);
    assert!(world.hosts[A].connection(a).is_none());
    assert_eq!(world.hosts[A].write(world.now, a, b"late"), Err(Error::NotConnected));
}

#[test]
fn abort_resets_the_peer() {
    let mut world = World::new(tun);
    let (a, b) = world.connected(v4);
    world.hosts[A].abort(world.now, a);
    world.hosts[A].close(world.now, a);
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.hosts[B].connection(b).unwrap().error(), Some(Error::Reset));
    assert_eq!(world.hosts[B].read(world.now, b, &mut [0; 9]), Err(Error::Reset));
    assert_eq!((world.counts(A).connections, world.counts(A).time_wait), (0, 0));
}

/// RFC 9293 SHLD-3 and RFC 2525 §2.17: data that nobody will read is answered by a reset.
#[test]
fn closing_with_unread_data_resets() {
    let mut world = World::new(tun);
    let (a, b) = world.connected(v4);
    world.hosts[A].write(world.now, a, b"unread").unwrap();
    world.run_for(Duration::from_millis(100));
    world.hosts[B].close(world.now, b);
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Reset));
    assert_eq!((world.counts(B).connections, world.counts(B).ports_in_use), (0, 0));
}

#[test]
fn a_peer_that_vanishes_times_the_connection_out() {
    let mut world = World::new(tun);
    let (a, _) = world.connected(v4);
    world.filter = Some(std::boxed::Box::new(|_, _| false));
    world.hosts[A].set_user_timeout(world.now, a, Some(Duration::from_secs(20)));
    world.hosts[A].write(world.now, a, b"hello?").unwrap();
    world.run_until(Duration::from_secs(60), |world| {
        world.hosts[A].connection(a).unwrap().state() == StateName::Closed
    });
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::TimedOut));
}
