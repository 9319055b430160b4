//! `socket`, `bind`, `listen`, `accept`, `connect`.

use super::world::*;
use crate::abi::*;
use crate::{Address, Errno, Outcome, SocketOption, Value};
use core::net::SocketAddr;
use core::time::Duration;

#[test]
fn sockets_that_do_not_exist() {
    let mut world = World::new();
    let sockets = &mut world.at[A];
    for (domain, kind, protocol, error) in [
        (1, SOCK_STREAM, 0, Errno::EAFNOSUPPORT),
        (AF_INET, SOCK_DGRAM, 0, Errno::ESOCKTNOSUPPORT),
        (AF_INET, SOCK_STREAM, IPPROTO_UDP, Errno::EPROTONOSUPPORT),
        (AF_INET, 77, 0, Errno::EINVAL),
    ] {
        assert_eq!(sockets.socket(domain, kind, protocol), Err(error));
    }
    assert_eq!(sockets.listen(world.now, 3, 1), Err(Errno::EBADF));
    let epoll = sockets.epoll_create(1).unwrap();
    assert_eq!(sockets.listen(world.now, epoll, 1), Err(Errno::ENOTSOCK));
}

/// Descriptors are the lowest free ones, from 3 on.
#[test]
fn descriptors_like_a_process() {
    let mut world = World::new();
    let fds: Vec<_> = (0..3).map(|_| world.tcp(A)).collect();
    assert_eq!(fds, [3, 4, 5]);
    world.close(A, 4);
    assert_eq!(world.at[A].dup(3), Ok(4));
    assert_eq!(world.at[A].fcntl(3, F_DUPFD, 10), Ok(10));
    world.close(A, 3);
    assert_eq!(world.at[A].getsockname(4).unwrap().port(), 0);
    assert_eq!(world.at[A].getsockname(3), Err(Errno::EBADF));
}

#[test]
fn flags_of_a_file() {
    let mut world = World::new();
    let kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    let fd = world.at[A].socket(AF_INET, kind, IPPROTO_TCP).unwrap();
    assert_eq!(world.at[A].fcntl(fd, F_GETFL, 0), Ok(O_RDWR | O_NONBLOCK));
    assert_eq!(world.at[A].fcntl(fd, F_GETFD, 0), Ok(FD_CLOEXEC));
    assert_eq!(world.at[A].fcntl(fd, F_SETFL, O_RDWR), Ok(0));
    assert_eq!(world.at[A].fcntl(fd, F_GETFL, 0), Ok(O_RDWR));
}

#[test]
fn blocking_calls_meet() {
    let mut world = World::new();
    let listener = world.listener(B, 80);
    let Outcome::Pending(accept) = world.at[B].accept(world.now, listener) else { panic!() };
    let a = world.tcp(A);
    let Outcome::Pending(connect) = world.at[A].connect(world.now, a, address(B, 80)) else {
        panic!()
    };
    assert_eq!(world.result(A, connect), None);
    world.run(SOON);
    assert_eq!(world.result(A, connect), Some(Ok(Value::Nothing)));
    let Some(Ok(Value::Accepted(accepted))) = world.result(B, accept) else { panic!() };
    assert_eq!(accepted.fd, 4);
    assert_eq!(world.at[A].getsockname(a).unwrap(), accepted.peer);
    assert_eq!(world.at[A].getpeername(a).unwrap(), SocketAddr::new(v4(B), 80));
    assert_eq!(world.at[B].getpeername(4).unwrap(), accepted.peer);
}

#[test]
fn a_nonblocking_connect_step_by_step() {
    let mut world = World::new();
    let _listener = world.listener(B, 80);
    let a = world.tcp(A);
    world.nonblocking(A, a);
    let connect = |world: &mut World| world.at[A].connect(world.now, a, address(B, 80)).ready();
    assert_eq!(connect(&mut world), Some(Err(Errno::EINPROGRESS)));
    assert_eq!(connect(&mut world), Some(Err(Errno::EALREADY)));
    assert_eq!(world.poll(A, a), 0);
    assert_eq!(world.recv(A, a, 1, 0).err(), Some(Errno::EAGAIN));
    assert_eq!(world.write(A, a, b"early"), Err(Errno::EAGAIN));
    world.run(SOON);
    assert_eq!(world.poll(A, a), POLLOUT);
    assert_eq!(world.at[A].getsockopt_int(world.now, a, SocketOption::Error), Ok(0));
    assert_eq!(connect(&mut world), Some(Ok(Value::Nothing)));
    assert_eq!(connect(&mut world), Some(Err(Errno::EISCONN)));
}

#[test]
fn nobody_listens() {
    let mut world = World::new();
    let a = world.tcp(A);
    let outcome = world.at[A].connect(world.now, a, address(B, 81));
    assert_eq!(world.wait(A, outcome), Err(Errno::ECONNREFUSED));
    // A failed socket may try again.
    let _listener = world.listener(B, 81);
    let outcome = world.at[A].connect(world.now, a, address(B, 81));
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
}

#[test]
fn a_refusal_waits_in_so_error() {
    let mut world = World::new();
    let a = world.tcp(A);
    world.nonblocking(A, a);
    let _ = world.at[A].connect(world.now, a, address(B, 81));
    world.run(SOON);
    assert_eq!(world.poll(A, a), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    let refused = Errno::ECONNREFUSED.number();
    assert_eq!(world.at[A].getsockopt_int(world.now, a, SocketOption::Error), Ok(refused));
    assert_eq!(world.at[A].getsockopt_int(world.now, a, SocketOption::Error), Ok(0));
    let again = world.at[A].connect(world.now, a, address(B, 81)).ready();
    assert_eq!(again, Some(Err(Errno::ECONNABORTED)));
}

/// `TCP_SYNCNT`: 2 retransmissions after 1 and 2 s, and the end 4 s later.
#[test]
fn nobody_answers() {
    let mut world = World::new();
    world.passes[A] = false;
    let a = world.tcp(A);
    world.at[A].setsockopt_int(world.now, a, SocketOption::SynCount, 2).unwrap();
    let start = world.now;
    let outcome = world.at[A].connect(world.now, a, address(B, 80));
    assert_eq!(world.wait(A, outcome), Err(Errno::ETIMEDOUT));
    assert_eq!(world.now.since(start), Duration::from_secs(7));
    assert_eq!(world.packets[A], 3);
}

#[test]
fn addresses_that_do_not_fit() {
    let mut world = World::new();
    let now = world.now;
    let a = world.tcp(A);
    let sockets = &mut world.at[A];
    let six: Address = SocketAddr::new(v6(B), 80).into();
    assert_eq!(sockets.connect(now, a, six).ready(), Some(Err(Errno::EAFNOSUPPORT)));
    assert_eq!(sockets.bind(now, a, six), Err(Errno::EAFNOSUPPORT));
    assert_eq!(sockets.bind(now, a, address(B, 80)), Err(Errno::EADDRNOTAVAIL));
    let far: Address = SocketAddr::new([8, 8, 8, 8].into(), 80).into();
    assert_eq!(sockets.connect(now, a, far).ready(), Some(Err(Errno::ENETUNREACH)));
    assert_eq!(sockets.bind(now, a, any(80)), Ok(()));
    assert_eq!(sockets.bind(now, a, any(81)), Err(Errno::EINVAL));
    assert_eq!(sockets.accept(now, a).ready(), Some(Err(Errno::EINVAL)));
    assert_eq!(Address::decode(&[2, 0, 0, 80]), Err(Errno::EINVAL));
    let encoded = address(A, 80).encode();
    assert_eq!(encoded, [2, 0, 0, 80, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Address::decode(&encoded), Ok(address(A, 80)));
    assert_eq!(Address::decode(&six.encode()), Ok(six));
}

#[test]
fn who_may_share_a_port() {
    let mut world = World::new();
    let now = world.now;
    let (one, two, three) = (world.tcp(A), world.tcp(A), world.tcp(A));
    let sockets = &mut world.at[A];
    for fd in [two, three] {
        sockets.setsockopt_int(now, fd, SocketOption::ReuseAddress, 1).unwrap();
    }
    assert_eq!(sockets.bind(now, one, any(80)), Ok(()));
    assert_eq!(sockets.bind(now, two, address(A, 80)), Err(Errno::EADDRINUSE));
    assert_eq!(sockets.bind(now, two, address(A, 81)), Ok(()));
    assert_eq!(sockets.bind(now, three, any(81)), Ok(()));
    assert_eq!(sockets.listen(now, two, 1), Ok(()));
    let four = sockets.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    sockets.setsockopt_int(now, four, SocketOption::ReuseAddress, 1).unwrap();
    assert_eq!(sockets.bind(now, four, address(A, 81)), Err(Errno::EADDRINUSE));
    let _ = sockets.close(now, two);
    assert_eq!(sockets.bind(now, four, address(A, 81)), Ok(()));
}

/// What a listener leaves behind keeps its port, unless `SO_REUSEADDR` says otherwise.
#[test]
fn a_port_with_connections_left() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.close(B, b);
    world.run(SOON);
    world.close(A, a);
    world.run(SOON);
    world.close(B, 3);
    let (now, again) = (world.now, world.tcp(B));
    assert_eq!(world.at[B].bind(now, again, any(80)), Err(Errno::EADDRINUSE));
    world.at[B].setsockopt_int(now, again, SocketOption::ReuseAddress, 1).unwrap();
    assert_eq!(world.at[B].bind(now, again, any(80)), Ok(()));
}

/// `listen(fd, n)` lets n + 1 wait, as Linux does.
#[test]
fn the_accept_queue_has_an_end() {
    let mut world = World::new();
    let listener = world.tcp(B);
    world.at[B].bind(world.now, listener, any(80)).unwrap();
    world.at[B].listen(world.now, listener, 1).unwrap();
    for _ in 0..4 {
        let fd = world.tcp(A);
        world.nonblocking(A, fd);
        let _ = world.at[A].connect(world.now, fd, address(B, 80));
    }
    world.run(SOON);
    assert_eq!(world.at[B].tcp_info(world.now, listener).unwrap().unacked, 2);
    assert_eq!(world.poll(B, listener), POLLIN);
}

#[test]
fn mapped_addresses() {
    let mut world = World::new();
    let now = world.now;
    let listener = world.at[B].socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    let wildcard: Address = "[::]:80".parse::<SocketAddr>().unwrap().into();
    world.at[B].bind(now, listener, wildcard).unwrap();
    world.at[B].listen(now, listener, 8).unwrap();
    let four = world.tcp(A);
    let outcome = world.at[A].connect(now, four, address(B, 80));
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
    let accepted = world.accept(B, listener);
    assert_eq!(world.at[B].getpeername(accepted).unwrap().ip().to_string(), "::ffff:10.0.0.1");

    let six = world.at[A].socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    let mapped: Address = "[::ffff:10.0.0.2]:80".parse::<SocketAddr>().unwrap().into();
    let outcome = world.at[A].connect(world.now, six, mapped);
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
    assert_eq!(world.at[A].getsockname(six).unwrap().ip().to_string(), "::ffff:10.0.0.1");

    let six = world.at[A].socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    let outcome = world.at[A].connect(world.now, six, SocketAddr::new(v6(B), 80).into());
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));

    let only = world.at[A].socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    world.at[A].setsockopt_int(world.now, only, SocketOption::V6Only, 1).unwrap();
    let outcome = world.at[A].connect(world.now, only, mapped).ready();
    assert_eq!(outcome, Some(Err(Errno::ENETUNREACH)));
}

#[test]
fn to_no_family_dissolves() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let outcome = world.at[A].connect(world.now, a, Address::Unspecified);
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
    assert_eq!(world.at[A].getpeername(a), Err(Errno::ENOTCONN));
    assert_eq!(world.read(B, b, 1), Err(Errno::ECONNRESET));
}
