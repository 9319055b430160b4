//! An echo server and its client, over two stacks joined in memory: `cargo run -p sockeye --example echo`.

use sockeye::link::memory::{PairConfig, pair};
use sockeye::{Interface, Stack};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let (left, right) = pair(PairConfig::default());
    let client_side = Interface::new(left).address([10, 0, 0, 1], 24);
    let server_side = Interface::new(right).address([10, 0, 0, 2], 24);
    let clients = Stack::builder().interface(client_side).spawn()?;
    let servers = Stack::builder().interface(server_side).spawn()?;

    let listener = servers.listen(([10, 0, 0, 2], 7).into())?;
    tokio::spawn(async move {
        while let Ok((mut stream, peer)) = listener.accept().await {
            println!("{peer} connected");
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let echoed = copy(&mut reader, &mut writer).await;
                println!("{peer} sent {} octets", echoed.unwrap_or(0));
            });
        }
    });

    let mut stream = clients.connect(([10, 0, 0, 2], 7).into()).await?;
    stream.write_all(b"hello, echo").await?;
    stream.shutdown().await?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await?;
    println!("heard: {heard}");
    assert_eq!(heard, "hello, echo");
    drop(stream);

    let reset = servers.shutdown(Duration::from_secs(5)).await;
    assert_eq!(reset, 0);
    Ok(())
}
