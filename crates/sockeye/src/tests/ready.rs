//! Trying, waiting for readiness, peeking, chunks.

use super::{connection, two_stacks};
use bytes::Bytes;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::time::{sleep, timeout};

const MOMENT: Duration = Duration::from_millis(5);

#[tokio::test(start_paused = true)]
async fn trying_never_waits() {
    let (a, b) = two_stacks();
    let (client, server) = connection(&a, &b).await;
    assert_eq!(server.try_read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(server.try_read_chunk(9).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(client.try_write(b"ab").unwrap(), 2);
    let slices = [IoSlice::new(b"cd"), IoSlice::new(b""), IoSlice::new(b"ef")];
    assert_eq!(client.try_write_vectored(&slices).unwrap(), 4);
    client.try_write_chunk(Bytes::from_static(b"ghijk")).unwrap();
    sleep(MOMENT).await;

    let mut got = [0; 1];
    assert_eq!(server.try_read(&mut got).unwrap(), 1);
    let (mut first, mut second) = ([0; 2], [0; 3]);
    let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    assert_eq!(server.try_read_vectored(&mut bufs).unwrap(), 5);
    assert_eq!((&got, &first, &second), (b"a", b"bc", b"def"));
    let mut rest = Vec::new();
    while let Ok(read) = server.try_read_buf(&mut rest) {
        assert!(read > 0);
    }
    assert_eq!(rest, b"ghijk");

    // A full buffer says so, and takes more when the peer has read.
    let mut sent = 0;
    let error = loop {
        match client.try_write(&[0; 10_000]) {
            Ok(written) => sent += written,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let chunk = Bytes::from_static(b"last");
    assert_eq!(client.try_write_chunk(chunk).unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut read = 0;
    while read < sent {
        read += server.read_chunk(usize::MAX).await.unwrap().len();
    }
    sleep(Duration::from_secs(1)).await;
    client.try_write(b"x").unwrap();
    sleep(MOMENT).await;

    drop(server);
    sleep(MOMENT).await;
    assert_eq!(client.try_read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.try_write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn readiness_is_told_to_all_who_wait() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    let server = Arc::new(server);
    assert!(timeout(MOMENT, server.readable()).await.is_err());
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { server.readable().await.unwrap() })
        })
        .collect();
    sleep(MOMENT).await;
    client.write_all(b"x").await.unwrap();
    for task in waiting {
        timeout(MOMENT, task).await.unwrap().unwrap();
    }
    let both = Interest::READABLE | Interest::WRITABLE;
    let ready = server.ready(both).await.unwrap();
    assert!(ready.is_readable() && ready.is_writable());
    server.try_read(&mut [0; 9]).unwrap();
    let ready = server.ready(both).await.unwrap();
    assert!(!ready.is_readable() && ready.is_writable());
}

#[tokio::test(start_paused = true)]
async fn room_is_told_to_who_waits_for_it() {
    let (a, b) = two_stacks();
    let (client, mut server) = connection(&a, &b).await;
    client.writable().await.unwrap();
    while timeout(Duration::from_secs(9), client.writable()).await.is_ok() {
        client.try_write(&[7; 65_536]).unwrap();
    }
    let client = Arc::new(client);
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.write_chunk(Bytes::from_static(b"more")).await })
        })
        .collect();
    sleep(MOMENT).await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    let reading = tokio::spawn(async move {
        let mut total = 0;
        let mut buffer = vec![0; 65_536];
        loop {
            match server.read(&mut buffer).await.unwrap() {
                0 => return total,
                read => total += read,
            }
        }
    });
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    Arc::into_inner(client).unwrap().shutdown().await.unwrap();
    assert!(reading.await.unwrap() > 8);
}

#[tokio::test(start_paused = true)]
async fn peeking_takes_nothing() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    let mut got = [0; 3];
    assert!(timeout(MOMENT, server.peek(&mut got)).await.is_err());
    client.write_all(b"peekaboo").await.unwrap();
    for _ in 0..2 {
        assert_eq!(server.peek(&mut got).await.unwrap(), 3);
        assert_eq!(&got, b"pee");
    }
    let mut all = [0; 8];
    server.read_exact(&mut all).await.unwrap();
    assert_eq!(&all, b"peekaboo");
    client.shutdown().await.unwrap();
    assert_eq!(server.peek(&mut got).await.unwrap(), 0);
    server.readable().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn chunks_are_not_copied() {
    let (a, b) = two_stacks();
    let (client, server) = connection(&a, &b).await;
    let chunk = Bytes::from(vec![9; 1_000]);
    let at = chunk.as_ptr();
    client.write_chunk(chunk).await.unwrap();
    // The link is memory, so that what arrives are the very octets that were written.
    let got = server.read_chunk(usize::MAX).await.unwrap();
    assert_eq!((got.len(), got.as_ptr()), (1_000, at));
}
