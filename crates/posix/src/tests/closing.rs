//! `shutdown`, `close`, and the errors that follow.

use super::world::*;
use crate::abi::*;
use crate::option::SOL_SOCKET;
use crate::{Errno, Linger, SocketOption, Value};
use core::time::Duration;
use sockeye_wire::StateName;

fn state(world: &World, host: usize, fd: i32) -> u8 {
    world.at[host].tcp_info(world.now, fd).unwrap().state
}

fn number(state: StateName) -> u8 {
    crate::tcp_info::state_number(state)
}

fn linger(world: &mut World, host: usize, fd: i32, seconds: i32) {
    let value = Linger { on: true, seconds }.encode();
    let number = SocketOption::Linger.number();
    world.at[host].setsockopt(world.now, fd, SOL_SOCKET, number, &value).unwrap();
}

#[test]
fn writing_is_over() {
    let mut world = World::new();
    let (a, b) = world.pair();
    assert_eq!(world.at[A].shutdown(world.now, a, 7), Err(Errno::EINVAL));
    assert_eq!(world.at[A].shutdown(world.now, a, SHUT_WR), Ok(()));
    assert_eq!(world.write(A, a, b"x"), Err(Errno::EPIPE));
    world.run(SOON);
    assert_eq!(state(&world, A, a), number(StateName::FinWait2));
    assert_eq!(world.poll(B, b), POLLIN | POLLOUT | POLLRDHUP);
    assert_eq!(world.read(B, b, 10), Ok(Vec::new()));
    assert_eq!(world.write(B, b, b"answer"), Ok(6));
    world.run(SOON);
    assert_eq!(world.read(A, a, 10), Ok(b"answer".to_vec()));
}

/// Linux: after `SHUT_RD` a read does not wait, but what arrives can be read.
#[test]
fn reading_is_over() {
    let mut world = World::new();
    let (a, b) = world.pair();
    assert_eq!(world.at[B].shutdown(world.now, b, SHUT_RD), Ok(()));
    assert_eq!(world.read(B, b, 10), Ok(Vec::new()));
    world.write(A, a, b"still").unwrap();
    world.run(SOON);
    assert_eq!(world.read(B, b, 10), Ok(b"still".to_vec()));
    assert_eq!(world.read(B, b, 10), Ok(Vec::new()));
    assert_eq!(world.write(B, b, b"x"), Ok(1));
}

/// Linux: after `SHUT_RDWR` data is answered by a reset, as after `close`, though the socket is still there.
#[test]
fn both_directions_are_over() {
    let mut world = World::new();
    let (a, b) = world.pair();
    assert_eq!(world.at[B].shutdown(world.now, b, SHUT_RDWR), Ok(()));
    world.run(SOON);
    assert_eq!(world.write(A, a, b"nobody reads this"), Ok(17));
    world.run(SOON);
    assert_eq!(world.read(B, b, 10), Err(Errno::ECONNRESET));
    assert_eq!(world.read(B, b, 10), Ok(Vec::new()));
    assert_eq!(state(&world, B, b), number(StateName::Closed));
    assert_eq!(state(&world, A, a), number(StateName::Closed));
}

#[test]
fn shutdown_without_a_connection() {
    let mut world = World::new();
    let fd = world.tcp(A);
    assert_eq!(world.at[A].shutdown(world.now, fd, SHUT_RDWR), Err(Errno::ENOTCONN));
    let listener = world.listener(A, 80);
    let accept = world.at[A].accept(world.now, listener);
    assert_eq!(world.at[A].shutdown(world.now, listener, SHUT_RD), Ok(()));
    assert_eq!(world.wait(A, accept), Err(Errno::EINVAL));
}

#[test]
fn both_close_in_order() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.close(A, a);
    assert_eq!(world.read(A, a, 1), Err(Errno::EBADF));
    world.run(SOON);
    assert_eq!(world.read(B, b, 1), Ok(Vec::new()));
    assert_eq!(state(&world, B, b), number(StateName::CloseWait));
    world.close(B, b);
    world.run(SOON);
    assert_eq!(world.at[A].host().counts().time_wait, 1);
    assert_eq!(world.at[B].host().counts().connections, 0);
}

/// RFC 9293 SHLD-3: what was left unread is answered by a reset.
#[test]
fn data_left_unread() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.write(A, a, b"nobody reads this").unwrap();
    world.run(SOON);
    world.close(B, b);
    world.run(SOON);
    assert_eq!(world.poll(A, a), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    assert_eq!(world.read(A, a, 1), Err(Errno::ECONNRESET));
    // An error is told once.
    assert_eq!(world.read(A, a, 1), Ok(Vec::new()));
    assert_eq!(world.write(A, a, b"x"), Err(Errno::EPIPE));
    assert_eq!(world.at[A].getpeername(a), Err(Errno::ENOTCONN));
    assert_eq!(state(&world, A, a), number(StateName::Closed));
}

/// Linux: a reset after the peer's FIN is told to the writer alone.
#[test]
fn a_reset_after_the_end() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.close(B, b);
    world.run(SOON);
    assert_eq!(world.write(A, a, b"x"), Ok(1));
    world.run(SOON);
    assert_eq!(world.read(A, a, 1), Ok(Vec::new()));
    assert_eq!(
        world.at[A].getsockopt_int(world.now, a, SocketOption::Error),
        Ok(Errno::EPIPE.number())
    );
}

#[test]
fn no_lingering_at_all() {
    let mut world = World::new();
    let (a, b) = world.pair();
    linger(&mut world, A, a, 0);
    world.close(A, a);
    world.run(SOON);
    assert_eq!(world.read(B, b, 1), Err(Errno::ECONNRESET));
    assert_eq!(world.at[A].host().counts().connections, 0);
}

/// `close` returns when the peer has acknowledged everything, or when the time is over.
#[test]
fn lingering() {
    let mut world = World::new();
    let (a, _) = world.pair();
    linger(&mut world, A, a, 5);
    world.write(A, a, b"the last words").unwrap();
    let start = world.now;
    let outcome = world.at[A].close(world.now, a);
    assert!(outcome.token().is_some());
    assert_eq!(world.tcp(A), a, "the descriptor is free at once");
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
    assert!(world.now.since(start) <= SOON);

    let mut world = World::new();
    let (a, _) = world.pair();
    linger(&mut world, A, a, 5);
    world.passes[B] = false;
    world.write(A, a, b"into the void").unwrap();
    let start = world.now;
    let outcome = world.at[A].close(world.now, a);
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
    assert_eq!(world.now.since(start), Duration::from_secs(5));
    assert_eq!(world.at[A].host().counts().connections, 1, "it goes on without the program");
}

#[test]
fn user_timeout() {
    let mut world = World::new();
    let (a, _) = world.pair();
    world.at[A].setsockopt_int(world.now, a, SocketOption::UserTimeout, 3_000).unwrap();
    world.passes[A] = false;
    world.write(A, a, b"x").unwrap();
    let start = world.now;
    let outcome = world.at[A].read(world.now, a, 1.into());
    assert_eq!(world.wait(A, outcome), Err(Errno::ETIMEDOUT));
    assert_eq!(world.now.since(start), Duration::from_secs(3));
}

/// A duplicate keeps the connection; the last descriptor closes it.
#[test]
fn duplicates_share_a_file() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let copy = world.at[A].dup(a).unwrap();
    world.nonblocking(A, copy);
    assert_eq!(world.at[A].fcntl(a, F_GETFL, 0), Ok(O_RDWR | O_NONBLOCK));
    world.close(A, a);
    world.run(SOON);
    assert_eq!(world.poll(B, b), POLLOUT);
    assert_eq!(world.write(A, copy, b"x"), Ok(1));
    world.close(A, copy);
    world.run(SOON);
    assert_eq!(world.read(B, b, 10), Ok(b"x".to_vec()));
    assert_eq!(world.read(B, b, 10), Ok(Vec::new()));
}

#[test]
fn everything_is_given_back() {
    let mut world = World::new();
    let (a, b) = world.pair();
    for (host, fd) in [(A, a), (B, b), (B, 3)] {
        world.close(host, fd);
        world.run(SOON);
    }
    world.run(Duration::from_secs(120));
    for host in [A, B] {
        let counts = world.at[host].host().counts();
        assert_eq!((counts.connections, counts.time_wait, counts.listeners), (0, 0, 0));
        assert_eq!(counts.ports_in_use, 0);
        assert_eq!(world.tcp(host), 3);
    }
}
