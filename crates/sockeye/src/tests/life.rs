//! How a stack begins, ends, and survives what its users do.

use super::{A4, A6, B4, B6, at, connection, on, two_stacks};
use crate::link::memory::{PairConfig, pair};
use crate::link::{Link, Medium, Readiness};
use crate::{Interface, Packet, Stack, StateName};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

#[tokio::test(start_paused = true)]
async fn shutdown_sends_what_was_written_and_closes() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    let listener = b.listen(at(B4, 80)).unwrap();
    server.write_all(&[1; 100_000]).await.unwrap();
    let peer = tokio::spawn(async move {
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        got.len()
    });
    let begin = Instant::now();
    assert_eq!(b.shutdown(Duration::from_secs(2)).await, 0);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(peer.await.unwrap(), 100_000);

    let kind = |error: io::Error| error.kind();
    assert_eq!(kind(listener.accept().await.unwrap_err()), ErrorKind::ConnectionAborted);
    assert_eq!(kind(b.listen(at(B4, 81)).unwrap_err()), ErrorKind::ConnectionAborted);
    assert_eq!(kind(b.connect(at(A4, 81)).await.unwrap_err()), ErrorKind::ConnectionAborted);
    assert_eq!(kind(server.write(b"x").await.unwrap_err()), ErrorKind::ConnectionAborted);
}

#[tokio::test(start_paused = true)]
async fn shutdown_resets_what_does_not_end() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    let begin = Instant::now();
    // The client never closes.
    assert_eq!(b.shutdown(Duration::from_secs(2)).await, 1);
    assert_eq!(begin.elapsed().as_secs(), 2);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0, "the FIN came first");
    assert_eq!(client.state(), StateName::Closed);
    drop(server);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_nobody_holds_still_closes_its_connections() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    server.write_all(&[3; 50_000]).await.unwrap();
    drop((server, b));
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 50_000);
    assert_eq!(client.state(), StateName::CloseWait);
}

#[test]
fn when_the_runtime_goes_nobody_waits_for_ever() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut client, stacks) = runtime.block_on(async {
        let (a, b) = two_stacks();
        let (client, server) = connection(&a, &b).await;
        (client, (a, b, server))
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    other.block_on(async {
        let error =
            timeout(Duration::from_secs(5), client.read(&mut [0; 9])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        let error = client.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    });
    drop(stacks);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_connections_in_sequence_leave_nothing_behind() {
    let (a, b) = two_stacks();
    let listener = b.listen(at(B4, 80)).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"bye").await.unwrap();
        }
    });
    for _ in 0..10_000 {
        let mut stream = a.connect(at(B4, 80)).await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"bye");
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!((a.counts().connections, b.counts().connections), (0, 0));
    sleep(Duration::from_secs(120)).await;
    assert_eq!((a.counts().time_wait, b.counts().time_wait), (0, 0));
    assert_eq!((a.counts().ports_in_use, b.counts().ports_in_use), (0, 1));
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stack_talks_to_itself_and_needs_no_link_for_it() {
    let (link, _other) = pair(PairConfig::default());
    let stack = on(link, A4, A6).spawn().unwrap();
    let listener = stack.listen(at(A4, 80)).unwrap();
    let (client, server) = tokio::join!(stack.connect(at(A4, 80)), listener.accept());
    let (mut client, mut server) = (client.unwrap(), server.unwrap().0);
    client.write_all(b"me").await.unwrap();
    let mut got = [0; 2];
    server.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"me");
}

#[tokio::test(start_paused = true)]
async fn several_links_one_of_them_stuck() {
    let (a1, b1) = pair(PairConfig::default());
    let (a2, _never_read) = pair(PairConfig { capacity: 1, ..PairConfig::default() });
    let a = Stack::builder()
        .interface(Interface::new(a1).address(A4, 24))
        .interface(Interface::new(a2).address([10, 1, 0, 1], 24))
        .spawn()
        .unwrap();
    let b = on(b1, B4, B6).spawn().unwrap();
    let mut stuck = tokio::task::JoinSet::new();
    for port in 1..1_000 {
        let a = a.clone();
        stuck.spawn(async move { a.connect(at([10, 1, 0, 2], port)).await });
    }
    sleep(Duration::from_secs(5)).await;
    let (mut client, mut server) =
        timeout(Duration::from_secs(5), connection(&a, &b)).await.unwrap();
    client.write_all(b"through").await.unwrap();
    let mut got = [0; 7];
    server.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"through");
}

#[tokio::test(start_paused = true)]
async fn a_failing_link_is_reported() {
    let (link, _other) = pair(PairConfig::default());
    let stack =
        Stack::builder().interface(Interface::new(FailsAfter { link, batches: 3 }).address(A4, 24));
    let stack = stack.spawn().unwrap();
    let connecting = stack.connect(at(B4, 80));
    tokio::select! {
        error = stack.link_failed() => assert_eq!(error.to_string(), "unplugged"),
        _ = connecting => panic!("nobody is there"),
    }
}

/// A link that is gone for good after some batches.
struct FailsAfter<L> {
    link: L,
    batches: usize,
}

impl<L: Link> Link for FailsAfter<L> {
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
        self.link.receive(now, batch, max)
    }

    fn transmit(&mut self, now: crate::Instant, batch: &mut VecDeque<Packet>) -> io::Result<usize> {
        if self.batches == 0 {
            return Err(io::Error::other("unplugged"));
        }
        self.batches -= 1;
        self.link.transmit(now, batch)
    }

    fn readiness(&self) -> Readiness<'_> {
        self.link.readiness()
    }
}

#[tokio::test]
async fn an_impossible_address_is_refused() {
    let (link, _other) = pair(PairConfig::default());
    let error =
        Stack::builder().interface(Interface::new(link).address(A4, 33)).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
