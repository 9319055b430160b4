//! What an application can rely on, over two stacks.

use super::{A4, A6, B4, B6, at, connection, on, two_stacks};
use crate::link::memory::{PairConfig, pair};
use crate::link::{Link, Medium, Readiness};
use crate::{
    Direction, Flags, KeepAlive, Packet, SegmentTrace, Stack, StateName, TcpListener, TcpStream,
};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, ErrorKind, IoSlice};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

#[tokio::test(start_paused = true)]
async fn echo_over_both_families() {
    let (a, b) = two_stacks();
    for address in [at(B4, 7), at(B6, 7)] {
        let listener = b.listen(address).unwrap();
        let echo = tokio::spawn(async move {
            let (mut stream, peer) = listener.accept().await.unwrap();
            let (mut reader, mut writer) = stream.split();
            copy(&mut reader, &mut writer).await.unwrap();
            peer
        });
        let mut client = a.connect(address).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert_eq!(client.state(), StateName::Established);
        for text in ["hello", "", "once more"] {
            client.write_all(text.as_bytes()).await.unwrap();
            let mut heard = vec![0; text.len()];
            client.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, text.as_bytes());
        }
        client.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
        assert_eq!(echo.await.unwrap(), client.local_addr().unwrap());
    }
}

/// Bytes that are the same wherever they are made, and differ from place to place.
fn fill(buffer: &mut [u8], state: &mut u64) {
    for chunk in buffer.chunks_mut(8) {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        chunk.copy_from_slice(&state.to_be_bytes()[..chunk.len()]);
    }
}

/// Sends and receives `total` octets at once; gives the hashes of both.
async fn exchange(stream: TcpStream, total: usize, seed: u64) -> (u64, u64) {
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        let (mut hash, mut state, mut buffer) = (DefaultHasher::new(), seed, vec![0; 64 * 1024]);
        for _ in 0..total / buffer.len() {
            fill(&mut buffer, &mut state);
            hash.write(&buffer);
            writer.write_all(&buffer).await.unwrap();
        }
        writer.shutdown().await.unwrap();
        hash.finish()
    });
    let (mut hash, mut buffer, mut received, mut part) =
        (DefaultHasher::new(), vec![0; 100_000], 0, Vec::new());
    loop {
        let read = reader.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        received += read;
        part.extend_from_slice(&buffer[..read]);
        while part.len() >= 64 * 1024 {
            let rest = part.split_off(64 * 1024);
            hash.write(&part);
            part = rest;
        }
    }
    assert_eq!((received, part.len()), (total, 0));
    (sending.await.unwrap(), hash.finish())
}

async fn exchange_64_mib() {
    let (a, b) = two_stacks();
    let (client, server) = connection(&a, &b).await;
    let total = 64 << 20;
    let ((a_sent, a_got), (b_sent, b_got)) =
        tokio::join!(exchange(client, total, 1), exchange(server, total, 2));
    assert_eq!((a_sent, b_sent), (b_got, a_got));
}

#[tokio::test]
async fn sixty_four_mebibytes_both_ways_in_one_thread() {
    exchange_64_mib().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_mebibytes_both_ways_in_two_threads() {
    exchange_64_mib().await;
}

#[tokio::test(start_paused = true)]
async fn half_close_leaves_the_other_direction_open() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut question = String::new();
    server.read_to_string(&mut question).await.unwrap();
    assert_eq!((question.as_str(), server.state()), ("question", StateName::CloseWait));
    assert_eq!(client.state(), StateName::FinWait2);
    assert_eq!(client.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);

    sleep(Duration::from_secs(100)).await;
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!((answer.as_str(), client.state()), ("answer", StateName::TimeWait));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_writing_half_closes_that_direction() {
    let (a, b) = two_stacks();
    let (client, mut server) = connection(&a, &b).await;
    let (mut reader, mut writer) = client.into_split();
    writer.write_all(b"x").await.unwrap();
    drop(writer);
    assert_eq!(server.read_to_end(&mut Vec::new()).await.unwrap(), 1);
    server.write_all(b"yz").await.unwrap();
    assert_eq!(reader.read(&mut [0; 9]).await.unwrap(), 2);

    let (client, mut server) = connection(&a, &b).await;
    let (reader, writer) = client.into_split();
    let mut client = reader.reunite(writer).unwrap();
    client.write_all(b"x").await.unwrap();
    assert_eq!(server.read(&mut [0; 9]).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_within_a_round_trip() {
    let (a, _b) = two_stacks();
    let begin = Instant::now();
    for address in [at(B4, 81), at(B6, 81)] {
        assert_eq!(a.connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    assert!(begin.elapsed() < Duration::from_millis(10));
    assert_eq!(a.counts().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_told_to_reader_and_writer() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    let reading = tokio::spawn(async move {
        let error = client.read(&mut [0; 9]).await.unwrap_err().kind();
        (error, client)
    });
    tokio::task::yield_now().await;
    server.abort();
    let (error, mut client) = reading.await.unwrap();
    assert_eq!(error, ErrorKind::ConnectionReset);
    assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.state(), StateName::Closed);
    drop(client);

    let (mut client, server) = connection(&a, &b).await;
    server.abort();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn dropping_with_unread_data_resets_and_without_closes() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    client.write_all(b"unread").await.unwrap();
    sleep(Duration::from_millis(1)).await;
    drop(server);
    assert_eq!(client.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let (mut client, server) = connection(&a, &b).await;
    drop(server);
    assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
    // Nobody is there any more who could take it.
    client.write_all(b"x").await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let error = client.write(b"x").await.unwrap_err().kind();
    assert!(matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

#[tokio::test(start_paused = true)]
async fn linger_of_nothing_resets() {
    let (a, b) = two_stacks();
    let (client, mut server) = connection(&a, &b).await;
    client.set_linger(Some(Duration::ZERO)).unwrap();
    assert_eq!(client.linger().unwrap(), Some(Duration::ZERO));
    drop(client);
    assert_eq!(server.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_nobody_has_times_out() {
    let (a, _b) = two_stacks();
    let begin = Instant::now();
    let error = a.connect(at([10, 0, 0, 9], 80)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    // RFC 9293 MUST-23.
    assert!(begin.elapsed() >= Duration::from_secs(180), "{:?}", begin.elapsed());
    assert_eq!(a.counts().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_times_out_after_the_user_timeout() {
    let (a, b, stop) = stacks_that_can_be_unplugged();
    let (mut client, _server) = connection(&a, &b).await;
    client.set_user_timeout(Some(Duration::from_secs(10))).unwrap();
    drop(stop);
    let begin = Instant::now();
    client.write_all(b"anybody there?").await.unwrap();
    assert_eq!(client.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    let took = begin.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(12), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn lingering_ends_with_its_time() {
    let (a, b, stop) = stacks_that_can_be_unplugged();
    let (mut client, _server) = connection(&a, &b).await;
    client.set_linger(Some(Duration::from_secs(5))).unwrap();
    drop(stop);
    client.write_all(b"anybody there?").await.unwrap();
    drop(client);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(a.counts().connections, 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(a.counts().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn keep_alive_notices_a_dead_peer() {
    let (a, b, stop) = stacks_that_can_be_unplugged();
    let (mut client, _server) = connection(&a, &b).await;
    let keep_alive =
        KeepAlive { idle: Duration::from_secs(10), interval: Duration::from_secs(1), probes: 3 };
    client.set_keep_alive(Some(keep_alive)).unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(client.state(), StateName::Established);
    drop(stop);
    let begin = Instant::now();
    assert_eq!(client.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(begin.elapsed() <= Duration::from_secs(14), "{:?}", begin.elapsed());
}

/// Two stacks whose link is dead from when the third value is dropped.
fn stacks_that_can_be_unplugged() -> (Stack, Stack, oneshot::Sender<()>) {
    let (a, link) = pair(PairConfig::default());
    let (stop, unplugged) = oneshot::channel();
    (
        on(a, A4, A6).spawn().unwrap(),
        on(Unplugged { link, unplugged }, B4, B6).spawn().unwrap(),
        stop,
    )
}

/// A link that goes deaf and dumb when the sender of `unplugged` is dropped.
struct Unplugged<L> {
    link: L,
    unplugged: oneshot::Receiver<()>,
}

impl<L: Link> Link for Unplugged<L> {
    fn medium(&self) -> Medium {
        self.link.medium()
    }

    fn mtu(&self) -> usize {
        self.link.mtu()
    }

    fn receive(
        &mut self,
        now: crate::Instant,
        batch: &mut Vec<Packet>,
        max: usize,
    ) -> io::Result<usize> {
        let before = batch.len();
        let received = self.link.receive(now, batch, max)?;
        if self.is_unplugged() {
            batch.truncate(before);
            return Ok(0);
        }
        Ok(received)
    }

    fn transmit(&mut self, now: crate::Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        if self.is_unplugged() {
            let lost = batch.len();
            batch.clear();
            return Ok(lost);
        }
        self.link.transmit(now, batch)
    }

    fn readiness(&self) -> Readiness<'_> {
        self.link.readiness()
    }
}

impl<L> Unplugged<L> {
    fn is_unplugged(&mut self) -> bool {
        self.unplugged.try_recv() == Err(TryRecvError::Closed)
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_set_up_says_why() {
    let (a, b) = two_stacks();
    let listener = TcpListener::bind(&b, at(B4, 80)).unwrap();
    assert_eq!(b.listen(at(B4, 80)).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(b.listen(at(A4, 80)).unwrap_err().kind(), ErrorKind::AddrNotAvailable);
    drop(listener);
    let any = b.listen(at(Ipv4Addr::UNSPECIFIED, 80)).unwrap();
    assert_eq!(any.local_addr().unwrap().port(), 80);

    let kind = async |local, remote| a.connect_from(local, remote).await.unwrap_err().kind();
    assert_eq!(kind(at(B4, 0), at(B4, 80)).await, ErrorKind::AddrNotAvailable);
    assert_eq!(kind(at(A4, 0), at([192, 0, 2, 1], 80)).await, ErrorKind::NetworkUnreachable);
    assert_eq!(kind(at(A4, 0), at(Ipv4Addr::BROADCAST, 80)).await, ErrorKind::InvalidInput);
    let _first = a.connect_from(at(A4, 5_000), at(B4, 80)).await.unwrap();
    assert_eq!(kind(at(A4, 5_000), at(B4, 80)).await, ErrorKind::AddrInUse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_at_once() {
    let (a, b) = two_stacks();
    let listener = TcpListener::bind(&b, at(B4, 80)).unwrap();
    let server = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        for _ in 0..1_000 {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let (mut reader, mut writer) = stream.split();
                copy(&mut reader, &mut writer).await.unwrap()
            });
        }
        connections.join_all().await.iter().sum::<u64>()
    });
    let mut clients = JoinSet::new();
    for n in 0..1_000_u32 {
        let a = a.clone();
        clients.spawn(async move {
            let mut stream = a.connect(at(B4, 80)).await.unwrap();
            let data: Vec<u8> = n.to_be_bytes().repeat(2_500);
            let (mut reader, mut writer) = stream.split();
            let mut echo = vec![0; data.len()];
            let (written, read) =
                tokio::join!(writer.write_all(&data), reader.read_exact(&mut echo));
            written.unwrap();
            read.unwrap();
            assert_eq!(echo, data);
        });
    }
    let all = async { clients.join_all().await };
    timeout(Duration::from_secs(60), all).await.unwrap();
    assert_eq!(server.await.unwrap(), 10_000_000);
}

#[tokio::test(start_paused = true)]
async fn cancelled_reads_writes_and_accepts_lose_nothing() {
    let (a, b) = two_stacks();
    let listener = TcpListener::bind(&b, at(B4, 80)).unwrap();
    assert!(timeout(Duration::from_millis(5), listener.accept()).await.is_err());
    let mut client = a.connect(at(B4, 80)).await.unwrap();
    let mut server = timeout(Duration::from_secs(1), listener.accept()).await.unwrap().unwrap().0;

    // Every read is given up now and then; the bytes must still come in order and once.
    let total = 300_000_usize;
    let writer = tokio::spawn(async move {
        let data: Vec<u8> = (0..total).map(|n| (n % 251) as u8).collect();
        let mut at = 0;
        while at < total {
            let end = total.min(at + 5_000);
            if let Ok(written) =
                timeout(Duration::from_micros(700), client.write(&data[at..end])).await
            {
                at += written.unwrap();
            }
            sleep(Duration::from_millis(1)).await;
        }
        client.shutdown().await.unwrap();
        client
    });
    let mut got = Vec::new();
    let mut buffer = [0; 777];
    loop {
        match timeout(Duration::from_micros(300), server.read(&mut buffer)).await {
            Ok(Ok(0)) => break,
            Ok(read) => got.extend_from_slice(&buffer[..read.unwrap()]),
            Err(_) => {}
        }
    }
    assert_eq!(got.len(), total);
    assert!(got.iter().enumerate().all(|(n, byte)| *byte == (n % 251) as u8));
    writer.await.unwrap();

    // An attempt to connect that is given up leaves nothing behind.
    let before = a.counts().connections;
    assert!(timeout(Duration::from_millis(5), a.connect(at([10, 0, 0, 9], 80))).await.is_err());
    assert_eq!(a.counts().connections, before);
}

#[tokio::test(start_paused = true)]
async fn vectored_and_uncopied_writes_arrive_as_one_stream() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    assert!(tokio::io::AsyncWrite::is_write_vectored(&client));
    let written = client
        .write_vectored(&[IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two ")])
        .await;
    assert_eq!(written.unwrap(), 8);
    client.write_chunk(bytes::Bytes::from_static(b"three")).await.unwrap();
    client.shutdown().await.unwrap();
    let mut got = Vec::new();
    loop {
        let chunk = server.read_chunk(1_000).await.unwrap();
        if chunk.is_empty() {
            break;
        }
        got.extend_from_slice(&chunk);
    }
    assert_eq!(got, b"one two three");
    assert!(client.info().unwrap().bytes_acked >= 13);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_stops_the_writer_and_no_byte_is_lost() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    let writing = tokio::spawn(async move {
        client.write_all(&[5; 4 << 20]).await.unwrap();
        client
    });
    sleep(Duration::from_secs(300)).await;
    assert!(!writing.is_finished(), "4 MiB do not fit into the buffers");
    let mut got = vec![0; 4 << 20];
    server.read_exact(&mut got).await.unwrap();
    assert!(got.iter().all(|byte| *byte == 5));
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_are_remembered() {
    let (a, b) = two_stacks();
    let (client, _server) = connection(&a, &b).await;
    assert!(!client.nodelay().unwrap());
    client.set_nodelay(true).unwrap();
    assert!(client.nodelay().unwrap());
    assert_eq!(client.linger().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_observer_sees_the_handshake_with_its_numbers() {
    let (a_link, b_link) = pair(PairConfig::default());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let watch = |name: &'static str| {
        let lines = Arc::clone(&lines);
        move |trace: &SegmentTrace| {
            if trace.direction == Direction::Out {
                let SegmentTrace { flags, seq, ack, state, .. } = trace;
                lines.lock().unwrap().push((name, *flags, seq.0, ack.0, *state));
            }
        }
    };
    let a =
        on(a_link, A4, A6).initial_sequence_number(1_234_567).observer(watch("A")).spawn().unwrap();
    let b =
        on(b_link, B4, B6).initial_sequence_number(7_654_321).observer(watch("B")).spawn().unwrap();
    let _both = connection(&a, &b).await;
    let lines = lines.lock().unwrap();
    assert_eq!(lines[0], ("A", Flags::SYN, 1_234_567, 0, StateName::SynSent));
    assert_eq!(
        lines[1],
        ("B", Flags::SYN | Flags::ACK, 7_654_321, 1_234_568, StateName::SynReceived)
    );
    assert_eq!(lines[2], ("A", Flags::ACK, 1_234_568, 7_654_322, StateName::Established));
}
