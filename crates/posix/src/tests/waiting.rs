//! `poll` and `epoll_wait`.

use super::world::*;
use crate::abi::*;
use crate::{EpollEvent, Errno, Fd, Outcome, PollFd, Value};
use core::time::Duration;

fn epoll(world: &mut World, host: usize, fd: Fd, events: u32) -> Fd {
    let epoll = world.at[host].epoll_create1(0).unwrap();
    let event = EpollEvent { events, data: 77 };
    world.at[host].epoll_ctl(world.now, epoll, EPOLL_CTL_ADD, fd, event).unwrap();
    epoll
}

fn found(world: &mut World, host: usize, epoll: Fd) -> u32 {
    let outcome = world.at[host].epoll_wait(world.now, epoll, 8, 0);
    match world.wait(host, outcome) {
        Ok(Value::Epoll(events)) => {
            assert!(events.iter().all(|event| event.data == 77));
            events.iter().fold(0, |all, event| all | event.events)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fresh_socket() {
    let mut world = World::new();
    let fd = world.tcp(A);
    assert_eq!(world.poll(A, fd), POLLOUT | POLLHUP);
    assert_eq!(world.poll(A, 44), POLLNVAL);
    let outcome = world.at[A].poll(world.now, &[PollFd::new(-1, POLLIN)], 0);
    assert_eq!(outcome, Outcome::Ready(Ok(Value::Polled(vec![PollFd::new(-1, POLLIN)]))));
}

#[test]
fn poll_waits_for_the_first_of_many() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let fds = [PollFd::new(b, POLLIN), PollFd::new(3, POLLIN), PollFd::new(-1, 0)];
    let Outcome::Pending(poll) = world.at[B].poll(world.now, &fds, -1) else { panic!() };
    world.write(A, a, b"x").unwrap();
    world.run(SOON);
    let Some(Ok(Value::Polled(fds))) = world.result(B, poll) else { panic!() };
    assert_eq!(fds.iter().map(|fd| fd.revents).collect::<Vec<_>>(), [POLLIN, 0, 0]);
    assert_eq!(Value::Polled(fds).returned(), 1);
}

#[test]
fn poll_times_out() {
    let mut world = World::new();
    let (_, b) = world.pair();
    let start = world.now;
    let outcome = world.at[B].poll(world.now, &[PollFd::new(b, POLLIN)], 250);
    let Ok(Value::Polled(fds)) = world.wait(B, outcome) else { panic!() };
    assert_eq!(fds[0].revents, 0);
    assert_eq!(world.now.since(start), Duration::from_millis(250));
    // Without any descriptor it is a way to sleep.
    let outcome = world.at[B].poll(world.now, &[], 10);
    assert_eq!(world.wait(B, outcome), Ok(Value::Polled(Vec::new())));
    assert_eq!(world.now.since(start), Duration::from_millis(260));
}

#[test]
fn level_triggered() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let epoll = epoll(&mut world, B, b, EPOLLIN);
    assert_eq!(found(&mut world, B, epoll), 0);
    world.write(A, a, b"ab").unwrap();
    world.run(SOON);
    for _ in 0..2 {
        assert_eq!(found(&mut world, B, epoll), EPOLLIN);
    }
    world.read(B, b, 2).unwrap();
    assert_eq!(found(&mut world, B, epoll), 0);
}

/// News are told once, each arrival is news, and what is asked for is told together.
#[test]
fn edge_triggered() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let epoll = epoll(&mut world, B, b, EPOLLIN | EPOLLOUT | EPOLLET);
    assert_eq!(found(&mut world, B, epoll), EPOLLOUT);
    assert_eq!(found(&mut world, B, epoll), 0);
    for _ in 0..2 {
        world.write(A, a, b"ab").unwrap();
        world.run(SOON);
        assert_eq!(found(&mut world, B, epoll), EPOLLIN | EPOLLOUT);
        assert_eq!(found(&mut world, B, epoll), 0);
    }
    world.read(B, b, 1).unwrap();
    assert_eq!(found(&mut world, B, epoll), 0);
    world.close(A, a);
    world.run(SOON);
    assert_eq!(found(&mut world, B, epoll), EPOLLIN | EPOLLOUT);
}

/// Room is news only to those who were told that there is none.
#[test]
fn edge_triggered_room() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.nonblocking(A, a);
    let epoll = epoll(&mut world, A, a, EPOLLOUT | EPOLLET);
    assert_eq!(found(&mut world, A, epoll), EPOLLOUT);
    world.write(A, a, b"ab").unwrap();
    world.run(SOON);
    assert_eq!(found(&mut world, A, epoll), 0);
    while world.write(A, a, &[7; 60_000]).is_ok() {}
    assert_eq!(found(&mut world, A, epoll), 0);
    world.run(SOON);
    assert_eq!(found(&mut world, A, epoll), EPOLLOUT);
    assert_eq!(found(&mut world, A, epoll), 0);
    assert!(!world.read(B, b, 10).unwrap().is_empty());
}

#[test]
fn one_shot() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let epoll = epoll(&mut world, B, b, EPOLLIN | EPOLLONESHOT);
    world.write(A, a, b"ab").unwrap();
    world.run(SOON);
    assert_eq!(found(&mut world, B, epoll), EPOLLIN);
    world.write(A, a, b"ab").unwrap();
    world.run(SOON);
    assert_eq!(found(&mut world, B, epoll), 0);
    let event = EpollEvent { events: EPOLLIN | EPOLLONESHOT, data: 77 };
    world.at[B].epoll_ctl(world.now, epoll, EPOLL_CTL_MOD, b, event).unwrap();
    assert_eq!(found(&mut world, B, epoll), EPOLLIN);
}

#[test]
fn epoll_waits_and_ends() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let epoll = epoll(&mut world, B, b, EPOLLIN | EPOLLRDHUP);
    let outcome = world.at[B].epoll_wait(world.now, epoll, 1, -1);
    assert!(outcome.token().is_some());
    world.close(A, a);
    let Ok(Value::Epoll(events)) = world.wait(B, outcome) else { panic!() };
    assert_eq!(events, [EpollEvent { events: EPOLLIN | EPOLLRDHUP, data: 77 }]);
    world.close(B, b);
    assert_eq!(found(&mut world, B, epoll), 0);
}

#[test]
fn epoll_is_particular() {
    let mut world = World::new();
    let (_, b) = world.pair();
    let now = world.now;
    let epoll = epoll(&mut world, B, b, EPOLLIN);
    let sockets = &mut world.at[B];
    let event = EpollEvent { events: EPOLLIN, data: 0 };
    let mut control = |on, operation, fd| sockets.epoll_ctl(now, on, operation, fd, event);
    assert_eq!(control(epoll, EPOLL_CTL_ADD, b), Err(Errno::EEXIST));
    assert_eq!(control(epoll, EPOLL_CTL_MOD, 3), Err(Errno::ENOENT));
    assert_eq!(control(epoll, EPOLL_CTL_DEL, 99), Err(Errno::EBADF));
    assert_eq!(control(b, EPOLL_CTL_ADD, b), Err(Errno::EINVAL));
    assert_eq!(control(epoll, EPOLL_CTL_ADD, epoll), Err(Errno::EINVAL));
    assert_eq!(control(epoll, 9, b), Err(Errno::EINVAL));
    assert_eq!(control(epoll, EPOLL_CTL_DEL, b), Ok(()));
    assert_eq!(sockets.epoll_wait(now, epoll, 0, 0), Outcome::Ready(Err(Errno::EINVAL)));
    assert_eq!(sockets.epoll_create(0), Err(Errno::EINVAL));
}
