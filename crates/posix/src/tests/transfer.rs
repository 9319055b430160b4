//! `read`, `write` and their kin.

use super::world::*;
use crate::abi::*;
use crate::option::SOL_TCP;
use crate::{Errno, Input, Outcome, Room, SocketOption, Value};
use core::time::Duration;

#[test]
fn a_read_waits_for_data() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let Outcome::Pending(read) = world.at[B].read(world.now, b, 100.into()) else { panic!() };
    assert!(world.at[B].is_pending(read));
    assert_eq!(world.write(A, a, b"hello"), Ok(5));
    assert_eq!(world.result(B, read), None);
    world.run(SOON);
    let Some(Ok(Value::Received(received))) = world.result(B, read) else { panic!() };
    assert_eq!((received.data.as_slice(), received.returned), (&b"hello"[..], 5));
}

#[test]
fn a_read_that_may_not_wait() {
    let mut world = World::new();
    let (a, b) = world.pair();
    assert_eq!(world.recv(B, b, 1, MSG_DONTWAIT).err(), Some(Errno::EAGAIN));
    world.at[B]
        .setsockopt(world.now, b, 1, 20, &[0i64, 50_000].map(i64::to_ne_bytes).concat())
        .unwrap();
    let start = world.now;
    assert_eq!(world.read(B, b, 1), Err(Errno::EAGAIN));
    assert_eq!(world.now.since(start), Duration::from_millis(50));
    world.nonblocking(B, b);
    assert_eq!(world.read(B, b, 1), Err(Errno::EAGAIN));
    world.write(A, a, b"x").unwrap();
    world.run(SOON);
    assert_eq!(world.read(B, b, 100), Ok(b"x".to_vec()));
}

#[test]
fn an_interrupted_call() {
    let mut world = World::new();
    let (_, b) = world.pair();
    let Outcome::Pending(read) = world.at[B].read(world.now, b, 1.into()) else { panic!() };
    assert!(world.at[B].interrupt(world.now, read));
    assert_eq!(world.result(B, read), Some(Err(Errno::EINTR)));
    assert!(!world.at[B].interrupt(world.now, read));
}

#[test]
fn peek_truncate_and_wait_for_all() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.write(A, a, b"abcdef").unwrap();
    world.run(SOON);
    assert_eq!(world.recv(B, b, 3, MSG_PEEK).unwrap().data, b"abc");
    let skipped = world.recv(B, b, 2, MSG_TRUNC).unwrap();
    assert_eq!((skipped.returned, skipped.data.len()), (2, 0));
    let outcome = world.at[B].recv(world.now, b, 6.into(), MSG_WAITALL);
    assert!(outcome.token().is_some());
    world.write(A, a, b"gh").unwrap();
    let Ok(Value::Received(all)) = world.wait(B, outcome) else { panic!() };
    assert_eq!(all.data, b"cdefgh");
}

/// The end of the stream ends `MSG_WAITALL` too; what was read before it counts.
#[test]
fn wait_for_all_until_the_end() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.write(A, a, b"abc").unwrap();
    let outcome = world.at[B].recv(world.now, b, 6.into(), MSG_WAITALL);
    world.run(SOON);
    world.close(A, a);
    let Ok(Value::Received(all)) = world.wait(B, outcome) else { panic!() };
    assert_eq!(all.data, b"abc");
    assert_eq!(world.read(B, b, 1), Ok(Vec::new()));
}

#[test]
fn low_water_of_reading() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.at[B].setsockopt_int(world.now, b, SocketOption::ReceiveLowWater, 4).unwrap();
    world.write(A, a, b"abc").unwrap();
    world.run(SOON);
    assert_eq!(world.poll(B, b), POLLOUT);
    let outcome = world.at[B].read(world.now, b, 100.into());
    assert!(outcome.token().is_some());
    world.write(A, a, b"d").unwrap();
    let Ok(Value::Received(all)) = world.wait(B, outcome) else { panic!() };
    assert_eq!(all.data, b"abcd");
}

#[test]
fn bad_addresses() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let bad = Input::BadAddress(1_000);
    let write = |world: &mut World, data: &[Input<'_>]| {
        let outcome = world.at[A].writev(world.now, a, data);
        world.wait(A, outcome)
    };
    assert_eq!(write(&mut world, &[bad]), Err(Errno::EFAULT));
    assert_eq!(write(&mut world, &[Input::BadAddress(0)]), Ok(Value::Count(0)));
    assert_eq!(write(&mut world, &[b"ab".into(), bad]), Ok(Value::Count(2)));
    world.run(SOON);
    let outcome = world.at[B].read(world.now, b, Room::BadAddress(100));
    assert_eq!(world.wait(B, outcome), Err(Errno::EFAULT));
    assert_eq!(world.read(B, b, 100), Ok(b"ab".to_vec()));
}

#[test]
fn calls_that_make_no_sense() {
    let mut world = World::new();
    let fd = world.tcp(A);
    assert_eq!(world.read(A, fd, 1), Err(Errno::ENOTCONN));
    assert_eq!(world.write(A, fd, b"x"), Err(Errno::EPIPE));
    assert_eq!(world.read(A, 99, 1), Err(Errno::EBADF));
    assert_eq!(world.write(A, -1, b"x"), Err(Errno::EBADF));
    let listener = world.listener(A, 80);
    assert_eq!(world.read(A, listener, 1), Err(Errno::ENOTCONN));
    assert_eq!(world.write(A, listener, b"x"), Err(Errno::EPIPE));
    let (a, _) = world.pair();
    let outcome = world.at[A].send(world.now, a, b"x".into(), 1 << 20);
    assert_eq!(world.wait(A, outcome), Err(Errno::EOPNOTSUPP));
    assert_eq!(world.recv(A, a, 1, MSG_ERRQUEUE).err(), Some(Errno::EAGAIN));
}

/// A blocked `write` goes on as the peer reads, and is not over before everything was taken.
#[test]
fn a_write_waits_for_room() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let data: Vec<u8> = (0..3_000_000u32).map(|at| (at * 7 / 3) as u8).collect();
    let Outcome::Pending(write) = world.at[A].write(world.now, a, data.as_slice().into()) else {
        panic!("3 MB fit")
    };
    let mut got = Vec::new();
    while got.len() < data.len() {
        got.extend(world.read(B, b, 100_000).unwrap());
    }
    assert!(got == data);
    assert_eq!(world.result(A, write), Some(Ok(Value::Count(3_000_000))));
}

/// Linux's count: 50,000 octets of buffer take three packets of 16,000 and the rest of a half-sent one, when half the
/// peer's window is the bound of a packet.
#[test]
fn how_much_a_write_takes() {
    let mut world = World::new();
    let (a, _) = world.pair();
    world.nonblocking(A, a);
    world.at[A].setsockopt_int(world.now, a, SocketOption::SendBuffer, 25_000).unwrap();
    assert_eq!(world.at[A].getsockopt_int(world.now, a, SocketOption::SendBuffer), Ok(50_000));
    world.passes[B] = false;
    let taken = world.write(A, a, &vec![7; 200_000]).unwrap();
    // Packets of at most 31,856 octets (22 segments in half of 64 KiB).
    assert!((50_000..50_000 + 31_856).contains(&taken), "{taken}");
    assert_eq!(world.write(A, a, b"x"), Err(Errno::EAGAIN));
    assert_eq!(world.poll(A, a) & POLLOUT, 0);
    let queued = world.at[A].ioctl(a, SIOCOUTQ, 0).unwrap();
    assert_eq!(queued as usize, taken);
    world.passes[B] = true;
    world.run(Duration::from_secs(5));
    assert_eq!(world.poll(A, a) & POLLOUT, POLLOUT);
    assert_eq!(world.at[A].ioctl(a, SIOCOUTQ, 0), Ok(0));
}

#[test]
fn low_water_of_what_is_not_sent() {
    let mut world = World::new();
    let (a, _) = world.pair();
    world.nonblocking(A, a);
    world.at[A].setsockopt_int(world.now, a, SocketOption::NotSentLowWater, 10_000).unwrap();
    world.passes[B] = false;
    world.write(A, a, &vec![7; 14_480]).unwrap();
    assert_eq!(world.at[A].ioctl(a, SIOCOUTQNSD, 0), Ok(0));
    assert_eq!(world.poll(A, a), POLLOUT);
    world.write(A, a, &vec![7; 5_001]).unwrap();
    assert_eq!(world.at[A].ioctl(a, SIOCOUTQNSD, 0), Ok(5_001));
    assert_eq!(world.poll(A, a), 0);
}

/// `MSG_MORE` and `TCP_CORK` hold partial segments back.
#[test]
fn more_will_follow() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let more = |world: &mut World, flags| {
        let outcome = world.at[A].send(world.now, a, b"0123456789".into(), flags);
        assert_eq!(world.wait(A, outcome), Ok(Value::Count(10)));
    };
    let before = world.packets[A];
    more(&mut world, MSG_MORE);
    more(&mut world, MSG_MORE);
    world.run(Duration::from_millis(100));
    assert_eq!(world.packets[A], before);
    more(&mut world, 0);
    world.run(Duration::from_millis(100));
    assert_eq!(world.packets[A], before + 1);
    assert_eq!(world.read(B, b, 100).unwrap().len(), 30);

    world.at[A].setsockopt_int(world.now, a, SocketOption::Cork, 1).unwrap();
    let before = world.packets[A];
    more(&mut world, 0);
    world.run(Duration::from_millis(100));
    assert_eq!(world.packets[A], before);
    world.at[A].setsockopt_int(world.now, a, SocketOption::Cork, 0).unwrap();
    world.run(Duration::from_millis(100));
    assert_eq!(world.read(B, b, 100).unwrap().len(), 10);

    // Nobody waits for ever: a retransmission timeout is the most.
    more(&mut world, MSG_MORE);
    world.run(Duration::from_millis(400));
    assert_eq!(world.read(B, b, 100).unwrap().len(), 10);
}

/// RFC 6093: the urgent octet is out of the stream, and reading stops before it.
#[test]
fn urgent_data() {
    let mut world = World::new();
    let (a, b) = world.pair();
    assert_eq!(world.recv(B, b, 1, MSG_OOB).err(), Some(Errno::EINVAL));
    world.write(A, a, b"ab").unwrap();
    let outcome = world.at[A].send(world.now, a, b"c!".into(), MSG_OOB);
    assert_eq!(world.wait(A, outcome), Ok(Value::Count(2)));
    world.write(A, a, b"de").unwrap();
    world.run(SOON);
    assert_eq!(world.poll(B, b), POLLIN | POLLOUT | POLLPRI);
    assert_eq!(world.at[B].ioctl(b, SIOCINQ, 0), Ok(3));
    assert_eq!(world.at[B].ioctl(b, SIOCATMARK, 0), Ok(0));
    let urgent = world.recv(B, b, 1, MSG_OOB).unwrap();
    assert_eq!((urgent.data.as_slice(), urgent.flags), (&b"!"[..], MSG_OOB));
    assert_eq!(world.recv(B, b, 1, MSG_OOB).err(), Some(Errno::EINVAL));
    assert_eq!(world.poll(B, b), POLLIN | POLLOUT);
    assert_eq!(world.read(B, b, 100), Ok(b"abc".to_vec()));
    assert_eq!(world.at[B].ioctl(b, SIOCATMARK, 0), Ok(1));
    let [_, writer] = world.at[B].pipe().unwrap();
    let outcome = world.at[B].splice(world.now, b, writer, 1, 0);
    assert_eq!(world.wait(B, outcome), Ok(Value::Count(0)));
    assert_eq!(world.read(B, b, 100), Ok(b"de".to_vec()));

    world.at[B].setsockopt_int(world.now, b, SocketOption::OobInline, 1).unwrap();
    let outcome = world.at[A].send(world.now, a, b"f?".into(), MSG_OOB);
    assert_eq!(world.wait(A, outcome), Ok(Value::Count(2)));
    world.run(SOON);
    assert_eq!(world.recv(B, b, 1, MSG_OOB).err(), Some(Errno::EINVAL));
    // It is part of the stream then, and the mark still ends a read.
    assert_eq!(world.read(B, b, 100), Ok(b"f".to_vec()));
    assert_eq!(world.at[B].ioctl(b, SIOCATMARK, 0), Ok(1));
    assert_eq!(world.read(B, b, 100), Ok(b"?".to_vec()));
}

/// `TCP_INQ`: what is left comes with each message, and at the end of the stream 1.
#[test]
fn how_much_is_left() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.at[B].setsockopt_int(world.now, b, SocketOption::Inq, 1).unwrap();
    world.write(A, a, b"abcdef").unwrap();
    world.run(SOON);
    world.close(A, a);
    world.run(SOON);
    for (room, left) in [(2, 4i32), (4, 1)] {
        let received = world.recv(B, b, room, 0).unwrap();
        let [control] = received.control.as_slice() else { panic!() };
        assert_eq!((control.level, control.kind), (SOL_TCP, TCP_CM_INQ));
        assert_eq!(control.data, left.to_ne_bytes());
    }
}

#[test]
fn through_a_pipe() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let [reader, writer] = world.at[B].pipe().unwrap();
    let splice = world.at[B].splice(world.now, b, writer, 5, 0);
    assert!(splice.token().is_some());
    world.write(A, a, b"through").unwrap();
    assert_eq!(world.wait(B, splice), Ok(Value::Count(5)));
    assert_eq!(world.read_pipe(B, reader, 100), Ok(b"throu".to_vec()));
    let outcome = world.at[B].write(world.now, writer, b"back".into());
    assert_eq!(world.wait(B, outcome), Ok(Value::Count(4)));
    let outcome = world.at[B].splice(world.now, reader, b, 100, 0);
    assert_eq!(world.wait(B, outcome), Ok(Value::Count(4)));
    assert_eq!(world.read(A, a, 100), Ok(b"back".to_vec()));
    let outcome = world.at[B].splice(world.now, b, a, 1, 0);
    assert_eq!(world.wait(B, outcome), Err(Errno::EINVAL));
    world.close(B, reader);
    let outcome = world.at[B].write(world.now, writer, b"x".into());
    assert_eq!(world.wait(B, outcome), Err(Errno::EPIPE));
    let outcome = world.at[A].sendfile(world.now, a, b"a file");
    assert_eq!(world.wait(A, outcome), Ok(Value::Count(6)));
}
