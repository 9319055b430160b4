//! How often tasks are woken: once for a batch, not for each packet.

use super::{connection, two_stacks};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::sleep;

/// Ten segments, which the initial window lets out at once.
const BATCH_BYTES: usize = 14_000;

#[tokio::test(start_paused = true)]
async fn a_reader_is_woken_once_for_a_batch() {
    let (a, b) = two_stacks();
    let (mut client, mut server) = connection(&a, &b).await;
    let reader = tokio::spawn(async move {
        let mut buffer = vec![0; 2 * BATCH_BYTES];
        let mut polls = 0;
        let mut sizes = Vec::new();
        while sizes.last() != Some(&0) {
            let mut unread = ReadBuf::new(&mut buffer);
            let result = poll_fn(|cx| {
                polls += 1;
                Pin::new(&mut server).poll_read(cx, &mut unread)
            });
            result.await.unwrap();
            sizes.push(unread.filled().len());
        }
        (polls, sizes)
    });
    for _ in 0..20 {
        sleep(Duration::from_millis(100)).await;
        let sent = b.counters().received;
        client.write_all(&[7; BATCH_BYTES]).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        assert!(b.counters().received - sent >= 10, "segments");
    }
    client.shutdown().await.unwrap();
    let (polls, sizes) = reader.await.unwrap();
    assert_eq!(sizes, [vec![BATCH_BYTES; 20], vec![0]].concat());
    assert_eq!(polls, 2 * sizes.len(), "one that waits and one that reads");
}

/// A call does in its own thread what there is to do: an answer is on its way when the write returns, and no other task has run.
#[tokio::test(start_paused = true)]
async fn a_write_sends_before_it_returns() {
    let (a, b) = two_stacks();
    let (mut client, _server) = connection(&a, &b).await;
    sleep(Duration::from_secs(1)).await;
    let before = a.counters().sent;
    // The buffer has room, so that this does not wait and the driver gets no turn.
    let written = poll_fn(|cx| {
        let written = tokio::io::AsyncWrite::poll_write(Pin::new(&mut client), cx, b"question");
        assert_eq!(a.counters().sent, before + 1);
        written
    });
    assert_eq!(written.await.unwrap(), 8);
}
