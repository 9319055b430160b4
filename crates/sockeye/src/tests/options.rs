//! Options, before and after connecting, and what listeners hand on.

use super::{A4, A6, B4, B6, at, connection, on, two_stacks};
use crate::link::memory::{PairConfig, pair};
use crate::{CongestionControl, KeepAlive, Policy, StateName, TcpSocket};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

const KEEP_ALIVE: KeepAlive =
    KeepAlive { idle: Duration::from_secs(9), interval: Duration::from_secs(2), probes: 4 };

#[tokio::test(start_paused = true)]
async fn options_of_a_stream_are_what_was_set() {
    let (a, b) = two_stacks();
    let (client, _server) = connection(&a, &b).await;
    assert_eq!(client.congestion_control().unwrap(), CongestionControl::Cubic);
    client.set_congestion_control(CongestionControl::Reno).unwrap();
    assert_eq!(client.congestion_control().unwrap(), CongestionControl::Reno);
    assert_eq!(client.info().unwrap().congestion, Some(CongestionControl::Reno));

    client.set_keep_alive(Some(KEEP_ALIVE)).unwrap();
    assert_eq!(client.keep_alive().unwrap(), Some(KEEP_ALIVE));
    client.set_user_timeout(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(client.user_timeout().unwrap(), Some(Duration::from_secs(3)));
    client.set_recv_buffer_size(50_000).unwrap();
    assert_eq!(client.recv_buffer_size().unwrap(), 50_000);
    let receive = client.recv_buffer_size().unwrap();
    client.set_send_buffer_size(1).unwrap();
    assert_eq!(client.send_buffer_size().unwrap(), 2_304);
    assert_eq!(client.recv_buffer_size().unwrap(), receive);
    client.set_zero_linger().unwrap();
    assert_eq!(client.linger().unwrap(), Some(Duration::ZERO));
    client.configure(|config| config.retries = 3).unwrap();
    client.set_quickack(false).unwrap();
    assert!(!client.quickack().unwrap());
    client.set_quickack(true).unwrap();
    assert!(client.quickack().unwrap());
}

#[tokio::test(start_paused = true)]
async fn marks_arrive_on_packets_of_either_family() {
    let (a, b) = two_stacks();
    for address in [at(B4, 80), at(B6, 80)] {
        let listener = b.listen(address).unwrap();
        let (client, server) = tokio::join!(a.connect(address), listener.accept());
        let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap());
        client.set_dscp(46).unwrap();
        client.set_ttl(7).unwrap();
        assert_eq!((client.dscp().unwrap(), client.hop_limit().unwrap()), (46, 7));
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut [0]).await.unwrap();
        assert_eq!((server.received_dscp(), server.received_hop_limit()), (Some(46), Some(7)));

        let kind = |result: std::io::Result<()>| result.unwrap_err().kind();
        assert_eq!(kind(client.set_dscp(64)), ErrorKind::InvalidInput);
        assert_eq!(kind(client.set_ttl(0)), ErrorKind::InvalidInput);
        assert_eq!(kind(client.set_ttl(256)), ErrorKind::InvalidInput);
    }
}

#[tokio::test(start_paused = true)]
async fn streams_inherit_what_their_listener_was_given() {
    let (a, b) = two_stacks();
    let socket = TcpSocket::new(&b);
    socket.set_nodelay(true).unwrap();
    socket.set_keep_alive(Some(KEEP_ALIVE)).unwrap();
    socket.set_user_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.set_recv_buffer_size(30_000).unwrap();
    socket.set_send_buffer_size(20_000).unwrap();
    socket.set_congestion_control(CongestionControl::Bbr).unwrap();
    socket.set_linger(Some(Duration::from_secs(1))).unwrap();
    socket.set_hop_limit(9).unwrap();
    socket.set_dscp(10).unwrap();
    socket.bind(at(B4, 80)).unwrap();
    let listener = socket.listen(16).unwrap();
    assert_eq!(listener.ttl().unwrap(), 9);

    let (client, server) = tokio::join!(a.connect(at(B4, 80)), listener.accept());
    let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap());
    assert!(server.nodelay().unwrap());
    assert_eq!(server.keep_alive().unwrap(), Some(KEEP_ALIVE));
    assert_eq!(server.user_timeout().unwrap(), Some(Duration::from_secs(5)));
    assert_eq!(server.recv_buffer_size().unwrap(), 30_000);
    assert_eq!(server.send_buffer_size().unwrap(), 20_000);
    assert_eq!(server.congestion_control().unwrap(), CongestionControl::Bbr);
    assert_eq!(server.linger().unwrap(), Some(Duration::from_secs(1)));
    assert_eq!((server.hop_limit().unwrap(), server.dscp().unwrap()), (9, 10));
    server.write_all(b"x").await.unwrap();
    client.read_exact(&mut [0]).await.unwrap();
    assert_eq!((client.received_hop_limit(), client.received_dscp()), (Some(9), Some(10)));

    listener.set_ttl(33).unwrap();
    let (_client, server) = tokio::join!(a.connect(at(B4, 80)), listener.accept());
    assert_eq!(server.unwrap().0.ttl().unwrap(), 33);
    // The stack's own settings are as before.
    let (client, server) = connection(&a, &b).await;
    assert!(!server.nodelay().unwrap());
    assert_eq!((server.ttl().unwrap(), client.ttl().unwrap()), (64, 64));
}

#[tokio::test(start_paused = true)]
async fn a_socket_connects_with_its_options_from_its_address() {
    let (a, b) = two_stacks();
    let listener = b.listen(at(B4, 80)).unwrap();
    let socket = TcpSocket::new(&a);
    assert!(!socket.nodelay().unwrap() && !socket.keepalive().unwrap());
    socket.set_keepalive(true).unwrap();
    socket.set_congestion_control(CongestionControl::Reno).unwrap();
    socket.set_recv_buffer_size(1 << 20).unwrap();
    socket.set_zero_linger().unwrap();
    socket.set_dscp(5).unwrap();
    socket.configure(|config| config.max_segment_size = Some(700));
    socket.bind(at(A4, 4_000)).unwrap();
    assert_eq!(socket.bind(at(A4, 4_001)).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(socket.local_addr().unwrap(), at(A4, 4_000));
    let client = socket.connect(at(B4, 80)).await.unwrap();
    let (mut server, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, at(A4, 4_000));
    assert_eq!(client.keep_alive().unwrap(), Some(KeepAlive::default()));
    assert_eq!(client.congestion_control().unwrap(), CongestionControl::Reno);
    assert_eq!(client.recv_buffer_size().unwrap(), 1 << 20);
    assert_eq!(client.dscp().unwrap(), 5);
    // 12 octets are timestamps.
    assert_eq!(server.info().unwrap().send_mss, 688);
    drop(client);
    assert_eq!(server.read(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let refused = TcpSocket::new(&a).connect(at(B4, 81)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let unbound = TcpSocket::new(&a).listen(1).unwrap_err();
    assert_eq!(unbound.kind(), ErrorKind::InvalidInput);
    let socket = TcpSocket::new(&b);
    socket.bind(at(B4, 80)).unwrap();
    assert_eq!(socket.listen(1).unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[tokio::test(start_paused = true)]
async fn fast_open_brings_data_with_the_syn_once_a_cookie_is_known() {
    let (a, b) = two_stacks();
    let socket = TcpSocket::new(&b);
    socket.set_fast_open(8).unwrap();
    socket.bind(at(B4, 80)).unwrap();
    let listener = socket.listen(8).unwrap();
    for (round, on_syn) in [(0, false), (1, true)] {
        let request = format!("request {round}").into_bytes();
        let socket = TcpSocket::new(&a);
        let (client, server) =
            tokio::join!(socket.connect_fast_open(at(B4, 80), &request), listener.accept());
        let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap());
        assert_eq!(client.info().unwrap().syn_data_acked, on_syn, "round {round}");
        assert_eq!(b.counters().fast_opens, u64::from(on_syn));
        let mut got = vec![0; request.len()];
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(got, request);
        server.write_all(b"answer").await.unwrap();
        client.read_exact(&mut [0; 6]).await.unwrap();
    }

    // More than a SYN or a send buffer takes arrives whole.
    let data: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let reading = tokio::spawn(async move {
        let mut server = listener.accept().await.unwrap().0;
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.unwrap();
        got
    });
    let mut client = TcpSocket::new(&a).connect_fast_open(at(B4, 80), &data).await.unwrap();
    client.shutdown().await.unwrap();
    assert!(reading.await.unwrap() == data);
}

#[tokio::test(start_paused = true)]
async fn fast_open_without_cookie_and_without_permission() {
    let (a_link, b_link) = pair(PairConfig::default());
    let mut policy = Policy::default();
    policy.fast_open.server_without_cookie = true;
    policy.fast_open.every_listener = true;
    policy.fast_open.client = false;
    let a = on(a_link, A4, A6).spawn().unwrap();
    let b = on(b_link, B4, B6).policy(policy).spawn().unwrap();
    let listener = b.listen(at(B4, 80)).unwrap();
    let socket = TcpSocket::new(&a);
    socket.set_fast_open_without_cookie(true).unwrap();
    let (client, server) =
        tokio::join!(socket.connect_fast_open(at(B4, 80), b"at once"), listener.accept());
    let (client, (mut server, _)) = (client.unwrap(), server.unwrap());
    assert!(client.info().unwrap().syn_data_acked);
    server.read_exact(&mut [0; 7]).await.unwrap();

    let error = TcpSocket::new(&b).connect_fast_open(at(A4, 80), b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_taken_once() {
    let (a, b) = two_stacks();
    let (mut client, server) = connection(&a, &b).await;
    assert!(client.take_error().unwrap().is_none());
    server.abort();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::ConnectionReset);
    assert!(client.take_error().unwrap().is_none());
    assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.state(), StateName::Closed);
}
