//! Options before and after connecting, and what a connection says of itself: `cargo run -p sockeye --example options`.

use sockeye::link::memory::{PairConfig, pair};
use sockeye::{CongestionControl, Interface, KeepAlive, Limits, Stack, TcpSocket};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut limits = Limits::default();
    limits.connections = 10_000;
    let (left, right) = pair(PairConfig::default());
    let client_side = Interface::new(left).address([10, 0, 0, 1], 24);
    let server_side = Interface::new(right).address([10, 0, 0, 2], 24);
    let clients = Stack::builder().interface(client_side).limits(limits).spawn()?;
    let servers = Stack::builder().interface(server_side).hop_limit(32).spawn()?;

    // What a listening socket is given, its streams have.
    let socket = TcpSocket::new(&servers);
    socket.set_nodelay(true)?;
    socket.set_recv_buffer_size(256 * 1024)?;
    socket.set_fast_open(16)?;
    socket.bind(([10, 0, 0, 2], 80).into())?;
    let listener = socket.listen(128)?;

    for request in ["first", "second, on the SYN"] {
        let socket = TcpSocket::new(&clients);
        socket.set_congestion_control(CongestionControl::Bbr)?;
        socket.set_dscp(10)?;
        let (client, server) = tokio::join!(
            socket.connect_fast_open(([10, 0, 0, 2], 80).into(), request.as_bytes()),
            listener.accept()
        );
        let (mut client, (mut server, _peer)) = (client?, server?);
        client.set_keep_alive(Some(KeepAlive::default()))?;
        client.set_user_timeout(Some(Duration::from_secs(30)))?;
        client.shutdown().await?;
        let mut heard = String::new();
        server.read_to_string(&mut heard).await?;
        assert_eq!(heard, request);
        server.write_all(b"answer").await?;

        client.read_exact(&mut [0; 6]).await?;
        assert_eq!((client.received_hop_limit(), server.received_dscp()), (Some(32), Some(10)));
        if let Some(info) = client.info() {
            println!("{request}: on the SYN: {}, rtt {:?}", info.syn_data_acked, info.rtt);
        }
    }
    Ok(())
}
