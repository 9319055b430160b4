//! The traits of `futures-io`.

use super::{connection, two_stacks};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::io::IoSlice;

#[tokio::test(start_paused = true)]
async fn streams_and_halves_read_write_and_close() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    let (mut reader, mut writer) = server.into_split();
    assert_eq!(
        client.write_vectored(&[IoSlice::new(b"que"), IoSlice::new(b"stion")]).await.unwrap(),
        8
    );
    client.flush().await.unwrap();
    client.close().await.unwrap();
    let mut got = Vec::new();
    reader.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"question");

    writer.write_all(b"answer").await.unwrap();
    writer.close().await.unwrap();
    got.clear();
    let (mut reader, _writer) = client.split();
    reader.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"answer");
}
