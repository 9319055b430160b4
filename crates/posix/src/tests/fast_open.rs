//! Fast Open through the sockets' calls (RFC 7413, as Linux offers it).

use super::world::*;
use crate::abi::*;
use crate::tcp_info::TCPI_OPT_SYN_DATA;
use crate::{Address, Errno, Fd, Outcome, SocketOption, Sysctls, Value};
use core::time::Duration;

/// B listens at port 80 and takes data on SYNs; A has a cookie of B's.
fn world() -> (World, Fd) {
    let mut world = World::new();
    let listener = world.listener(B, 80);
    let now = world.now;
    world.at[B].setsockopt_int(now, listener, SocketOption::FastOpen, 5).unwrap();
    let a = world.tcp(A);
    let asked = world.at[A].sendto(now, a, b"".into(), MSG_FASTOPEN, Some(address(B, 80)));
    assert_eq!(world.wait(A, asked), Ok(Value::Count(0)));
    let b = world.accept(B, listener);
    world.close(A, a);
    world.close(B, b);
    world.run(SOON);
    (world, listener)
}

fn send_fast(world: &mut World, fd: Fd, data: &[u8], flags: i32) -> Outcome {
    let to = Some(address(B, 80));
    world.at[A].sendto(world.now, fd, data.into(), flags | MSG_FASTOPEN, to)
}

fn syn_data(world: &World, host: usize, fd: Fd) -> bool {
    world.at[host].tcp_info(world.now, fd).unwrap().options & TCPI_OPT_SYN_DATA != 0
}

#[test]
fn sending_connects() {
    let (mut world, listener) = world();
    // Without waiting: what the SYN takes.
    let a = world.tcp(A);
    let sent = send_fast(&mut world, a, &[7; 5_000], MSG_DONTWAIT);
    assert_eq!(sent, Outcome::Ready(Ok(Value::Count(1_420))));
    let again = send_fast(&mut world, a, b"x", MSG_DONTWAIT);
    assert_eq!(again, Outcome::Ready(Err(Errno::EALREADY)));
    let early = world.at[A].send(world.now, a, b"x".into(), MSG_DONTWAIT);
    assert_eq!(early, Outcome::Ready(Err(Errno::EAGAIN)));
    let b = world.accept(B, listener);
    assert_eq!(world.read(B, b, 9_999).unwrap().len(), 1_420);
    assert_eq!(world.write(B, b, b"answer"), Ok(6));
    assert_eq!(world.read(A, a, 99).unwrap(), b"answer");
    assert!(syn_data(&world, A, a) && syn_data(&world, B, b));
    // After the handshake the flag means nothing, once.
    let more = send_fast(&mut world, a, b"more", 0);
    assert_eq!(world.wait(A, more), Ok(Value::Count(4)));
    let more = send_fast(&mut world, a, b"more", 0);
    assert_eq!(world.wait(A, more), Err(Errno::EISCONN));

    // With waiting: everything.
    let a = world.tcp(A);
    let sent = send_fast(&mut world, a, &[7; 5_000], 0);
    assert!(matches!(sent, Outcome::Pending(_)));
    assert_eq!(world.wait(A, sent), Ok(Value::Count(5_000)));
    let b = world.accept(B, listener);
    world.run(SOON);
    assert_eq!(world.read(B, b, 9_999).unwrap().len(), 5_000);
}

#[test]
fn without_a_cookie() {
    let mut world = World::new();
    let listener = world.listener(B, 80);
    let a = world.tcp(A);
    let sent = send_fast(&mut world, a, b"early", MSG_DONTWAIT);
    assert_eq!(sent, Outcome::Ready(Err(Errno::EINPROGRESS)));
    world.accept(B, listener);
    world.run(SOON);
    assert_eq!(world.write(A, a, b"now"), Ok(3));
    assert!(!syn_data(&world, A, a));
    assert_eq!(world.at[A].tcp_info(world.now, a).unwrap().fastopen_client_fail, 1);

    let nobody = world.tcp(A);
    let sent = send_fast(&mut world, nobody, b"early", 0);
    assert_eq!(world.wait(A, sent), Ok(Value::Count(5)), "waits for the handshake");
    world.at[A].host_mut().policy_mut().fast_open.client = false;
    let off = world.tcp(A);
    assert_eq!(send_fast(&mut world, off, b"", 0), Outcome::Ready(Err(Errno::EOPNOTSUPP)));
    let now = world.now;
    let asked = world.at[A].setsockopt_int(now, off, SocketOption::FastOpenConnect, 1);
    assert_eq!(asked, Err(Errno::EOPNOTSUPP));
    let to = Some(Address::Unspecified);
    world.at[A].host_mut().policy_mut().fast_open.client = true;
    let sent = world.at[A].sendto(now, off, b"".into(), MSG_FASTOPEN, to);
    assert_eq!(sent, Outcome::Ready(Err(Errno::EOPNOTSUPP)));
}

#[test]
fn a_refusal_takes_what_was_sent_back() {
    let (mut world, listener) = world();
    world.close(B, listener);
    let a = world.tcp(A);
    let sent = send_fast(&mut world, a, &[7; 100], 0);
    assert_eq!(world.wait(A, sent), Err(Errno::ECONNREFUSED));
    let a = world.tcp(A);
    let sent = send_fast(&mut world, a, &[7; 100], MSG_DONTWAIT);
    assert_eq!(sent, Outcome::Ready(Ok(Value::Count(100))));
    world.run(SOON);
    assert_eq!(world.write(A, a, b"x"), Err(Errno::ECONNREFUSED));
}

/// `TCP_FASTOPEN_CONNECT`: the SYN waits for the first write, if there is a cookie.
#[test]
fn connect_waits_for_data() {
    let (mut world, listener) = world();
    let deferred = |world: &mut World| {
        let a = world.tcp(A);
        let now = world.now;
        world.at[A].setsockopt_int(now, a, SocketOption::FastOpenConnect, 1).unwrap();
        world.nonblocking(A, a);
        let connected = world.at[A].connect(now, a, address(B, 80));
        (a, connected)
    };
    let before = world.packets[A];
    let (a, connected) = deferred(&mut world);
    assert_eq!(connected, Outcome::Ready(Ok(Value::Nothing)));
    assert_eq!(world.poll(A, a), POLLOUT);
    let now = world.now;
    assert_eq!(world.at[A].connect(now, a, address(B, 80)), Outcome::Ready(Err(Errno::EISCONN)));
    assert_eq!(world.read(A, a, 10), Err(Errno::EAGAIN));
    world.run(Duration::from_secs(5));
    assert_eq!(world.packets[A], before, "nothing was sent");
    assert_eq!(world.write(A, a, b"question"), Ok(8));
    let b = world.accept(B, listener);
    assert_eq!(world.read(B, b, 99).unwrap(), b"question");
    world.run(SOON);
    assert!(syn_data(&world, A, a));

    // Let go before anything was written: nobody ever hears of it.
    let before = world.packets[A];
    let (a, _) = deferred(&mut world);
    world.close(A, a);
    world.run(SOON);
    assert_eq!(world.packets[A], before);

    world.at[A].host_mut().forget_destinations();
    let (_, connected) = deferred(&mut world);
    assert_eq!(connected, Outcome::Ready(Err(Errno::EINPROGRESS)), "asks for a cookie at once");
}

#[test]
fn options_of_a_listener() {
    let mut world = World::new();
    let (now, listener) = (world.now, world.listener(B, 80));
    let key = SocketOption::FastOpenKey;
    let set = |world: &mut World, value: &[u8]| {
        world.at[B].setsockopt(now, listener, key.level(), key.number(), value)
    };
    for bad in [0, 3, 15, 17, 31, 33] {
        assert_eq!(set(&mut world, &[1; 33][..bad]), Err(Errno::EINVAL));
    }
    let two: Vec<u8> = (0..32).collect();
    for good in [&two[..16], &two] {
        assert_eq!(set(&mut world, good), Ok(()));
        assert_eq!(
            world.at[B].getsockopt(world.now, listener, key.level(), key.number()).unwrap(),
            good
        );
    }
    for (asked, kept) in [(0, 0), (1, 1), (2, 3), (3, 3), (5, 7), (200, 247)] {
        let option = SocketOption::DeferAccept;
        world.at[B].setsockopt_int(now, listener, option, asked).unwrap();
        assert_eq!(world.at[B].getsockopt_int(world.now, listener, option), Ok(kept));
    }
    let option = SocketOption::MaxSegment;
    for bad in [-1, 87, 32_768] {
        assert_eq!(world.at[B].setsockopt_int(now, listener, option, bad), Err(Errno::EINVAL));
    }
    world.at[B].setsockopt_int(now, listener, SocketOption::DeferAccept, 0).unwrap();
    world.at[B].setsockopt_int(now, listener, option, 500).unwrap();
    let a = world.tcp(A);
    let connecting = world.at[A].connect(now, a, address(B, 80));
    assert_eq!(world.wait(A, connecting), Ok(Value::Nothing));
    assert_eq!(world.at[A].getsockopt_int(world.now, a, option), Ok(488));
    let linked = world.at[A].setsockopt_int(world.now, a, SocketOption::FastOpen, 1);
    assert_eq!(linked, Err(Errno::EINVAL));
}

/// Linux's settings by name.
#[test]
fn settings() {
    let mut world = World::new();
    let mut sysctls = Sysctls::default();
    let listener = world.listener(B, 80);
    for (name, value) in [
        ("net.ipv4.tcp_fastopen", "0x603"),
        ("net.ipv4.tcp_fastopen_key", "00000001-2-3-4,5-6-7-8"),
        ("net.ipv4.tcp_syncookies", "2"),
        ("net.ipv4.tcp_abort_on_overflow", "1"),
        ("net.ipv4.tcp_no_metrics_save", "1"),
        ("net.ipv4.tcp_tw_reuse", "0"),
        ("sockeye.require_timestamps", "1"),
    ] {
        sysctls.apply(name, value).unwrap();
    }
    for (name, value) in [
        ("net.ipv4.tcp_fastopen_key", "1-2-3"),
        ("net.ipv4.tcp_fastopen_key", "x-2-3-4"),
        ("net.ipv4.tcp_syncookies", "3"),
        ("sockeye.require_timestamps", "2"),
        ("sockeye.tcp_sack", "0"),
    ] {
        assert!(sysctls.apply(name, value).is_err(), "{name}={value}");
    }
    assert!(sysctls.tcp.require_timestamps && !Sysctls::default().tcp.require_timestamps);
    sysctls.install(&mut world.at[B]);
    let policy = world.at[B].host().config().policy;
    assert!(policy.fast_open.every_listener && policy.fast_open.server_without_cookie);
    assert!(!policy.fast_open.client_without_cookie && policy.abort_on_overflow);
    assert!(!policy.save_metrics && !policy.time_wait_reuse);
    sysctls.apply("net.ipv4.tcp_syncookies", "0").unwrap();
    sysctls.install(&mut world.at[B]);

    sysctls.apply("net.ipv4.tcp_fastopen", "0x5").unwrap();
    sysctls.install(&mut world.at[A]);
    let a = world.tcp(A);
    let sent = send_fast(&mut world, a, b"without a cookie", MSG_DONTWAIT);
    assert_eq!(sent, Outcome::Ready(Ok(Value::Count(16))));
    let b = world.accept(B, listener);
    assert_eq!(world.read(B, b, 99).unwrap(), b"without a cookie");
}
