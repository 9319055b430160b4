//! Stacks of several shards, over queues that scatter packets on purpose.

use super::{A4, A6, B4, B6, at};
use crate::link::memory::{PairConfig, pair};
use crate::link::{Link, Medium, MemoryLink, Readiness, SharedWaker};
use crate::{
    HostConfig, Interface, Packet, Stack, StackBuilder, StateName, TcpListener, TcpStream,
};
use std::collections::{HashSet, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

const SHARDS: usize = 4;

/// One queue of several: what is sent on it arrives on all of the other side's in turn.
struct Scattering {
    own: usize,
    links: Arc<Vec<Mutex<MemoryLink>>>,
    waker: Arc<SharedWaker>,
    next: usize,
}

fn scattering() -> [Vec<Scattering>; 2] {
    let config = PairConfig { capacity: 8_192, ..PairConfig::default() };
    let (left, right): (Vec<_>, Vec<_>) = (0..SHARDS).map(|_| pair(config)).unzip();
    [left, right].map(|links| {
        let wakers: Vec<_> = links
            .iter()
            .map(|link| match link.readiness() {
                Readiness::Waker(waker) => Arc::clone(waker),
                other => panic!("{other:?}"),
            })
            .collect();
        let links = Arc::new(links.into_iter().map(Mutex::new).collect::<Vec<_>>());
        let queue = |(own, waker)| Scattering { own, links: Arc::clone(&links), waker, next: own };
        wakers.into_iter().enumerate().map(queue).collect()
    })
}

impl Link for Scattering {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn mtu(&self) -> usize {
        1_500
    }

    fn receive(
        &mut self,
        now: crate::Instant,
        batch: &mut Vec<Packet>,
        max: usize,
    ) -> io::Result<usize> {
        self.links[self.own].lock().unwrap().receive(now, batch, max)
    }

    fn transmit(&mut self, now: crate::Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        let before = batch.len();
        let mut single = VecDeque::with_capacity(1);
        while let Some(packet) = batch.pop_front() {
            single.push_back(packet);
            self.links[self.next % SHARDS].lock().unwrap().transmit(now, &mut single)?;
            if let Some(left) = single.pop_front() {
                batch.push_front(left);
                break;
            }
            self.next += 1;
        }
        Ok(before - batch.len())
    }

    fn readiness(&self) -> Readiness<'_> {
        Readiness::Waker(&self.waker)
    }
}

fn sharded(queues: Vec<Scattering>, v4: Ipv4Addr, v6: Ipv6Addr) -> StackBuilder {
    let interface = Interface::queues(queues).address(v4, 24).address(v6, 64);
    Stack::builder().interface(interface).secret([7; 32]).shards(SHARDS)
}

fn two_sharded_stacks() -> (Stack, Stack) {
    let [a, b] = scattering();
    (sharded(a, A4, A6).spawn().unwrap(), sharded(b, B4, B6).spawn().unwrap())
}

/// Which shard of its stack a connection lives in.
fn place(stack: &Stack, stream: &TcpStream) -> u32 {
    let (local, remote) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
    stack.handle.shards()[0].lock().host.shard_to_connect(remote, Some(local)).unwrap()
}

async fn connection(a: &Stack, b: &Stack) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(b, at(B4, 0)).unwrap();
    let (client, server) =
        tokio::join!(a.connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_connections_with_all_bytes_right() {
    let (a, b) = two_sharded_stacks();
    // Room for all: a SYN cookie does not stand packets that overtake each other.
    let listener = TcpListener::bind_with_backlog(&b, at(B4, 80), 8_000).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                tokio::io::copy(&mut reader, &mut writer).await.unwrap();
            });
        }
    });
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..1_000_u32 {
        let a = a.clone();
        clients.spawn(async move {
            let stream = a.connect(at(B4, 80)).await.unwrap();
            let place = place(&a, &stream);
            let sent: Vec<u8> = (0..20_000_u32).map(|at| (at * 31 + number) as u8).collect();
            let (mut reader, mut writer) = stream.into_split();
            let data = sent.clone();
            tokio::spawn(async move { writer.write_all(&data).await.unwrap() });
            let mut got = Vec::new();
            reader.read_to_end(&mut got).await.unwrap();
            assert!(got == sent, "{number}: {} octets", got.len());
            place
        });
    }
    let places = timeout(Duration::from_secs(120), clients.join_all()).await.unwrap();
    for shard in 0..SHARDS as u32 {
        let load = places.iter().filter(|place| **place == shard).count();
        assert_eq!(load, 1_000 / SHARDS, "shards take turns at opening");
    }
    let begin = Instant::now();
    while a.counts().connections + b.counts().connections > 0 {
        assert!(begin.elapsed() < Duration::from_secs(10), "{a:?} {b:?}");
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(a.counts().time_wait + b.counts().time_wait, 1_000);
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn opening_closing_and_resets_find_their_shard() {
    let (a, b) = two_sharded_stacks();
    let mut places = HashSet::new();
    for _ in 0..40 {
        // Refused: the answer to a SYN comes from the shard that it is for.
        let refused = a.connect(at(B4, 9)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        // In order, with a half-closed connection in between.
        let (mut client, mut server) = connection(&a, &b).await;
        places.insert((place(&a, &client), place(&b, &server)));
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut got = String::new();
        server.read_to_string(&mut got).await.unwrap();
        server.write_all(b"answer").await.unwrap();
        drop(server);
        client.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "questionanswer");
        // By reset.
        let (mut client, server) = connection(&a, &b).await;
        server.abort();
        let error = client.read(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(places.len() > SHARDS, "{places:?}");
    sleep(Duration::from_secs(120)).await;
    for stack in [&a, &b] {
        let counts = stack.counts();
        assert_eq!((counts.connections, counts.time_wait, counts.ports_in_use), (0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sharded_stack_talks_to_itself() {
    let (a, _b) = two_sharded_stacks();
    for _ in 0..20 {
        let listener = a.listen(at(A6, 0)).unwrap();
        let (client, server) =
            tokio::join!(a.connect(listener.local_addr().unwrap()), listener.accept());
        let (mut client, mut server) = (client.unwrap(), server.unwrap().0);
        client.write_all(b"me").await.unwrap();
        let mut got = [0; 2];
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"me");
    }
}

#[tokio::test(start_paused = true)]
async fn a_given_port_decides_the_shard() {
    let (a, b) = two_sharded_stacks();
    let listener = b.listen(at(B4, 80)).unwrap();
    let mut streams = Vec::new();
    let mut places = HashSet::new();
    for port in 1_000..1_020 {
        let (client, server) =
            tokio::join!(a.connect_from(at(A4, port), at(B4, 80)), listener.accept());
        let (client, server) = (client.unwrap(), server.unwrap());
        assert_eq!(server.1, at(A4, port));
        places.insert(place(&a, &client));
        let again = a.connect_from(at(A4, port), at(B4, 80)).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AddrInUse);
        streams.push((client, server));
    }
    assert_eq!(places.len(), SHARDS);
    assert_eq!(b.listen(at(B4, 80)).unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[tokio::test(start_paused = true)]
async fn every_port_is_used_before_ports_run_out() {
    let [a, b] = scattering();
    let config = HostConfig { ephemeral_ports: 40_000..=40_063, ..HostConfig::new([7; 32]) };
    let a = sharded(a, A4, A6).host(config).spawn().unwrap();
    let b = sharded(b, B4, B6).spawn().unwrap();
    let _listener = b.listen(at(B4, 80)).unwrap();
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(a.connect(at(B4, 80)).await.unwrap());
    }
    let ports: HashSet<_> = streams.iter().map(|stream| stream.local_addr().unwrap()).collect();
    assert_eq!(ports.len(), 64);
    let error = a.connect(at(B4, 80)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    // One given back is found again, whichever shard it is of.
    streams.swap_remove(13).abort();
    streams.push(a.connect(at(B4, 80)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn accept_takes_from_all_shards_in_turn() {
    let (a, b) = two_sharded_stacks();
    let listener = b.listen(at(B4, 80)).unwrap();
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(a.connect(at(B4, 80)).await.unwrap());
    }
    sleep(Duration::from_millis(100)).await;
    assert_eq!(b.counts().to_accept, 200);
    for _ in 0..20 {
        let mut places = HashSet::new();
        for _ in 0..SHARDS {
            places.insert(place(&b, &listener.accept().await.unwrap().0));
        }
        assert_eq!(places.len(), SHARDS);
    }
    // Whoever waits is woken by a connection on any shard.
    let (accepted, _) = tokio::join!(
        async {
            for _ in 0..220 {
                listener.accept().await.unwrap();
            }
        },
        async {
            for _ in 0..100 {
                sleep(Duration::from_millis(1)).await;
                clients.push(a.connect(at(B4, 80)).await.unwrap());
            }
        }
    );
    let () = accepted;
    assert_eq!(b.counts().to_accept, 0);
}

#[tokio::test(start_paused = true)]
async fn shutdown_reaches_every_shard() {
    let (a, b) = two_sharded_stacks();
    let mut clients = Vec::new();
    for _ in 0..12 {
        let (client, mut server) = connection(&a, &b).await;
        server.write_all(&[1; 50_000]).await.unwrap();
        clients.push((client, server));
    }
    let reading = clients.into_iter().map(|(mut client, server)| {
        tokio::spawn(async move {
            let mut got = Vec::new();
            client.read_to_end(&mut got).await.unwrap();
            drop(server);
            got.len()
        })
    });
    let reading: Vec<_> = reading.collect();
    let (_mute, _unread) = connection(&a, &b).await;
    assert_eq!(b.shutdown(Duration::from_secs(2)).await, 1, "the one whose client never closes");
    for reader in reading {
        assert_eq!(reader.await.unwrap(), 50_000);
    }
    let gone = b.listen(at(B4, 80)).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::ConnectionAborted);
}

/// Shards without a connection of their own go on passing on what arrives at their queues.
#[tokio::test(start_paused = true)]
async fn a_sharded_stack_that_nobody_holds_still_closes_its_connections() {
    let (a, b) = two_sharded_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    server.write_all(&[3; 50_000]).await.unwrap();
    drop((server, b));
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 50_000);
    assert_eq!(client.state(), StateName::CloseWait);
}

#[tokio::test]
async fn each_shard_needs_a_queue() {
    let (link, _other) = pair(PairConfig::default());
    let builder = Stack::builder().interface(Interface::new(link).address(A4, 24)).shards(2);
    assert_eq!(builder.spawn().unwrap_err().kind(), ErrorKind::InvalidInput);
}
