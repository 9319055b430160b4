//! The blocking twin, without any runtime in the test's threads.

use super::{A4, A6, B4, B6, at, on};
use crate::TcpSocket;
use crate::blocking::{Stack, TcpStream};
use crate::link::memory::{PairConfig, pair};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(10);

fn two_stacks() -> (Stack, Stack) {
    let (a, b) = pair(PairConfig::default());
    (Stack::start(on(a, A4, A6)).unwrap(), Stack::start(on(b, B4, B6)).unwrap())
}

fn connection(a: &Stack, b: &Stack) -> (TcpStream, TcpStream) {
    let listener = b.listen(at(B4, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = thread::spawn(move || listener.accept().unwrap().0);
    (a.connect(address).unwrap(), accepting.join().unwrap())
}

#[test]
fn bytes_go_both_ways_at_once_through_clones() {
    let (a, b) = two_stacks();
    let (client, server) = connection(&a, &b);
    assert_eq!(client.local_addr().unwrap(), server.peer_addr().unwrap());
    let ends = [(client, 1_u8), (server, 2)].map(|(stream, seed)| {
        let mut writer = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(&vec![seed; 5_000_000]).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut reader = stream;
        let reading = thread::spawn(move || {
            let mut got = Vec::new();
            reader.read_to_end(&mut got).unwrap();
            assert!(got.len() == 5_000_000 && got.iter().all(|byte| *byte == 3 - seed));
        });
        [writing, reading]
    });
    ends.into_iter().flatten().for_each(|thread| thread.join().unwrap());
}

#[test]
fn timeouts_end_waiting_and_lose_nothing() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b);
    let zero = client.set_read_timeout(Some(Duration::ZERO)).unwrap_err();
    assert_eq!(zero.kind(), ErrorKind::InvalidInput);
    server.set_read_timeout(Some(SHORT)).unwrap();
    assert_eq!(server.read_timeout().unwrap(), Some(SHORT));
    assert_eq!(server.read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(server.peek(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_write_timeout(Some(SHORT)).unwrap();
    let mut sent = 0;
    let error = loop {
        match client.write(&[5; 100_000]) {
            Ok(written) => sent += written,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    client.shutdown(Shutdown::Write).unwrap();
    server.set_read_timeout(Some(LONG)).unwrap();
    let mut got = Vec::new();
    server.read_to_end(&mut got).unwrap();
    assert_eq!(got.len(), sent);

    let listener = b.listen(at(B4, 80)).unwrap();
    assert_eq!(listener.accept_timeout(SHORT).unwrap_err().kind(), ErrorKind::WouldBlock);
    let error = a.connect_timeout(at([10, 0, 0, 9], 80), SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn shutting_down_for_reading_wakes_who_reads() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b);
    let mut reader = server.try_clone().unwrap();
    let reading = thread::spawn(move || reader.read(&mut [0; 9]).unwrap());
    thread::sleep(SHORT);
    server.shutdown(Shutdown::Read).unwrap();
    assert_eq!(reading.join().unwrap(), 0);
    // The other direction is open.
    let slices = [IoSlice::new(b"a"), IoSlice::new(b"b")];
    assert_eq!((&server).write_vectored(&slices).unwrap(), 2);
    client.read_exact(&mut [0; 2]).unwrap();
}

#[test]
fn errors_are_those_of_the_standard_library() {
    let (a, b) = two_stacks();
    assert_eq!(a.connect(at(B4, 81)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(b.listen(at(A4, 80)).unwrap_err().kind(), ErrorKind::AddrNotAvailable);
    let (mut client, server) = connection(&a, &b);
    server.as_async().set_zero_linger().unwrap();
    drop(server);
    assert_eq!(client.read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    let (link, _other) = pair(PairConfig::default());
    let impossible = crate::Stack::builder().interface(crate::Interface::new(link).address(A4, 40));
    assert_eq!(Stack::start(impossible).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn shutting_the_stack_down_delivers_and_ends_who_accepts() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b);
    let listener = b.listen(at(B4, 80)).unwrap();
    let accepting = thread::spawn(move || listener.incoming().count());
    let socket = TcpSocket::new(a.as_async());
    socket.set_nodelay(true).unwrap();
    let mut accepted = a.connect_socket(socket, at(B4, 80)).unwrap();
    assert!(accepted.nodelay().unwrap());
    assert_eq!(accepted.read(&mut [0; 9]).unwrap(), 0, "counted and dropped");
    drop(accepted);
    server.write_all(&[1; 100_000]).unwrap();
    let reading = thread::spawn(move || {
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        got.len()
    });
    b.shutdown(LONG);
    assert_eq!(reading.join().unwrap(), 100_000);
    assert_eq!(accepting.join().unwrap(), 1);
    assert_eq!(server.write(b"x").unwrap_err().kind(), ErrorKind::ConnectionAborted);
    // Again, and of a stack that has ended.
    assert_eq!(b.shutdown(LONG), 0);
}
