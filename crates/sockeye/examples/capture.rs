//! Records the packets of a connection in a pcapng file, which Wireshark and `sockeye read` read:
//! `cargo run -p sockeye --example capture`.

use sockeye::link::memory::{PairConfig, pair};
use sockeye::{CaptureConfig, Interface, Stack};
use std::fs::File;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let (left, right) = pair(PairConfig::default());
    let client_side = Interface::new(left).name("left").address([10, 0, 0, 1], 24);
    let server_side = Interface::new(right).address([10, 0, 0, 2], 24);
    let clients = Stack::builder().interface(client_side).spawn()?;
    let servers = Stack::builder().interface(server_side).spawn()?;
    let listener = servers.listen(([10, 0, 0, 2], 80).into())?;

    let path = std::env::temp_dir().join(format!("sockeye-capture-{}.pcapng", std::process::id()));
    let config = CaptureConfig::default().with_snap_bytes(128);
    let capture = clients.capture(File::create(&path)?, config)?;

    let mut client = clients.connect(([10, 0, 0, 2], 80).into()).await?;
    let (mut server, _peer) = listener.accept().await?;
    client.write_all(&[7; 10_000]).await?;
    client.shutdown().await?;
    server.read_to_end(&mut Vec::new()).await?;

    let stats = capture.stop()?;
    println!("{} packets in {}", stats.packets, path.display());
    assert!(stats.packets > 8 && stats.dropped == 0);
    Ok(())
}
